"""The calls on an invoice, what a period has come to, prices of trunks, payments of invoices."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.tariff import PriceRange
from asterisk_siptrunk.database import (
    estimate,
    foresight,
    itemised,
    occupancy,
    payments,
    subscriptions,
    tariffs,
)
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.destination import Destination, Kind
from asterisk_siptrunk.destination.zones import Zone
from tests.unit.database.shop import BUSINESS, PARIS, Shop, add_call, give_number

NOV_12, DEC_12 = date(2026, 11, 12), date(2026, 12, 12)
NOVEMBER = BillingPeriod(NOV_12, DEC_12, NOV_12)
LATVIA = Zone("LV", Kind.MOBILE)
RIGA = Destination("+37167123456", "LV", Kind.FIXED)
RIGA_MOBILE = Destination("+37129123456", "LV", Kind.MOBILE)


@pytest.fixture
def shop(engine):
    """acme-lyon has 5 channels since 12 November."""
    shop = Shop.opened(engine)
    shop.subscribe(5)
    return shop


def so_far(shop, most=100):
    agreed = shop.subscription()
    return estimate.so_far(shop.engine, BUSINESS, agreed, NOVEMBER, most)


def test_calls_of_an_invoice_one_by_one(shop, monkeypatch):
    monkeypatch.setattr(itemised, "_AT_ONCE", 2)
    begun = shop.now + timedelta(hours=1)
    ids = [add_call(shop.engine, begun + timedelta(minutes=n), 60 * n) for n in (1, 2, 3)]
    shop.at("2026-12-12").prove()
    shop.bill()
    of = itemised.Charged(shop.subscription().id, NOV_12)
    found = list(itemised.every(shop.engine, of))
    # 0.06 a minute to a French mobile
    assert [(one.id, one.seconds, one.cost) for one in found] == [
        (ids[0], 60, Decimal("0.06")),
        (ids[1], 120, Decimal("0.12")),
        (ids[2], 180, Decimal("0.18")),
    ]
    assert {(one.callee, one.zone, one.rate) for one in found} == {
        ("+33612345678", "fr:mobile", "fr:mobile")
    }
    with reading(shop.engine) as connection:
        assert [one.id for one in itemised.some(connection, of, ids[0], 1)] == [ids[1]]
    assert list(itemised.every(shop.engine, itemised.Charged(of.subscription_id, DEC_12))) == []


def test_what_a_period_has_come_to(shop):
    begun = shop.now + timedelta(hours=1)
    add_call(shop.engine, begun, 600)  # 0.60
    add_call(shop.engine, begun, 60, callee="+4930123456", zone="de:fixed")  # no rate
    add_call(shop.engine, begun, None)  # still lasts
    give_number(shop.engine, "+33123456789", begun + timedelta(days=15))
    found = so_far(shop)
    # 27 November to 12 December is 15 of 30 days of 1.00
    assert (found.calls, found.unrated, found.net) == (1, 1, Decimal("1.10"))
    assert (found.trunk, found.currency) == ("acme-lyon", "EUR")
    few = so_far(shop, most=1)
    assert (few.calls, few.net) == (None, Decimal("0.50"))


def test_prices_are_those_of_the_subscription_s_deck(shop):
    with reading(shop.engine) as connection:
        on = subscriptions.ground(connection, PARIS)
        trunk = shop.trunk()
        asked = (connection, trunk, on, NOV_12)
        price = tariffs.of_trunk(*asked, "none").of(LATVIA)
        assert price == PriceRange(Decimal("0.12"), Decimal("0.12"), Decimal(0))
        assert tariffs.of_trunk(*asked, "none") is tariffs.of_trunk(*asked, "none")
        assert tariffs.currency_of(*asked) == "EUR"
        rate = tariffs.price_of(*asked, "none", RIGA_MOBILE)
        assert rate is not None
        assert rate.price == Decimal("0.12")
        assert tariffs.price_of(*asked, "none", RIGA) is None


def test_a_trunk_without_a_subscription_has_the_prices_of_the_watch(engine):
    shop = Shop.opened(engine)
    shop.subscribe(5)
    shop.at("2027-01-20")
    with reading(shop.engine) as connection:
        on = subscriptions.ground(connection, PARIS)
        trunk = shop.trunk()
        unsold = type(trunk)(99, "local", "acme", trunk.kind, 3, "FR")
        asked = (connection, unsold, on, NOV_12)
        assert tariffs.of_trunk(*asked, "world").of(LATVIA) is not None
        assert tariffs.of_trunk(*asked, "").of(LATVIA) is None
        assert tariffs.price_of(*asked, "", RIGA_MOBILE) is None
        assert tariffs.currency_of(*asked) == "EUR"
        assert tariffs.currency_of(connection, unsold, on, date(2025, 1, 1)) == ""


def test_payments_of_an_invoice_are_told(shop):
    shop.at("2026-12-12").prove()
    shop.bill()
    shop.settle("F2026-000002", "short", Decimal("1.00"))
    shop.at("2026-12-13").settle("F2026-000002", "whole")
    with reading(shop.engine) as connection:
        told = [
            [(one.reference, one.state) for one in payments.of_invoice(connection, invoice)]
            for invoice in shop.invoices()
        ]
    assert told[0][0][1] == "applied"  # of the order that it is of
    assert told[1] == [("short", "unassigned"), ("whole", "applied")]


def test_the_invoice_of_an_order_names_it(shop):
    order = shop.raised(6)
    shop.at("2026-12-12").prove()
    shop.bill()
    assert [one.order for one in shop.invoices()][1:] == [order.reference, None]


def test_how_busy_things_are_is_counted(shop):
    add_call(shop.engine, shop.now, None)
    add_call(shop.engine, shop.now, None, direction="inbound")
    add_call(shop.engine, shop.now, 60)
    with reading(shop.engine) as connection:
        load = occupancy.load_of(connection, shop.trunk().id)
        assert (load.outbound, load.inbound, load.carriers) == (1, 1, {})
        assert occupancy.carriers_in_use(connection) == {}
        seen = foresight.foresee(connection, "acme-lyon", "112", "", shop.now)
    assert (seen.admitted, seen.caller_shown, seen.carriers) == (False, None, ())
    assert seen.decision.reason == "no-carrier"
