"""Payments, each applied once: by its reference, whoever brings it, and however often.

What is paid takes effect in the same transaction: both are there, or neither. Money that came for
what cannot be paid any more is kept as `unassigned`, to be given back: it is never lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, insert, or_, select, update

from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.order import NewTrunk, Order, OrderState
from asterisk_siptrunk.billing.payment import Outcome, Payment, PaymentState
from asterisk_siptrunk.billing.period import first_moment
from asterisk_siptrunk.billing.quote import Asking, quote_first
from asterisk_siptrunk.billing.subscription import HeldOption, OrderKind, Subscription
from asterisk_siptrunk.billing.terms import terms
from asterisk_siptrunk.database import customers, dunning, invoices, orders, subscriptions, trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.invoices import Book, Charge, Invoice, Subject
from asterisk_siptrunk.database.provider import hold
from asterisk_siptrunk.database.tables import channel_order, invoice, payment
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.trunk import Credentials, Trunk, TrunkKind

IssueCredentials = Callable[[str], Credentials]
"""Makes the credentials of a trunk by its name; the secret is the caller's to show, once."""


class Cashier:
    """Takes payments, in one transaction each."""

    def __init__(self, connection: Connection, by: By, business: Business) -> None:
        self._connection = connection
        self._by = by
        self._business = business
        self._zone = business.office.zone
        self._ground = subscriptions.ground(connection, self._zone)

    def pay(self, one: Payment, issue: IssueCredentials) -> Outcome:
        """Apply a payment.

        Raises:
            InvalidInput: it says not what it is for.
            AlreadyExists: its reference is another payment's.
            NotFound: there is no such order or invoice.
        """
        if (one.order is None) == (one.invoice is None):
            raise InvalidInput("A payment is for an order or for an invoice: name one of them.")
        hold(self._connection)
        if known := self._known(one):
            return known
        if one.order is not None:
            return self._pay_order(one, orders.locked(self._connection, one.order), issue)
        return self._pay_invoice(one, invoices.locked(self._connection, one.invoice or ""))

    def _known(self, one: Payment) -> Outcome | None:
        query = (
            select(payment, channel_order.c.reference.label("order"), invoice.c.number)
            .outerjoin(channel_order, channel_order.c.id == payment.c.order_id)
            .outerjoin(invoice, invoice.c.id == payment.c.invoice_id)
            .where(payment.c.reference == one.reference)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        if (row.amount, row.currency, row.order, row.number) != (
            one.amount,
            one.currency,
            one.order,
            one.invoice,
        ):
            raise AlreadyExists(
                f"There is a payment {one.reference} already, of {shown(row.amount, row.currency)} "
                f"for {row.order or row.number}: another payment needs a reference of its own."
            )
        return Outcome(PaymentState.ALREADY, f"Payment {one.reference} came before: {row.remark}")

    # --- orders ---

    def _pay_order(self, one: Payment, order: Order, issue: IssueCredentials) -> Outcome:
        if wrong := self._wrong_with(one, order) or self._tried(order, issue):
            return self._keep(one, PaymentState.UNASSIGNED, wrong, order_id=order.id)
        words = f"Order {order.reference} is paid."
        return self._keep(one, PaymentState.APPLIED, words, order_id=order.id)

    def _tried(self, order: Order, issue: IssueCredentials) -> str:
        """Have an order take effect; gives what kept it from that, and then nothing of it is left.

        Much may have happened since it was placed: its number is another trunk's now, or today's
        catalogue has its offer no more.
        """
        try:
            with self._connection.begin_nested():
                self._write_invoice(order, self._carry_out(order, issue))
        except (InvalidInput, NotFound, AlreadyExists) as error:
            return f"Order {order.reference} cannot take effect: {error}"
        return ""

    def _wrong_with(self, one: Payment, order: Order) -> str:
        if not order.is_open_at(self._by.at):
            late = order.state is OrderState.PLACED
            return f"Order {order.reference} is {OrderState.EXPIRED if late else order.state}."
        if (one.amount, one.currency) != (order.gross, order.currency):
            return _differs(one, f"Order {order.reference}", order.gross, order.currency)
        return self._in_the_way(order)

    def _in_the_way(self, order: Order) -> str:
        """What has happened since the order was placed, and lets it take no effect."""
        if order.subscription_id is not None:
            agreed = subscriptions.by_id(self._connection, order.subscription_id, self._zone)
            return f"The subscription of trunk {order.trunk} ends." if agreed.ends else ""
        there = trunks.find(self._connection, order.trunk)
        if order.new_trunk is not None:
            return f"There is a trunk {order.trunk} already." if there else ""
        if there is None or there.ended:
            return f"Trunk {order.trunk} has ended."
        if subscriptions.is_subscribed(self._connection, there.id):
            return f"Trunk {order.trunk} has a subscription already."
        return ""

    def _carry_out(self, order: Order, issue: IssueCredentials) -> Subscription:
        """Have an order take effect; gives its subscription as it is then."""
        subscription_id = order.subscription_id
        if subscription_id is None:
            if order.new_trunk is not None:
                self._make_trunk(order, order.new_trunk, issue)
            subscription_id = self._begin(order)
            orders.assign(self._connection, order, subscription_id)
        orders.close(self._connection, self._by, order, OrderState.PAID)
        agreed = subscriptions.by_id(self._connection, subscription_id, self._zone)
        subscriptions.refuse_the_past(self._connection, self._by, agreed, self._zone)
        before = trunks.get(self._connection, order.trunk).channels
        has = subscriptions.bring_channels(self._connection, self._by, agreed, self._ground)
        self._tell_of(order, before, has.usable)
        return agreed

    def _make_trunk(self, order: Order, new: NewTrunk, issue: IssueCredentials) -> None:
        trunk = Trunk(
            id=0,
            name=order.trunk,
            customer=order.customer,
            kind=TrunkKind.REGISTERED,
            channels=order.granted,
            country=new.country,
        )
        trunks.add(self._connection, self._by, trunk, issue(order.trunk))
        for e164 in new.numbers:
            trunks.add_number(self._connection, self._by, order.trunk, e164, main=False)

    def _begin(self, order: Order) -> int:
        today = self._ground.day_of(self._by.at)
        held = terms(self._ground.catalogue_on(today), order.offer, order.plan)
        agreed = Subscription(
            id=0,
            trunk=order.trunk,
            customer=order.customer,
            offer=order.offer,
            plan=order.plan,
            currency=order.currency,
            period=held.period,
            began=today,
            options=tuple(HeldOption(name, today) for name in order.options),
        )
        turns_at = first_moment(agreed.period_of(today).next, self._zone)
        return subscriptions.begin(self._connection, self._by, agreed, turns_at)

    def _tell_of(self, order: Order, before: int, after: int) -> None:
        who = customers.get(self._connection, order.customer)
        self._business.tell(
            self._connection,
            self._by,
            who,
            NoticeKind.ORDER_PAID,
            order=order.reference,
            trunk=order.trunk,
            channels=after,
            amount=order.gross,
            currency=order.currency,
        )
        if before != after:
            self._business.tell(
                self._connection,
                self._by,
                who,
                NoticeKind.CHANNELS_CHANGED,
                trunk=order.trunk,
                before=before,
                after=after,
                since=self._ground.day_of(self._by.at),
                reason=f"Order {order.reference} is paid.",
            )

    def _write_invoice(self, order: Order, agreed: Subscription) -> str:
        """The invoice of an order: paid, since nothing unpaid takes effect."""
        today = self._ground.day_of(self._by.at)
        lines = self._lines_of(order, agreed)
        subject = Subject(
            subscription_id=agreed.id,
            trunk=order.trunk,
            since=min((line.since for line in lines), default=today),
            until=max((line.until for line in lines), default=today),
            order_id=order.id,
        )
        totals = Totals.of(lines, order.percent, order.currency)
        charge = Charge(lines, totals, today)
        who = customers.get(self._connection, order.customer)
        book = Book(self._connection, self._by, self._business.office)
        return book.write(who, subject, charge, settled=True)

    def _lines_of(self, order: Order, agreed: Subscription) -> tuple[Line, ...]:
        """As quoted; a first period that is as dear a day later is that of the later day."""
        if order.kind is not OrderKind.FIRST:
            return order.lines
        asking = Asking(self._by.at, order.percent)
        as_ordered = replace(agreed, changes=())
        try:
            fresh = quote_first(as_ordered, order.asked, asking, self._ground)
        except InvalidInput:  # by a catalogue that came since: what was ordered before it holds
            return order.lines
        return fresh.lines if fresh.totals.gross == order.gross else order.lines

    # --- invoices ---

    def _pay_invoice(self, one: Payment, due: Invoice) -> Outcome:
        if due.settled_at is not None:
            wrong = f"Invoice {due.number} is settled already."
            return self._keep(one, PaymentState.UNASSIGNED, wrong, invoice_id=due.id)
        if (one.amount, one.currency) != (due.unpaid, due.totals.currency):
            wrong = _differs(one, f"Invoice {due.number}", due.unpaid, due.totals.currency)
            return self._keep(one, PaymentState.UNASSIGNED, wrong, invoice_id=due.id)
        words = f"Invoice {due.number} is paid."
        outcome = self._keep(one, PaymentState.APPLIED, words, invoice_id=due.id)
        invoices.settle(self._connection, self._by, due)
        dunning.lift(self._connection, self._by, self._business, due)
        return outcome

    def _keep(self, one: Payment, state: PaymentState, words: str, **what_for: int) -> Outcome:
        if state is PaymentState.UNASSIGNED:
            words = f"{words} The payment is kept, to be given back."
        self._connection.execute(
            insert(payment).values(
                reference=one.reference,
                amount=one.amount,
                currency=one.currency,
                state=state,
                remark=words,
                author=self._by.author,
                at=self._by.at,
                **what_for,
            )
        )
        what = one.order or one.invoice or ""
        said = f"{one.reference}: {shown(one.amount, one.currency)} for {what}, {state}"
        note(self._connection, self._by, "payment", one.reference, said)
        return Outcome(state, words)


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """Money that came, and what became of it."""

    reference: str
    amount: Decimal
    currency: str
    state: PaymentState
    at: datetime


def of_invoice(connection: Connection, one: Invoice) -> list[PaymentRecord]:
    """The payments that were for an invoice, or for the order that it is of, oldest first."""
    of_order = select(invoice.c.order_id).where(invoice.c.id == one.id).scalar_subquery()
    columns = (payment.c.reference, payment.c.amount, payment.c.currency, payment.c.state)
    query = (
        select(*columns, payment.c.at)
        .where(or_(payment.c.invoice_id == one.id, payment.c.order_id == of_order))
        .order_by(payment.c.at, payment.c.reference)
    )
    return [
        PaymentRecord(row.reference, row.amount, row.currency, PaymentState(row.state), row.at)
        for row in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class UnassignedPayment:
    """Money that is to be given back; the words say why."""

    reference: str
    amount: Decimal
    currency: str
    words: str


def unassigned(connection: Connection) -> list[UnassignedPayment]:
    """All money that is to be given back, oldest first."""
    query = (
        select(payment.c.reference, payment.c.amount, payment.c.currency, payment.c.remark)
        .where(payment.c.state == PaymentState.UNASSIGNED.value)
        .order_by(payment.c.at)
    )
    return [UnassignedPayment(*row) for row in connection.execute(query)]


def give_back(connection: Connection, by: By, reference: str) -> None:
    """Note that a payment that pays for nothing was given back.

    Raises:
        NotFound: no such payment waits for that.
    """
    waiting = (payment.c.reference == reference) & (
        payment.c.state == PaymentState.UNASSIGNED.value
    )
    returned = update(payment).where(waiting).values(state=PaymentState.RETURNED)
    if not connection.execute(returned).rowcount:
        raise NotFound(
            f"No payment {reference} is to be given back: 'siptrunk billing status' shows those."
        )
    note(connection, by, "payment", reference, "given back")


def _differs(one: Payment, what: str, due: Decimal, currency: str) -> str:
    return f"{what} costs {shown(due, currency)}, and {shown(one.amount, one.currency)} came."
