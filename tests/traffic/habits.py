"""What kinds of customers there are, and when, whom and how they call.

The figures are ours: what people who run telephone systems would call plausible, each kind made
to be awkward for a rule that is simple. A call shop or a reseller with permission is none of them:
its traffic is what a watch is to notice, and its operator switches the rule off for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from tests.traffic.days import Sort, is_school_holiday

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

Hours = tuple[float, ...]
"""The weight of each hour of a day, added up: what `bisect` wants."""


def hours(text: str) -> Hours:
    """From spans and their weights: "8-12:1 12-14:0.4"; hours not named have next to nothing."""
    weights = [0.001] * 24
    for part in text.split():
        span, _, weight = part.partition(":")
        first, _, end = span.partition("-")
        for hour in range(int(first), int(end)):
            weights[hour] = float(weight)
    return tuple(accumulate(weights))


def mix(text: str) -> Mapping[str, float]:
    """Zones and their weights: "fr:fixed=55 fr:mobile=40"."""
    parts = (part.partition("=") for part in text.split())
    return {zone: float(weight) for zone, _, weight in parts}


_NEIGHBOURS = """
be:fixed=1 be:mobile=.3 de:fixed=1 de:mobile=.4 gb:fixed=.8 gb:mobile=.3 es:fixed=.6 es:mobile=.3
it:fixed=.6 it:mobile=.3 ch:fixed=.6 ch:mobile=.2 lu:fixed=.2
"""
_HOME = "fr:fixed=48 fr:mobile=40 fr:voip=4 fr:free=3 fr:shared_cost=1 fr:premium=.1"
ORDINARY_MIX = mix(_HOME + _NEIGHBOURS)
_GUESTS_MIX = mix(
    "fr:fixed=32 fr:mobile=34 fr:free=2"
    + _NEIGHBOURS
    + """
us:fixed_or_mobile=2 nl:mobile=1 pt:mobile=.6 pl:mobile=.5 cn:mobile=.5 jp:fixed=.3 br:mobile=.4
ma:mobile=.5 dz:mobile=.3 tn:mobile=.3 ae:mobile=.2 il:mobile=.3 in:mobile=.3 tr:mobile=.3
mc:fixed=.1 si:mobile=.1 kr:mobile=.1 za:mobile=.1 au:mobile=.1
"""
)
_EXPORT_MIX = mix(
    _HOME
    + """
de:fixed=14 de:mobile=5 it:fixed=9 es:fixed=7 gb:fixed=7 pl:mobile=3 ma:mobile=3 tn:fixed=3
sn:mobile=4 ci:mobile=3 lv:fixed=3 ae:mobile=2 cn:fixed=2 tr:mobile=2
"""
)

OFFICE_HOURS = hours("8-9:.5 9-12:1 12-14:.4 14-17:1 17-18:.7 18-19:.2")
ALL_DAY = hours("0-6:.25 6-9:.8 9-20:1 20-24:.6")
SHOP_HOURS = hours("9-10:.6 10-12:1 12-14:.7 14-19:1 19-20:.3")


def constant(_day: date) -> float:
    """No season."""
    return 1.0


@dataclass(frozen=True, slots=True)
class Habit:
    """One kind of customer.

    Attributes:
        outbound, inbound: calls on a working day, of a customer of ordinary size.
        saturday, sunday: a day's calls in parts of a working day's; Sunday is holidays, too.
        season: what a day's calls are multiplied by.
        zones: of those whom it calls.
        contacts: how many numbers it calls again and again; `strangers` the share of calls to
            others.
        odd_abroad: the share of strangers' calls that go anywhere in the world.
        answered: the share of calls out that are answered.
        talk: seconds, median, and its spread.
        numbers: of its own; `main_shown` the share of calls out that show the main one.
        forwarded: the share of calls in that go out again, to a mobile and under the number that
            called: a caller number that is not the trunk's, and no fraud.
        regular: calls of machines, as in `Regular`.
    """

    name: str
    outbound: float
    inbound: float
    channels: int
    numbers: int
    hours: Hours = OFFICE_HOURS
    saturday: float = 0.03
    sunday: float = 0.01
    season: Callable[[date], float] = constant
    zones: Mapping[str, float] = field(default_factory=lambda: ORDINARY_MIX)
    contacts: int = 80
    strangers: float = 0.25
    odd_abroad: float = 0.002
    answered: float = 0.72
    talk: tuple[float, float] = (95.0, 1.1)
    main_shown: float = 0.5
    forwarded: float = 0.02
    regular: tuple[Regular, ...] = ()

    def volume(self, day: date, sort: Sort) -> float:
        """A day's calls, in parts of an ordinary working day's."""
        share = {Sort.WORKING: 1.0, Sort.SATURDAY: self.saturday, Sort.SUNDAY: self.sunday}
        return share[sort] * self.season(day)


@dataclass(frozen=True, slots=True)
class Regular:
    """Calls of a machine, to one number each: an alarm's test, a meter, a nightly fax.

    Attributes:
        every: seconds between two; `since` seconds from midnight to the first.
        times: how many a day.
        machines: how many do it, each to a number of its own.
        talk: seconds, median.
    """

    every: float
    since: float
    times: int
    machines: int
    talk: float


def august(low: float) -> Callable[[date], float]:
    """A business whose people are away then, and between Christmas and New Year."""

    def season(day: date) -> float:
        quiet = day.month == 8 or (day.month, day.day) >= (12, 24)
        return low if quiet else 1.0

    return season


def _summer(day: date) -> float:
    return {7: 1.5, 8: 1.8, 12: 1.2}.get(day.month, 1.0)


def _shopping(day: date) -> float:
    """Sales in January and July, and the weeks before Christmas."""
    if (day.month, day.day) >= (11, 20) and day.month < 12:
        return 2.0
    if day.month == 12 and day.day < 25:
        return 4.0
    return 2.0 if day.month in {1, 7} else 1.0


def _term(day: date) -> float:
    """Wednesdays are short."""
    if is_school_holiday(day):
        return 0.05
    return 0.5 if day.weekday() == 2 else 1.0


def _campaigns(day: date) -> float:
    """Two weeks of a campaign, then one without."""
    return 0.3 if day.toordinal() // 7 % 3 == 0 else 1.0


HABITS = (
    Habit("office", 35, 40, 10, 20, season=august(0.6)),
    Habit("small", 3.5, 5, 2, 2, season=august(0.3), contacts=20),
    Habit(
        *("call-centre", 450, 120, 40, 6),
        hours=hours("9-12:1 12-14:.6 14-20:1 20-21:.2"),
        saturday=0.4,
        season=_campaigns,
        zones=mix("fr:fixed=50 fr:mobile=48 fr:voip=2"),
        strangers=0.97,
        odd_abroad=0,
        answered=0.36,
        talk=(28, 1.1),
        main_shown=0.9,
    ),
    Habit(
        *("hotel", 22, 38, 8, 30),
        hours=hours("6-9:.6 9-17:.6 17-20:1 20-23:1.3 23-24:.4 0-6:.05"),
        saturday=1.2,
        sunday=1.0,
        season=_summer,
        zones=_GUESTS_MIX,
        strangers=0.7,
        odd_abroad=0.02,
        talk=(110, 1.2),
        main_shown=0.8,
    ),
    Habit(
        *("shop", 7, 16, 4, 2),
        hours=SHOP_HOURS,
        saturday=1.3,
        sunday=0.05,
        season=_shopping,
        contacts=40,
        odd_abroad=0.001,
    ),
    Habit(
        *("alarm", 4, 4, 6, 8),
        zones=mix("fr:fixed=70 fr:mobile=28 fr:shared_cost=2"),
        contacts=15,
        odd_abroad=0,
        regular=(
            Regular(4 * 3600, 1200, 6, 3, 22),
            Regular(24 * 3600, 3.2 * 3600, 1, 4, 45),
            Regular(90, 2 * 3600, 25, 1, 62),
        ),
    ),
    Habit(
        *("school", 9, 26, 6, 6),
        hours=hours("7-9:1 9-12:.8 12-14:.4 14-17:.8 17-18:.3"),
        season=_term,
        zones=mix("fr:fixed=45 fr:mobile=53 fr:voip=2"),
        odd_abroad=0.001,
    ),
    Habit(
        *("exporter", 45, 38, 12, 20),
        hours=hours("7-8:.3 8-12:1 12-14:.6 14-18:1 18-20:.4"),
        saturday=0.12,
        sunday=0.03,
        season=august(0.5),
        zones=_EXPORT_MIX,
        contacts=150,
        odd_abroad=0.03,
        talk=(150, 1.1),
    ),
    Habit(
        *("practice", 14, 65, 4, 3),
        hours=hours("8-12:1 12-14:.3 14-19:.9 19-20:.2"),
        saturday=0.4,
        zones=mix("fr:fixed=45 fr:mobile=54 fr:premium=.3"),
        strangers=0.6,
        forwarded=0.08,
        odd_abroad=0.001,
        talk=(70, 1),
        main_shown=0.95,
    ),
    Habit(
        *("dispatcher", 60, 70, 12, 4),
        hours=ALL_DAY,
        saturday=1.1,
        sunday=0.8,
        zones=mix("fr:mobile=88 fr:fixed=12"),
        contacts=60,
        strangers=0.4,
        odd_abroad=0.002,
        talk=(35, 0.9),
        main_shown=0.95,
    ),
)
