"""Unpaid invoices: reminder, then less and less service, and what payment takes back."""

import json

import pytest
from sqlalchemy import select

from asterisk_siptrunk.billing.dunning import Step
from asterisk_siptrunk.database import suspensions, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import notice
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from tests.unit.database.shop import Shop, at_once, dump

BILL, NEXT = "F2026-000002", "F2027-000001"
OUTBOUND, ALL = SuspensionScope.OUTBOUND, SuspensionScope.ALL
BILLING, ADMIN = SuspensionSource.BILLING, SuspensionSource.ADMIN
# Issued on 12 December, due on 11 January; reminded after 3 days, suspended after 14 and 28.
LATE, SUSPENDED, WHOLLY = "2027-01-15", "2027-01-26", "2027-02-09"


@pytest.fixture
def shop(engine) -> Shop:
    """With an invoice that nobody pays, and another of a month later: of 12 January."""
    shop = Shop.opened(engine)
    shop.subscribe(options=("fax",))
    shop.at("2026-12-12").bill()
    shop.at("2027-01-12").bill()
    assert shop.numbers()[1:] == [BILL, NEXT]
    return shop


def standing(shop):
    return {(one.scope, one.source) for one in shop.trunk().suspensions}


def suspend(shop, scope, source=ADMIN):
    with shop.changing() as connection:
        suspensions.suspend(connection, shop.by, "acme-lyon", Suspension(scope, "why", source))


def facts(shop, kind):
    with reading(shop.engine) as connection:
        query = select(notice.c.facts).where(notice.c.kind == kind).order_by(notice.c.id)
        return [json.loads(row) for row in connection.execute(query).scalars()]


STEPS = [
    ("2027-01-14", None, set()),
    (LATE, Step.REMINDER, set()),
    ("2027-01-25", Step.REMINDER, set()),
    (SUSPENDED, Step.OUTBOUND, {(OUTBOUND, BILLING)}),
    ("2027-02-08", Step.OUTBOUND, {(OUTBOUND, BILLING)}),
    (WHOLLY, Step.ALL, {(ALL, BILLING)}),
]


@pytest.mark.parametrize(("day", "step", "stops"), STEPS, ids=[one[0] for one in STEPS])
def test_each_step_has_its_day_and_the_last_is_taken_alone(shop, day, step, stops):
    assert shop.at(day).remind() == ([(BILL, step)] if step else [])
    assert standing(shop) == stops
    before = dump(shop.engine)
    assert shop.remind() == []
    assert dump(shop.engine) == before


def test_step_by_step(shop):
    taken = [step for day, *_ in STEPS for _, step in shop.at(day).remind()]
    assert taken == [Step.REMINDER, Step.OUTBOUND, Step.ALL]
    assert standing(shop) == {(OUTBOUND, BILLING), (ALL, BILLING)}
    assert shop.told()[-3:] == ["invoice-reminder", "trunk-suspended", "trunk-suspended"]


def test_what_the_customer_is_told(shop):
    shop.at(LATE).remind()
    shop.at(SUSPENDED).remind()
    shop.settle(BILL)
    (reminder,) = facts(shop, "invoice-reminder")
    assert reminder == {
        "customer": "Acme SA",
        "invoice": BILL,
        "amount": "24.000000",
        "currency": "EUR",
        "due": "2027-01-11",
        "consequence": "Outbound calls are suspended from 2027-01-26 on if it is still not paid "
        "then.",
    }
    (suspended,) = facts(shop, "trunk-suspended")
    assert suspended["reason"] == f"invoice {BILL} of 24.00 EUR is not paid."
    (resumed,) = facts(shop, "trunk-resumed")
    assert (resumed["scope"], resumed["reason"]) == ("outbound", f"Invoice {BILL} is settled.")


@pytest.mark.parametrize("how", ["paid", "credited"])
def test_what_settles_an_invoice_lifts_its_suspensions(shop, how):
    shop.at(SUSPENDED).remind()
    shop.at(WHOLLY).remind()
    before = shop.trunk().version
    if how == "paid":
        shop.settle(BILL)
    else:
        shop.credit(BILL)
    assert standing(shop) == set()
    assert shop.trunk().version > before
    assert shop.told()[-2:] == ["trunk-resumed"] * 2


def test_a_part_that_is_credited_lifts_nothing(shop):
    shop.at(SUSPENDED).remind()
    shop.credit(BILL, 2)
    assert standing(shop) == {(OUTBOUND, BILLING)}
    shop.settle(BILL)
    assert standing(shop) == set()


def test_a_suspension_of_the_admins_stands_beside_it(shop):
    suspend(shop, OUTBOUND)
    shop.at(SUSPENDED).remind()
    assert standing(shop) == {(OUTBOUND, ADMIN), (OUTBOUND, BILLING)}
    shop.settle(BILL)
    assert standing(shop) == {(OUTBOUND, ADMIN)}
    # its calls are refused as before: it is not told that they pass
    assert facts(shop, "trunk-resumed") == []


def test_the_admins_of_all_calls_keeps_the_customer_from_being_told(shop):
    suspend(shop, ALL)
    shop.at(SUSPENDED).remind()
    shop.settle(BILL)
    assert (standing(shop), facts(shop, "trunk-resumed")) == ({(ALL, ADMIN)}, [])


OTHERS = [
    # Which invoice is paid once both have come to these steps; what stands after it.
    (SUSPENDED, BILL, set()),  # the other is not even late
    ("2027-02-26", NEXT, {(OUTBOUND, BILLING), (ALL, BILLING)}),
    ("2027-02-26", BILL, {(OUTBOUND, BILLING)}),
    ("2027-03-12", BILL, {(OUTBOUND, BILLING), (ALL, BILLING)}),
]


@pytest.mark.parametrize(("until", "paid", "left"), OTHERS, ids=range(len(OTHERS)))
def test_payment_lifts_what_no_other_invoice_asks_for(shop, until, paid, left):
    for day in (LATE, SUSPENDED, WHOLLY, "2027-02-26", "2027-03-12"):
        if day <= until:
            shop.at(day).remind()
    shop.settle(paid)
    assert standing(shop) == left
    shop.settle(BILL if paid == NEXT else NEXT)
    assert standing(shop) == set()


def test_a_suspension_that_an_admin_lifted_comes_with_the_next_step_alone(shop):
    shop.at(SUSPENDED).remind()
    with shop.changing() as connection:
        suspensions.resume(connection, shop.by, "acme-lyon")
    assert (shop.at("2027-01-30").remind(), standing(shop)) == ([], set())
    shop.at(WHOLLY).remind()
    assert standing(shop) == {(ALL, BILLING)}


def test_two_invoices_suspend_once(shop):
    shop.at("2027-02-26").remind()
    shop.at("2027-03-12").remind()
    assert standing(shop) == {(ALL, BILLING), (OUTBOUND, BILLING)}
    assert len(facts(shop, "trunk-suspended")) == 2
    suspended = [one for one in shop.history() if one.startswith("suspended")]
    assert len(suspended) == 2


def test_a_trunk_that_has_ended_is_neither_suspended_nor_resumed(shop):
    shop.at(LATE).remind()
    with shop.changing() as connection:
        trunks.end(connection, shop.by, "acme-lyon")
    assert shop.at(SUSPENDED).remind() == [(BILL, Step.OUTBOUND)]
    assert standing(shop) == set()
    shop.settle(BILL)
    assert facts(shop, "trunk-resumed") == []


def test_whoever_pays_at_that_moment_is_not_suspended(shop):
    shop.at(SUSPENDED)
    at_once(shop.remind, lambda: shop.settle(BILL))
    assert standing(shop) == set()
    assert shop.invoice(BILL).settled_at is not None
