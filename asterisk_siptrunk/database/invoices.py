"""Invoices and credit notes: numbered without a gap, and never changed once they are written."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    type_coerce,
    update,
)

from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind, Party
from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.office import Office
from asterisk_siptrunk.billing.payment import PaymentState
from asterisk_siptrunk.database import lines, provider
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.customers import Customer
from asterisk_siptrunk.database.tables import (
    Money,
    channel_order,
    customer,
    invoice,
    invoice_line,
    invoice_series,
    payment,
    subscription,
    trunk,
)
from asterisk_siptrunk.errors import NotFound

_NUMBER_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Subject:
    """What an invoice is for.

    Attributes:
        period: the first day of the period that a renewal's invoice begins.
        order_id: the order that it is the invoice of.
        credits_id: the invoice that a credit note takes back; `reason`: why it does.
        to_give_back: how much of that had been paid.
        since, until: the days that it is for, `until` not included.
    """

    subscription_id: int
    trunk: str
    since: date
    until: date
    period: date | None = None
    order_id: int | None = None
    credits_id: int | None = None
    reason: str = ""
    to_give_back: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Charge:
    """What is charged, or, by a credit note, given back; and on which day."""

    lines: tuple[Line, ...]
    totals: Totals
    issued: date
    kind: InvoiceKind = InvoiceKind.INVOICE


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice, and what became of it.

    Attributes:
        due: the last day on which it is paid in time.
        credited, paid: how much of it.
        settled_at: when nothing of it was left to pay.
        reminded: the steps of `dunning` that were taken.
        credits: the number of the invoice that a credit note takes back, and the `reason`.
        to_give_back: what had been paid of that already, and `given_back_at` when it went back.
        order: the reference of the order that it is the invoice of.
    """

    id: int
    number: str
    kind: InvoiceKind
    customer: str
    trunk: str
    period: date | None
    issued: date
    due: date
    totals: Totals
    credited: Decimal
    paid: Decimal
    settled_at: datetime | None
    reminded: int
    subscription_id: int
    credits: str | None
    reason: str
    to_give_back: Decimal
    given_back_at: datetime | None
    order: str | None = None

    @property
    def unpaid(self) -> Decimal:
        """What is left to pay."""
        if self.settled_at is not None:
            return Decimal(0)
        return self.totals.gross - self.credited - self.paid

    def state_on(self, day: date) -> str:
        """One word for people."""
        if self.kind is InvoiceKind.CREDIT:
            return "open" if self.to_give_back and not self.given_back_at else "settled"
        if self.credited and self.credited >= self.totals.gross:
            return "credited"
        if self.settled_at is not None:
            return "paid"
        return "overdue" if day > self.due else "open"


class Book:
    """Writes invoices of one provider, in one transaction."""

    def __init__(self, connection: Connection, by: By, office: Office) -> None:
        self._connection = connection
        self._by = by
        self._office = office

    def write(
        self, buyer: Customer, subject: Subject, charge: Charge, *, settled: bool = False
    ) -> str:
        """Write an invoice with the next number; gives the number.

        `settled` says that nothing of it is to be paid: it was, or it gives back.
        """
        totals, issued = charge.totals, charge.issued
        number = self._next_number(issued.year)
        written = self._connection.execute(
            insert(invoice)
            .values(
                number=number,
                kind=charge.kind,
                customer_id=buyer.id,
                subscription_id=subject.subscription_id,
                period=subject.period,
                order_id=subject.order_id,
                credits_id=subject.credits_id,
                reason=subject.reason,
                to_give_back=subject.to_give_back,
                issued=issued,
                due=issued + self._office.due_time,
                currency=totals.currency,
                percent=totals.percent,
                net=totals.net,
                tax=totals.tax,
                parties=json.dumps(self._parties(buyer, subject, totals)),
                settled_at=self._by.at if settled or not totals.gross else None,
            )
            .returning(invoice.c.id)
        )
        self._write_lines(written.scalar_one(), charge.lines)
        said = f"{charge.kind} {number}: {totals.gross} {totals.currency}"
        note(self._connection, self._by, "customer", buyer.name, said)
        return number

    def _write_lines(self, invoice_id: int, all_lines: Iterable[Line]) -> None:
        rows = [
            {"invoice_id": invoice_id, "position": position, **lines.row_of(line)}
            for position, line in enumerate(all_lines, 1)
        ]
        if rows:
            self._connection.execute(insert(invoice_line), rows)

    def _parties(self, buyer: Customer, subject: Subject, totals: Totals) -> dict[str, Any]:
        office = self._office
        return {
            "seller": asdict(office.seller),
            "buyer": asdict(party_of(buyer, office.seller.country)),
            "trunk": subject.trunk,
            "since": subject.since.isoformat(),
            "until": subject.until.isoformat(),
            "terms": office.payment,
            "untaxed": "" if totals.percent else office.reverse_charge,
        }

    def _next_number(self, year: int) -> str:
        """The next of the year; whoever else wants one waits until this one is written, or not."""
        provider.hold(self._connection)
        one_more = (
            update(invoice_series)
            .where(invoice_series.c.year == year)
            .values(last=invoice_series.c.last + 1)
            .returning(invoice_series.c.last)
        )
        last = self._connection.execute(one_more).scalar_one_or_none()
        if last is None:
            last = 1
            self._connection.execute(insert(invoice_series).values(year=year, last=last))
        return f"{self._office.prefix}{year}-{last:0{_NUMBER_DIGITS}}"


def party_of(who: Customer, home: str) -> Party:
    """A customer as an invoice names it; `home` is the provider's country."""
    address = tuple(line for line in who.address.splitlines() if line.strip())
    return Party(who.title or who.name, address, who.country or home, who.tax_id, who.email)


def get(connection: Connection, number: str) -> Invoice:
    """Find an invoice or a credit note.

    Raises:
        NotFound: there is none of that number.
    """
    found = find(connection, number)
    if found is None:
        raise NotFound(f"There is no invoice {number}; 'siptrunk invoice list' shows them all.")
    return found


def find(connection: Connection, number: str) -> Invoice | None:
    """The invoice or credit note of that number; None where there is none."""
    return next(iter(_load(connection, invoice.c.number == number)), None)


def locked(connection: Connection, number: str) -> Invoice:
    """As `get`, kept from changes by others until the transaction ends."""
    where = invoice.c.number == number
    connection.execute(select(invoice.c.id).where(where).with_for_update())
    return get(connection, number)


def every(connection: Connection, of_customer: str | None = None) -> list[Invoice]:
    """All of them, or a customer's, by number."""
    return _load(connection, true() if of_customer is None else customer.c.name == of_customer)


def piece(
    connection: Connection, of: str | None, before: int | None, limit: int, *, unpaid: bool
) -> list[Invoice]:
    """So many of them, the newest first, from before an id on: all, or a customer's."""
    wanted = select(invoice.c.id).order_by(invoice.c.id.desc()).limit(limit)
    if of is not None:
        wanted = wanted.join(customer).where(customer.c.name == of)
    if before is not None:
        wanted = wanted.where(invoice.c.id < before)
    if unpaid:
        wanted = wanted.where(invoice.c.settled_at.is_(None))
    return _load(connection, invoice.c.id.in_(wanted))[::-1]


def unsettled(connection: Connection, of_customer: str | None = None) -> list[Invoice]:
    """Those that are not paid yet, of all customers or of one, oldest first."""
    where: ColumnElement[bool] = invoice.c.settled_at.is_(None)
    if of_customer is not None:
        where &= customer.c.name == of_customer
    return _load(connection, where)


def credit_notes_of(connection: Connection, one: Invoice) -> list[Invoice]:
    """The credit notes for an invoice, oldest first."""
    return _load(connection, invoice.c.credits_id == one.id)


def to_give_back(connection: Connection) -> list[Invoice]:
    """The credit notes whose money has not gone back yet, oldest first."""
    return _load(connection, _waits_for_its_return())


def _waits_for_its_return() -> ColumnElement[bool]:
    return (invoice.c.to_give_back > Decimal(0)) & invoice.c.given_back_at.is_(None)


def give_back(connection: Connection, by: By, number: str) -> bool:
    """Note that the money of a credit note has gone back; False where none waits for that."""
    waiting = (invoice.c.number == number) & _waits_for_its_return()
    done = connection.execute(update(invoice).where(waiting).values(given_back_at=by.at))
    if not done.rowcount:
        return False
    one = get(connection, number)
    said = f"credit {number}: {shown(one.to_give_back, one.totals.currency)} given back"
    note(connection, by, "customer", one.customer, said)
    return True


def unsettled_of(connection: Connection, trunk_name: str) -> list[Invoice]:
    """Those of a trunk that are not paid yet, oldest first."""
    return _load(connection, invoice.c.settled_at.is_(None) & (trunk.c.name == trunk_name))


def periods_of(connection: Connection, subscription_id: int) -> set[date]:
    """The periods of a subscription that have their invoice, by first day."""
    query = select(invoice.c.period).where(
        invoice.c.subscription_id == subscription_id, invoice.c.period.is_not(None)
    )
    return set(connection.execute(query).scalars())


def newest_day(connection: Connection) -> date | None:
    """The latest day that an invoice, or a credit note, was issued on."""
    newest: date | None = connection.execute(select(func.max(invoice.c.issued))).scalar_one()
    return newest


def settle(connection: Connection, by: By, one: Invoice) -> None:
    """Note that nothing of an invoice is left to pay."""
    connection.execute(update(invoice).where(invoice.c.id == one.id).values(settled_at=by.at))


def remind(connection: Connection, one: Invoice, step: int) -> None:
    """Note how far the dunning of an invoice has come."""
    connection.execute(update(invoice).where(invoice.c.id == one.id).values(reminded=step))


def lines_of(connection: Connection, one: Invoice) -> tuple[Line, ...]:
    """The lines of an invoice, in their order."""
    return _lines(connection, invoice.c.id == one.id)


def lines_taken_back(connection: Connection, one: Invoice) -> tuple[Line, ...]:
    """The lines of the credit notes for an invoice."""
    return _lines(connection, invoice.c.credits_id == one.id)


def _lines(connection: Connection, where: ColumnElement[bool]) -> tuple[Line, ...]:
    query = (
        select(invoice_line)
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .where(where)
        .order_by(invoice.c.id, invoice_line.c.position)
    )
    return tuple(lines.line_of(dict(row)) for row in connection.execute(query).mappings())


def document(connection: Connection, number: str) -> InvoiceDocument:
    """An invoice as it is put on paper.

    Raises:
        NotFound: there is none of that number.
    """
    one = get(connection, number)
    query = select(invoice.c.parties).where(invoice.c.id == one.id)
    said = json.loads(connection.execute(query).scalar_one())
    return InvoiceDocument(
        number=one.number,
        kind=one.kind,
        issued=one.issued,
        due=one.due,
        seller=_party_from_json(said["seller"]),
        buyer=_party_from_json(said["buyer"]),
        trunk=one.trunk,
        since=date.fromisoformat(said["since"]),
        until=date.fromisoformat(said["until"]),
        lines=lines_of(connection, one),
        totals=one.totals,
        credits=one.credits,
        terms=said["terms"] if one.kind is InvoiceKind.INVOICE else "",
        untaxed=said["untaxed"],
        paid=min(one.paid + one.credited, one.totals.gross),
        remarks=(f"Reason: {one.reason}",) if one.reason else (),
    )


def _load(connection: Connection, where: ColumnElement[bool]) -> list[Invoice]:
    credit, taken_back = invoice.alias(), invoice.alias()
    nothing = literal(Decimal(0), Money)
    gross = type_coerce(credit.c.net + credit.c.tax, Money)  # a sum of two is a plain number else
    credited = (
        select(func.coalesce(func.sum(gross), nothing))
        .where(credit.c.credits_id == invoice.c.id)
        .scalar_subquery()
    )
    paid = (
        select(func.coalesce(func.sum(payment.c.amount), nothing))
        .where(
            # The invoice of an order was paid as the order.
            or_(payment.c.invoice_id == invoice.c.id, payment.c.order_id == invoice.c.order_id),
            payment.c.state == PaymentState.APPLIED.value,
        )
        .scalar_subquery()
    )
    query = (
        select(
            invoice,
            customer.c.name.label("customer"),
            trunk.c.name.label("trunk"),
            taken_back.c.number.label("credits"),
            credited.label("credited"),
            paid.label("paid"),
            channel_order.c.reference.label("order"),
        )
        .join(customer, customer.c.id == invoice.c.customer_id)
        .join(subscription, subscription.c.id == invoice.c.subscription_id)
        .join(trunk, trunk.c.id == subscription.c.trunk_id)
        .outerjoin(taken_back, taken_back.c.id == invoice.c.credits_id)
        .outerjoin(channel_order, channel_order.c.id == invoice.c.order_id)
        .where(where)
        .order_by(invoice.c.id)
    )
    return [_made(row) for row in connection.execute(query)]


def _made(row: Row[*tuple[Any, ...]]) -> Invoice:
    return Invoice(
        id=row.id,
        number=row.number,
        kind=InvoiceKind(row.kind),
        customer=row.customer,
        trunk=row.trunk,
        period=row.period,
        issued=row.issued,
        due=row.due,
        totals=Totals(row.currency, row.net, row.percent, row.tax),
        credited=row.credited,
        paid=row.paid,
        settled_at=row.settled_at,
        reminded=row.reminded,
        subscription_id=row.subscription_id,
        credits=row.credits,
        reason=row.reason,
        to_give_back=row.to_give_back,
        given_back_at=row.given_back_at,
        order=row.order,
    )


def _party_from_json(said: dict[str, Any]) -> Party:
    return Party(**{**said, "address": tuple(said["address"])})
