"""What a list of calls comes to: how many were answered, and how long they lasted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from asterisk_siptrunk.call.record import Verdict


class Outcome(NamedTuple):
    """How a call went."""

    verdict: Verdict
    answered_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sums:
    """What calls come to.

    Attributes:
        answered: how many were, those that still go on too.
        unanswered: how many were let through, and ended without an answer.
        spoken: how long those lasted, from the answer, that were answered and have ended.
        over: how many these are.
    """

    answered: int = 0
    unanswered: int = 0
    refused: int = 0
    live: int = 0
    over: int = 0
    spoken: timedelta = timedelta()

    @property
    def calls(self) -> int:
        """How many there are in all, those too that nobody has answered yet."""
        return self.over + self.unanswered + self.refused + self.live

    @property
    def asr(self) -> float | None:
        """Answer-seizure ratio: of the calls let through that were decided, how many answered."""
        decided = self.answered + self.unanswered
        return self.answered / decided if decided else None

    @property
    def acd(self) -> timedelta | None:
        """Average call duration, from the answer to the end."""
        return self.spoken / self.over if self.over else None


def sums_of(outcomes: Iterable[Outcome]) -> Sums:
    """Add calls up."""
    answered = unanswered = refused = live = over = 0
    spoken = timedelta()
    for one in outcomes:
        if one.verdict is Verdict.REFUSED:
            refused += 1
            continue
        answered += one.answered_at is not None
        live += one.ended_at is None
        if one.ended_at is None:
            continue
        if one.answered_at is None:
            unanswered += 1
        else:
            over += 1
            spoken += max(timedelta(), one.ended_at - one.answered_at)
    return Sums(answered, unanswered, refused, live, over, spoken)
