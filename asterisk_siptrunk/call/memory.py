"""What a server's service remembers of its own open calls, to go on by while the database is away.

The rows are the truth. This is a copy of those of one server, kept in step by what the service
tells and hears, and compared with the rows again and again, so that it can stand in for them for a
short time.
"""

from collections import Counter
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass, field, replace

from asterisk_siptrunk.call.attempt import Direction
from asterisk_siptrunk.call.pace import Pace, full
from asterisk_siptrunk.call.route import Way
from asterisk_siptrunk.destination import Destination
from asterisk_siptrunk.trunk import Carrier


@dataclass(frozen=True, slots=True)
class Held:
    """An open call: what it holds, and what its next carrier would be told.

    Attributes:
        trunk, carrier: their ids; None where it is at none.
        tried: ids of carriers that failed it.
        emergency: carriers' limits do not bind it.
    """

    trunk: int | None
    direction: Direction
    carrier: int | None
    callee: Destination
    caller: str
    emergency: bool = False
    tried: frozenset[int] = frozenset()

    def put_to(self, carrier: Carrier) -> tuple["Held", Way]:
        """The call at its next carrier, and what that is told."""
        tried = self.tried if self.carrier is None else self.tried | {self.carrier}
        next_one = replace(self, carrier=carrier.id, tried=tried)
        return next_one, Way(carrier, self.callee, self.caller)


@dataclass(frozen=True, slots=True)
class Count:
    """Open calls: of each trunk by direction, and of each carrier; by id."""

    trunks: Counter[tuple[int | None, Direction]] = field(default_factory=Counter)
    carriers: Counter[int | None] = field(default_factory=Counter)

    def of_trunk(self, trunk: int) -> int:
        """Calls of a trunk, both directions."""
        return sum(self.trunks[trunk, direction] for direction in Direction)


class CallMemory:
    """The open calls of one server, by UniqueID.

    The event loop and the database's thread both use it: each change is one step of a dict's.
    """

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._since_mark: set[str] | None = None
        """What changed while rows are being read; nothing is kept between two readings."""
        self._paces: dict[int, Pace] = {}

    def __len__(self) -> int:
        """How many calls are open."""
        return len(self._held)

    def get(self, uniqueid: str) -> Held | None:
        """One call, None where it is not open."""
        return self._held.get(uniqueid)

    def alive(self) -> Collection[str]:
        """The UniqueIDs of all."""
        return list(self._held)

    def take(self, uniqueid: str, held: Held) -> None:
        """A call was admitted, or put to another carrier."""
        self._note(uniqueid)
        self._held[uniqueid] = held

    def end(self, uniqueid: str) -> None:
        """A call ended, if it was one of ours."""
        self._note(uniqueid)
        self._held.pop(uniqueid, None)

    def count(self, *, but: Container[str] = ()) -> Count:
        """Count all but some calls: the one that asks, those of which nothing is certain."""
        count = Count()
        for uniqueid, held in list(self._held.items()):
            if uniqueid not in but:
                count.trunks[held.trunk, held.direction] += 1
                count.carriers[held.carrier] += 1
        return count

    def pace(self, trunk: int, per_second: int, now: float) -> Pace:
        """How fast a trunk calls that has such a limit; `now` is in epoch seconds."""
        known = self._paces.get(trunk)
        return full(per_second, now) if known is None else known.refilled(per_second, now)

    def keep_pace(self, trunk: int, pace: Pace) -> None:
        """A trunk's pace after a call."""
        self._paces[trunk] = pace

    def emergencies(self) -> frozenset[str]:
        """The UniqueIDs of calls that no limit binds."""
        return frozenset(one for one, held in list(self._held.items()) if held.emergency)

    def mark(self) -> None:
        """The rows are about to be read: what happens from here on is newer than they are."""
        self._since_mark = set()

    def compare(self, rows: Mapping[str, Held]) -> None:
        """Go by the rows, read after `mark`, in all that did not happen since."""
        newer = set() if self._since_mark is None else self._since_mark
        for uniqueid in list(self._held):
            if uniqueid not in rows and uniqueid not in newer:
                self._held.pop(uniqueid, None)
        for uniqueid, held in rows.items():
            if uniqueid not in newer:
                self._held[uniqueid] = held
        self._since_mark = None  # not before: the database's thread goes on meanwhile

    def _note(self, uniqueid: str) -> None:
        if (since := self._since_mark) is not None:
            since.add(uniqueid)
