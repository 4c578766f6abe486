"""Trunks and their numbers: seen, and changed by whom it is allowed."""

from ipaddress import ip_network

import pytest
from sqlalchemy import select, update

from asterisk_siptrunk.database import audit, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call, provider
from asterisk_siptrunk.trunk import Trunk, TrunkKind
from tests.unit.web.api.filling import NUMBERS

PARIS = "/trunks/acme-paris"


def history(house, noun: str, name: str) -> list[tuple[str, str]]:
    with reading(house.engine) as connection:
        return [(one.author, one.change) for one in audit.history(connection, noun, name)]


def test_a_trunk_as_it_is_now(acme):
    trunk = acme.get(PARIS)
    assert (trunk["channels"], trunk["in_use"], trunk["kind"]) == (10, 1, "registered")
    assert trunk["numbers"] == [NUMBERS["acme"]]
    assert trunk["username"] == "trunk-acme-paris"
    assert [(one["scope"], one["source"]) for one in trunk["suspensions"]] == [
        ("destination", "anomaly"),
        ("inbound", "admin"),
    ]
    (registration,) = trunk["registrations"]
    assert (registration["registered"], registration["user_agent"]) == (True, "FPBX-16")
    assert acme.get("/occupancy")["items"][1] == {
        "trunk": "acme-paris",
        "channels": 10,
        "in_use": 1,
    }


@pytest.mark.parametrize(
    "terms",
    [
        {"reserved_inbound": 2},
        {"transport": "tls", "srtp": True},
        {"caller_policy": "refuse"},
        {"addresses": ["192.0.2.0/24", "2001:db8::1/128"]},
    ],
)
def test_what_a_customer_may_change(acme, house, terms):
    changed = acme("PATCH", PARIS, terms)
    assert changed.status_code == 200
    assert {key: changed.json()[key] for key in terms} == terms
    author, said = history(house, "trunk", "acme-paris")[0]
    assert author == "token crm of acme"
    assert all(key in said for key in terms)


@pytest.mark.parametrize(
    "terms",
    [{"channels": 11}, {"calls_per_second": 5}, {"away_policy": "open"}, {"contact": "192.0.2.1"}],
)
def test_what_the_provider_decides(acme, ours, terms):
    assert acme("PATCH", PARIS, terms).status_code == 403
    before = acme.get(PARIS)
    answer = ours("PATCH", PARIS, terms)
    if "contact" in terms:  # of no use to a trunk that registers
        assert answer.status_code == 422
        assert acme.get(PARIS) == before
    else:
        assert {key: answer.json()[key] for key in terms} == terms


def test_the_address_of_a_trunk_that_is_known_by_it_is_the_providers(acme, house, ours):
    with transaction(house.engine) as connection:
        one = Trunk(
            *(0, "acme-nice", "acme", TrunkKind.ADDRESS, 3, "FR"),
            addresses=(ip_network("198.51.100.10/32"),),
            contact="198.51.100.10",
        )
        trunks.add(connection, By("setup", house.now()), one, None)
    terms = {"addresses": ["198.51.100.11/32"]}
    assert acme("PATCH", "/trunks/acme-nice", terms).status_code == 403
    assert ours("PATCH", "/trunks/acme-nice", terms).status_code == 200
    assert acme("POST", "/trunks/acme-nice/credentials").status_code == 422


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "nothing to change"),
        ({"srtp": None}, "nothing to change"),
        ({"addresses": ["192.0.2.1/24"]}, "host bits"),
        ({"srtp": True}, "SRTP keys"),
        ({"reserved_inbound": 11}, "the trunk has 10"),
    ],
)
def test_terms_that_cannot_be(acme, terms, said):
    answer = acme("PATCH", PARIS, terms)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_limit_is_taken_away(ours):
    ours("PATCH", PARIS, {"calls_per_second": 5})
    assert ours("PATCH", PARIS, {"calls_per_second": 0}).json()["calls_per_second"] is None


def test_new_credentials_are_told_once(acme, house):
    with reading(house.engine) as connection:
        before = trunks.credentials_of(connection, "acme-paris")
    answer = acme("POST", f"{PARIS}/credentials")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.json()["secret"]) == 24
    with reading(house.engine) as connection:
        after = trunks.credentials_of(connection, "acme-paris")
    assert after != before
    assert answer.json()["secret"] not in acme("GET", PARIS).text
    author, said = history(house, "trunk", "acme-paris")[0]
    assert (author, said.partition(";")[0]) == ("token crm of acme", "secret rotated")


@pytest.mark.parametrize(
    ("rotation", "until"),
    [
        (None, "2025-11-25T16:00:00Z"),
        ({"grace_hours": 1}, "2025-11-24T17:00:00Z"),
        ({"grace_hours": 0}, None),
    ],
)
def test_the_secret_before_works_on_for_the_grace(acme, house, rotation, until):
    answer = acme("POST", f"{PARIS}/credentials", rotation)
    assert answer.json()["before_until"] == until
    with reading(house.engine) as connection:
        assert (trunks.grace_of(connection, "acme-paris") is None) is (until is None)


@pytest.mark.parametrize(
    ("what", "body", "asked"),
    [
        (("PATCH", ""), {"transport": "tcp"}, 1),
        (("PATCH", ""), {"reserved_inbound": 1}, 0),
        (("POST", "/credentials"), {}, 1),
    ],
)
def test_the_servers_are_asked_to_follow(acme, house, what, body, asked):
    method, path = what

    def wanted():
        with reading(house.engine) as connection:
            return connection.execute(select(provider.c.config_wanted)).scalar_one()

    before = wanted()
    assert acme(method, PARIS + path, body).status_code == 200
    assert wanted() == before + asked


def test_numbers_come_and_go(acme, ours, house):
    assert acme("POST", f"{PARIS}/numbers", {"number": "+33123456700"}).status_code == 403
    made = ours("POST", f"{PARIS}/numbers", {"number": "+33123456700"})
    assert made.status_code == 201
    assert made.json() == {"number": "+33123456700", "trunk": "acme-paris", "main": False}
    assert ours("POST", f"{PARIS}/numbers", {"number": "+33123456700"}).status_code == 409
    changed = acme("PATCH", "/numbers/%2B33123456700", {"main": True})
    assert changed.json()["main"] is True
    assert acme("DELETE", "/numbers/%2B33123456700").status_code == 403
    gone = ours("DELETE", "/numbers/%2B33123456700")
    assert (gone.status_code, gone.content) == (204, b"")
    assert acme("GET", "/numbers/%2B33123456700").status_code == 404
    assert history(house, "number", "+33123456700")[0][0] == "token crm of the provider"


def test_channels_carry_so_many_numbers(ours):
    for last in range(6):  # two for each of three channels
        body = {"number": f"+3312345670{last}"}
        assert ours("POST", "/trunks/acme-lyon/numbers", body).status_code == 201
    assert ours("POST", "/trunks/acme-lyon/numbers", {"number": "+33123456709"}).status_code == 422


def test_carriers_are_for_the_provider_alone(acme, ours, house, filled):
    said = "all channels are taken at secretcarrier"
    with transaction(house.engine) as connection:
        changed = update(call).where(call.c.id == filled["acme"]["call"])
        connection.execute(changed.values(reason="carriers-full", facts=said))
    path = f"/calls/{filled['acme']['call']}"
    assert (acme.get(path)["facts"], acme.get(path)["via"]) == ("", None)
    assert (ours.get(path)["facts"], ours.get(path)["via"]) == (said, "service")
