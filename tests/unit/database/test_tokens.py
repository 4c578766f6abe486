"""Tokens of the API in the database."""

from datetime import timedelta
from typing import Any

import pytest

from asterisk_siptrunk.account import Scope
from asterisk_siptrunk.database import audit, customers, tokens
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import BY

DAY = timedelta(days=1)


@pytest.fixture
def acme(engine):
    with transaction(engine) as connection:
        customers.add(connection, BY, "acme")
    return engine


def add(connection, digest="d1", **changes):
    values: dict[str, Any] = {
        "name": "crm",
        "customer": "acme",
        "scopes": [Scope.READ, Scope.BILLING],
        "expires_at": BY.at + DAY,
    } | changes
    tokens.add(connection, BY, digest=digest, **values)


def test_a_token_is_found_by_its_digest(acme):
    with transaction(acme) as connection:
        add(connection)
        found = tokens.find(connection, "d1")
        assert tokens.find(connection, "crm") is None
        (entry,) = audit.history(connection, "token", "crm")
    assert found is not None
    assert (found.customer, found.scopes, found.author) == (
        "acme",
        frozenset({Scope.READ, Scope.BILLING}),
        BY.author,
    )
    assert (found.is_good(BY.at), found.is_good(BY.at + DAY)) == (True, False)
    assert entry.change == "made for acme: billing, read"


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"name": ""}, InvalidInput, "has a name"),
        ({"scopes": []}, InvalidInput, "give a scope"),
        ({"expires_at": BY.at}, InvalidInput, "cannot have expired"),
        ({"scopes": [Scope.RUN]}, InvalidInput, "cannot have the scope run"),
        ({"scopes": [Scope.READ, Scope.PAYMENTS]}, InvalidInput, "the scope payments"),
        ({"customer": "nope"}, NotFound, "no customer nope"),
    ],
)
def test_tokens_that_cannot_be(acme, changes, error, said):
    with transaction(acme) as connection:
        with pytest.raises(error, match=said):
            add(connection, **changes)
        assert tokens.listed(connection) == []


def test_those_of_one_place_the_newest_first(acme):
    with transaction(acme) as connection:
        add(connection, "d1")
        add(connection, "d2", name="bank", customer="", scopes=[Scope.PAYMENTS])
        add(connection, "d3", name="new")
        by_place = [[one.name for one in tokens.listed(connection, of)] for of in ("acme", "")]
    assert by_place == [["new", "crm"], ["bank"]]


def test_use_is_noted_every_five_minutes(acme):
    with transaction(acme) as connection:
        add(connection)
        found = tokens.find(connection, "d1")
        assert found is not None
        assert tokens.needs_note(found, BY.at)
        tokens.used(connection, found, BY.at)
        found = tokens.find(connection, "d1")
        assert found is not None
    assert not tokens.needs_note(found, BY.at + timedelta(minutes=5))
    assert tokens.needs_note(found, BY.at + timedelta(minutes=5, seconds=1))


def test_one_is_revoked_once_and_by_its_own_place(acme):
    with transaction(acme) as connection:
        add(connection)
        found = tokens.find(connection, "d1")
        assert found is not None
        for place, number in (("", found.id), ("bolt", found.id), ("acme", 10**30)):
            with pytest.raises(NotFound, match=f"no token {number}"):
                tokens.revoke(connection, BY, number, place)
        assert tokens.revoke(connection, BY, found.id, "acme") == found
        tokens.revoke(connection, By("bob", BY.at + DAY), found.id)
    with reading(acme) as connection:
        again = tokens.find(connection, "d1")
        told = [one.change for one in audit.history(connection, "token", "crm")]
    assert again is not None
    assert again.revoked_at == BY.at
    assert told == ["revoked", "made for acme: billing, read"]
