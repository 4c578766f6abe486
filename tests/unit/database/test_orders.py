"""Orders: written as they were quoted, one at a time for each trunk, and closed once."""

import secrets
from datetime import date, timedelta
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.order import NewTrunk, OrderState
from asterisk_siptrunk.billing.subscription import OrderKind
from asterisk_siptrunk.database import orders, subscriptions, trunks
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from tests.unit.database.builders import BY, trunk
from tests.unit.database.shop import BEGAN, PARIS, Shop, at_once, dump

NUMBER = "+33123456789"


@pytest.fixture
def shop(engine) -> Shop:
    return Shop.opened(engine)


def cancel(shop, order):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        return orders.cancel(connection, shop.by, order.reference, ground)


def expire(shop):
    with shop.changing() as connection:
        return orders.expire(connection, shop.by)


def test_a_first_order_is_written_as_quoted_and_makes_nothing(shop):
    order = shop.first(5, numbers=(NUMBER,), options=("fax",))
    # 18.00 for the pack of 5, 2.00 for the fax, 1.00 for the number; 20 % tax
    assert (order.net, order.gross) == (Decimal("21.00"), Decimal("25.20"))
    assert (order.kind, order.state) == (OrderKind.FIRST, OrderState.PLACED)
    assert (order.asked, order.granted, order.takes_effect) == (5, 5, None)
    assert (order.offer, order.plan, order.options) == ("packs", None, ("fax",))
    assert order.new_trunk == NewTrunk("FR", (NUMBER,))
    assert order.expires_at == BEGAN + timedelta(3)
    assert [line.amount for line in order.lines] == [18, 2, 1]
    assert shop.trunk() is None
    with pytest.raises(NotFound):
        shop.subscription()


def test_what_is_read_back_is_what_was_written(shop):
    order = shop.first(7, plan="office", country="BE")
    with shop.changing() as connection:
        assert orders.get(connection, order.reference) == order
        assert orders.every(connection, "acme-lyon") == [order]
        assert orders.every(connection, "acme-paris") == []
    assert order.new_trunk == NewTrunk("BE", ())


def test_a_quote_writes_nothing(shop):
    before = dump(shop.engine)
    assert shop.quoted(customer="acme").quote.usable == 5
    assert dump(shop.engine) == before


REFUSED = [
    ({"customer": None}, InvalidInput, "say whose it is to be"),
    ({"customer": "nobody"}, NotFound, "no customer nobody"),
    ({"trunk": "Acme!"}, InvalidInput, "Acme!"),
    ({"offer": "none"}, NotFound, "no offer none"),
    ({"plan": "none"}, NotFound, "no plan none"),
    ({"options": ("none",)}, InvalidInput, "no option none"),
    ({"options": ("site",), "channels": 3}, InvalidInput, "the option site needs 4"),
    ({"channels": 101}, InvalidInput, "100 at most"),
    (
        {"channels": 1, "numbers": tuple(f"+3312345670{n}" for n in range(3))},
        InvalidInput,
        "need 2",
    ),
    ({"numbers": (NUMBER, NUMBER)}, InvalidInput, "given twice"),
]


@pytest.mark.parametrize(("changes", "error", "said"), REFUSED, ids=[one[2] for one in REFUSED])
def test_what_cannot_be_had_is_refused(shop, changes, error, said):
    request = {"channels": 5, "trunk": "acme-lyon", "customer": "acme"} | changes
    before = dump(shop.engine)
    with pytest.raises(error, match=said):
        shop.order(**request)
    assert dump(shop.engine) == before


def test_a_number_of_another_trunk_is_refused(shop):
    shop.subscribe(numbers=(NUMBER,))
    with pytest.raises(AlreadyExists, match="belongs to trunk acme-lyon"):
        shop.first(5, "acme-nice", numbers=(NUMBER,))


def test_a_trunk_that_is_there_can_be_subscribed(shop):
    with shop.changing() as connection:
        trunks.add(connection, BY, trunk("acme-lyon", channels=3, reserved_inbound=2), None)
        trunks.add_number(connection, BY, "acme-lyon", NUMBER, main=True)
    for wrong in ({"numbers": (NUMBER,)}, {"country": "BE"}):
        with pytest.raises(InvalidInput, match="is there already"):
            shop.order(**wrong)
    with pytest.raises(InvalidInput, match="2 are kept for inbound"):
        shop.order(1)
    order = shop.order(5)
    # the pack of 5, and the number that it has
    assert (order.new_trunk, order.net) == (None, 19)
    shop.pay(order)
    assert (shop.trunk().channels, shop.issued) == (5, [])


def test_a_trunk_that_has_ended_cannot(shop):
    with shop.changing() as connection:
        trunks.add(connection, BY, trunk("acme-lyon"), None)
        trunks.change(connection, BY, "acme-lyon", ended=True)
    with pytest.raises(InvalidInput, match="has ended"):
        shop.order()


def test_whose_a_trunk_is_stays(shop):
    shop.subscribe()
    with pytest.raises(InvalidInput, match=r"is acme's, not beta's"):
        shop.order(8, customer="beta")


@pytest.mark.parametrize("wrong", [{"offer": "packs"}, {"plan": "office"}, {"options": ("fax",)}])
def test_a_change_is_of_channels_alone(shop, wrong):
    shop.subscribe()
    with pytest.raises(InvalidInput, match="changes its channels alone"):
        shop.order(8, **wrong)


def test_a_raise_waits_for_its_payment_and_no_other_one_is_placed(shop):
    shop.subscribe()
    order = shop.at("2026-11-20").order(8)
    # 3 packs of 1 for 22 of 30 days: 12.00 x 22/30 = 8.80, and 20 % tax
    assert (order.kind, order.net, order.gross) == (
        OrderKind.RAISE,
        Decimal("8.80"),
        Decimal("10.56"),
    )
    with pytest.raises(AlreadyExists, match=f"{order.reference} of trunk acme-lyon waits"):
        shop.order(9)
    assert shop.trunk().channels == 5
    cancel(shop, order)
    assert shop.order(9).asked == 4


def test_an_order_is_not_held_up_by_one_that_was_not_paid_in_time(shop):
    shop.first()
    shop.now += timedelta(3)
    assert shop.first(6).asked == 6


def test_its_price_never_holds_beyond_its_period(shop):
    shop.subscribe()
    order = shop.at("2026-12-10").order(8)
    assert order.expires_at == shop.at("2026-12-12", 0).now


def test_a_cut_is_accepted_at_once_and_cancelled_until_it_takes_effect(shop):
    shop.subscribe(8)
    cut = shop.at("2026-11-20").order(6)
    assert (cut.kind, cut.state, cut.asked) == (OrderKind.CUT, OrderState.ACCEPTED, -2)
    assert (cut.takes_effect, cut.net, cut.expires_at) == (date(2026, 12, 12), 0, None)
    assert shop.trunk().channels == 8
    second = shop.order(4)
    assert second.asked == -2
    assert cancel(shop.at("2026-12-11", 23), second).state is OrderState.CANCELLED
    with pytest.raises(InvalidInput, match="took effect on 2026-12-12"):
        cancel(shop.at("2026-12-12", 0), cut)


def test_a_cut_is_taken_beside_a_raise_that_waits(shop):
    shop.subscribe()
    raised = shop.at("2026-11-20").order(8)
    shop.order(4)
    shop.pay(raised)
    # 5 + 3 now; 5 - 1 + 3 from the next period on
    assert shop.trunk().channels == 8
    shop.at("2026-12-12").turn()
    assert shop.trunk().channels == 7


@pytest.mark.parametrize("state", ["paid", "cancelled", "expired"])
def test_what_is_closed_stays_so(shop, state):
    order = shop.first()
    if state == "paid":
        shop.pay(order)
    elif state == "cancelled":
        cancel(shop, order)
    else:
        shop.now += timedelta(3)
        assert expire(shop) == [order.reference]
    with pytest.raises(InvalidInput, match=f"is {state}"):
        cancel(shop, order)
    assert expire(shop) == []
    assert shop.state(order) == state


def test_an_order_expires_when_its_time_is_over(shop):
    order = shop.first()
    shop.now += timedelta(3) - timedelta(microseconds=1)
    assert expire(shop) == []
    shop.now += timedelta(microseconds=1)
    assert expire(shop) == [order.reference]
    with shop.changing() as connection:
        assert orders.get(connection, order.reference).closed_at == shop.now


def test_no_two_orders_have_one_reference(shop, monkeypatch):
    texts = iter(["aa", "aa", "bb"])
    monkeypatch.setattr(secrets, "token_hex", lambda _: next(texts))
    assert shop.first().reference == "O-AA"
    assert shop.first(5, "acme-nice").reference == "O-BB"


def test_of_two_first_orders_at_once_one_is_placed(shop):
    for attempt in range(5):  # the first pair has to connect yet, and so is hardly at once
        found = at_once(*[lambda name=f"acme-{attempt}": shop.first(5, name)] * 2)
        assert sorted(type(one).__name__ for one in found) == ["AlreadyExists", "Order"]


def test_of_two_raises_at_once_one_is_placed(shop):
    shop.subscribe()
    found = at_once(*[lambda: shop.order(8)] * 2)
    assert sorted(type(one).__name__ for one in found) == ["AlreadyExists", "Order"]


def test_two_cuts_at_once_come_to_what_each_asks(shop):
    shop.subscribe(8)
    found = at_once(*[lambda: shop.order(6)] * 2)
    # the second one is told that the next period begins with 6 anyway
    assert sorted(type(one).__name__ for one in found) == ["InvalidInput", "Order"]


def test_an_order_that_is_paid_is_not_closed_as_well(shop):
    """Its payment came in time and waited for the run that closes late ones, or kept it waiting."""
    for attempt in range(5):
        name = f"acme-{attempt}"
        order = shop.first(5, name)
        late = Shop(shop.engine, now=shop.now + timedelta(3))
        outcome, closed = at_once(lambda one=order: shop.pay(one), lambda one=late: expire(one))
        paid = outcome.state == "applied"
        assert (shop.state(order), closed) == (
            ("paid", []) if paid else ("expired", [order.reference])
        )
        assert (shop.trunk(name) is not None) == paid
