"""When a notice that did not arrive is tried again: for as long as it takes."""

from datetime import timedelta

FIRST = timedelta(minutes=1)
MOST = timedelta(hours=6)
_DOUBLINGS = 9
"""After which the longest pause is reached: 2 to the 9th minutes are more than six hours."""
_SPREAD = 0.2


def pause_after(tries: int, jitter: float) -> timedelta:
    """The pause after so many tries, one or more: a minute, then twice as long each time.

    `jitter`, at random from 0 to 1, takes up to a fifth of it away: what failed together, since
    one receiver was down, does not come back to it all at once.
    """
    times: int = 2 ** min(tries - 1, _DOUBLINGS)
    whole = min(FIRST * times, MOST)
    return whole * (1 - _SPREAD * jitter)
