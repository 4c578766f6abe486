"""How figures are written on all documents."""

from datetime import date, timedelta
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, LineKind
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.rating import MINUTE
from asterisk_siptrunk.billing.usage import duration


def money(amount: Decimal, currency: str) -> str:
    """An amount or a price without its currency: as many digits as that has, or as it needs."""
    return shown(amount, currency).removesuffix(f" {currency}")


def plain(number: Decimal) -> str:
    """A number without zeros that say nothing, and never with an exponent."""
    return f"{number.normalize():f}"


def quantity(line: Line) -> str:
    """How many, for people; of calls how long, as charged: "34 min 20 s"."""
    if line.kind is LineKind.CALLS:
        return duration(round(line.quantity * MINUTE))
    return plain(line.quantity)


def last_day(until: date) -> date:
    """The last day of a period that does not include `until`."""
    return until - timedelta(days=1)


def days(since: date, until: date) -> str:
    """A period for people, its last day included: "2026-11-12 to 2026-12-11"."""
    last = last_day(until)
    return f"{since}" if last <= since else f"{since} to {last}"
