"""Calls per second of a trunk: a token bucket of one second's calls."""

from dataclasses import dataclass

_MOST_SKEW = 300.0
"""Seconds: the clocks of two servers do not differ by more. What lies further ahead was written
before a clock was set back, and waiting for it would refuse calls for as long as that."""


@dataclass(frozen=True, slots=True)
class Pace:
    """A bucket as it was left: `tokens` calls were allowed at `at` (epoch seconds)."""

    tokens: float
    at: float

    def refilled(self, per_second: int, now: float) -> "Pace":
        """The bucket at `now`; it holds one second's calls at most.

        A clock that was set back gives nothing and takes nothing.
        """
        gained = max(0.0, now - self.at) * per_second
        at = now if self.at - now > _MOST_SKEW else max(now, self.at)
        return Pace(min(float(per_second), self.tokens + gained), at)

    def less_one(self) -> "Pace":
        """The bucket after a call passed."""
        return Pace(self.tokens - 1, self.at)


def full(per_second: int, now: float) -> Pace:
    """The bucket of a trunk that has not called yet."""
    return Pace(float(per_second), now)
