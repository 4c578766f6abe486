"""Months as the provider counts them: what is exported whole, billed, and pruned."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from asterisk_siptrunk.call.verify import Period


@dataclass(frozen=True, slots=True)
class LocalMonth:
    """A month in the provider's time zone.

    Attributes:
        name: year and month, "2026-11".
        period: from its first midnight until before that of the next month, in UTC.
    """

    name: str
    period: Period


def month_at(moment: datetime, zone: ZoneInfo) -> LocalMonth:
    """The month that a moment is in."""
    local = moment.astimezone(zone)
    year, month = local.year, local.month
    until = _midnight(year + month // 12, month % 12 + 1, zone)
    return LocalMonth(f"{year:04}-{month:02}", Period(_midnight(year, month, zone), until))


def whole_month(period: Period, zone: ZoneInfo) -> LocalMonth | None:
    """The month that a period is, None where it is another span of time."""
    month = month_at(period.since, zone)
    return month if month.period == period else None


def _midnight(year: int, month: int, zone: ZoneInfo) -> datetime:
    return datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
