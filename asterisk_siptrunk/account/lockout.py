"""How long a login is closed after wrong passwords: longer each time, and never for good.

For good would let anybody shut anybody out.
"""

from datetime import timedelta

FREE = 4
"""So many may be mistyped."""
_FIRST = timedelta(seconds=2)
_LONGEST = timedelta(minutes=15)


def pause_after(failures: int) -> timedelta:
    """How long nothing is tried after so many failures on end."""
    if failures <= FREE:
        return timedelta(0)
    doublings = min(failures - FREE - 1, 20)
    return min(_FIRST * int(2**doublings), _LONGEST)
