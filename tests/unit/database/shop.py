"""A provider that sells: a catalogue of round prices, and a till whose clock the test sets."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from threading import Barrier
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from asterisk_siptrunk.billing.catalogue import Catalogue, Inclusion, Offer, Option, Pack, Plan
from asterisk_siptrunk.billing.dunning import Patience
from asterisk_siptrunk.billing.invoice import Party
from asterisk_siptrunk.billing.office import Office
from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.call import epoch_of
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import (
    audit,
    catalogues,
    credit_notes,
    customers,
    dunning,
    invoices,
    orders,
    proofs,
    renewals,
    subscriptions,
    trunks,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.credit_notes import TakenBack
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.ordering import Counter, Request
from asterisk_siptrunk.database.payments import Cashier
from asterisk_siptrunk.database.renewals import Renewal, Rerating
from asterisk_siptrunk.database.tables import call, held_number, metadata, notice, number, rate
from asterisk_siptrunk.notice.model import Ways
from asterisk_siptrunk.trunk import digest

PARIS = ZoneInfo("Europe/Paris")
BEGAN = datetime(2026, 11, 12, 9, tzinfo=UTC)
"""The period is that of 12 November to 12 December: 30 days."""
OFFER = Offer(
    name="packs",
    title="Packs",
    packs=(
        Pack("one", 1, Decimal("4.00")),
        Pack("five", 5, Decimal("18.00")),
        Pack("ten", 10, Decimal("32.00")),
    ),
    minimum=1,
    maximum=100,
    deck="world",
    number_price=Decimal("1.00"),
    numbers_per_channel=2,
    options=(
        Option("fax", "Fax", Decimal("2.00")),
        Option("site", "Second site", Decimal("5.00"), 4),
    ),
)
PLAN = Plan(
    name="office",
    title="Office",
    offer="packs",
    price=Decimal("20.00"),
    channels=1,
    inclusions=(Inclusion("France", ("fr",), 1),),
)
CATALOGUE = Catalogue(date(2026, 1, 1), "EUR", {"packs": OFFER}, {"office": PLAN})
MONTHLY = Plan("monthly", "Monthly", "packs", Decimal("30.00"), 2, period=PeriodRule.CALENDAR)
OFFICE = Office(
    seller=Party("Provider SA", ("1 rue du Port",), "FR", "FR99", "bills@provider.example"),
    zone=PARIS,
    percent=Decimal(20),
    prefix="F",
    payment="By transfer.",
    order_time=timedelta(3),
    due_time=timedelta(30),
    patience=Patience(3, 14, 28),
    reverse_charge="Reverse charge.",
)
BUSINESS = Business(OFFICE, Ways(mail=False, webhook=True))
EVER = Period(datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

_serial = count(1)


class Shop:
    """What customers and the provider do, each in a transaction of its own, at `now`."""

    def __init__(self, engine, business=BUSINESS, now=BEGAN) -> None:
        self.engine = engine
        self.business = business
        self.now = now
        self.issued: list[str] = []

    @classmethod
    def opened(cls, engine, *, catalogue=CATALOGUE, **changes) -> "Shop":
        """With a customer, a catalogue from January on, and two rates."""
        shop = cls(engine, **changes)
        with transaction(engine) as connection:
            customers.add(connection, shop.by, "acme", title="Acme SA")
            catalogues.load(connection, shop.by, catalogue, date(2026, 1, 1))
            for target, price in (("fr:mobile", "0.06"), ("+37129", "0.12")):
                add_rate(connection, target, price)
        return shop

    @property
    def by(self) -> By:
        return By("alice", self.now)

    def at(self, day: str, hour: int = 12) -> "Shop":
        """Set the clock: "2026-11-20", by Paris."""
        self.now = datetime.fromisoformat(day).replace(hour=hour, tzinfo=PARIS).astimezone(UTC)
        return self

    @contextmanager
    def changing(self):
        with transaction(self.engine) as connection:
            yield connection

    # --- orders and payments ---

    def quoted(self, channels=5, trunk="acme-lyon", **request):
        with self.changing() as connection:
            counter = Counter(connection, self.by, self.business)
            return counter.quoted(Request(trunk, channels, **request))

    def order(self, channels=5, trunk="acme-lyon", **request):
        with self.changing() as connection:
            counter = Counter(connection, self.by, self.business)
            return orders.place(
                connection, self.by, counter.quoted(Request(trunk, channels, **request))
            )

    def first(self, channels=5, trunk="acme-lyon", **request):
        """The order of a trunk that is not there yet."""
        return self.order(channels, trunk, customer="acme", **request)

    def pay(self, order, reference: str | None = None, /, **changes: Any):
        given: dict[str, Any] = {
            "reference": reference or f"pays-{order.reference}",
            "amount": order.gross,
            "currency": order.currency,
            "order": order.reference,
        }
        return self.take(Payment(**(given | changes)))

    def settle(self, number_: str, reference: str | None = None, amount: Decimal | None = None):
        due = self.invoice(number_).unpaid if amount is None else amount
        given = Payment(reference or f"pays-{number_}", due, "EUR", invoice=number_)
        return self.take(given)

    def take(self, given: Payment):
        with self.changing() as connection:
            return Cashier(connection, self.by, self.business).pay(given, self._issue)

    def _issue(self, trunk: str):
        self.issued.append(trunk)
        return digest(f"trunk-{trunk}", "siptrunk", "a secret of 20 letters")

    def subscribe(self, channels=5, trunk="acme-lyon", **request):
        """A first order, paid."""
        order = self.first(channels, trunk, **request)
        self.pay(order)
        return order

    def raised(self, channels: int, trunk="acme-lyon"):
        """A raise, paid."""
        order = self.order(channels, trunk)
        self.pay(order)
        return order

    # --- what time brings ---

    def turn(self) -> None:
        with reading(self.engine) as connection:
            begun = subscriptions.to_turn(connection, self.now)
        for one in begun:
            with self.changing() as connection:
                subscriptions.turn(connection, self.by, self.business, one)

    def prove(self, server="lab", period=EVER) -> None:
        with self.changing() as connection:
            proofs.record(connection, self.by, server, period, 0)

    def bill(self, day: str | None = None):
        """Write what is due: the bills and refusals."""
        on = date.fromisoformat(day) if day else self.now.astimezone(PARIS).date()
        with reading(self.engine) as connection:
            due = renewals.due(connection, self.business, on)
        renewal = Renewal(self.engine, self.by, self.business, on)
        return [renewal.write(one, lambda _: None) for one in due]

    def rerating(self, first: date, trunk="acme-lyon") -> Rerating:
        return Rerating(self.engine, self.business, trunk, first)

    def remind(self, day: str | None = None):
        on = date.fromisoformat(day) if day else self.now.astimezone(PARIS).date()
        with reading(self.engine) as connection:
            due = dunning.due(connection, self.business, on)
        with self.changing() as connection:
            return [
                (one, dunning.remind(connection, self.by, self.business, one, on)) for one, _ in due
            ]

    def credit(self, number_: str, *positions: int) -> str:
        with self.changing() as connection:
            taken_back = TakenBack(number_, frozenset(positions), "a mistake")
            today = self.now.astimezone(PARIS).date()
            return credit_notes.credit(connection, self.by, self.business, taken_back, today)

    # --- what is there ---

    def trunk(self, name="acme-lyon"):
        with reading(self.engine) as connection:
            return trunks.find(connection, name)

    def subscription(self, name="acme-lyon"):
        with reading(self.engine) as connection:
            return subscriptions.get(connection, name, PARIS)

    def state(self, order) -> str:
        with reading(self.engine) as connection:
            return str(orders.get(connection, order.reference).state)

    def invoice(self, number_: str):
        with reading(self.engine) as connection:
            return invoices.get(connection, number_)

    def invoices(self):
        with reading(self.engine) as connection:
            return invoices.every(connection)

    def numbers(self) -> list[str]:
        return [one.number for one in self.invoices()]

    def lines(self, number_: str):
        with reading(self.engine) as connection:
            return invoices.lines_of(connection, invoices.get(connection, number_))

    def amounts(self, number_: str) -> list[str]:
        return [str(line.amount.normalize()) for line in self.lines(number_)]

    def told(self) -> list[str]:
        """The kinds of all notices, in the order in which they were told."""
        with reading(self.engine) as connection:
            return list(connection.execute(select(notice.c.kind).order_by(notice.c.id)).scalars())

    def history(self, name="acme-lyon") -> list[str]:
        with reading(self.engine) as connection:
            return [one.change for one in audit.history(connection, "trunk", name)]


def add_rate(connection, target: str, price: str, **changes) -> None:
    values = {
        "deck": "world",
        "target": target,
        "name": target,
        "fee": Decimal(0),
        "price": Decimal(price),
        "first": 1,
        "step": 1,
        "valid_from": date(2026, 1, 1),
    }
    connection.execute(insert(rate).values(values | changes))


def add_call(engine, at: datetime, lasted: int | None = 60, **changes) -> int:
    """The number of a new call of the first trunk, by default one to a French mobile."""
    uniqueid = f"lab-{int(at.timestamp())}.{next(_serial)}"
    unsaid = ("sip_call_id", "caller", "presented", "dialled", "facts", "user_agent", "codec")
    values = {
        **dict.fromkeys(unsaid, ""),
        "server": "lab",
        "uniqueid": uniqueid,
        "epoch": epoch_of(uniqueid),
        "trunk_id": 1,
        "direction": "outbound",
        "withheld": False,
        "callee": "+33612345678",
        "zone": "fr:mobile",
        "verdict": "admitted",
        "reason": "admitted",
        "via": "service",
        "started_at": at,
        "answered_at": at,
        "ended_at": None if lasted is None else at + timedelta(seconds=lasted),
    } | changes
    with transaction(engine) as connection:
        statement = insert(call).values(values).returning(call.c.id)
        return int(connection.execute(statement).scalar_one())


def give_number(engine, e164: str, since: datetime, trunk_id=1, until=None) -> None:
    """As `number add` would have, at another time."""
    with transaction(engine) as connection:
        held = {"e164": e164, "trunk_id": trunk_id, "since": since, "until": until}
        connection.execute(insert(held_number).values(held))
        if until is None:
            stands = {"e164": e164, "trunk_id": trunk_id, "main": False, "created_at": since}
            connection.execute(insert(number).values(stands))


def set_trunk(engine, name="acme-lyon", **values) -> None:
    table = metadata.tables["trunk"]
    with transaction(engine) as connection:
        connection.execute(update(table).where(table.c.name == name).values(values))


def dump(engine) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    with reading(engine) as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for name, table in metadata.tables.items()
        }


def at_once(*works):
    """Have threads do each of them at one moment; gives what came of each, errors too."""
    barrier = Barrier(len(works))

    def run(work):
        barrier.wait()
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))
