"""No way from one customer to another's things: every operation, with every id, as the wrong one.

Each operation is asked by bolt's token with acme's ids, in its path and in its body. What it
answers must be what it answers for ids that are nobody's, and nothing may have changed.
"""

import re
from typing import Any

import pytest

from tests.unit.database.shop import dump

NOBODYS = {
    "customer": "nobody",
    "trunk": "nobody-rome",
    "number": "+33100000000",
    "target": "lv",
    "call": 999,
    "finding": 999,
    "suspension": 999,
    "order": "O-00000000",
    "invoice": "2025-999999",
    "carrier": "nobody",
    "server": "nobody",
}
BODIES: dict[str, Any] = {
    "PATCH /trunks/{trunk}": {"srtp": False},
    "PATCH /numbers/{number}": {"main": True},
    "POST /trunks/{trunk}/numbers": {"number": "+33123456700"},
    "PUT /trunks/{trunk}/destinations/{target}": {"action": "allow"},
    "PUT /destinations/{target}": {"action": "allow"},
    "POST /trunks/{trunk}/check": {"number": "0037120000000"},
    "POST /findings/{finding}/acknowledge": {},
    "POST /findings/{finding}/release": {},
    "POST /suspensions/{suspension}/lift": {},
    "POST /trunks/{trunk}/suspensions": {"reason": "because"},
    "POST /quotes": {"trunk": "{trunk}", "channels": 3},
    "POST /orders": {"trunk": "{trunk}", "channels": 3},
    "POST /payments": {
        "reference": "bank-1",
        "amount": "1.00",
        "currency": "EUR",
        "order": "{order}",
    },
}
"""What each operation that takes a body is given, with ids in braces."""


def operations(client) -> list[tuple[str, str]]:
    """All, as the description has them."""
    paths = client.client.get("/api/v1/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, one in paths.items() for method in one]


def with_ids(text: str, ids: dict[str, Any], *, in_path: bool = True) -> str:
    for name, value in ids.items():
        shown = str(value).replace("+", "%2B") if in_path else str(value)
        text = text.replace(f"{{{name}}}", shown)
    assert "{" not in text, f"an id that this test does not know: {text}"
    return text


def ask(client, method: str, path: str, ids: dict[str, Any]) -> Any:
    body = BODIES.get(f"{method} {path}")
    if body is not None:
        body = {
            key: with_ids(value, ids, in_path=False) if isinstance(value, str) else value
            for key, value in body.items()
        }
    return client(method, with_ids(path, ids), body)


def test_the_wrong_customer_learns_and_changes_nothing(bolt, house, filled):
    theirs = {**filled["acme"], "carrier": "upstream", "server": "pbx1"}
    bolt("GET", "/trunks")  # its use is noted
    before = dump(house.engine)
    for method, path in operations(bolt):
        if "{" not in path and f"{method} {path}" not in BODIES:
            continue
        there, nowhere = (ask(bolt, method, path, ids) for ids in (theirs, NOBODYS))
        assert there.status_code in {403, 404}, (method, path, there.text)
        if path in {"/quotes", "/orders"}:  # of a name that nobody has it is a first order's
            continue
        assert there.status_code == nowhere.status_code, (method, path)
        told = there.text
        for name in re.findall(r"{(\w+)}", f"{path} {BODIES.get(f'{method} {path}')}"):
            told = told.replace(str(theirs[name]), str(NOBODYS[name]))
        assert told == nowhere.text, (method, path)
    after = dump(house.engine)
    assert {name: after[name] for name in before if before[name] != after[name]}.keys() <= {
        "channel_order",
        "audit",
    }
    mine = [row for row in after["channel_order"] if row not in before["channel_order"]]
    assert [row[6] for row in mine] == ["nobody-rome"]  # its own, of a name that was free


def test_lists_have_what_is_ones_own_alone(acme, bolt, filled):
    lists = [path for method, path in operations(bolt) if method == "GET" and "{" not in path]
    for path in lists:
        for client, other in ((acme, "bolt"), (bolt, "acme")):
            answer = client("GET", path)
            if answer.status_code == 403:  # the provider's own
                continue
            assert answer.status_code == 200
            assert other not in answer.text, path
            assert filled[other]["order"] not in answer.text
    assert len(lists) > 10


@pytest.mark.parametrize("path", ["calls", "findings", "suspensions", "numbers", "destinations"])
def test_a_filter_by_anothers_trunk_is_one_by_none(bolt, path):
    there, nowhere = (bolt("GET", f"/{path}?trunk={name}") for name in ("acme-paris", "no-one"))
    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.text.replace("acme-paris", "no-one") == nowhere.text


@pytest.mark.parametrize("path", ["trunks", "invoices"])
def test_a_filter_by_another_customer_is_one_by_none(bolt, path):
    there, nowhere = (bolt("GET", f"/{path}?customer={name}") for name in ("acme", "nobody"))
    assert (there.status_code, nowhere.status_code) == (404, 404)


def test_orders_of_anothers_trunk_are_none(bolt, acme):
    assert bolt.get("/orders?trunk=acme-lyon")["items"] == []
    assert len(acme.get("/orders?trunk=acme-lyon")["items"]) == 2


@pytest.mark.parametrize("customer", ["acme", "nobody"])
def test_nobody_orders_for_another(bolt, customer):
    wish = {"trunk": "rome", "channels": 3, "customer": customer}
    assert bolt("POST", "/orders", wish).status_code == 404
