"""Lists, a piece at a time."""

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from asterisk_siptrunk.web.api.app import PATH, make_api
from tests.unit.database.shop import add_call
from tests.unit.web.api.conftest import client_of, mounted
from tests.unit.web.api.filling import NUMBERS, PLENTY, fill, issue, open_up
from tests.unit.web.conftest import Clock, a_house

PROVIDERS = ("carriers", "servers", "audit")
LISTS = (
    *("trunks", "occupancy", "registrations", "numbers", "destinations?trunk=acme-paris"),
    *("calls", "findings", "suspensions", "offers", "orders", "invoices", "customers"),
    *PROVIDERS,
)


def walk(client, path: str, limit: int) -> list[Any]:
    """All items of a list, piece by piece, as the header Link leads."""
    separator = "&" if "?" in path else "?"
    place, found = f"{PATH}/{path}{separator}limit={limit}", []
    while place:
        answer = client("GET", place.removeprefix(PATH))
        items, following = answer.json()["items"], answer.json()["next"]
        assert len(items) == limit or following is None
        found += items
        link = answer.headers.get("link", "")
        assert bool(link) is bool(following)
        place = link[1:].partition(">")[0]
        assert not link or (f"cursor={following}" in place and 'rel="next"' in link)
    return found


@pytest.mark.parametrize("path", LISTS)
def test_a_list_in_pieces_is_the_list(ours, acme, path):
    for client in (ours, acme):
        if client("GET", f"/{path}").status_code == 403:
            continue
        whole = client.get(f"/{path}{'&' if '?' in path else '?'}limit=200")
        assert whole["next"] is None
        assert whole["items"]
        for limit in (1, 2):
            assert walk(client, path, limit) == whole["items"]


def test_calls_of_one_moment_are_told_apart(acme, house, filled):
    """Of several trunks together, too."""
    del filled
    for trunk_id in (1, 3, 1, 3):  # acme-paris, acme-lyon
        add_call(house.engine, house.now(), trunk_id=trunk_id)
    ids = [each["id"] for each in walk(acme, "calls", 1)]
    assert len(ids) == len(set(ids)) == 8
    assert ids == acme.names("/calls")


def test_what_comes_meanwhile_shifts_nothing(acme, house):
    first = acme.get("/calls?limit=2")
    add_call(house.engine, house.now() + timedelta(minutes=1), trunk_id=1)
    rest = acme.get(f"/calls?limit=9&cursor={first['next']}")
    ids = [each["id"] for each in first["items"] + rest["items"]]
    assert ids == [4, 3, 2, 1]


def a_cursor(key: object) -> str:
    return urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "bm8",
        a_cursor({}),
        a_cursor([]),
        a_cursor(["acme"]),
        a_cursor(["2026-11-24", 1]),
        a_cursor(["2026-11-24T08:00:00", 1]),
        a_cursor(["2026-11-24T08:00:00Z", True]),
        a_cursor(["2026-11-24T08:00:00Z", -1]),
        a_cursor(["2026-11-24T08:00:00Z", 2**70]),
        a_cursor(["\0", 1]),
    ],
)
def test_a_cursor_of_anything_else_is_refused(acme, cursor):
    answer = acme("GET", f"/calls?cursor={cursor}")
    assert answer.status_code == 422
    assert "as it was" in answer.json()["detail"]


def test_filters(acme, ours, house):
    assert acme.names("/calls?live=true") == [4]
    assert acme.names("/calls?verdict=refused") == []
    assert acme.names("/calls?number=345678&trunk=acme-paris") == [4, 3, 2, 1]
    before = quote((house.now() - timedelta(hours=2)).isoformat())
    assert acme.names(f"/calls?until={before}") == [1]
    assert acme.names(f"/calls?since={before}&limit=200") == [4, 3, 2]
    assert acme.names("/findings?level=warning") == []
    assert acme.names("/numbers?trunk=acme-paris", "number") == [NUMBERS["acme"]]
    assert acme.names("/orders?state=paid", "kind") == ["first"]
    assert acme.names("/invoices?unpaid=true", "number") == []
    assert ours.names("/trunks?customer=bolt", "name") == ["bolt-lyon", "bolt-paris"]
    assert {each["noun"] for each in ours.get("/audit?noun=number")["items"]} == {"number"}
    assert ours.names("/audit?author=nobody") == []
    assert ours.names("/audit?name=bolt-paris&noun=number&since=2020-01-01T00:00:00Z") == []
    assert ours.names("/audit?until=2020-01-01T00:00:00Z") == []


def test_lists_and_all_that_is_in_them_on_either_database(database_url):
    house = a_house(database_url, Clock())
    open_up(house)
    fill(house)
    for customer in ("", "acme"):
        client = client_of(mounted(make_api(house, PLENTY, PLENTY)), issue(house, customer))
        for path in LISTS:
            answer = client("GET", f"/{path}")
            assert answer.status_code == (403 if path in PROVIDERS and customer else 200)
            if answer.status_code == 200:
                assert walk(client, path, 1) == answer.json()["items"]
    house.engine.dispose()
