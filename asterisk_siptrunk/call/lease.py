"""Several servers on one limit: who still lives, and what one may do that cannot ask the others.

Each server's service gives a sign of life in the database, a number that rises. No clock of one
server is ever compared with another's: whoever looks measures by its own how long a number has
stood still. A server whose number stood still for a lease is lost, and its calls with it; the
server itself knows by its own clock that this may have been said of it, and no later than the
others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

BEAT_SECONDS = 2.0
"""Between two signs of life."""
LEASE_SECONDS = 10.0
"""A sign of life that stands still for this long is of a server that is lost. With the beat and the
work that follows, its channels are free within 15 s."""
KNOWN_SECONDS = LEASE_SECONDS + 5.0
"""Who gave no sign of life for this long may be sure that all others have taken it for lost."""
BLIND_SECONDS = 3 * BEAT_SECONDS
"""Whoever did not see the database for this long saw nobody's signs either, and begins anew."""
WHOLE = 100
"""Percent of each trunk's limit that a server may use alone: all of it, where there is no other."""


class LeaseWatch:
    """How long the other servers' signs of life have stood still, by our own clock."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float]] = {}
        self._looked_at = 0.0

    def lost(self, beats: Mapping[str, int], now: float) -> tuple[str, ...]:
        """The servers that are lost, from what all show now; `now` is monotonic, in seconds."""
        if now - self._looked_at > BLIND_SECONDS:
            self._seen = {}
        self._looked_at = now
        seen = {name: (beat, now) for name, beat in beats.items()}
        stood_still = {
            name: known for name, known in self._seen.items() if beats.get(name) == known[0]
        }
        self._seen = seen | stood_still
        return tuple(
            name for name, (_, since) in self._seen.items() if now - since >= LEASE_SECONDS
        )


@dataclass(slots=True)
class Lease:
    """What this server may do by itself.

    Attributes:
        share: percent of each limit that it may use alone, however long; the others leave that
            free for it once they take it for lost.
        beat_at: when it began to give the last sign of life that was stored, monotonic seconds.
    """

    share: int
    beat_at: float

    def stands(self, now: float) -> bool:
        """Whether no other server can have taken this one for lost."""
        return now - self.beat_at < LEASE_SECONDS

    def limit(self, whole: int, held: int, now: float) -> int:
        """How many of a limit's channels this server may have in use, alone.

        While the lease stands the others count the calls that it held (`held`) when it was cut
        off, and no more; once they have taken it for lost they keep its share free. When exactly
        they do so it cannot know: until that is certain it uses no more than either.
        """
        if self.share == WHOLE:
            return whole
        share = whole * self.share // WHOLE
        if self.stands(now):
            return held
        return share if now - self.beat_at >= KNOWN_SECONDS else min(held, share)
