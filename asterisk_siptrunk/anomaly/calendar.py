"""Hours of the week where a trunk's PBX stands: nights, weekends, holidays."""

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from importlib import resources

HOURS = 168
"""Of a week; hour 0 is Monday's first."""
_DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_SUNDAY = 6
_QUARTER = 900
"""Seconds: no zone's hours begin at anything but quarters of an hour UTC."""
_MONDAY = 4 * 86_400
"""1970 began on a Thursday: its first Monday, in seconds."""
WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Holidays:
    """A country's: days of each year as "month-day", days after Easter, and single days."""

    fixed: frozenset[str] = frozenset()
    easter: tuple[int, ...] = ()
    once: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        if f"{day:%m-%d}" in self.fixed or day in self.once:
            return True
        return bool(self.easter) and (day - easter(day.year)).days in self.easter


@cache
def shipped_holidays(country: str) -> Holidays:
    """Those in `data/holidays.toml`, none for a country that is not there."""
    text = (resources.files(__package__) / "data" / "holidays.toml").read_text("utf-8")
    found = tomllib.loads(text)["countries"].get(country)
    if found is None:
        return Holidays()
    return Holidays(frozenset(found["fixed"]), tuple(found["easter"]), frozenset(found["once"]))


def easter(year: int) -> date:
    """Easter Sunday, by the rule of Meeus, Jones and Butcher."""
    century, rest = divmod(year, 100)
    golden = year % 19
    shift = (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + century - century // 4 - shift + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * weekday) // 451
    return date(year, 3, 22) + timedelta(moon + weekday - 7 * late)


class Calendar:
    """Tells the hour of the week, by the clock on the wall and with holidays as Sundays."""

    __slots__ = ("_hour", "_quarter", "_zone", "holidays")

    def __init__(self, zone: tzinfo, holidays: Holidays) -> None:
        self._zone = zone
        self.holidays = holidays
        self._quarter = -1
        self._hour = 0

    def hour(self, at: float) -> int:
        """The hour of the week that a time is in, 0 to 167; nearly free while it stays the same."""
        quarter = int(at) // _QUARTER
        if quarter != self._quarter:
            self._quarter = quarter
            self._hour = self._read(at)
        return self._hour

    def _read(self, at: float) -> int:
        local = datetime.fromtimestamp(at, self._zone)
        day = _SUNDAY if local.date() in self.holidays else local.weekday()
        return day * 24 + local.hour


def week(at: float) -> int:
    """The number of a week since 1970; weeks begin on Monday, UTC."""
    return int(at - _MONDAY) // WEEK


def hour_words(hour: int) -> str:
    """An hour of the week for people: "Mondays at 14 h"."""
    return f"{_DAYS[hour // 24]} at {hour % 24} h"
