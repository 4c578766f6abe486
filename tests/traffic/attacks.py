"""Frauds of published shapes, as scripts that learn from what becomes of their calls.

A `Shape` makes an attack on a trunk. What is published of them: `TELECOM-FACTS.md`'s weekend at a
seven-person firm (a call every few seconds, all channels, hours long, after a test call and
batches of prefix variants), CFCA's yearly surveys, Europol's and the GSMA's descriptions of
wangiri, PBX dial-through and international revenue share fraud. Figures are parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from asterisk_siptrunk.call import Reason
from asterisk_siptrunk.call.security import SecurityEvent
from tests.traffic.days import DAY, HOUR, Sort, midnight, sort_of
from tests.traffic.plan import about, inbound, outbound, unreadable
from tests.traffic.simulation import Attack, Outcome
from tests.traffic.zones import a_number, numbers_from

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from random import Random

    from tests.traffic.plan import Line, Planned

MINUTE = 60.0
_TRIES_AGAIN_AFTER = 10 * MINUTE
"""When everything that was tried has been refused."""
_TRIES_ELSEWHERE_AFTER = 20.0
_CHANNELS_FREE_AFTER = 40.0
_ATTACKER = "198.51.100.66"


class Shape(Protocol):
    """Makes an attack on a trunk on or soon after a day."""

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From the seed alone."""


class Aims:
    """Where an attacker's calls go: numbers, each with its zone; refused zones are left out."""

    def __init__(self, numbers: Sequence[tuple[str, str]], random: Random) -> None:
        self.random = random
        self._numbers = numbers
        self._left = numbers

    @classmethod
    def of(cls, zones: Sequence[str], random: Random, each: int = 5) -> Aims:
        """Some numbers in each zone."""
        return cls([(a_number(zone, random), zone) for zone in zones for _ in range(each)], random)

    def pick(self) -> tuple[str, str] | None:
        """One; None where all zones were refused: they are tried again from the start later."""
        if self._left:
            return self.random.choice(self._left)
        self._left = self._numbers
        return None

    def refuse(self, zone: str) -> None:
        """A call there was refused."""
        self._left = [(number, its) for number, its in self._left if its != zone]


@dataclass(slots=True)
class Pump:
    """How one line of an attacker's places its calls.

    Attributes:
        callers: numbers to show, at random.
        talk: seconds, median and spread; `answered` the share of calls that are.
        gap: seconds between the end of a call and the next, at least; half as much again at most.
        ring: seconds.
    """

    line: Line
    aims: Aims
    callers: Sequence[str]
    talk: tuple[float, float]
    gap: float = 3.0
    answered: float = 0.95
    ring: float = 3.0

    def run(self, at: float, until: float) -> Generator[Planned, Outcome, None]:
        """From one moment to another."""
        random = self.aims.random
        while at < until:
            aim = self.aims.pick()
            if aim is None:
                at += _TRIES_AGAIN_AFTER
                continue
            talk = about(random, *self.talk) if random.random() < self.answered else None
            call = outbound(at, self.line, random.choice(self.callers), aim, (self.ring, talk))
            outcome = yield call
            at = outcome.at + self._pause(outcome.reason, aim[1])

    def _pause(self, reason: Reason, zone: str) -> float:
        """Seconds to the next try."""
        if reason is Reason.SUSPENDED:
            self.aims.refuse(zone)
            return min(self.gap, _TRIES_ELSEWHERE_AFTER)
        if reason is Reason.CHANNELS_FULL:
            return _CHANNELS_FREE_AFTER
        return self.gap * self.aims.random.uniform(1, 1.5)

    def in_hours(
        self, first: date, days: int, span: tuple[float, float]
    ) -> Generator[Planned, Outcome, None]:
        """Between two hours of each working day."""
        for day in working_days(first, days):
            since = midnight(day)
            yield from self.run(since + span[0] * HOUR, since + span[1] * HOUR)


def night_of(day: date, random: Random) -> float:
    """Soon after closing time on the next Friday, or the day before a holiday, or at any night."""
    sooner = (day + timedelta(days=ahead) for ahead in range(7))
    eve = next(one for one in sooner if sort_of(one + timedelta(days=1)) is not Sort.WORKING)
    evening = eve if random.random() < 0.7 else day
    return midnight(evening) + random.uniform(19.5, 26) * HOUR


def working_days(day: date, count: int) -> list[date]:
    """That many, from a day on."""
    after = (day + timedelta(days=ahead) for ahead in range(4 * count + 14))
    return [one for one in after if sort_of(one) is Sort.WORKING][:count]


def guessed(line: Line, at: float, wrong: int) -> list[SecurityEvent]:
    """What guessing a password leaves behind, in the hour before."""
    step = HOUR / (wrong + 1)
    moments = (at - HOUR + step * (turn + 1) for turn in range(wrong))
    kind = "ChallengeResponseFailed"
    return [_event(line, moment, kind) for moment in moments] + logged_in(line, at)


def logged_in(line: Line, at: float) -> list[SecurityEvent]:
    """Someone from elsewhere has the right password."""
    return [_event(line, at - 30, "SuccessfulAuth")]


def _event(line: Line, at: float, kind: str) -> SecurityEvent:
    when = datetime.fromtimestamp(at, UTC)
    return SecurityEvent(_ATTACKER, line.name, line.name, kind, when)


def probed(
    line: Line, at: float, variants: int, random: Random
) -> Generator[Planned, Outcome, None]:
    """Prefixes are tried, then one number that is harmless."""
    for _ in range(variants):
        yield unreadable(at, line, line.numbers[0])
        at += random.uniform(1, 6)
    test = (a_number("gb:fixed", random), "gb:fixed")
    yield outbound(at + 60, line, line.numbers[0], test, (5, 12))


def dialled_in(
    line: Line, at: float, until: float, talk: float, random: Random
) -> Generator[Planned, Outcome, None]:
    """Calls in, one after the other, that others may go out through."""
    caller = a_number("gb:mobile", random)
    while at < until:
        lasts = (4, about(random, talk, 0.3))
        at = (yield inbound(at, line, caller, line.numbers[-1], lasts)).at + 60


@dataclass(frozen=True, slots=True)
class PremiumPumping:
    """A password is guessed; prefixes are probed, one test call, then every channel for the night.

    Attributes:
        zones: where the money is.
        lines: calls at once.
        talk: seconds, median.
        lasts: seconds of it all.
        variants: how many prefixes are probed.
    """

    zones: tuple[str, ...]
    lines: int
    talk: float
    lasts: float
    variants: int = 20
    name: str = "premium pumping"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night, best before a weekend."""
        begins = night_of(day, random)
        pumping, ends = begins + 15 * MINUTE, begins + self.lasts
        aims = Aims.of(self.zones, random)
        pump = Pump(line, aims, line.numbers[:1], (self.talk, 0.5))
        scripts = [pump.run(pumping + 7 * turn, ends) for turn in range(self.lines)]
        probes = probed(line, begins, self.variants, random)
        events = guessed(line, begins, 60)
        return Attack(self.name, line, begins, ends, [probes, *scripts], events)


@dataclass(frozen=True, slots=True)
class SlowPumping:
    """A few calls an hour in business hours, for days, to what costs neither little nor much."""

    zones: tuple[str, ...]
    gap: float
    talk: float
    days: int
    span: tuple[float, float] = (9, 18)
    name: str = "slow pumping"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From the next working day on."""
        days = working_days(day, self.days)
        begins = midnight(days[0]) + self.span[0] * HOUR
        pump = Pump(line, Aims.of(self.zones, random, 8), line.numbers, (self.talk, 0.5), self.gap)
        scripts = [pump.in_hours(days[0], self.days, self.span)]
        return Attack(self.name, line, begins, midnight(days[-1]) + DAY, scripts)


@dataclass(frozen=True, slots=True)
class WangiriOut:
    """The trunk is used to ring thousands once, so that they call a premium number back.

    It costs little: who is harmed are those called, and the trunk's name.
    """

    zone: str
    lines: int
    lasts: float
    ring: float = 1.5
    name: str = "wangiri, from the trunk"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """In the evening, when people are at home."""
        begins = midnight(day) + random.uniform(17, 21) * HOUR
        ends = begins + self.lasts
        shown = [a_number("lv:premium", random) for _ in range(3)]
        scripts = []
        for turn in range(self.lines):
            aims = Aims.of((self.zone,), random, 400)
            pump = Pump(line, aims, shown, (4, 0.5), 1.0, 0.03, self.ring)
            scripts.append(pump.run(begins + turn, ends))
        return Attack(self.name, line, begins, ends, scripts, logged_in(line, begins))


@dataclass(frozen=True, slots=True)
class WangiriIn:
    """Each number of the trunk is rung once from abroad, again and again; some people call back.

    Attributes:
        zone: of the number that rings, and is called back.
        rounds: how often all are rung, an hour apart.
        curious: the share of missed calls that are called back.
        talk: seconds, median: a tape that says "please hold".
    """

    zone: str
    rounds: int
    curious: float
    talk: float = 150
    name: str = "wangiri, to the trunk"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """On a working day."""
        begins = midnight(working_days(day, 1)[0]) + 9.5 * HOUR
        bait = a_number(self.zone, random)
        ends = begins + (self.rounds + 4) * HOUR
        scripts = [self._ring(line, bait, begins, random)]
        for turn in range(self.rounds):
            for number in line.numbers:
                if random.random() < self.curious:
                    at = begins + turn * HOUR + random.uniform(120, 2 * HOUR)
                    scripts.append(self._call_back(line, (number, bait), at, random))
        return Attack(self.name, line, begins, ends, scripts)

    def _ring(
        self, line: Line, bait: str, begins: float, random: Random
    ) -> Generator[Planned, Outcome, None]:
        for turn in range(self.rounds):
            at = begins + turn * HOUR
            for number in line.numbers:
                outcome = yield inbound(at, line, bait, number, (1.2, None))
                at = outcome.at + random.uniform(1, 4)

    def _call_back(
        self, line: Line, who: tuple[str, str], at: float, random: Random
    ) -> Generator[Planned, Outcome, None]:
        number, bait = who
        lasts = (3.0, about(random, self.talk, 0.6))
        outcome = yield outbound(at, line, number, (bait, self.zone), lasts)
        if outcome.reason is Reason.SUSPENDED:
            yield outbound(outcome.at + 60, line, number, (bait, self.zone), lasts)


@dataclass(frozen=True, slots=True)
class Scanning:
    """Numbers of a range are dialled one after the other, to find out which exist."""

    zone: str
    gap: float
    lines: int
    count: int
    name: str = "number scanning"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night, or in the lunch hour."""
        hour = random.choice((random.uniform(0, 5), 12.3))
        begins = midnight(day) + hour * HOUR
        scripts = self.scripts(line, begins, random)
        return Attack(self.name, line, begins, begins + 12 * HOUR, scripts)

    def scripts(
        self, line: Line, begins: float, random: Random
    ) -> list[Generator[Planned, Outcome, None]]:
        """The numbers in turn, by so many lines."""
        numbers = numbers_from(self.zone, random.randrange(1000), self.count)
        return [
            self._dial(line, numbers[turn :: self.lines], begins + turn, random)
            for turn in range(self.lines)
        ]

    def _dial(
        self, line: Line, numbers: Sequence[str], at: float, random: Random
    ) -> Generator[Planned, Outcome, None]:
        for number in numbers:
            talk = random.uniform(1, 3) if random.random() < 0.25 else None
            call = outbound(at, line, line.numbers[0], (number, self.zone), (4, talk))
            at = (yield call).at + self.gap


@dataclass(frozen=True, slots=True)
class DialThrough:
    """A voice mailbox with a weak PIN gives a line out: a call in, and at once one abroad."""

    zones: tuple[str, ...]
    lines: int
    talk: float
    lasts: float
    name: str = "dial-through"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night."""
        begins = night_of(day, random)
        ends = begins + self.lasts
        aims = Aims.of(self.zones, random)
        pump = Pump(line, aims, line.numbers[-1:], (self.talk, 0.5), 90.0)
        scripts = [pump.run(begins + 20 + 300 * turn, ends) for turn in range(self.lines)]
        ways_in = [
            dialled_in(line, begins + 300 * turn, ends, self.talk + 40, random)
            for turn in range(self.lines)
        ]
        return Attack(self.name, line, begins, ends, [*ways_in, *scripts])


@dataclass(frozen=True, slots=True)
class CallBack:
    """The PBX calls back who let it ring: it is made to call a dear number, and to bridge."""

    zone: str
    zones: tuple[str, ...]
    talk: float
    lasts: float
    name: str = "call-back"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night."""
        begins = night_of(day, random)
        ends = begins + self.lasts
        scripts = [self._trigger(line, begins + 40 * turn, ends, random) for turn in range(2)]
        return Attack(self.name, line, begins, ends, scripts)

    def _trigger(
        self, line: Line, at: float, until: float, random: Random
    ) -> Generator[Planned, Outcome, None]:
        own, bait = line.numbers[0], (a_number(self.zone, random), self.zone)
        aims = Aims.of(self.zones, random)
        while at < until:
            at = (yield inbound(at, line, bait[0], own, (6, None))).at + 5
            aim = (aims.pick() if random.random() < 0.5 else None) or bait
            call = outbound(at, line, own, aim, (4, about(random, self.talk, 0.4)))
            outcome = yield call
            refused = outcome.reason is Reason.SUSPENDED
            at = outcome.at + (_TRIES_AGAIN_AFTER if refused else random.uniform(10, 60))


@dataclass(frozen=True, slots=True)
class Resale:
    """Somebody else's customers call through the trunk, day and night, with their own numbers."""

    zones: tuple[str, ...]
    lines: int
    days: int
    talk: float = 200
    name: str = "resale"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From a morning on."""
        begins = midnight(day) + random.uniform(7, 10) * HOUR
        ends = begins + self.days * DAY
        shown = [a_number(random.choice(("fr:mobile", *self.zones)), random) for _ in range(300)]
        scripts = []
        for turn in range(self.lines):
            aims = Aims.of(self.zones, random, 60)
            pump = Pump(line, aims, shown, (self.talk, 1), 45.0, 0.55, 12.0)
            scripts.append(pump.run(begins + 10 * turn, ends))
        return Attack(self.name, line, begins, ends, scripts)


@dataclass(frozen=True, slots=True)
class OneCallee:
    """All calls go to one number, whose owner is paid for each minute."""

    zone: str
    lines: int
    talk: float
    lasts: float
    name: str = "pumping to one callee"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """In the evening or at night."""
        begins = midnight(day) + random.uniform(18, 28) * HOUR
        ends = begins + self.lasts
        aims = Aims.of((self.zone,), random, 1)
        pump = Pump(line, aims, line.numbers, (self.talk, 0.4), 5.0)
        scripts = [pump.run(begins + 30 * turn, ends) for turn in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts)


@dataclass(frozen=True, slots=True)
class Stolen:
    """The trunk's password is used elsewhere while its own PBX goes on calling."""

    zones: tuple[str, ...]
    lines: int
    talk: float
    lasts: float
    name: str = "stolen credentials"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """In the middle of a working day."""
        begins = midnight(working_days(day, 1)[0]) + random.uniform(9.5, 15) * HOUR
        ends = begins + self.lasts
        aims = Aims.of(self.zones, random)
        shown = [line.numbers[0], a_number("gb:mobile", random)]
        pump = Pump(line, aims, shown, (self.talk, 0.8), 8.0, 0.8, 8.0)
        scripts = [pump.run(begins + 45 * turn, ends) for turn in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts, logged_in(line, begins))
