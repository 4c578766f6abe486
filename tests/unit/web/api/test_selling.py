"""Offers, quotes, orders, invoices, and their documents."""

import pytest

from asterisk_siptrunk.database.engine import transaction
from tests.unit.web.api.conftest import client_of
from tests.unit.web.api.filling import issue

GROSS = "21.60"
"""A pack of five at 18.00, and 20 % of tax."""
WISH = {"trunk": "acme-lyon", "channels": 8}


def test_what_is_offered(acme):
    (offer,) = acme.get("/offers")["items"]
    assert [pack["channels"] for pack in offer["packs"]] == [1, 5, 10]
    assert offer["packs"][1]["price"] == {"amount": "18.00", "currency": "EUR"}
    assert [plan["name"] for plan in offer["plans"]] == ["office"]


def test_nothing_is_offered_before_there_is_a_catalogue(api, house):
    assert client_of(api, issue(house, "acme")).get("/offers") == {"items": [], "next": None}


def test_a_quote_orders_nothing(acme, filled):
    quoted = acme("POST", "/quotes", WISH).json()
    assert (quoted["kind"], quoted["channels"], quoted["takes_effect"]) == ("raise", 8, None)
    assert quoted["total"]["gross"]["amount"] == GROSS
    assert quoted["next"]["first"] == "2025-12-24"
    assert acme.names("/orders?state=placed", "reference") == [filled["acme"]["order"]]


def test_at_another_price_nothing_is_ordered(acme, filled):
    acme("POST", f"/orders/{filled['acme']['order']}/cancel")
    answer = acme("POST", "/orders", {**WISH, "gross": "20.00"})
    assert answer.status_code == 409
    assert f"{GROSS} EUR now" in answer.json()["detail"]
    assert acme("POST", "/orders", {**WISH, "gross": GROSS}).status_code == 201


def test_a_cut_is_ordered_and_taken_back(acme, filled):
    acme("POST", f"/orders/{filled['acme']['order']}/cancel")
    cut = acme("POST", "/orders", {"trunk": "acme-lyon", "channels": 1}).json()
    assert (cut["state"], cut["takes_effect"], cut["asked"]) == ("accepted", "2025-12-24", -2)
    assert acme("POST", f"/orders/{cut['reference']}/cancel").json()["state"] == "cancelled"


def test_who_gives_numbers(acme, ours):
    wish = {"trunk": "acme-rome", "channels": 3, "numbers": ["+33123456700"]}
    assert acme("POST", "/orders", wish).status_code == 403
    made = ours("POST", "/orders", {**wish, "customer": "acme"})
    assert (made.status_code, made.json()["customer"]) == (201, "acme")


def test_an_order_expires(acme, clock, filled):
    clock.advance(days=4)
    assert acme.get(f"/orders/{filled['acme']['order']}")["state"] == "expired"


def test_an_order_is_signed_with_the_tokens_name(acme, ours):
    acme("POST", "/orders", {"trunk": "acme-rome", "channels": 3})
    (told, *_) = ours.get("/audit?name=acme-rome")["items"]
    assert (told["author"], told["noun"]) == ("token crm of acme", "trunk")


def test_an_invoice_with_its_lines(acme, filled):
    one = acme.get(f"/invoices/{filled['acme']['invoice']}")
    assert (one["state"], one["unpaid"]["amount"]) == ("paid", "0.00")
    assert one["total"]["net"] == {"amount": "12.00", "currency": "EUR"}
    assert [(line["quantity"], line["unit_price"]["amount"]) for line in one["lines"]] == [
        ("3", "4.00")
    ]


@pytest.mark.parametrize(
    ("query", "accept", "written"),
    [
        ("", "*/*", ("application/pdf", b"%PDF")),
        ("", "text/html, application/pdf;q=0.8", ("application/pdf", b"%PDF")),
        ("", "text/csv", ("text/csv; charset=utf-8", b"number,")),
        ("", "application/json", ("application/json", b"{")),
        ("?format=xml", "text/csv", ("application/xml", b"<?xml")),
        ("?format=factur-x", "*/*", ("application/pdf", b"%PDF")),
    ],
)
def test_a_document(acme, filled, query, accept, written):
    kind, begins = written
    number = filled["acme"]["invoice"]
    answer = acme("GET", f"/invoices/{number}/document{query}", Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.content.startswith(begins)
    assert number in answer.headers["content-disposition"]


def test_a_document_is_not_to_be_had_as_anything(acme, filled):
    answer = acme("GET", f"/invoices/{filled['acme']['invoice']}/document", Accept="image/png")
    assert answer.status_code == 406


def test_a_payment_for_nothing_is_kept(ours, filled):
    paid = {"reference": "bank-9", "amount": "1.00", "currency": "EUR"}
    assert ours("POST", "/payments", paid).status_code == 422
    answer = ours("POST", "/payments", {**paid, "invoice": filled["acme"]["invoice"]})
    assert (answer.status_code, answer.json()["state"]) == (200, "unassigned")


@pytest.mark.parametrize("same", ["21.6", "21.600", "021.60"])
def test_a_price_may_be_written_in_more_than_one_way(acme, filled, same):
    acme("POST", f"/orders/{filled['acme']['order']}/cancel")
    assert acme("POST", "/orders", {**WISH, "gross": same}).status_code == 201


def test_a_quote_waits_for_nobody_who_writes(acme, house):
    acme.get("/offers")  # the token's use is noted
    with transaction(house.engine):
        assert acme("POST", "/quotes", WISH).status_code == 200


def test_a_token_is_good_while_nothing_can_be_written(acme, house):
    with transaction(house.engine):
        assert acme("GET", "/offers").status_code == 200
