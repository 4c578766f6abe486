"""Credit notes: an invoice is never changed, it is taken back, whole or by its lines."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.line import Line, LineKind, Totals
from asterisk_siptrunk.database import customers, dunning, invoices
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.invoices import Book, Charge, Invoice, Subject
from asterisk_siptrunk.database.provider import hold
from asterisk_siptrunk.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What a credit note takes back: lines of an invoice by their places, none for all of them."""

    number: str
    positions: frozenset[int]
    reason: str


def credit(
    connection: Connection, by: By, business: Business, taken_back: TakenBack, today: date
) -> str:
    """Write a credit note; gives its number. Without places, for all that is not taken back yet.

    Raises:
        NotFound: there is no such invoice.
        InvalidInput: it is a credit note, has no such line, or that is taken back already.
    """
    hold(connection)
    number = taken_back.number
    one = invoices.locked(connection, number)
    lines, totals = _taken(connection, one, taken_back)
    subject = Subject(
        subscription_id=one.subscription_id,
        trunk=one.trunk,
        since=min(line.since for line in lines),
        until=max(line.until for line in lines),
        credits_id=one.id,
        reason=taken_back.reason,
        to_give_back=totals.gross if one.paid else Decimal(0),
    )
    charge = Charge(lines, totals, today, InvoiceKind.CREDIT)
    who = customers.get(connection, one.customer)
    written = Book(connection, by, business.office).write(who, subject, charge, settled=True)
    said = f"credit {written} for {number}: {taken_back.reason}"
    note(connection, by, "customer", one.customer, said)
    left = invoices.get(connection, number)
    if left.settled_at is None and left.unpaid <= 0:
        invoices.settle(connection, by, left)
        dunning.lift(connection, by, business, left)
    return written


def worth(connection: Connection, taken_back: TakenBack) -> Totals:
    """What a credit note would come to; nothing is written.

    Raises:
        NotFound: as `credit` does.
        InvalidInput: as `credit` does.
    """
    _, totals = _taken(connection, invoices.get(connection, taken_back.number), taken_back)
    return totals


def _taken(
    connection: Connection, one: Invoice, taken_back: TakenBack
) -> tuple[tuple[Line, ...], Totals]:
    if one.kind is InvoiceKind.CREDIT:
        raise InvalidInput(f"{one.number} is a credit note itself: write another invoice instead.")
    before = invoices.lines_taken_back(connection, one)
    lines = _chosen(connection, one, before, taken_back.positions)
    return lines, _totals(one, before, lines)


def _chosen(
    connection: Connection, one: Invoice, before: Collection[Line], positions: Collection[int]
) -> tuple[Line, ...]:
    """The lines that are taken back, as those of a credit note."""
    there = invoices.lines_of(connection, one)
    lines = {place: replace(line, kind=LineKind.CREDIT) for place, line in enumerate(there, 1)}
    if wrong := sorted(set(positions) - set(lines)):
        raise InvalidInput(f"Invoice {one.number} has no line {wrong[0]}; it has {len(lines)}.")
    left = _left(lines, before)
    if gone := sorted(set(positions) - set(left)):
        raise InvalidInput(f"Line {gone[0]} of invoice {one.number} is taken back already.")
    if not left:
        raise InvalidInput(f"Nothing of invoice {one.number} is left to be taken back.")
    return tuple(line for place, line in left.items() if place in positions or not positions)


def _left(lines: dict[int, Line], before: Collection[Line]) -> dict[int, Line]:
    """The lines that no credit note has; of two that are alike the first one went first."""
    gone = Counter(before)
    left = {}
    for place, line in lines.items():
        if gone[line]:
            gone[line] -= 1
        else:
            left[place] = line
    return left


def _totals(one: Invoice, before: Collection[Line], lines: Collection[Line]) -> Totals:
    """The tax is what is added to that of the notes before: so all of them come to the invoice's.

    The tax of each line, rounded by itself, could come to some cents more than was charged.
    """
    percent, currency = one.totals.percent, one.totals.currency
    earlier = Totals.of(before, percent, currency)
    then = Totals.of((*before, *lines), percent, currency)
    return Totals(currency, then.net - earlier.net, percent, then.tax - earlier.tax)
