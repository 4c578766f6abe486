"""Credit notes: an invoice is never changed, it is taken back, whole or by its lines."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.line import Line, LineKind, Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.database import customers, dunning, invoices
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.invoices import Book, Charge, Invoice, Subject
from asterisk_siptrunk.errors import InvalidInput


def credit(  # noqa: PLR0913, PLR0917 - what a credit note says
    connection: Connection,
    by: By,
    business: Business,
    number: str,
    positions: Collection[int],
    reason: str,
    today: date,
) -> str:
    """Take an invoice back, or some lines of it by their places; gives the credit note's number.

    Raises:
        NotFound: there is no such invoice.
        InvalidInput: it is a credit note, has no such line, or would be taken back twice.
    """
    one = invoices.locked(connection, number)
    if one.kind is InvoiceKind.CREDIT:
        raise InvalidInput(f"{number} is a credit note itself: write another invoice instead.")
    lines = _chosen(connection, one, positions)
    totals = Totals.of(lines, one.totals.percent, one.totals.currency)
    if one.credited + totals.gross > one.totals.gross:
        raise InvalidInput(
            f"{shown(one.credited, one.totals.currency)} of invoice {number} are credited already, "
            f"and {shown(totals.gross, one.totals.currency)} more are more than it charged."
        )
    subject = Subject(
        subscription_id=one.subscription_id,
        trunk=one.trunk,
        since=min(line.since for line in lines),
        until=max(line.until for line in lines),
        credits_id=one.id,
    )
    charge = Charge(lines, totals, today, InvoiceKind.CREDIT)
    who = customers.get(connection, one.customer)
    written = Book(connection, by, business.office).write(who, subject, charge, settled=True)
    note(connection, by, "customer", one.customer, f"credit {written} for {number}: {reason}")
    left = invoices.get(connection, number)
    if left.settled_at is None and left.unpaid <= 0:
        invoices.settle(connection, by, left)
        dunning.lift(connection, by, business, left)
    return written


def _chosen(connection: Connection, one: Invoice, positions: Collection[int]) -> tuple[Line, ...]:
    """The lines that are taken back, as those of a credit note."""
    lines = dict(enumerate(invoices.lines_of(connection, one), 1))
    if wrong := sorted(set(positions) - set(lines)):
        raise InvalidInput(f"Invoice {one.number} has no line {wrong[0]}; it has {len(lines)}.")
    return tuple(
        replace(line, kind=LineKind.CREDIT)
        for position, line in lines.items()
        if position in positions or not positions
    )
