"""How often somebody may ask: so many times at once, and then so many a second.

A bucket is full at first; each request takes one out, and they flow back by and by. One that has
been left alone is full again, and so need not be kept: memory is bounded.
"""

import math
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pace:
    """How large a bucket is, and how fast it fills.

    Attributes:
        burst: how many may be taken at once.
        seconds: until an empty one is full.
    """

    burst: int
    seconds: int

    @property
    def per_second(self) -> float:
        """How many flow back in a second."""
        return self.burst / self.seconds


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of taking one.

    Attributes:
        given: whether there was one.
        left: whole ones that are left.
        wait: seconds until there is one again; 0 where there is.
        full_in: seconds until the bucket is full again.
    """

    given: bool
    left: int
    wait: int
    full_in: int


class Buckets(Generic[K]):
    """A bucket for each key; the `most` that were used last are kept."""

    def __init__(self, pace: Pace, most: int) -> None:
        self.pace = pace
        self._most = most
        self._held: OrderedDict[K, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, key: K, now: float) -> Taken:
        """Take one out; `now` is in seconds, by any clock."""
        level = self._level(key, now)
        given = level >= 1
        self._keep(key, level - 1 if given else level, now)
        return self._taken(key, given=given)

    def look(self, key: K, now: float) -> Taken:
        """What taking one would come to; nothing is taken."""
        level = self._level(key, now)
        self._keep(key, level, now)
        return self._taken(key, given=level >= 1)

    def _level(self, key: K, now: float) -> float:
        level, at = self._held.get(key, (float(self.pace.burst), now))
        # A clock that was set back gives nothing, and takes nothing.
        return min(self.pace.burst, level + max(0.0, now - at) * self.pace.per_second)

    def _keep(self, key: K, level: float, now: float) -> None:
        self._held.pop(key, None)
        if level < self.pace.burst:
            self._held[key] = level, now
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def _taken(self, key: K, *, given: bool) -> Taken:
        level, _ = self._held.get(key, (float(self.pace.burst), 0.0))
        rate = self.pace.per_second
        return Taken(
            given=given,
            left=math.floor(level),
            wait=0 if level >= 1 else math.ceil((1 - level) / rate),
            full_in=math.ceil((self.pace.burst - level) / rate),
        )
