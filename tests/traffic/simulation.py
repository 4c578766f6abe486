"""A provider's days, played before one detector that may stop calls: what it stops, happens.

Ordinary calls are what they were planned to be. An attack is played by scripts, one for each of
the attacker's lines, that learn what became of a call before they try the next: refused calls are
tried elsewhere, calls that are cut are dialled again. Every destination is open on these trunks:
with the default policy, which blocks premium numbers, satellites and the list of risks from the
first day, most of these attacks would end with their first call, and nothing would be measured.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.call import Direction, Reason
from tests.traffic.days import DAY, HOUR
from tests.traffic.detector import Level
from tests.traffic.zones import FREE, price_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from asterisk_siptrunk.call.security import SecurityEvent
    from tests.traffic.detector import Detector, Scope, Verdict
    from tests.traffic.plan import Line, Planned

HOLDS_AFTER = 1.0
"""Seconds from a verdict to the first admission that knows of it: the watch polls each second."""
TICK = 30.0
"""Seconds between two ticks; the service's own are shorter."""
PERSON_COMES_AFTER = 12 * HOUR
"""From the first stop to the moment at which a person has looked: an attacker is locked out for
good, a false stop that still holds is lifted. A night and a bit; the same for every detector."""


class Outcome(NamedTuple):
    """What became of a call of an attacker's: `reason` ADMITTED where it was let through."""

    at: float
    reason: Reason


@dataclass(slots=True)
class Attack:
    """One, as it is played on one trunk.

    Attributes:
        shape: its name in the tables.
        begins, ends: when, if nobody does anything; seconds since 1970.
        scripts: one for each line of the attacker's.
        events: what the attacker's attempts on the account leave behind.
    """

    shape: str
    line: Line
    begins: float
    ends: float
    scripts: Sequence[Generator[Planned, Outcome, None]]
    events: Sequence[SecurityEvent] = ()

    def has_begun(self, at: float) -> bool:
        """Whether there may be a trace of it by then, if only a wrong password."""
        return at >= min([self.begins, *(event.at.timestamp() for event in self.events)])


@dataclass(slots=True)
class Damage:
    """What an attack came to.

    Attributes:
        warned_at: of the first finding of any level on the trunk, from its beginning on.
        stopped_at: when the first of its calls was refused, or cut, by a stop.
        spent: all that its calls cost, in the currency, to their real end.
        tried, refused: its calls.
        bystanders: ordinary calls on the trunk that a stop refused or cut from its beginning on.
        rules: that fired.
        over: a person has locked the attacker out.
    """

    attack: Attack
    warned_at: float | None = None
    stopped_at: float | None = None
    spent: float = 0.0
    tried: int = 0
    refused: int = 0
    bystanders: int = 0
    rules: set[str] = field(default_factory=set)
    over: bool = False

    def note(self, verdict: Verdict) -> None:
        """Something was found; what is found long after it has ended is something else."""
        if verdict.at <= self.attack.ends + PERSON_COMES_AFTER:
            self.warned_at = self.warned_at or verdict.at
            self.rules.add(verdict.rule)


@dataclass(slots=True)
class Stop:
    """A part of a trunk that is suspended."""

    scope: Scope
    rule: str
    since: float
    until: float


@dataclass(slots=True, eq=False)
class _Live:
    """A call that was admitted and has not ended."""

    planned: Planned
    seen: Seen
    script: _Played | None


@dataclass(slots=True)
class _Played:
    """A script, and the damage that it does."""

    script: Generator[Planned, Outcome, None]
    damage: Damage


class Simulation:
    """One detector, one provider; `begins` is its first moment.

    Of trunks that nobody attacks, or has attacked yet, `stops` has what was suspended, `refused`
    the number of calls that were refused or cut, `warned` each trunk and day (since 1970) with a
    warning.
    """

    def __init__(self, detector: Detector, attacks: Iterable[Attack], begins: float) -> None:
        self._detector = detector
        self._ids = count(1)
        self._turns = count()
        self._later: list[tuple[float, int, Callable[..., None], object]] = []
        self._live: dict[str, dict[int, _Live]] = defaultdict(dict)
        self._stops: dict[str, list[Stop]] = {}
        self.stops: dict[str, list[Stop]] = defaultdict(list)
        self.warned: set[tuple[str, int]] = set()
        self.refused = 0
        self.sightings = 0
        self.damages = [Damage(attack) for attack in attacks]
        self._attacked = {damage.attack.line.name: damage for damage in self.damages}
        self._at(begins, self._tick, None)
        for damage in self.damages:
            self._at(damage.attack.begins, self._attack, damage)
            for event in damage.attack.events:
                self._at(event.at.timestamp(), self._notice, event)

    def play(self, calls: list[Planned], until: float) -> None:
        """Ordinary calls of a span of time, which ends with `until`, and all that goes on in it."""
        calls.sort(key=attrgetter("at"))
        for call in calls:
            self._pass(call.at)
            self._begin(call, None)
        self._pass(until)

    def _at(self, at: float, do: Callable[..., None], what: object) -> None:
        heappush(self._later, (at, next(self._turns), do, what))

    def _pass(self, until: float) -> None:
        """Do what is due before."""
        later = self._later
        while later and later[0][0] <= until:
            at, _, do, what = heappop(later)
            do(at, what)

    def _tick(self, at: float, _nothing: None) -> None:
        self._heed(self._detector.tick(at))
        self._at(at + TICK, self._tick, None)

    def _notice(self, _at: float, event: SecurityEvent) -> None:
        self._heed(self._detector.notice(event))

    # --- a call ---

    def _begin(self, call: Planned, script: _Played | None) -> None:
        reason = self._judge(call, script)
        out = call.direction is Direction.OUTBOUND
        price = price_of(call.zone) if out else FREE
        admitted = reason is Reason.ADMITTED
        seen = Seen(
            *(next(self._ids), call.line.name, call.direction, call.caller, call.presented),
            *(call.callee, call.zone, admitted, reason, call.at),
            *(None, None if admitted else call.at, price.fee, price.minute),
        )
        if admitted:
            live = _Live(call, seen, script)
            self._live[call.line.name][seen.id] = live
            ring_ends = call.at + call.ring
            self._at(ring_ends, self._answer if call.talk is not None else self._end, live)
        self._show(Moment.BEGUN, call.at, seen)
        if not admitted:
            self._show(Moment.ENDED, call.at, seen)
            if script:
                script.damage.refused += 1
                self._next(script, Outcome(call.at, reason))

    def _judge(self, call: Planned, script: _Played | None) -> Reason:
        if call.reason is not Reason.ADMITTED:
            return call.reason
        name = call.line.name
        stops = self._stops.get(name)
        if stops and any(s.until > call.at and s.scope.covers(call) for s in stops):
            self._count_stopped(call, call.at, script)
            return Reason.SUSPENDED
        if len(self._live[name]) >= call.line.channels and not call.zone.endswith(":emergency"):
            inbound = call.direction is Direction.INBOUND
            return Reason.INBOUND_FULL if inbound else Reason.CHANNELS_FULL
        return Reason.ADMITTED

    def _count_stopped(self, call: Planned, at: float, script: _Played | None) -> None:
        """A call that a stop refused, or cut."""
        if script:
            script.damage.stopped_at = script.damage.stopped_at or at
        elif damage := self._under_attack(call.line.name, at):
            damage.bystanders += 1
        else:
            self.refused += 1

    def _answer(self, at: float, live: _Live) -> None:
        if live.seen.ended_at is not None:
            return
        live.seen = _later(live.seen, answered_at=at)
        assert live.planned.talk is not None
        self._at(at + live.planned.talk, self._end, live)
        self._show(Moment.ANSWERED, at, live.seen)

    def _end(self, at: float, live: _Live) -> None:
        if live.seen.ended_at is not None:
            return
        live.seen = _later(live.seen, ended_at=at)
        del self._live[live.planned.line.name][live.seen.id]
        if live.script:
            self._charge(live.script.damage, live, at)
        self._show(Moment.ENDED, at, live.seen)
        if live.script:
            self._next(live.script, Outcome(at, Reason.ADMITTED))

    def _charge(self, damage: Damage, live: _Live, at: float) -> None:
        answered, call = live.seen.answered_at, live.planned
        if answered is not None and call.direction is Direction.OUTBOUND:
            damage.spent += price_of(call.zone).cost(at - answered)

    def _show(self, moment: Moment, at: float, seen: Seen) -> None:
        self.sightings += 1
        self._heed(self._detector.take(Sighting(moment, at, seen)))

    # --- an attack ---

    def _attack(self, _at: float, damage: Damage) -> None:
        for script in damage.attack.scripts:
            self._next(_Played(script, damage), None)

    def _next(self, script: _Played, outcome: Outcome | None) -> None:
        """Ask a line of the attacker's for its next call."""
        if script.damage.over:
            return
        try:
            call = next(script.script) if outcome is None else script.script.send(outcome)
        except StopIteration:
            return
        at = call.at if outcome is None else max(call.at, outcome.at)
        self._at(at, self._try, (call._replace(at=at), script))

    def _try(self, _at: float, what: tuple[Planned, _Played]) -> None:
        call, script = what
        if not script.damage.over and call.at < script.damage.attack.ends:
            script.damage.tried += 1
            self._begin(call, script)

    # --- what the detector says ---

    def _heed(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            if damage := self._under_attack(verdict.trunk, verdict.at):
                damage.note(verdict)
            elif verdict.level is Level.WARNING:
                self.warned.add((verdict.trunk, int(verdict.at // DAY)))
            if verdict.level is Level.CRITICAL:
                self._at(verdict.at + HOLDS_AFTER, self._hold, verdict)

    def _under_attack(self, trunk: str, at: float) -> Damage | None:
        damage = self._attacked.get(trunk)
        return damage if damage and damage.attack.has_begun(at) else None

    def _hold(self, at: float, verdict: Verdict) -> None:
        """From now on the stop holds."""
        held = [stop for stop in self._stops.get(verdict.trunk, ()) if stop.until > at]
        self._stops[verdict.trunk] = held
        until = verdict.until or inf
        same = next((stop for stop in held if stop.scope == verdict.scope), None)
        if same:
            same.until = max(same.until, min(until, same.since + PERSON_COMES_AFTER))
        else:
            held.append(Stop(verdict.scope, verdict.rule, at, min(until, at + PERSON_COMES_AFTER)))
            self._record(verdict.trunk, held[-1])
        if verdict.ends_calls:
            self._cut(at, verdict)

    def _record(self, trunk: str, stop: Stop) -> None:
        if damage := self._under_attack(trunk, stop.since):
            self._at(stop.since + PERSON_COMES_AFTER, self._lock_out, damage)
        else:
            self.stops[trunk].append(stop)

    def _cut(self, at: float, verdict: Verdict) -> None:
        for live in list(self._live[verdict.trunk].values()):
            if verdict.scope.covers(live.planned):
                self._count_stopped(live.planned, at, live.script)
                self._end(at, live)

    def _lock_out(self, at: float, damage: Damage) -> None:
        """The password is another one now."""
        if damage.over:
            return
        damage.over = True
        self._stops.pop(damage.attack.line.name, None)
        for live in list(self._live[damage.attack.line.name].values()):
            if live.script:
                self._end(at, live)


def _later(seen: Seen, *, answered_at: float | None = None, ended_at: float | None = None) -> Seen:
    """The same call, when more is known of it."""
    return Seen(
        *(seen.id, seen.trunk, seen.direction, seen.caller, seen.presented, seen.callee),
        *(seen.zone, seen.admitted, seen.reason, seen.started_at),
        *(seen.answered_at if answered_at is None else answered_at, ended_at),
        *(seen.fee, seen.price),
    )
