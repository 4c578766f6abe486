"""Frauds by lot: where to, when, how many at once and for how long is drawn from wide spans.

A rule that is tuned on a few shapes knows those shapes. These are what their authors did not
think of: few calls and many, short and long, in a minute's time or an hour's, by night and in the
middle of the day, to the list of risks, to any dear place, and to where the victim calls itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.traffic.attacks import (
    MINUTE,
    Aims,
    Pump,
    dialled_in,
    guessed,
    logged_in,
    night_of,
    probed,
    working_days,
)
from tests.traffic.days import DAY, HOUR, midnight
from tests.traffic.habits import HABITS
from tests.traffic.simulation import Attack
from tests.traffic.zones import CURRENCY, ZONES, a_number, is_abroad, price_of

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import date
    from random import Random

    from asterisk_siptrunk.call.security import SecurityEvent
    from tests.traffic.plan import Line, Planned
    from tests.traffic.simulation import Outcome

    Script = Generator[Planned, Outcome, None]

_RISKS = (
    *("mv:mobile", "so:mobile", "gm:mobile", "cu:mobile", "az:mobile", "zw:mobile", "sl:mobile"),
    *("gn:mobile", "sn:mobile", "lv:premium", "si:premium", "dj:mobile", "st:mobile", "tv:mobile"),
    *("sc:mobile", "001:satellite", "mk:mobile", "lv:mobile", "cd:mobile", "ci:mobile"),
    *("gb:premium", "gb:personal", "fr:premium", "by:mobile"),
)


def _costs(zone: str, least: float) -> bool:
    return is_abroad(zone) and price_of(zone).minute >= least * CURRENCY


_DEAR = tuple(zone for zone in ZONES if _costs(zone, 0.12) and zone not in _RISKS)


class Where(StrEnum):
    """Which zones are drawn from."""

    RISKY = "to risks"
    DEAR = "to dear places"
    ANY = "to either"
    KNOWN = "to where the victim calls"


class _When(StrEnum):
    NIGHT = "night"
    EVENING = "evening"
    WEEKEND = "weekend"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class ByLot:
    """A pump of which everything but the kind of its destinations is drawn."""

    where: Where

    @property
    def name(self) -> str:
        """In the tables."""
        return f"by lot, {self.where}"

    def __call__(self, line: Line, day: date, random: Random) -> Attack:
        """Soon after a day."""
        zones = self._zones(line, random)
        pump = _pump(line, zones, random)
        lines = round(_spread(random, 1, 16))
        when = random.choice(list(_When))
        begins = _begins(when, day, random)
        ends = begins + _spread(random, 2, 60) * HOUR
        step = _spread(random, 1, 300)
        if when is _When.DAY and random.random() < 0.6:
            days = working_days(day, random.randint(2, 6))
            begins, ends = midnight(days[0]) + 9 * HOUR, midnight(days[-1]) + DAY
            span = (9, random.uniform(14, 19))
            scripts = [pump.in_hours(days[0], len(days), span) for _ in range(lines // 3 + 1)]
        else:
            scripts = [pump.run(begins + 20 + step * turn, ends) for turn in range(lines)]
        before = _before(line, begins, ends, random)
        return Attack(
            self.name, line, begins, ends, [*before, *scripts], _trace(line, begins, random)
        )

    def _zones(self, line: Line, random: Random) -> Sequence[str]:
        known = next(habit.zones for habit in HABITS if habit.name == line.kind)
        pool = {
            Where.RISKY: _RISKS,
            Where.DEAR: _DEAR,
            Where.ANY: _RISKS + _DEAR,
            Where.KNOWN: tuple(zone for zone in known if _costs(zone, 0.1)) or _DEAR,
        }[self.where]
        return random.sample(pool, min(len(pool), random.choice((1, 1, 2, 3, 5))))


def _spread(random: Random, low: float, high: float) -> float:
    """Between two bounds, each power of ten as likely as another."""
    return low * float((high / low) ** random.random())


def _pump(line: Line, zones: Sequence[str], random: Random) -> Pump:
    aims = Aims.of(zones, random, round(_spread(random, 1, 25)))
    foreign = (a_number("gb:mobile", random),)
    shown = random.choice((line.numbers[:1], line.numbers, line.numbers[-1:], foreign))
    talk = (_spread(random, 40, 4000), random.uniform(0.3, 1))
    gap = _spread(random, 1, random.choice((30, 25 * MINUTE)))
    return Pump(line, aims, shown, talk, gap, random.uniform(0.5, 1), random.uniform(2, 12))


def _begins(when: _When, day: date, random: Random) -> float:
    if when is _When.NIGHT:
        return night_of(day, random)
    if when is _When.EVENING:
        return midnight(day) + random.uniform(17, 22) * HOUR
    if when is _When.DAY:
        return midnight(working_days(day, 1)[0]) + random.uniform(8.5, 17) * HOUR
    saturday = day + timedelta(days=(5 - day.weekday()) % 7)
    return midnight(saturday) + random.uniform(7, 20) * HOUR


def _before(line: Line, begins: float, ends: float, random: Random) -> list[Script]:
    """What goes before it, or with it: calls in that it goes through, or a probe."""
    lot = random.random()
    if lot < 0.15:
        return [dialled_in(line, begins, ends, _spread(random, 60, 2000), random)]
    if lot < 0.4:
        return [probed(line, begins, random.randint(5, 60), random)]
    return []


def _trace(line: Line, begins: float, random: Random) -> Sequence[SecurityEvent]:
    lot = random.random()
    if lot < 0.25:
        return guessed(line, begins, random.randint(5, 80))
    return logged_in(line, begins) if lot < 0.5 else ()
