"""Billing periods: whole days of the provider's time zone, one after the other without a gap.

A period is counted in days of the calendar, so a day of 23 or 25 hours (summer time) is a day like
the others, and a month has the days that a calendar on the wall shows.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from zoneinfo import ZoneInfo

from asterisk_siptrunk.call.verify import Period

LONGEST_PERIOD = timedelta(31)
_DECEMBER = 12


class PeriodRule(StrEnum):
    """When a subscription's periods begin."""

    ANNIVERSARY = "anniversary"
    """On the day of the month that it began on; on the last day of months that have no such day,
    and on the day itself again in the next one that has it."""
    CALENDAR = "calendar"
    """On the first of each month; the first period is what was left of its month."""


@dataclass(frozen=True, slots=True)
class BillingPeriod:
    """From the first day until before `next`, the first day of the one that follows.

    Attributes:
        whole_from: the day from which its days are counted for a proration: for the shorter first
            period of a calendar subscription the first of that month, else `first`.
    """

    first: date
    next: date
    whole_from: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day < self.next

    @property
    def days(self) -> int:
        """Days of the whole period, that a month's price stands for."""
        return (self.next - self.whole_from).days

    def part_from(self, day: date) -> Fraction:
        """The part of the period that is left on a day of it, that day included."""
        return Fraction((self.next - day).days, self.days)

    def span(self, zone: ZoneInfo) -> Period:
        """From its first moment until before that of the next, in UTC."""
        return Period(first_moment(self.first, zone), first_moment(self.next, zone))


def last_day(until: date) -> date:
    """The last day of a period that does not include `until`."""
    return until - timedelta(days=1)


def local_day(moment: datetime, zone: ZoneInfo) -> date:
    """The day that a moment is in, for the provider."""
    return moment.astimezone(zone).date()


def first_moment(day: date, zone: ZoneInfo) -> datetime:
    """When a day of the provider's begins, in UTC.

    Where summer time begins at midnight there is no midnight: the day begins when the clock jumps,
    which is what the earlier offset (`fold=0`) says.
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def period_of(day: date, began: date, rule: PeriodRule) -> BillingPeriod:
    """The period that a day is in, of a subscription that began on `began`.

    Raises:
        ValueError: the day is before that.
    """
    if day < began:
        raise ValueError(f"{day} is before {began}")
    anchor = 1 if rule is PeriodRule.CALENDAR else began.day
    start = _anchored(day.year, day.month, anchor)
    if start > day:
        start = _anchored(*_month_before(day.year, day.month), anchor)
    following = _anchored(*_month_after(start.year, start.month), anchor)
    return BillingPeriod(max(start, began), following, start)


def _anchored(year: int, month: int, anchor: int) -> date:
    return date(year, month, min(anchor, monthrange(year, month)[1]))


def _month_before(year: int, month: int) -> tuple[int, int]:
    return (year, month - 1) if month > 1 else (year - 1, _DECEMBER)


def _month_after(year: int, month: int) -> tuple[int, int]:
    return (year, month + 1) if month < _DECEMBER else (year + 1, 1)
