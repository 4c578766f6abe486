"""What a detector is to the simulation: it sees what the service sees, and says what to stop."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from asterisk_siptrunk.call import Direction
from tests.traffic.zones import is_abroad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from asterisk_siptrunk.anomaly.sighting import Sighting
    from asterisk_siptrunk.call.security import SecurityEvent
    from tests.traffic.plan import Line, Planned


class Part(IntEnum):
    """Of a trunk's service, from the narrowest; emergency calls are in none."""

    CALLER = 0
    ZONE = 1
    INTERNATIONAL = 2
    OUTBOUND = 3
    ALL = 4


class Scope(NamedTuple):
    """What to stop; `name` is the zone or the caller where it is one."""

    part: Part
    name: str = ""

    def covers(self, call: Planned) -> bool:
        """Whether the call is in it."""
        if call.zone.endswith(":emergency"):
            return False
        if self.part is Part.ALL:
            return True
        return call.direction is Direction.OUTBOUND and self._covers_outbound(call)

    def _covers_outbound(self, call: Planned) -> bool:
        if self.part is Part.CALLER:
            return self.name in {call.caller, call.presented}
        if self.part is Part.ZONE:
            return call.zone == self.name
        return self.part is Part.OUTBOUND or is_abroad(call.zone)


class Level(IntEnum):
    """How sure a rule is: a warning stops nothing."""

    WARNING = 0
    CRITICAL = 1


class Verdict(NamedTuple):
    """What a detector says.

    Attributes:
        until: when a stop ends by itself; None holds until somebody lifts it.
        ends_calls: whether running calls in the scope are ended, too.
    """

    at: float
    trunk: str
    scope: Scope
    level: Level
    rule: str
    until: float | None = None
    ends_calls: bool = False


class Detector(Protocol):
    """Sightings come in order of time."""

    def take(self, sighting: Sighting) -> Iterable[Verdict]:
        """See a moment of a call."""

    def tick(self, now: float) -> Iterable[Verdict]:
        """See that time has passed: what follows from calls that run on."""

    def notice(self, event: SecurityEvent) -> Iterable[Verdict]:
        """See an attempt on the trunk's account."""


if TYPE_CHECKING:
    Maker = Callable[[Sequence[Line]], Detector]
    """Makes a fresh detector for a provider with these trunks."""
