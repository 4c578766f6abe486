"""Offers, orders, invoices and billing runs."""

from dataclasses import replace
from datetime import date

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database import catalogues, invoices, orders, proofs, trunks
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.web.errand import Errand
from asterisk_siptrunk.web.site.provider import selling
from tests.unit.database.shop import CATALOGUE, EVER, Shop
from tests.unit.web.conftest import login_of

SECONDS = 30.0
ADMIN = login_of(Role.PROVIDER_ADMIN)


@pytest.fixture
def shop(house, clock) -> Shop:
    """What the provider sells, to acme of the house."""
    one = Shop(house.engine, now=clock.now)
    with transaction(house.engine) as connection:
        offered = replace(CATALOGUE, valid_from=date(2025, 1, 1))
        catalogues.load(connection, one.by, offered, date(2025, 1, 1))
    return one


@pytest.fixture
def a_month_later(shop, clock, house):
    """A trunk was sold, its first period is over, and its usage is proven."""
    shop.subscribe()
    clock.advance(days=31)
    with transaction(house.engine) as connection:
        proofs.record(connection, shop.by, "lab", EVER, 0)


@pytest.fixture
def run(provider, house):
    """Has a billing run begun by somebody who has just logged in, and waits until it is done."""

    def begin(kind: str, **fields: str):
        provider.log_in(ADMIN)
        answer = provider.post(f"/provider/selling/{kind}", **fields)
        house.billing.join(SECONDS)
        return answer

    return begin


def written(house):
    with reading(house.engine) as connection:
        return [one for one in invoices.every(connection) if one.period is not None]


def test_nothing_is_sold_yet(support):
    page = support.get("/provider/selling").text
    assert '<p class="figure" id="due">0</p>' in page
    assert "No run was begun here" in page
    assert "Nothing is sold today" in support.get("/provider/selling/offers").text
    assert "No order waits" in support.get("/provider/selling/orders").text
    assert "There is no such invoice" in support.get("/provider/selling/invoices").text


@pytest.mark.usefixtures("shop")
def test_what_can_be_ordered(support):
    page = support.get("/provider/selling/offers").text
    assert "€32.00" in page  # the pack of ten
    assert "Office" in page


def test_an_order_is_paid_and_the_secret_shown_once(provider, support, shop, house):
    order = shop.first()
    assert order.reference in support.get("/provider/selling/orders").text
    own = f"/provider/selling/orders/{order.reference}"
    assert 'id="pay"' not in support.get(own).text
    assert 'id="pay"' in provider.get(own).text
    answer = provider.post(f"{own}/pay", payment="bank-17")
    assert answer.status_code == 201
    assert '<code id="secret">' in answer.text
    with reading(house.engine) as connection:
        assert orders.get(connection, order.reference).state == "paid"
        assert trunks.get(connection, "acme-lyon").channels == 5
    again = provider.post(f"{own}/pay", payment="bank-17")
    assert again.status_code == 303  # told before: nothing changes
    assert order.reference not in support.get("/provider/selling/orders").text
    assert order.reference in support.get("/provider/selling/orders?state=all").text


def test_a_payment_too_late_is_kept_to_be_given_back(provider, shop, clock):
    order = shop.first()
    clock.advance(days=9)
    own = f"/provider/selling/orders/{order.reference}/pay"
    provider.log_in(ADMIN)
    answer = provider.post(own, payment="bank-18")
    assert answer.status_code == 422
    page = provider.get("/provider/selling").text
    assert "bank-18" in page
    assert provider.post("/provider/selling/given-back", name="bank-18").status_code == 303
    assert "bank-18</th>" not in provider.get("/provider/selling").text


def test_the_older_ones_are_on_the_next_page(provider, shop, monkeypatch):
    monkeypatch.setattr(selling, "MOST", 1)
    first = shop.subscribe()
    second = shop.raised(6)
    for kind, references in (
        ("orders?state=all", (second.reference, first.reference)),
        ("invoices", None),
    ):
        page = provider.get(f"/provider/selling/{kind}").text
        older = page.split('id="older" href="')[1].split('"')[0].replace("&amp;", "&")
        following = provider.get(older).text
        assert 'id="older"' not in following
        newer, before = references or ("-000002", "-000001")
        assert newer in page
        assert before in following
        assert before not in page


def test_what_is_not_there(provider):
    assert provider.get("/provider/selling/orders/O-NONE").status_code == 404
    assert provider.post("/provider/selling/orders/O-NONE/pay", payment="x").status_code == 404
    assert provider.post("/provider/selling/given-back", name="none").status_code == 404


@pytest.mark.usefixtures("a_month_later")
def test_a_look_writes_nothing_and_a_run_does(provider, house, run):
    provider.log_in(ADMIN)
    assert '<p class="figure" id="due">1</p>' in provider.get("/provider/selling").text
    assert run("preview").headers["location"] == "/provider/selling#run"
    page = provider.get("/provider/selling").text
    assert "would be written" in page
    assert written(house) == []
    run("run")
    (one,) = written(house)
    page = provider.get("/provider/selling/run").text
    assert f'href="/invoices/{one.number}"' in page
    assert ">done<" in page
    assert "every 2s" not in page
    assert one.number in provider.get("/provider/selling/invoices?state=open").text
    assert one.number not in provider.get("/provider/selling/invoices?state=paid").text
    assert one.number in provider.get("/provider/selling/invoices?customer=acme").text
    run("run")
    assert "Nothing was to be invoiced" in provider.get("/provider/selling/run").text


@pytest.mark.usefixtures("serving")
def test_what_is_not_proven_is_not_invoiced(provider, shop, house, clock, run):
    shop.subscribe()
    clock.advance(days=31)
    provider.log_in(ADMIN)
    run("run")
    page = provider.get("/provider/selling/run").text
    assert "not invoiced" in page
    assert "is not proven" in page
    assert written(house) == []


def test_a_day_to_come_can_only_be_looked_at(house, run):
    assert run("run", day="2030-01-01").status_code == 422
    assert house.billing.state is None
    assert run("preview", day="2030-01-01").status_code == 303


def test_one_run_at_a_time(provider, monkeypatch):
    monkeypatch.setattr(Errand, "begin", lambda *_: False)
    answer = provider.post("/provider/selling/preview")
    assert answer.status_code == 409
    assert "under way" in answer.text


@pytest.mark.usefixtures("a_month_later")
def test_an_unpaid_invoice_is_reminded_of(provider, clock, house, run):
    run("run")
    (one,) = written(house)
    clock.advance(days=35)
    run("run")
    assert f"Invoice {one.number} is not paid" in provider.get("/provider/selling/run").text
    assert 'id="overdue"' in provider.get("/provider/selling").text
