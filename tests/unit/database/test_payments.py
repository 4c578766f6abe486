"""Payments: each takes effect once and whole, and none is lost."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from asterisk_siptrunk.billing.payment import Outcome, Payment, PaymentState
from asterisk_siptrunk.database import catalogues, orders, payments, subscriptions, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import invoice, payment
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from tests.unit.database.builders import trunk
from tests.unit.database.shop import (
    CATALOGUE,
    MONTHLY,
    OFFER,
    PARIS,
    Shop,
    at_once,
    dump,
)

NUMBER, SECOND = "+33123456789", "+33123456790"
APPLIED, UNASSIGNED, ALREADY = PaymentState.APPLIED, PaymentState.UNASSIGNED, PaymentState.ALREADY


@pytest.fixture
def shop(engine) -> Shop:
    return Shop.opened(engine)


def back(shop):
    """Money that is to be given back."""
    with reading(shop.engine) as connection:
        return [(one.reference, one.amount) for one in payments.unassigned(connection)]


def test_a_first_order_makes_the_trunk_and_its_credentials_when_it_is_paid(shop):
    order = shop.first(5, numbers=(NUMBER, SECOND), options=("fax",))
    assert (shop.trunk(), shop.issued) == (None, [])
    assert shop.pay(order) == Outcome(APPLIED, f"Order {order.reference} is paid.")
    made = shop.trunk()
    assert (made.customer, made.channels, made.numbers) == ("acme", 5, (NUMBER, SECOND))
    assert shop.issued == ["acme-lyon"]
    with reading(shop.engine) as connection:
        held = trunks.credentials_of(connection, "acme-lyon")
    assert held is not None
    assert held.username == "trunk-acme-lyon"
    agreed = shop.subscription()
    assert (agreed.began, agreed.offer, agreed.options_on(agreed.began)) == (
        date(2026, 11, 12),
        "packs",
        ("fax",),
    )
    assert shop.told() == ["order-paid"]


def test_its_invoice_is_written_with_it_and_is_paid(shop):
    order = shop.subscribe(5, numbers=(NUMBER,))
    (one,) = shop.invoices()
    # the pack of 5, and the number; nothing is left to pay
    assert (one.number, one.totals.net, one.totals.gross) == ("F2026-000001", 19, Decimal("22.80"))
    assert (one.paid, one.unpaid, one.state_on(date(2030, 1, 1))) == (order.gross, 0, "paid")
    assert shop.amounts(one.number) == ["18", "1"]


def test_a_raise_changes_channels_and_version_in_the_transaction_of_its_payment(shop):
    shop.subscribe()
    order = shop.at("2026-11-20").order(8)
    before = shop.trunk()
    assert shop.pay(order).state is APPLIED
    after = shop.trunk()
    assert (after.channels, after.version) == (8, before.version + 1)
    assert shop.told()[-2:] == ["order-paid", "channels-changed"]
    assert shop.amounts("F2026-000002") == ["8.8"]


def test_a_payment_that_is_not_kept_changes_nothing(shop, monkeypatch):
    shop.subscribe()
    order = shop.order(8)
    before = dump(shop.engine)
    monkeypatch.setattr(payments.Cashier, "_keep", lambda *_, **__: pytest.fail("killed"))
    with pytest.raises(pytest.fail.Exception):
        shop.pay(order)
    assert dump(shop.engine) == before


def test_the_same_payment_twice_is_one(shop):
    order = shop.first()
    shop.pay(order, "bank-1")
    before = dump(shop.engine)
    again = shop.pay(order, "bank-1")
    assert again.state is ALREADY
    assert again.words.endswith(f"came before: Order {order.reference} is paid.")
    assert dump(shop.engine) == before


OTHERS = [
    {"amount": Decimal("21.61")},
    {"currency": "USD"},
    {"order": None, "invoice": "F2026-000001"},
]


@pytest.mark.parametrize("changes", OTHERS, ids=["amount", "currency", "what"])
def test_another_payment_of_that_reference_is_refused(shop, changes):
    order = shop.first()
    shop.pay(order, "bank-1")
    before = dump(shop.engine)
    with pytest.raises(AlreadyExists, match=rf"bank-1 already, of 21.60 EUR for {order.reference}"):
        shop.pay(order, "bank-1", **changes)
    assert dump(shop.engine) == before


WRONG = [
    ({"amount": Decimal("21.59")}, "costs 21.60 EUR, and 21.59 EUR came"),
    ({"amount": Decimal("21.61")}, "costs 21.60 EUR, and 21.61 EUR came"),
    ({"currency": "USD"}, "costs 21.60 EUR, and 21.60 USD came"),
]


@pytest.mark.parametrize(("changes", "said"), WRONG, ids=["less", "more", "currency"])
def test_another_amount_is_kept_and_pays_nothing(shop, changes, said):
    order = shop.first()
    outcome = shop.pay(order, "bank-1", **changes)
    assert (outcome.state, shop.trunk(), shop.state(order)) == (UNASSIGNED, None, "placed")
    assert said in outcome.words
    assert "to be given back" in outcome.words
    assert back(shop) == [("bank-1", changes.get("amount", order.gross))]
    # and told again, it is known
    assert shop.pay(order, "bank-1", **changes).state is ALREADY
    assert shop.pay(order, "bank-2").state is APPLIED


def expired(shop, _order):
    shop.now += timedelta(3)


def closed(shop, order):
    expired(shop, order)
    with shop.changing() as connection:
        orders.expire(connection, shop.by)


def cancelled(shop, order):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        orders.cancel(connection, shop.by, order.reference, ground)


def paid(shop, order):
    shop.pay(order, "bank-0")


def taken(shop, _order):
    with shop.changing() as connection:
        trunks.add(connection, shop.by, trunk("acme-lyon"), None)


def number_taken(shop, _order):
    with shop.changing() as connection:
        trunks.add(connection, shop.by, trunk("acme-nice"), None)
        trunks.add_number(connection, shop.by, "acme-nice", NUMBER, main=True)


def no_such_offer(shop, _order):
    load(shop, {"others": replace(OFFER, name="others")})


def load(shop, offers):
    shop.now += timedelta(1)
    new = replace(CATALOGUE, valid_from=date(2026, 11, 13), offers=offers, plans={})
    with shop.changing() as connection:
        catalogues.load(connection, shop.by, new, date(2026, 11, 12))


BETWEEN = [
    (expired, "is expired"),
    (closed, "is expired"),
    (cancelled, "is cancelled"),
    (paid, "is paid"),
    (taken, "There is a trunk acme-lyon already"),
    (number_taken, f"cannot take effect: Number {NUMBER} belongs to trunk acme-nice"),
    (no_such_offer, "cannot take effect: The catalogue of 2026-11-13 has no offer packs"),
]


@pytest.mark.parametrize(("what", "said"), BETWEEN, ids=[one[0].__name__ for one in BETWEEN])
def test_money_for_what_cannot_take_effect_any_more_is_kept(shop, what, said):
    order = shop.first(numbers=(NUMBER,))
    what(shop, order)
    before = dump(shop.engine)
    outcome = shop.pay(order, "bank-1")
    assert outcome.state is UNASSIGNED
    assert said in outcome.words
    assert back(shop) == [("bank-1", order.gross)]
    after = dump(shop.engine)
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed == {"payment", "audit"}


def ends(shop):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        subscriptions.end(connection, shop.by, "acme-lyon", ground)


def test_a_raise_of_what_is_to_end_is_kept(shop):
    shop.subscribe()
    order = shop.order(8)
    ends(shop)
    outcome = shop.pay(order)
    assert (outcome.state, shop.trunk().channels) == (UNASSIGNED, 5)
    assert "The subscription of trunk acme-lyon ends." in outcome.words


@pytest.mark.parametrize("ended", [True, False])
def test_a_trunk_that_was_there_may_have_ended_or_be_subscribed(shop, ended):
    with shop.changing() as connection:
        trunks.add(connection, shop.by, trunk("acme-lyon"), None)
    order = shop.order(5)
    if ended:
        with shop.changing() as connection:
            trunks.change(connection, shop.by, "acme-lyon", ended=True)
    else:
        # As two orders placed before each other could be seen could come to.
        shop.now += timedelta(3)
        shop.pay(shop.order(6))
        shop.now -= timedelta(3)
    words = shop.pay(order).words
    assert ("has ended" if ended else "has a subscription already") in words


def test_what_was_ordered_by_a_catalogue_holds_by_the_next_one(shop):
    order = shop.first(1)
    load(shop, {"packs": replace(OFFER, minimum=3, packs=OFFER.packs[1:])})
    assert shop.pay(order).state is APPLIED
    assert shop.amounts("F2026-000001") == ["4"]


def test_a_first_period_that_is_as_dear_is_of_the_day_of_payment(shop):
    order = shop.first()
    assert [line.since for line in order.lines] == [date(2026, 11, 12)]
    shop.now += timedelta(2)
    shop.pay(order)
    assert [(line.since, line.until) for line in shop.lines("F2026-000001")] == [
        (date(2026, 11, 14), date(2026, 12, 14))
    ]


def test_a_shorter_first_period_costs_what_was_quoted(shop):
    with shop.changing() as connection:
        new = replace(CATALOGUE, valid_from=date(2026, 11, 12), plans={"monthly": MONTHLY})
        catalogues.load(connection, shop.by, new, date(2026, 11, 11))
    order = shop.first(2, plan="monthly")
    # 30.00 for 19 of 30 days
    assert order.net == 19
    shop.now += timedelta(2)
    assert shop.pay(order).state is APPLIED
    assert shop.amounts("F2026-000001") == ["19"]


NOBODY = [
    (Payment("p", Decimal(1), "EUR"), InvalidInput, "name one of them"),
    (Payment("p", Decimal(1), "EUR", "O-1", "F1"), InvalidInput, "name one of them"),
    (Payment("p", Decimal(1), "EUR", order="O-1"), NotFound, "no order O-1"),
    (Payment("p", Decimal(1), "EUR", invoice="F1"), NotFound, "no invoice F1"),
]


@pytest.mark.parametrize(("given", "error", "said"), NOBODY, ids=["none", "both", "order", "bill"])
def test_a_payment_for_nothing_is_refused(shop, given, error, said):
    with pytest.raises(error, match=said):
        shop.take(given)


# --- invoices ---


@pytest.fixture
def billed(shop: Shop) -> Shop:
    """With an invoice that is not paid: F2026-000002, of 18.00 and tax."""
    shop.subscribe()
    shop.at("2026-12-12").bill()
    return shop


def test_an_invoice_is_paid(billed):
    assert billed.settle("F2026-000002").state is APPLIED
    one = billed.invoice("F2026-000002")
    assert (one.paid, one.unpaid, one.settled_at) == (Decimal("21.60"), 0, billed.now)
    assert billed.settle("F2026-000002", amount=Decimal("21.60")).state is ALREADY


def test_an_invoice_is_not_paid_twice(billed):
    billed.settle("F2026-000002", "bank-1")
    outcome = billed.settle("F2026-000002", "bank-2", Decimal("21.60"))
    assert (outcome.state, back(billed)) == (UNASSIGNED, [("bank-2", Decimal("21.60"))])
    assert "is settled already" in outcome.words


def test_another_amount_pays_no_invoice(billed):
    outcome = billed.settle("F2026-000002", "bank-1", Decimal("21.50"))
    assert (outcome.state, back(billed)) == (UNASSIGNED, [("bank-1", Decimal("21.50"))])
    assert "costs 21.60 EUR, and 21.50 EUR came" in outcome.words
    assert billed.invoice("F2026-000002").unpaid == Decimal("21.60")


# --- at once ---


def test_one_payment_told_of_twice_at_once_takes_effect_once(shop):
    order = shop.first()
    found = at_once(*[lambda: shop.pay(order, "bank-1")] * 2)
    assert sorted(str(one.state) for one in found) == ["already", "applied"]
    assert (shop.issued, len(shop.invoices()), back(shop)) == (["acme-lyon"], 1, [])


@pytest.mark.parametrize("kind", ["first", "raise", "invoice"])
def test_of_two_payments_at_once_one_takes_effect_and_one_is_kept(shop, kind):
    if kind == "first":
        order = shop.first()
        works = [lambda name=name: shop.pay(order, name) for name in ("bank-1", "bank-2")]
    elif kind == "raise":
        shop.subscribe()
        order = shop.order(8)
        works = [lambda name=name: shop.pay(order, name) for name in ("bank-1", "bank-2")]
    else:
        shop.subscribe()
        shop.at("2026-12-12").bill()
        due = Decimal("21.60")
        works = [
            lambda name=name: shop.settle("F2026-000002", name, due)
            for name in ("bank-1", "bank-2")
        ]
    found = at_once(*works)
    assert sorted(str(one.state) for one in found) == ["applied", "unassigned"]
    assert len(back(shop)) == 1
    with reading(shop.engine) as connection:
        counted = connection.execute(select(payment.c.state)).scalars().all()
        numbers = connection.execute(select(invoice.c.number)).scalars().all()
    assert max(counted) == "unassigned"
    assert sorted(numbers) == [f"F2026-{n:06}" for n in range(1, len(numbers) + 1)]


def test_a_payment_and_a_bill_at_once_wait_for_each_other(shop):
    """Each takes the lock of the subscription and that of the numbers: in one order."""
    shop.subscribe()
    for month, channels in ((12, 8), (1, 11), (2, 14), (3, 17)):
        shop.at(f"{2026 if month == 12 else 2027}-{month:02}-12")
        order = shop.order(channels)
        bills, outcome = at_once(shop.bill, lambda one=order: shop.pay(one))
        assert outcome.state is APPLIED
        assert [one.number for one in bills] != []
    assert len(set(shop.numbers())) == len(shop.numbers()) == 9
