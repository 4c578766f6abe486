"""The set that figures are published from: nothing imports it, and whoever tunes does not read it.

Its seeds and seasons are its own, and so are the figures of the shapes that the tuning set has,
too, seven shapes that it has not, and two kinds of customers. `make bench ONLY=fraud` plays it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from tests.traffic.attacks import (
    MINUTE,
    Aims,
    CallBack,
    DialThrough,
    OneCallee,
    PremiumPumping,
    Pump,
    Resale,
    Scanning,
    Shape,
    SlowPumping,
    Stolen,
    WangiriIn,
    WangiriOut,
    guessed,
    logged_in,
    night_of,
    working_days,
)
from tests.traffic.days import DAY, HOUR, midnight
from tests.traffic.habits import HABITS, Habit, hours, mix
from tests.traffic.plan import outbound
from tests.traffic.scenes import World, repeated
from tests.traffic.simulation import Attack, Outcome
from tests.traffic.zones import a_number, is_abroad

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from random import Random

    from tests.traffic.plan import Line, Planned


@dataclass(frozen=True, slots=True)
class SlowRamp:
    """One line at first, and one more each time that nobody noticed for a while."""

    zones: tuple[str, ...]
    lines: int
    step: float
    talk: float
    lasts: float
    name: str = "slow ramp"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night."""
        begins = night_of(day, random)
        ends = begins + self.lasts
        pump = Pump(line, Aims.of(self.zones, random), line.numbers[:1], (self.talk, 0.6), 60.0)
        scripts = [pump.run(begins + self.step * turn, ends) for turn in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts, logged_in(line, begins))


@dataclass(frozen=True, slots=True)
class ScanThenPump:
    """A scan of the trunk's own country draws the eye while the money flows elsewhere."""

    scan: Scanning
    pump: Shape
    name: str = "scan, then pump"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """The scan begins half an hour before."""
        pumped = self.pump(line, day, random)
        begins = pumped.begins - 30 * MINUTE
        scripts = [*self.scan.scripts(line, begins, random), *pumped.scripts]
        return Attack(self.name, line, begins, pumped.ends, scripts, pumped.events)


@dataclass(frozen=True, slots=True)
class FewLongCalls:
    """Two or three calls that last for hours: whoever counts calls, or waits for ends, is blind."""

    zone: str
    lines: int
    talk: float
    name: str = "few long calls"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """In the afternoon or evening."""
        begins = midnight(day) + random.uniform(15, 22) * HOUR
        aims = Aims.of((self.zone,), random)
        pump = Pump(line, aims, line.numbers, (self.talk, 0.2), 600.0, answered=1)
        ends = begins + self.talk
        scripts = [pump.run(begins + 900 * turn, ends) for turn in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts)


@dataclass(frozen=True, slots=True)
class Spray:
    """Every call to another country: no destination is ever conspicuous."""

    zones: tuple[str, ...]
    lines: int
    talk: float
    lasts: float
    name: str = "spray over countries"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """At night."""
        begins = night_of(day, random)
        ends = begins + self.lasts
        aims = Aims.of(self.zones, random, 1)
        pump = Pump(line, aims, line.numbers, (self.talk, 0.5), 20.0, 0.8, 8.0)
        scripts = [pump.run(begins + 60 * turn, ends) for turn in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts, guessed(line, begins, 15))


@dataclass(frozen=True, slots=True)
class LunchHours:
    """While people are at lunch, day after day."""

    zones: tuple[str, ...]
    lines: int
    talk: float
    days: int
    name: str = "lunch hours"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From the next working day on."""
        days = working_days(day, self.days)
        pump = Pump(line, Aims.of(self.zones, random), line.numbers, (self.talk, 0.5), 30.0)
        begins, ends = midnight(days[0]) + 12.2 * HOUR, midnight(days[-1]) + DAY
        scripts = [pump.in_hours(days[0], self.days, (12.2, 13.6)) for _ in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts)


@dataclass(frozen=True, slots=True)
class Dialler:
    """Malware on a desk's computer calls a surcharged number of the country, now and then."""

    gap: float
    talk: float
    lasts: float
    name: str = "dialler to surcharged numbers"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From the evening to the morning."""
        begins = midnight(day) + random.uniform(19, 23) * HOUR
        scripts = [self._dial(line, begins, random)]
        return Attack(self.name, line, begins, begins + self.lasts, scripts)

    def _dial(self, line: Line, begins: float, random: Random) -> Generator[Planned, Outcome, None]:
        at, own = begins, random.choice(line.numbers)
        numbers = [a_number("fr:premium", random) for _ in range(3)]
        while at < begins + self.lasts:
            talk = self.talk * random.uniform(0.8, 1.2)
            call = outbound(at, line, own, (random.choice(numbers), "fr:premium"), (3, talk))
            at = (yield call).at + self.gap * random.uniform(0.5, 1.5)


@dataclass(frozen=True, slots=True)
class Mimic:
    """Only countries that the victim calls anyway, in its own hours, to mobiles of the fraud's."""

    lines: int
    talk: float
    days: int
    name: str = "in the victim's own countries"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """From the next working day on."""
        days = working_days(day, self.days)
        begins, ends = midnight(days[0]) + 9 * HOUR, midnight(days[-1]) + DAY
        pump = Pump(line, Aims.of(_dearest(line), random), line.numbers, (self.talk, 0.5), 300.0)
        scripts = [pump.in_hours(days[0], self.days, (9, 18)) for _ in range(self.lines)]
        return Attack(self.name, line, begins, ends, scripts)


def _dearest(line: Line) -> Sequence[str]:
    """Mobiles abroad that customers of that kind call."""
    habit = next(each for each in KINDS if each.name == line.kind)
    abroad = [zone for zone in habit.zones if is_abroad(zone) and zone.endswith(":mobile")]
    return abroad[:4] or ["ch:mobile"]


_TRIPS = """
fr:fixed=30 fr:mobile=30 es:fixed=4 it:fixed=4 pt:fixed=3 gr:mobile=3 ma:fixed=3 tn:fixed=3
eg:mobile=2 tr:mobile=2 mv:mobile=1 sc:mobile=1 do:fixed_or_mobile=1 us:fixed_or_mobile=3
jp:fixed=1 id:mobile=1 sn:mobile=1 cu:mobile=1 mg:mobile=1 ae:mobile=1
"""
KINDS = (
    *HABITS,
    Habit(
        *("travel-agency", 38, 45, 8, 8),
        hours=hours("9-12:1 12-14:.5 14-19:1"),
        saturday=0.7,
        zones=mix(_TRIPS),
        contacts=120,
        strangers=0.45,
        odd_abroad=0.05,
        talk=(140, 1.1),
    ),
    Habit(
        *("radio", 30, 180, 20, 4),
        hours=hours("6-7:.5 7-10:2 10-17:.5 17-19:1.5 19-23:.4"),
        saturday=0.6,
        sunday=0.4,
        zones=mix("fr:mobile=78 fr:fixed=20 be:mobile=1 ch:mobile=1"),
        strangers=0.8,
        talk=(60, 1),
        main_shown=0.9,
    ),
)

_MANY = (
    *("lv:mobile", "ee:mobile", "lt:mobile", "az:mobile", "mk:mobile", "ba:mobile", "sn:mobile"),
    *("gm:mobile", "gn:mobile", "sl:mobile", "td:mobile", "cm:mobile", "zw:mobile", "mg:mobile"),
    *("lk:mobile", "bd:mobile", "ph:mobile", "cu:mobile", "uy:mobile"),
)
SHAPES = (
    PremiumPumping(("sc:mobile", "cd:mobile", "sl:mobile"), 30, 75 * MINUTE, 55 * HOUR),
    PremiumPumping(("001:satellite",), 2, 15 * MINUTE, 6 * HOUR, variants=6),
    SlowPumping(("ba:mobile", "by:mobile", "mk:mobile"), 20 * MINUTE, 5 * MINUTE, 5),
    SlowPumping(("gb:premium",), 70 * MINUTE, 4 * MINUTE, 4, (10, 17)),
    WangiriOut("es:mobile", 6, 2 * HOUR),
    WangiriIn("cd:mobile", 4, 0.35, 240),
    WangiriIn("gb:personal", 2, 0.5),
    Scanning("fr:fixed", 3, 1, 500),
    Scanning("de:mobile", 9, 2, 500),
    DialThrough(("dj:mobile", "td:mobile"), 3, 18 * MINUTE, 7 * HOUR),
    CallBack("mr:mobile", ("mr:mobile", "bf:mobile"), 9 * MINUTE, 10 * HOUR),
    Resale(("ma:mobile", "dz:mobile", "tn:mobile", "ng:mobile", "fr:mobile"), 3, 4, 140),
    OneCallee("lk:mobile", 3, 22 * MINUTE, 12 * HOUR),
    OneCallee("fr:shared_cost", 6, 40 * MINUTE, 10 * HOUR),
    Stolen(("af:mobile", "eg:mobile", "ve:mobile"), 6, 6 * MINUTE, 8 * HOUR),
    SlowRamp(("tv:mobile", "st:mobile"), 8, 50 * MINUTE, 14 * MINUTE, 12 * HOUR),
    ScanThenPump(
        Scanning("fr:mobile", 4, 1, 300),
        PremiumPumping(("uy:mobile", "lt:mobile"), 6, 20 * MINUTE, 9 * HOUR, variants=0),
    ),
    FewLongCalls("001:satellite", 1, 3 * HOUR),
    FewLongCalls("zw:mobile", 3, 5 * HOUR),
    Spray(_MANY, 3, 8 * MINUTE, 9 * HOUR),
    LunchHours(("pk:mobile", "af:mobile"), 3, 15 * MINUTE, 4),
    Dialler(18 * MINUTE, 6 * MINUTE, 11 * HOUR),
    Mimic(2, 9 * MINUTE, 5),
)
ORDINARY = 510
"""Customers of each world whom nobody attacks: 2,040 trunk-months."""


def worlds(ordinary: int = ORDINARY) -> tuple[World, ...]:
    """Autumn to the end of the year, and the end of winter."""
    strikes = repeated(SHAPES, 2)
    return (
        World("held-out/autumn", date(2026, 11, 2), KINDS, ordinary, strikes),
        World("held-out/winter", date(2027, 1, 18), KINDS, ordinary, strikes),
    )
