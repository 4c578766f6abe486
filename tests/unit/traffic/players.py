"""A trunk, calls and detectors for the tests of the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk_siptrunk.anomaly.sighting import Moment, Sighting
from asterisk_siptrunk.call import Reason
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.plan import Line, outbound
from tests.traffic.simulation import Attack, Simulation

if TYPE_CHECKING:
    from asterisk_siptrunk.call.security import SecurityEvent

AT = 1_775_500_000.0
OWN, MALDIVES, LATVIA = "+33123450001", ("+9607234567", "mv:mobile"), ("+37126234567", "lv:mobile")
LINE = Line("office", "office", 3, (OWN, "+33123450002"))
OUT = Scope(Part.OUTBOUND)


def call(after: float, callee: tuple[str, str] = MALDIVES, talk: float | None = 600, line=LINE):
    """Out, answered after five seconds."""
    return outbound(AT + after, line, OWN, callee, (5, talk))


class Watcher:
    """Says what a function of the sighting says, and keeps all that it saw."""

    def __init__(self, judge=lambda _sighting: ()) -> None:
        self.judge = judge
        self.seen: list[Sighting] = []
        self.ticks: list[float] = []
        self.events: list[SecurityEvent] = []

    def take(self, sighting):
        self.seen.append(sighting)
        return self.judge(sighting)

    def tick(self, now):
        self.ticks.append(now)
        return ()

    def notice(self, event):
        self.events.append(event)
        return ()

    def moments(self):
        """What was seen, and how long after AT."""
        return [(each.moment.name, each.at - AT, each.seen.reason.value) for each in self.seen]


def critical_at_first(scope=OUT, *, until: float | None = None, ends_calls=False, begun=1):
    """A judge that stops the trunk at the call of that number, once."""
    count = 0

    def judge(sighting):
        nonlocal count
        count += sighting.moment is Moment.BEGUN
        if sighting.moment is not Moment.BEGUN or count != begun:
            return
        seen = sighting.seen
        yield Verdict(sighting.at, seen.trunk, scope, Level.CRITICAL, "test", until, ends_calls)

    return judge


def script(*planned, again: float | None = None):
    """An attacker's line that goes by a list; `again` seconds after a refusal it dials again."""
    outcomes = []

    def play():
        for each in planned:
            outcome = yield each
            outcomes.append(outcome)
            while again and outcome.reason is Reason.SUSPENDED:
                outcome = yield each._replace(at=outcome.at + again)
                outcomes.append(outcome)

    return play(), outcomes


def play(watcher: Watcher, calls=(), *scripts, until: float = 86_400, line=LINE):
    """A simulation of that much time."""
    attacks = [Attack("test", line, AT, AT + until, scripts)] if scripts else []
    simulation = Simulation(watcher, attacks, AT)
    simulation.play(list(calls), AT + until)
    return simulation
