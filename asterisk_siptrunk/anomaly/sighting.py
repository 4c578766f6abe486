"""What the watch sees: calls, each when it begins, when it is answered, and when it ends.

From the attempt on: an hour-long call counts while it lasts, and one that is refused counts, too.
"""

from dataclasses import dataclass
from enum import IntEnum

from asterisk_siptrunk.call import Direction, Reason


@dataclass(frozen=True, slots=True)
class Seen:
    """A call, as far as it is known. Times are seconds since 1970, UTC.

    Attributes:
        id: the database's number of it: what a finding names as its evidence.
        caller: the number presented onwards; `presented` is what the PBX sent.
        callee: in E.164, or a short number.
        zone: country and kind ("fr:mobile"), or "".
        admitted: whether it was let through; `reason` says why not.
        fee: of its connection, `price` of a minute, in millionths of the currency; 0 where there is
            no rate for it.
    """

    id: int
    trunk: str
    direction: Direction
    caller: str
    presented: str
    callee: str
    zone: str
    admitted: bool
    reason: Reason
    started_at: float
    answered_at: float | None = None
    ended_at: float | None = None
    fee: int = 0
    price: int = 0


class Moment(IntEnum):
    """Which moment of a call it is."""

    BEGUN = 0
    """A refused call is born ended: its BEGUN is followed by ENDED at once."""
    ANSWERED = 1
    ENDED = 2


@dataclass(frozen=True, slots=True)
class Sighting:
    """A moment of a call; the call is as it was known then."""

    moment: Moment
    at: float
    seen: Seen
