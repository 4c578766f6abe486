"""How figures are written on all documents."""

from datetime import date
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, LineKind
from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.billing.rating import MINUTE
from asterisk_siptrunk.billing.usage import duration


def plain(number: Decimal) -> str:
    """A number without zeros that say nothing, and never with an exponent."""
    return f"{number.normalize():f}"


def quantity(line: Line) -> str:
    """How many, for people; of calls how long, as charged: "34 min 20 s"."""
    if line.kind is LineKind.CALLS:
        return duration(round(line.quantity * MINUTE))
    return plain(line.quantity)


def days(since: date, until: date) -> str:
    """A period for people, its last day included: "2026-11-12 to 2026-12-11"."""
    last = last_day(until)
    return f"{since}" if last <= since else f"{since} to {last}"
