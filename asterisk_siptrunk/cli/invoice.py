"""`siptrunk invoice`."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.line import Line
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.payment import Payment, PaymentState
from asterisk_siptrunk.bootstrap import Invoice, credit_notes, customers, invoices
from asterisk_siptrunk.cli.complete import customer_names, invoice_numbers
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import day, for_programs_only, line_rows, money, tax_row
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    name_argument,
    ordinary_file,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.values import LINE, PAYMENT, PRICE, WholeNumber
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.whole_file import whole_file

_COLUMNS = (
    *("number", "kind", "state", "customer", "trunk", "issued", "due"),
    *("net", "tax", "gross", "unpaid", "currency"),
)
_FOR_PEOPLE = _COLUMNS[:-1]
_MOST_LINES = 1_000_000


@click.group()
def command() -> None:
    """Invoices and credit notes: listed, written to files, paid."""


@command.command("list")
@click.option("--customer", shell_complete=customer_names, help="Only those of this customer.")
@click.option("--unpaid", is_flag=True, help="Only those of which something is left to pay.")
@form_option
@pass_desk
def list_(desk: Desk, customer: str | None, form: Form, *, unpaid: bool) -> None:
    """List invoices and credit notes, in the order of their numbers.

    What a credit note takes back is negative here.

    Example: siptrunk invoice list --unpaid
    """
    with desk.reading() as connection:
        if customer is not None:
            customers.get(connection, customer)
        found = invoices.every(connection, customer)
    rows = [_line(one, desk.today) for one in found if one.settled_at is None or not unpaid]
    show_rows(rows, _COLUMNS, form, desk.zone, _FOR_PEOPLE)


@command.command()
@name_argument(invoice_numbers, "number")
@form_option
@pass_desk
def show(desk: Desk, number: str, form: Form) -> None:
    """Show an invoice or a credit note with its lines.

    Example: siptrunk invoice show 2026-000017
    """
    with desk.reading() as connection:
        one = invoices.get(connection, number)
        lines = invoices.lines_of(connection, one)
        notes = invoices.credit_notes_of(connection, one)
    row = {**_line(one, desk.today), **tax_row(one.totals, _sign(one)), **_fate(one)}
    show_row(
        row,
        form,
        desk.zone,
        lines=line_rows(_signed(lines, one), one.totals.currency),
        credit_notes=[_note_row(each) for each in notes],
    )


@command.command()
@name_argument(invoice_numbers, "number")
@click.option(
    "--as",
    "paper",
    type=click.Choice(bootstrap.PAPERS),
    default=bootstrap.PAPERS[0],
    show_default=True,
    help="factur-x is the PDF with the XML of EN 16931 in it.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=ordinary_file,
    help="The file to write.  [default: NUMBER.pdf, NUMBER-factur-x.pdf and so on, here]",
)
@pass_desk
def export(desk: Desk, number: str, paper: str, output: Path | None) -> None:
    """Write an invoice to a file: PDF, Factur-X (PDF and XML), XML, CSV or JSON.

    Example: siptrunk invoice export 2026-000017 --as factur-x
    """
    with desk.reading() as connection:
        document = invoices.document(connection, number)
    file = output or Path(document.file_name(paper))
    written = bootstrap.on_paper(document, paper)
    try:
        with whole_file(file) as fresh:
            fresh.write_bytes(written)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}.") from None
    say(f"{document.title} {number} written to {file}.")


@command.command()
@name_argument(invoice_numbers, "number")
@click.option("--payment", type=PAYMENT, required=True, help="The payment's own reference.")
@click.option("--amount", type=PRICE, help="What came in; what is left to pay by default.")
@pass_desk
def pay(desk: Desk, number: str, payment: str, amount: Decimal | None) -> None:
    """Say that an invoice is paid; suspensions for want of it are lifted.

    The same payment said twice changes nothing.

    Example: siptrunk invoice pay 2026-000017 --payment bank-20261224-3
    """
    with desk.reading() as connection:
        one = invoices.get(connection, number)
    due = one.unpaid if one.settled_at is None else one.paid
    if not due:
        raise InvalidInput(f"Nothing of {number} is left to pay.")
    if amount not in {None, due}:
        raise InvalidInput(
            f"{number} is paid whole, or not at all: {shown(due, one.totals.currency)}. Nothing "
            "was kept of this payment: tell of it once all of it has come, or give back what came."
        )
    given = Payment(payment, due, one.totals.currency, invoice=number)
    outcome = bootstrap.take_payment(desk.settings, desk.engine, given).outcome
    if outcome.state is PaymentState.UNASSIGNED:
        raise InvalidInput(outcome.words)
    say(outcome.words)


@command.command()
@name_argument(invoice_numbers, "number")
@click.option(
    "--line",
    "lines",
    type=WholeNumber(1, _MOST_LINES),
    multiple=True,
    help="Only this line, by its place; may be repeated.",
)
@click.option("--reason", type=LINE, required=True, help="Why; it stays in the history.")
@yes_option
@pass_desk
def credit(desk: Desk, number: str, lines: tuple[int, ...], reason: str, *, yes: bool) -> None:
    """Take an invoice back, whole or some lines of it, by a credit note.

    An invoice itself is never changed. What was paid of it has to be given back by hand: 'billing
    status' shows it until 'billing given-back' says that it went back.

    Example: siptrunk invoice credit 2026-000017 --line 3 --reason "wrong rate"
    """
    taken_back = credit_notes.TakenBack(number, frozenset(lines), reason)
    with desk.reading() as connection:
        worth = credit_notes.worth(connection, taken_back)
    amount = shown(worth.gross, worth.currency)
    confirm(f"Write a credit note of {amount}, with tax, for {number}?", yes=yes)
    office = bootstrap.business(desk.settings)
    with desk.changing() as (connection, by):
        written = credit_notes.credit(connection, by, office, taken_back, desk.today)
        note = invoices.get(connection, written)
    say(f"Credit note {written} of {shown(note.totals.gross, worth.currency)} written.")
    if note.to_give_back:
        warn(
            f"{number} was paid: {shown(note.to_give_back, worth.currency)} is to be given back. "
            f"Once it went back: siptrunk billing given-back {written}"
        )


def _line(one: Invoice, today: date) -> Row:
    totals, currency, sign = one.totals, one.totals.currency, _sign(one)
    return {
        "number": one.number,
        "kind": one.kind.value,
        "state": one.state_on(today),
        "customer": one.customer,
        "trunk": one.trunk,
        "issued": day(one.issued),
        "due": None if _is_credit(one) else day(one.due),
        "net": money(sign * totals.net, currency),
        "tax": money(sign * totals.tax, currency),
        "gross": money(sign * totals.gross, currency),
        "unpaid": money(one.unpaid, currency),
        "currency": for_programs_only(currency),
    }


def _is_credit(one: Invoice) -> bool:
    return one.kind is InvoiceKind.CREDIT


def _sign(one: Invoice) -> int:
    """Beside invoices a credit note is less money; on paper its amounts are positive."""
    return -1 if _is_credit(one) else 1


def _signed(lines: Iterable[Line], one: Invoice) -> list[Line]:
    sign = _sign(one)
    return [
        replace(line, quantity=sign * line.quantity, amount=sign * line.amount) for line in lines
    ]


def _fate(one: Invoice) -> Row:
    """What became of it."""
    if not _is_credit(one):
        return {"settled_at": one.settled_at}
    return {
        "credits": one.credits,
        "reason": one.reason,
        "to_give_back": money(one.to_give_back, one.totals.currency),
        "given_back_at": one.given_back_at,
    }


def _note_row(one: Invoice) -> Row:
    return {
        "number": one.number,
        "issued": day(one.issued),
        "gross": money(-one.totals.gross, one.totals.currency),
        "currency": for_programs_only(one.totals.currency),
        "reason": one.reason,
    }
