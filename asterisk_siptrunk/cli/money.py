"""Lines, totals and quotes, as commands show them: the one place that puts money in their results.

People read "13.80 EUR"; programs get the plain number, and the currency beside it.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.money import figure, shown
from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.billing.quote import Quote
from asterisk_siptrunk.cli.output import Row, TwoWays, Value

_ON_PAYMENT = TwoWays("when it is paid", None)


def money(amount: Decimal, currency: str) -> TwoWays:
    """An amount or a price."""
    return TwoWays(shown(amount, currency), figure(amount, currency))


def for_programs_only(value: str | None) -> TwoWays:
    """What people read in another column already, as the currency."""
    return TwoWays(None, value)


def more_or_less(channels: int) -> TwoWays:
    """A change of the number of channels."""
    return TwoWays(f"{channels:+d}", channels)


def day(given: date | None) -> str | None:
    """A day, where there is one."""
    return given.isoformat() if given else None


def effect(given: date | None) -> Value:
    """The day on which an order takes effect; without one its payment's moment."""
    return day(given) or _ON_PAYMENT


def span(since: date, until: date | None) -> Row:
    """From the first day to the last; `until` is the day after that, which programs reckon with."""
    return {
        "from": day(since),
        "to": day(until and max(since, last_day(until))),
        "until": for_programs_only(day(until)),
    }


def charge_in_words(lines: Sequence[Line], currency: str) -> str:
    """From when on something is charged that was added in a period, and how much, in sentences."""
    if not lines:
        return "Nothing more is charged for it in this period."
    since = min(line.since for line in lines)
    now = sum((line.amount for line in lines), Decimal(0))
    monthly = sum((line.quantity * line.unit_price for line in lines), Decimal(0))
    return (
        f"It is charged from {since} on: {shown(now, currency)} for the days left of this period, "
        f"on the next invoice, then {shown(monthly, currency)} a month, without tax."
    )


def line_rows(lines: Iterable[Line], currency: str) -> list[Row]:
    """A row for each line."""
    return [
        {
            "what": line.text,
            "quantity": f"{line.quantity.normalize():f}",
            "unit_price": money(line.unit_price, currency),
            "part": TwoWays(line.part_in_words or None, line.part_in_words),
            **span(line.since, line.until),
            "amount": money(line.amount, currency),
            "currency": for_programs_only(currency),
        }
        for line in lines
    ]


def totals_row(totals: Totals) -> Row:
    """Net, tax and what is to be paid."""
    return {
        "net": money(totals.net, totals.currency),
        **tax_row(totals),
        "to_pay": money(totals.gross, totals.currency),
        "currency": for_programs_only(totals.currency),
    }


def tax_row(totals: Totals, sign: int = 1) -> Row:
    """The tax, and its rate."""
    percent = f"{totals.percent.normalize():f}"
    amount = money(sign * totals.tax, totals.currency)
    return {
        "tax": TwoWays(f"{amount} ({percent} %)", amount.programs),
        "tax_percent": for_programs_only(percent),
    }


def quote_row(quote: Quote) -> Row:
    """What an order would change, and what it and the next period cost."""
    change, following = quote.change, quote.next
    return {
        "order": change.kind.value,
        "channels": quote.usable,
        "takes_effect": effect(quote.takes_effect),
        **totals_row(quote.totals),
        "next_period": following.first.isoformat(),
        "next_channels": following.usable,
        "next_price": money(following.totals.net, following.totals.currency),
        "next_to_pay": money(following.totals.gross, following.totals.currency),
        "notes": " ".join(quote.remarks),
    }
