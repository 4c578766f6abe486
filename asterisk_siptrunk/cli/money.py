"""Lines, totals and quotes, as commands show them."""

from collections.abc import Iterable
from datetime import date

from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.quote import Quote
from asterisk_siptrunk.cli.output import Row


def line_rows(lines: Iterable[Line], currency: str) -> list[Row]:
    """A row for each line."""
    return [
        {
            "what": line.text,
            "quantity": f"{line.quantity.normalize():f}",
            "unit_price": shown(line.unit_price, currency),
            "part": line.part_in_words,
            "from": line.since.isoformat(),
            "to": line.until.isoformat(),
            "amount": shown(line.amount, currency),
        }
        for line in lines
    ]


def totals_row(totals: Totals) -> Row:
    """Net, tax and what is to be paid."""
    return {
        "net": shown(totals.net, totals.currency),
        "tax": f"{shown(totals.tax, totals.currency)} ({totals.percent.normalize():f} %)",
        "to_pay": shown(totals.gross, totals.currency),
    }


def quote_row(quote: Quote) -> Row:
    """What an order would change, and what it and the next period cost."""
    change, following = quote.change, quote.next
    return {
        "order": change.kind.value,
        "channels": quote.usable,
        "takes_effect": day(quote.takes_effect) or "when it is paid",
        **totals_row(quote.totals),
        "next_period": following.first.isoformat(),
        "next_channels": following.usable,
        "next_price": shown(following.totals.net, following.totals.currency),
        "next_to_pay": shown(following.totals.gross, following.totals.currency),
        "notes": " ".join(quote.remarks),
    }


def day(given: date | None) -> str:
    """A day, or nothing."""
    return given.isoformat() if given else ""
