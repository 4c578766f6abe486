"""Customers and their trunks."""

from decimal import Decimal

import pytest

from asterisk_siptrunk.database import customers, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.trunk import CallerPolicy, SuspensionScope

TERMS = {
    "country": "FR",
    "reserved_inbound": "0",
    "calls_per_second": "",
    "caller_policy": "replace",
    "away_policy": "domestic",
    "transport": "udp",
    "addresses": "",
}


def the_trunk(house, name="acme-paris"):
    with reading(house.engine) as connection:
        return trunks.get(connection, name)


def test_they_are_found_by_what_they_hold(support, house, clock, put_call, a_finding):
    put_call()
    a_finding()
    with transaction(house.engine) as connection:
        by = By("setup", clock.now)
        trunks.add_number(connection, by, "bolt-paris", "+33140000000", main=True)
    page = support.get("/provider/customers").text
    assert "Acme SA" in page
    assert "Bolt SA" in page
    assert '<td class="amount">1</td><td class="amount">1</td><td class="amount">10</td>' in page
    assert '<span class="badge warn">1</span>' in page
    for text, found in (("ACME-P", "acme"), ("bolt sa", "bolt"), ("140000000", "bolt")):
        page = support.get(f"/provider/customers?search={text}").text
        assert f"/provider/customers/{found}" in page
        assert f"/provider/customers/{'bolt' if found == 'acme' else 'acme'}" not in page
    assert "No customer is like this" in support.get("/provider/customers?search=%25").text


def test_a_search_as_one_types_gives_the_table_alone(support):
    part = support.client.get("/provider/customers?search=a", headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert "Acme SA" in part


def test_one_is_taken_in_and_changed(provider, house):
    new = {"name": "cora", "title": "Cora", "country": "be", "address": "Rue 1\r\n\r\n1000 Ville"}
    answer = provider.post("/provider/customers", **new, tax_percent="21")
    assert answer.headers["location"] == "/provider/customers/cora"
    with reading(house.engine) as connection:
        found = customers.get(connection, "cora")
    assert (found.country, found.address, found.tax_percent) == (
        "BE",
        "Rue 1\n1000 Ville",
        Decimal(21),
    )
    provider.post("/provider/customers/cora", **{**new, "email": "voice@cora.example"})
    with reading(house.engine) as connection:
        found = customers.get(connection, "cora")
    assert (found.email, found.tax_percent) == ("voice@cora.example", None)
    assert "voice@cora.example" in provider.get("/provider/customers/cora").text


@pytest.mark.parametrize(
    "wrong",
    [{"name": "No Name"}, {"email": "nobody"}, {"country": "XX"}, {"tax_percent": "much"}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_one_that_cannot_be_is_not_taken_in(provider, house, wrong):
    assert provider.post("/provider/customers", **{"name": "cora", **wrong}).status_code == 422
    with reading(house.engine) as connection:
        assert len(customers.every(connection)) == 2


def test_one_without_a_trunk_is_removed_by_its_name(provider):
    provider.post("/provider/customers", name="cora")
    assert provider.post("/provider/customers/cora/remove", typed="core").status_code == 422
    assert provider.post("/provider/customers/cora/remove", typed="cora").status_code == 303
    assert provider.get("/provider/customers/cora").status_code == 404


def test_a_trunk_is_opened_and_its_secret_shown_once(provider, house):
    answer = provider.post(
        "/provider/customers/acme/trunks",
        name="acme-lyon",
        kind="registered",
        channels="4",
        numbers="04 23 45 67 89\n+33423456790",
        **TERMS,
    )
    assert answer.status_code == 201
    secret = answer.text.split('<code id="secret">')[1].split("<")[0]
    assert len(secret) > 15
    found = the_trunk(house, "acme-lyon")
    assert (found.channels, found.numbers) == (4, ("+33423456789", "+33423456790"))
    assert secret not in provider.get("/provider/trunks/acme-lyon").text


def test_a_trunk_of_an_address_has_no_secret(provider, house):
    fields = {**TERMS, "addresses": "192.0.2.10\n192.0.2.11", "contact": "192.0.2.10:5060"}
    answer = provider.post(
        "/provider/customers/acme/trunks", name="acme-nice", kind="address", channels="2", **fields
    )
    assert answer.headers["location"] == "/provider/trunks/acme-nice"
    assert len(the_trunk(house, "acme-nice").addresses) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": "0"},
        {"kind": "magic"},
        {"numbers": "12"},
        {"addresses": "192.0.2.1/24"},
        {"contact": "192.0.2.1"},
        {"name": "acme-paris"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_trunk_that_cannot_be_is_not_opened(provider, house, wrong):
    fields = {**TERMS, "name": "acme-lyon", "kind": "registered", "channels": "4", **wrong}
    answer = provider.post("/provider/customers/acme/trunks", **fields)
    assert answer.status_code in {409, 422}
    with reading(house.engine) as connection:
        assert trunks.find(connection, "acme-lyon") is None


def test_terms_are_changed(provider, house):
    fields = {**TERMS, "channels": "15", "caller_policy": "refuse", "calls_per_second": "5"}
    provider.post("/provider/trunks/acme-paris", **fields)
    found = the_trunk(house)
    assert (found.channels, found.caller_policy, found.calls_per_second) == (
        15,
        CallerPolicy.REFUSE,
        5,
    )
    version = found.version
    provider.post("/provider/trunks/acme-paris", **fields)
    assert the_trunk(house).version == version


def test_numbers_come_and_go(provider, house):
    for number in ("0123456780", "0123456781"):
        provider.post("/provider/trunks/acme-paris/numbers", number=number)
    own = "/provider/trunks/acme-paris/numbers"
    provider.post(f"{own}/main", number="+33123456781")
    assert the_trunk(house).main_number == "+33123456781"
    provider.post(f"{own}/remove", number="+33123456781")
    assert the_trunk(house).numbers == ("+33123456780",)
    assert (
        provider.post("/provider/trunks/bolt-paris/numbers", number="0123456780").status_code == 409
    )
    other = provider.post("/provider/trunks/bolt-paris/numbers/remove", number="+33123456780")
    assert other.status_code == 422  # another trunk's


@pytest.mark.parametrize(
    ("scope", "target", "part"),
    [
        ("all", "", "all"),
        ("international", "", "international"),
        ("destination", "lv:premium", "destination lv:premium"),
        ("caller", "0612345678", "caller +33612345678"),
    ],
)
def test_support_suspends_and_lifts(support, house, scope, target, part):
    answer = support.post(
        "/provider/trunks/acme-paris/suspend", scope=scope, target=target, reason="toll fraud"
    )
    assert answer.status_code == 303
    with reading(house.engine) as connection:
        (standing,) = suspensions.listed(connection, "acme-paris")
    assert standing.suspension.part == part
    assert "toll fraud" in support.get("/provider/trunks/acme-paris").text
    wrong = support.post(f"/provider/trunks/bolt-paris/suspensions/{standing.id}/lift")
    assert wrong.status_code == 404
    support.post(f"/provider/trunks/acme-paris/suspensions/{standing.id}/lift", reason="all well")
    assert not the_trunk(house).suspensions


@pytest.mark.parametrize(
    "wrong", [{"reason": ""}, {"scope": "none"}, {"scope": "destination"}, {"until": "soon"}]
)
def test_a_suspension_that_cannot_be(support, house, wrong):
    fields = {"scope": SuspensionScope.ALL, "reason": "fraud", **wrong}
    assert support.post("/provider/trunks/acme-paris/suspend", **fields).status_code == 422
    assert not the_trunk(house).suspensions


def test_a_contract_is_ended_by_its_name(provider, house):
    assert provider.post("/provider/trunks/acme-paris/end", typed="acme").status_code == 422
    assert not the_trunk(house).ended
    assert provider.post("/provider/trunks/acme-paris/end", typed="acme-paris").status_code == 303
    assert the_trunk(house).ended
    assert "ended" in provider.get("/provider/customers/acme").text


def test_what_is_not_there(provider):
    for path in ("/provider/customers/none", "/provider/trunks/none"):
        assert provider.get(path).status_code == 404
