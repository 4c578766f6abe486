"""What kind of day it is in France, and when it begins."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
HOUR = 3600.0
DAY = 24 * HOUR

_SAME_EACH_YEAR = ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
_AFTER_EASTER = (1, 39, 50)
"""Days from Easter Sunday to Easter Monday, Ascension Day and Whit Monday."""

# The first day and the day after the last, of zone C (Paris): education.gouv.fr, as of 2026.
_SCHOOL_HOLIDAYS = (
    (date(2025, 12, 20), date(2026, 1, 5)),
    (date(2026, 2, 21), date(2026, 3, 9)),
    (date(2026, 4, 18), date(2026, 5, 4)),
    (date(2026, 7, 4), date(2026, 9, 1)),
    (date(2026, 10, 17), date(2026, 11, 2)),
    (date(2026, 12, 19), date(2027, 1, 4)),
    (date(2027, 2, 6), date(2027, 2, 22)),
    (date(2027, 4, 3), date(2027, 4, 19)),
    (date(2027, 7, 3), date(2027, 9, 1)),
)


class Sort(Enum):
    """Of a day."""

    WORKING = "working"
    SATURDAY = "saturday"
    SUNDAY = "sunday"
    """Or a public holiday."""


@cache
def sort_of(day: date) -> Sort:
    """Whether people work on it."""
    if day in _public_holidays(day.year) or day.weekday() == 6:
        return Sort.SUNDAY
    return Sort.SATURDAY if day.weekday() == 5 else Sort.WORKING


def is_school_holiday(day: date) -> bool:
    """Whether pupils are away."""
    return any(first <= day < end for first, end in _SCHOOL_HOLIDAYS)


@cache
def midnight(day: date) -> float:
    """When the day begins, in seconds since 1970.

    On the two days on which clocks change, hours after 3 are an hour off: no figure needs better.
    """
    return datetime(day.year, day.month, day.day, tzinfo=PARIS).timestamp()


def local_day(at: float) -> date:
    """The day that a moment is in."""
    return datetime.fromtimestamp(at, UTC).astimezone(PARIS).date()


@cache
def _public_holidays(year: int) -> frozenset[date]:
    easter = _easter(year)
    fixed = {date(year, month, day) for month, day in _SAME_EACH_YEAR}
    return frozenset(fixed | {easter + timedelta(days=days) for days in _AFTER_EASTER})


def _easter(year: int) -> date:
    """Easter Sunday, by Gauss's rule as it is valid from 1900 to 2099."""
    moon = (19 * (year % 19) + 24) % 30
    sunday = (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7
    days = moon + sunday
    if days == 35 or (days == 34 and moon == 28 and year % 19 > 10):
        days -= 7
    return date(year, 3, 22) + timedelta(days=days)
