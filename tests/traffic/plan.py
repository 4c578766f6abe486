"""A call as those who place it mean it to be, before anyone has judged it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from asterisk_siptrunk.call import Direction, Reason

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Line:
    """A trunk, as much of it as traffic needs; `numbers` has the main one first."""

    name: str
    kind: str
    channels: int
    numbers: tuple[str, ...]


class Planned(NamedTuple):
    """One call that will be tried.

    Attributes:
        at: when, in seconds since 1970.
        caller: the number shown; the trunk's main one stands in where `presented` is not its own.
        ring: seconds until it is answered, or given up.
        talk: seconds from the answer to the end; None where nobody answers.
        reason: why it is refused whatever happens; ADMITTED where nothing is wrong with it.
    """

    at: float
    line: Line
    direction: Direction
    caller: str
    presented: str
    callee: str
    zone: str
    ring: float
    talk: float | None
    reason: Reason = Reason.ADMITTED


def outbound(
    at: float, line: Line, caller: str, callee: tuple[str, str], lasts: tuple[float, float | None]
) -> Planned:
    """A call out; `callee` is number and zone, `lasts` ring and talk."""
    number, zone = callee
    own = caller if caller in line.numbers else line.numbers[0]
    return Planned(at, line, Direction.OUTBOUND, own, caller, number, zone, *lasts)


def inbound(
    at: float, line: Line, caller: str, callee: str, lasts: tuple[float, float | None]
) -> Planned:
    """A call in, to one of the trunk's numbers."""
    return Planned(at, line, Direction.INBOUND, caller, caller, callee, "fr:fixed", *lasts)


def unreadable(at: float, line: Line, caller: str) -> Planned:
    """A call to digits that lead nowhere."""
    way = Direction.OUTBOUND
    return Planned(at, line, way, caller, caller, "", "", 0, None, Reason.UNKNOWN_NUMBER)


def about(random: Random, median: float, spread: float) -> float:
    """A duration round its median; log-normal, as those of calls are."""
    return random.lognormvariate(0, spread) * median
