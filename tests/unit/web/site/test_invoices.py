"""Invoices: the list, one with its lines explained, files, and this period so far."""

import csv
import json
from datetime import timedelta
from io import StringIO

import pytest

from asterisk_siptrunk import documents
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.trunks import get as get_trunk
from tests.unit.database.shop import add_call
from tests.unit.web.site.selling import open_shop

PAGE = "/customers/acme/invoices"
TIMES = "\N{MULTIPLICATION SIGN}"
USER = "customer-user@acme.example"


@pytest.fixture
def shop(house):
    return open_shop(house)


@pytest.fixture
def sold(shop):
    """acme-paris has 5 channels since 24 November; its first invoice is paid."""
    shop.pay(shop.order(5, "acme-paris"), "bank-1")
    return shop


@pytest.fixture
def call_of(house, clock):
    """Makes a call of acme-paris, so many minutes from now on."""

    def make(minutes=1, **changes):
        with reading(house.engine) as connection:
            trunk = get_trunk(connection, "acme-paris")
        at = clock.now + timedelta(minutes=minutes)
        return add_call(house.engine, at, trunk_id=trunk.id, **changes)

    return make


@pytest.fixture
def billed(sold, call_of, clock, user):
    """The next period has begun and is billed: calls of 1 and 2 minutes at 0.06."""
    call_of(1)
    call_of(5, lasted=120)
    clock.advance(days=31)
    user.log_in(USER)
    sold.now = clock.now
    sold.prove()
    sold.bill(clock.now.date().isoformat())
    return sold


def test_before_the_first_order_there_is_none(user):
    html = user.get(PAGE).text
    assert "There is no invoice yet" in html
    assert "Nothing is to be paid." in html


@pytest.mark.usefixtures("billed")
def test_the_list_says_what_is_to_be_paid(user):
    html = user.get(PAGE).text
    assert "2025-000001" in html
    assert "2025-000002" in html
    # 18.00 for five channels and 3 x 0.06 for calls, with 20 %
    assert '<p class="figure">€21.82</p>' in html
    assert html.index("2025-000002") < html.index("2025-000001")  # the newest first


def test_the_list_is_cut_and_shown_whole_on_demand(user, sold, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.web.site.invoices._MOST_INVOICES", 1)
    sold.raised(6, "acme-paris")
    html = user.get(PAGE).text
    assert ("2025-000001" in html, "Show 1 older one" in html) == (False, True)
    assert "2025-000001" in user.get(f"{PAGE}?all=yes").text


@pytest.mark.usefixtures("sold")
def test_the_invoice_of_an_order_says_whose_payment_it_is(user):
    html = user.get("/invoices/2025-000001").text
    assert "It is for order O-" in html
    assert "bank-1" in html
    assert ">paid</span>" in html
    assert f"1 {TIMES} €18.00 a month, for the whole period" in html
    assert "(24 November 2025 to 23 December 2025): €18.00." in html


def test_a_part_of_a_period_is_explained(user, sold, clock):
    clock.advance(days=20)  # 10 of 30 days are left
    user.log_in(USER)
    sold.now = clock.now
    sold.raised(6, "acme-paris")
    html = user.get("/invoices/2025-000002").text
    assert "for 10 of the 30 days of the period (14 December 2025 to 23 December 2025)" in html
    assert f"1 {TIMES} €4.00 {TIMES} 10 / 30 = €1.33." in html


@pytest.mark.usefixtures("billed")
def test_calls_stand_on_the_invoice_one_by_one(user):
    html = user.get("/invoices/2025-000002").text
    assert f"3 minutes, counted in seconds, {TIMES} €0.06 a minute = €0.18" in html
    assert html.count("+33612345678") == 2
    assert "€0.12" in html
    assert "How to pay" not in html  # the provider says nothing of it
    rows = list(csv.DictReader(StringIO(user.get("/invoices/2025-000002/calls.csv").text)))
    assert [(row["callee"], row["seconds"], row["cost"]) for row in rows] == [
        ("+33612345678", "60", "0.060000"),
        ("+33612345678", "120", "0.120000"),
    ]


@pytest.mark.usefixtures("billed")
def test_calls_come_in_pages(user, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.web.site.invoices._CALLS_ON_A_PAGE", 1)
    html = user.get("/invoices/2025-000002").text
    assert html.count("+33612345678") == 1
    (address,) = {part.partition('"')[0] for part in html.split('href="')[1:] if "?after=" in part}
    later = user.get(address.partition("#")[0]).text
    assert ("?after=" in later, later.count("+33612345678")) == (False, 1)
    assert "These were all." in user.get("/invoices/2025-000002?after=999999").text


def test_a_credit_note_leads_to_its_invoice_and_back(user, billed):
    billed.credit("2025-000002", 2)
    invoice = user.get("/invoices/2025-000002").text
    assert "2025-000003" in invoice
    note = user.get("/invoices/2025-000003").text
    assert "Credit note 2025-000003" in note
    assert "It gives back what invoice 2025-000002 charged." in note
    assert "Reason: a mistake" in note
    assert "-€0.22" in user.get(PAGE).text


def test_a_credit_note_for_what_was_paid_says_that_money_goes_back(user, sold):
    sold.credit("2025-000001")
    assert "to be given back to you" in user.get(PAGE).text


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize(
    ("paper", "kind", "begins"),
    [
        ("pdf", "application/pdf", b"%PDF"),
        ("factur-x", "application/pdf", b"%PDF"),
        ("csv", "text/csv; charset=utf-8", b"number,kind"),
        ("json", "application/json", b"{"),
    ],
)
def test_an_invoice_as_a_file(user, paper, kind, begins, monkeypatch):
    monkeypatch.setattr(documents, "to_factur_x", documents.to_pdf)  # needs a seller's address
    answer = user.get(f"/invoices/2025-000001/as/{paper}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content.startswith(begins)
    name = "2025-000001-factur-x.pdf" if paper == "factur-x" else f"2025-000001.{paper}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.usefixtures("sold")
def test_a_file_says_what_the_page_says(user):
    said = json.loads(user.get("/invoices/2025-000001/as/json").content)
    assert (said["number"], said["gross"], said["paid"]) == ("2025-000001", "21.60", "21.60")
    assert user.get("/invoices/2025-000001/as/doc").status_code == 404


@pytest.mark.usefixtures("sold")
def test_without_the_extra_the_page_says_so(user, monkeypatch):
    assert 'id="no-pdf"' not in user.get("/invoices/2025-000001").text
    monkeypatch.setattr(documents, "has_extra", lambda: False)
    html = user.get("/invoices/2025-000001").text
    assert 'id="no-pdf"' in html
    assert ("/as/pdf" in html, "/as/csv" in html) == (False, True)


@pytest.mark.usefixtures("sold")
def test_this_period_so_far(user, call_of, monkeypatch):
    call_of(1, lasted=600)
    call_of(2, callee="+4930123456", zone="de:fixed")  # no rate
    call_of(3, lasted=None)  # still lasts
    part = user.get(f"{PAGE}/so-far").text
    assert '<p class="figure">€0.60</p>' in part
    assert "1 call has no price yet" in part
    assert part.strip() in user.get(f"{PAGE}?so_far=yes").text  # without JavaScript
    monkeypatch.setattr("asterisk_siptrunk.web.site.invoices._MOST_CALLS", 1)
    assert "too many calls to add them up" in user.get(f"{PAGE}/so-far").text


@pytest.mark.usefixtures("shop")
def test_without_a_subscription_no_period_goes_on(user):
    assert "There is no subscription whose period goes on." in user.get(f"{PAGE}/so-far").text


@pytest.mark.usefixtures("billed")
def test_nobody_reads_anothers_invoices(stranger, support, nobody):
    places = [
        *(PAGE, f"{PAGE}/so-far", "/invoices/2025-000001", "/invoices/2025-000001/calls.csv"),
        "/invoices/2025-000001/as/json",
    ]
    stranger.log_in("customer-admin@bolt.example")
    support.log_in("provider-support@provider.example")
    for place in places:
        assert stranger.get(place).status_code == 404
        assert support.get(place).status_code == 200
        assert nobody.get(place).status_code == 303
    own, none = (stranger.get(f"/invoices/{n}").text for n in ("2025-000001", "2025-000009"))
    assert own.replace("2025-000001", "") == none.replace("2025-000009", "")
