"""`billing run`: what is due on a day is done, step by step, each whole or not at all.

Steps find what is due by what is not there yet: a run that was killed is simply run again, and a
run that finds nothing due changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.billing.invoicing import DueInvoice, due_invoices, renewal_lines
from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.period import BillingPeriod, local_day
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.billing.subscription import Subscription, usable_at_start
from asterisk_siptrunk.billing.usage import lines
from asterisk_siptrunk.database import (
    customers,
    invoices,
    proofs,
    provider,
    rating,
    subscriptions,
    trunks,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.invoices import Book, Charge, Subject
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound, SiptrunkError
from asterisk_siptrunk.notice.kind import NoticeKind

Watch = Callable[[int], None]
"""Hears of calls as they are rated."""


@dataclass(frozen=True, slots=True)
class Bill:
    """An invoice that is due, computed; `number` is "" where it was not written."""

    due: DueInvoice
    lines: tuple[Line, ...]
    totals: Totals
    number: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an invoice that is due could not be computed, or must not be written, and what to do."""

    due: DueInvoice
    words: str


def due(connection: Connection, business: Business, day: date) -> list[DueInvoice]:
    """All invoices that are due on a day and are not there yet, in the order they are written."""
    found = [
        one
        for agreed in subscriptions.every(connection, business.office.zone)
        for one in due_invoices(agreed, day, invoices.periods_of(connection, agreed.id))
    ]
    return sorted(found, key=lambda one: (one.first, one.subscription.id))


class Renewal:
    """Computes and writes the invoices that are due on a day."""

    def __init__(self, engine: Engine, by: By, business: Business, day: date) -> None:
        self._engine = engine
        self._by = by
        self._business = business
        self._zone = business.office.zone
        self._day = day

    def compute(self, one: DueInvoice, watch: Watch) -> Bill | Refusal:
        """What an invoice would say; nothing is written, and nothing need be proven."""
        try:
            calls = self._calls(one, rating.compute(self._engine, self._usage(one), watch))
            with reading(self._engine) as connection:
                return self._bill(connection, one, calls)
        except SiptrunkError as error:
            return Refusal(one, str(error))

    def write(self, one: DueInvoice, watch: Watch) -> Bill | Refusal | None:
        """Rate the calls of the period that is over, and write the invoice.

        None: another run was faster, as where each server has its own every morning.
        """
        try:
            self._require_proof(one)
            guard = partial(self._require_unbilled, one)
            rated = rating.store(self._engine, self._usage(one), guard, watch)
            return self._written(one, rated)
        except AlreadyExists:
            return None
        except SiptrunkError as error:
            return Refusal(one, str(error))

    def _require_proof(self, one: DueInvoice) -> None:
        with reading(self._engine) as connection:
            missing = proofs.missing(connection, one.over.span(self._zone))
        for server, gap in missing.items():
            since, until = (local_day(at, self._zone) for at in (gap.since, gap.until))
            raise InvalidInput(
                f"The usage of server {server} is not proven from {since} to {until}: run "
                f"'siptrunk usage verify --from {since} --to {until}' there."
            )

    def _require_unbilled(self, one: DueInvoice, connection: Connection) -> None:
        """Nothing of a period that was billed may change."""
        subscriptions.hold(connection, one.subscription.id)
        if one.first in invoices.periods_of(connection, one.subscription.id):
            raise AlreadyExists(
                f"The period of trunk {one.subscription.trunk} that begins on {one.first} has its "
                "invoice already."
            )

    def _usage(self, one: DueInvoice) -> rating.PeriodUsage:
        return usage_of(self._engine, self._business, one.subscription, one.over)

    def _calls(self, one: DueInvoice, rated: rating.Rating) -> list[Line]:
        """The lines of calls.

        Raises:
            InvalidInput: a call has no rate, or no end.
        """
        if rated.open:
            raise InvalidInput(
                f"Calls of trunk {one.subscription.trunk} that began before {one.first} still last "
                f"({rated.open}): bill the period once they have ended."
            )
        for zone, calls in rated.totals.unrated.items():
            where = f"{zone}, as to {calls.example}" if zone else "numbers that nobody could read"
            what = "one" if zone else "one for 'all'"
            raise InvalidInput(
                f"Calls of trunk {one.subscription.trunk} to {where}, have no rate "
                f"({calls.calls}): load {what} ('siptrunk rate load'), with a day from "
                f"{one.over.first} on."
            )
        return lines(rated.totals, one.over, one.subscription.currency)

    def _bill(self, connection: Connection, one: DueInvoice, calls: list[Line]) -> Bill:
        on = subscriptions.ground(connection, self._zone)
        who = customers.get(connection, one.subscription.customer)
        all_lines = renewal_lines(one, calls, on)
        percent = self._business.percent_of(who)
        totals = Totals.of(all_lines, percent, one.subscription.currency)
        return Bill(one, all_lines, totals)

    def _written(self, one: DueInvoice, rated: rating.Rating) -> Bill:
        calls = self._calls(one, rated)
        with transaction(self._engine) as connection:
            provider.hold(connection)
            # As it is now: the run may have begun long ago.
            agreed = subscriptions.by_id(connection, one.subscription.id, self._zone)
            self._require_unbilled(one, connection)
            self._require_same(connection, one, rated)
            self._require_order(connection)
            bill = self._bill(connection, replace(one, subscription=agreed), calls)
            return replace(bill, number=self._write(connection, bill))

    def _require_same(self, connection: Connection, one: DueInvoice, rated: rating.Rating) -> None:
        """What the calls cost, one by one, is what the invoice is about to say."""
        kept = rating.kept(connection, one.subscription.id, one.over)
        if kept != (rated.totals.calls, sum(use.cost for use in rated.totals.rates.values())):
            raise InvalidInput(
                f"The calls of trunk {one.subscription.trunk} were rated anew meanwhile: run it "
                "again."
            )

    def _require_order(self, connection: Connection) -> None:
        newest = invoices.newest_day(connection)
        if newest is not None and self._day < newest:
            raise InvalidInput(
                f"There are invoices of {newest}, and their numbers follow their days: give that "
                "day (--date) or a later one."
            )

    def _write(self, connection: Connection, bill: Bill) -> str:
        one, agreed, totals = bill.due, bill.due.subscription, bill.totals
        who = customers.get(connection, agreed.customer)
        until = one.first if one.last else agreed.period_of(one.first).next
        subject = Subject(agreed.id, agreed.trunk, one.over.first, until, period=one.first)
        book = Book(connection, self._by, self._business.office)
        number = book.write(who, subject, Charge(bill.lines, totals, self._day))
        self._business.tell(
            connection,
            self._by,
            who,
            NoticeKind.INVOICE_ISSUED,
            invoice=number,
            amount=totals.gross,
            currency=totals.currency,
            due=self._day + self._business.office.due_time,
        )
        return number


class Rerating:
    """A period that is rated again, by the rates as they are now."""

    def __init__(self, engine: Engine, business: Business, trunk: str, first: date) -> None:
        self._engine = engine
        with reading(engine) as connection:
            self._agreed = subscriptions.get(connection, trunk, business.office.zone)
        period = None if first < self._agreed.began else self._agreed.period_of(first)
        if period is None or period.first != first:
            raise NotFound(f"No period of trunk {trunk} begins on {first}.")
        self._period = period
        self._usage = usage_of(engine, business, self._agreed, period)

    @property
    def currency(self) -> str:
        """Of all costs."""
        return self._agreed.currency

    def compute(self, watch: Watch) -> rating.Rating:
        """What the calls cost by today's rates, and how that differs from what is kept."""
        return rating.compute(self._engine, self._usage, watch)

    def store(self, watch: Watch) -> rating.Rating:
        """Keep it.

        Raises:
            InvalidInput: the period was invoiced: what was, stays.
        """
        return rating.store(self._engine, self._usage, self._require_unbilled, watch)

    def _require_unbilled(self, connection: Connection) -> None:
        subscriptions.hold(connection, self._agreed.id)
        if self._period.next in invoices.periods_of(connection, self._agreed.id):
            raise InvalidInput(
                f"The calls of trunk {self._agreed.trunk} in the period from {self._period.first} "
                "are invoiced, and stay as they are: 'siptrunk invoice credit' takes lines back."
            )


def usage_of(
    engine: Engine, business: Business, agreed: Subscription, period: BillingPeriod
) -> rating.PeriodUsage:
    """The calls of a period, and what they are rated by."""
    zone = business.office.zone
    with reading(engine) as connection:
        on = subscriptions.ground(connection, zone)
        held = on.terms_of(agreed, period.first)
        trunk = trunks.get(connection, agreed.trunk)
        table = RateTable(rating.load_deck(connection, held.deck, period), trunk.country)
    return rating.PeriodUsage(
        subscription_id=agreed.id,
        trunk_id=trunk.id,
        period=period,
        zone=zone,
        table=table,
        inclusions=held.inclusions,
        channels=usable_at_start(agreed, period.first, on),
        agreed_at=agreed.changes[0].at,
    )
