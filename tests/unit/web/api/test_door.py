"""Who comes in, for what, and how often."""

from http import HTTPStatus

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from asterisk_siptrunk.account import Scope
from asterisk_siptrunk.account.bucket import Pace
from asterisk_siptrunk.database import tokens
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import api_token
from asterisk_siptrunk.web.api.app import PATH, ROUTERS, make_api
from asterisk_siptrunk.web.api.door import MOST_BYTES
from tests.unit.web.api.conftest import client_of, mounted
from tests.unit.web.api.filling import PLENTY, issue

PROBLEM = "application/problem+json"


def used_at(house):
    with transaction(house.engine) as connection:
        return connection.execute(select(api_token.c.used_at)).scalar_one()


@pytest.mark.parametrize(
    ("shown", "challenge"),
    [
        pytest.param(None, 'Bearer realm="siptrunk"', id="none"),
        pytest.param("Basic YWNtZTpzZWNyZXQ=", 'Bearer realm="siptrunk"', id="another-scheme"),
        pytest.param("Bearer ", 'Bearer realm="siptrunk"', id="empty"),
        pytest.param(f"Bearer siptrunk_{'x' * 500}", 'Bearer realm="siptrunk"', id="too-long"),
        pytest.param(
            "Bearer siptrunk_wrong", 'Bearer realm="siptrunk", error="invalid_token"', id="wrong"
        ),
    ],
)
def test_who_has_no_good_token_stays_outside(api, shown, challenge):
    headers = {"Authorization": shown} if shown else {}
    for path in ("/trunks", "/nowhere"):
        answer = TestClient(api).get(PATH + path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == challenge
        assert answer.headers["content-type"] == PROBLEM


def test_a_token_ends_and_is_revoked(api, house, clock):
    client = client_of(api, issue(house, "acme"))
    assert client("GET", "/trunks").status_code == 200
    clock.advance(days=31)
    assert client("GET", "/trunks").status_code == 401
    client = client_of(api, issue(house, "acme"))
    with transaction(house.engine) as connection:
        tokens.revoke(connection, By("alice", clock.now), 2)
    assert client("GET", "/trunks").status_code == 401


def test_the_scheme_is_read_in_any_letters(api, house):
    word = issue(house, "acme")
    answer = TestClient(api).get(f"{PATH}/trunks", headers={"Authorization": f"bearer {word}"})
    assert answer.status_code == 200


def test_it_is_noted_that_a_token_is_used_but_not_each_time(api, house, clock):
    client, first = client_of(api, issue(house, "acme")), clock.now
    client("GET", "/trunks")
    clock.advance(minutes=4)
    client("GET", "/trunks")
    assert used_at(house) == first
    clock.advance(minutes=2)
    client("GET", "/trunks")
    assert used_at(house) == clock.now


def test_each_operation_asks_for_its_scope(api, house, filled):
    """A token for nothing but the other scopes is refused, whatever it asks."""
    asked = {}
    for path, operations in api.routes[0].app.openapi()["paths"].items():
        for method, operation in operations.items():
            asked[method.upper(), path] = operation["security"][0]["token"]
    assert all(len(scopes) == 1 for scopes in asked.values())
    assert {scope for scopes in asked.values() for scope in scopes} == set(Scope)
    clients = {
        scope: client_of(api, issue(house, "", *(each for each in Scope if each is not scope)))
        for scope in Scope
    }
    for (method, path), (scope,) in asked.items():
        real = path
        for name, value in {**filled["acme"], "carrier": "upstream", "server": "pbx1"}.items():
            real = real.replace(f"{{{name}}}", str(value).replace("+", "%2B"))
        answer = clients[Scope(scope)](method, real)
        assert answer.status_code == 403, (method, path)
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]


def test_a_token_asks_so_often_and_no_more(house, clock):
    api = mounted(make_api(house, Pace(2, 60), PLENTY))
    client, other = client_of(api, issue(house, "acme")), client_of(api, issue(house, "bolt"))
    answer = client("GET", "/trunks")
    assert answer.headers["ratelimit-policy"] == '"token";q=2;w=60'
    assert answer.headers["ratelimit"] == '"token";r=1;t=30'
    client("GET", "/trunks")
    refused = client("GET", "/trunks")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
    assert refused.headers["ratelimit"] == '"token";r=0;t=60'
    assert other("GET", "/trunks").status_code == 200
    clock.advance(seconds=30)
    assert client("GET", "/trunks").status_code == 200


def test_who_guesses_has_to_wait_and_shuts_nobody_out(house, clock):
    api = mounted(make_api(house, PLENTY, Pace(3, 60)))
    known, fresh = client_of(api, issue(house, "acme")), client_of(api, issue(house, "acme"))
    assert known("GET", "/trunks").status_code == 200
    guessing = client_of(api, "siptrunk_guess")
    assert [guessing("GET", "/trunks").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert guessing("GET", "/trunks").headers["retry-after"] == "20"
    assert known("GET", "/trunks").status_code == 200  # from the same address
    assert fresh("GET", "/trunks").status_code == 429
    clock.advance(seconds=20)
    assert fresh("GET", "/trunks").status_code == 200


@pytest.mark.parametrize(
    ("addresses", "statuses"),
    [
        pytest.param(("192.0.2.1", "192.0.2.2"), [401, 401], id="two-hosts"),
        pytest.param(("2001:db8::1", "2001:db8::2"), [401, 429], id="one-network"),
        pytest.param(("2001:db8::1", "2001:db8:0:1::1"), [401, 401], id="two-networks"),
        pytest.param(("::ffff:192.0.2.1", "::ffff:192.0.2.2"), [401, 401], id="mapped"),
    ],
)
def test_an_address_is_a_network_in_ipv6(house, addresses, statuses):
    api = mounted(make_api(house, PLENTY, Pace(1, 60)))
    answers = [TestClient(api, client=(each, 5000)).get(f"{PATH}/trunks") for each in addresses]
    assert [answer.status_code for answer in answers] == statuses


@pytest.mark.parametrize(
    ("asked", "content", "kind", "status"),
    [
        ("GET /nowhere", b"", "", 404),
        ("POST /quotes", b"<wish/>", "application/xml", 415),
        ("POST /quotes", b"{}", "", 415),
        ("POST /quotes", b"{", "application/json", 422),
        ("POST /quotes", b"\xff", "application/json", 422),
        ("POST /quotes", b" " * (MOST_BYTES + 1), "application/json", 413),
        ("GET /trunks?colour=red", b"", "", 422),
        ("GET /trunks?limit=1&limit=2", b"", "", 422),
        ("GET /trunks?limit=%2B1", b"", "", 422),
        ("GET /trunks?cursor=bm8", b"", "", 422),
        ("GET /calls?since=1764000000", b"", "", 422),
        ("GET /calls?live=yes", b"", "", 422),
    ],
)
def test_whatever_is_wrong_is_told_as_a_problem(acme, asked, content, kind, status):
    method, path = asked.split()
    headers = {"Authorization": f"Bearer {acme.token}", **({"Content-Type": kind} if kind else {})}
    answer = acme.client.request(method, PATH + path, content=content or None, headers=headers)
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert (told["status"], told["title"]) == (status, HTTPStatus(status).phrase)


def test_all_methods_of_a_place_are_told(acme):
    answer = acme("DELETE", "/numbers")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert acme("POST", "/numbers/%2B33123456789").headers["allow"] == "DELETE, GET, PATCH"


def test_fields_that_are_wrong_are_named(acme):
    answer = acme("POST", "/quotes", {"trunk": "acme-lyon", "channels": True, "colour": "red"})
    assert {each["field"] for each in answer.json()["errors"]} == {"body.channels", "body.colour"}
    assert "red" not in answer.text


def test_a_defect_stays_in_the_log(acme, house, monkeypatch):
    monkeypatch.setattr(house, "reading", lambda: 1 / 0)
    answer = acme("GET", "/trunks")
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
    }


def test_the_database_is_away(acme, house, tmp_path):
    (tmp_path / "siptrunk.db").rename(tmp_path / "elsewhere.db")
    house.engine.dispose()
    answer = acme("GET", "/trunks")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert str(tmp_path) not in answer.text


def test_the_description_is_for_everybody_and_whole(api):
    told = TestClient(api).get(f"{PATH}/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert told["servers"] == [{"url": "/api/v1"}]
    assert told["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "channels-changed" in told["webhooks"]
    operations = [each for path in told["paths"].values() for each in path.values()]
    assert len(operations) == sum(len(router.routes) for router in ROUTERS)
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["tags"]
        assert {"401", "403", "404", "422", "429", "503"} <= set(operation["responses"])
        problems = {
            media
            for status, answer in operation["responses"].items()
            if int(status) >= 400
            for media in answer["content"]
        }
        assert problems == {PROBLEM}


def test_no_page_loads_from_elsewhere(acme):
    for path in ("/docs", "/redoc"):
        assert acme("GET", path).status_code == 404
