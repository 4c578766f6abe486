"""Accounts in the database: who is let in, by what, and who stays."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.account.lockout import FREE
from asterisk_siptrunk.database import accounts, audit, customers, sessions
from asterisk_siptrunk.database.accounts import Closed, Keys
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from tests.unit.database.builders import BY
from tests.unit.database.shop import at_once

USER, ADMIN = Role.CUSTOMER_USER, Role.CUSTOMER_ADMIN
SUPPORT, PROVIDER = Role.PROVIDER_SUPPORT, Role.PROVIDER_ADMIN
ALICE, BOB, ROOT = "alice@acme.example", "bob@bolt.example", "root@provider.example"


def add(connection, login, role, customer=""):
    return accounts.add(
        connection,
        BY,
        login=login,
        name="",
        role=role,
        customer=customer,
        password_hash=f"hash of {login}",
    )


@pytest.fixture
def peopled(engine):
    with transaction(engine) as connection:
        for name in ("acme", "bolt"):
            customers.add(connection, BY, name)
        add(connection, ALICE, ADMIN, "acme")
        add(connection, BOB, USER, "bolt")
        add(connection, ROOT, PROVIDER)
    return engine


@pytest.fixture
def told(peopled):
    """What the history of an account says, the newest first."""

    def ask(login):
        with reading(peopled) as connection:
            return [one.change for one in audit.history(connection, "account", login)]

    return ask


def test_somebody_is_found_however_it_is_written(peopled, told):
    with reading(peopled) as connection:
        found = accounts.get(connection, ALICE.upper())
        assert (found.login, found.role, found.customer) == (ALICE, ADMIN, "acme")
        assert not found.second
        with pytest.raises(NotFound, match=r"Nobody logs in as x@y\.example"):
            accounts.get(connection, "x@y.example")
    assert told(ALICE) == ["added as customer-admin of acme"]
    assert told(ROOT) == ["added as provider-admin"]


def test_an_address_has_one_account_and_what_was_begun_goes_on(peopled):
    with transaction(peopled) as connection:
        with pytest.raises(AlreadyExists, match="has an account already"):
            add(connection, ALICE.upper(), USER, "bolt")
        assert add(connection, "new@acme.example", USER, "acme").id


@pytest.mark.parametrize(
    ("role", "customer", "error", "said"),
    [
        (PROVIDER, "acme", InvalidInput, "belongs to no customer"),
        (USER, "", InvalidInput, "belongs to a customer: name it"),
        (USER, "nope", NotFound, "no customer nope"),
    ],
)
def test_a_role_suits_whose_somebody_is(peopled, role, customer, error, said):
    with transaction(peopled) as connection, pytest.raises(error, match=said):
        add(connection, "x@y.example", role, customer)


def test_the_people_of_one_place(peopled):
    with reading(peopled) as connection:
        by_place = [
            [one.login for one in accounts.listed(connection, of)] for of in ("acme", "", None)
        ]
        assert by_place == [[ALICE], [ROOT], [ALICE, BOB, ROOT]]
        bob = accounts.get(connection, BOB)
        assert accounts.one_of(connection, "bolt", bob.id) == bob
        for place, number in (("acme", bob.id), ("", bob.id), ("bolt", 10**30)):
            with pytest.raises(NotFound, match=f"no account {number}"):
                accounts.one_of(connection, place, number)


def knock(connection, at=BY.at):
    return accounts.try_login(connection, ALICE, at)


def test_every_try_is_counted_until_one_succeeds(peopled):
    with transaction(peopled) as connection:
        for _ in range(FREE + 1):
            keys = knock(connection)
            assert isinstance(keys, Keys)
            assert keys.password == f"hash of {ALICE}"
        closed = knock(connection)
        assert closed == Closed(BY.at + timedelta(seconds=2))
        later = BY.at + timedelta(seconds=2)
        keys = knock(connection, later)
        assert isinstance(keys, Keys)
        assert knock(connection, later) == Closed(later + timedelta(seconds=4))
        accounts.succeeded(connection, keys.account, None)
        assert isinstance(knock(connection, later), Keys)
        assert accounts.try_login(connection, "x@y.example", later) is None


def test_keys_show_nowhere(peopled):
    with transaction(peopled) as connection:
        accounts.set_second(connection, BY, ALICE, "S3CRET", 7)
        keys = knock(connection)
    assert isinstance(keys, Keys)
    assert (keys.second_secret, keys.second_used, keys.account.second) == ("S3CRET", 7, True)
    assert "S3CRET" not in repr(keys)
    assert "hash of" not in repr(keys)


def test_of_two_logins_at_once_with_one_code_one_counts(peopled):
    with transaction(peopled) as connection:
        accounts.set_second(connection, BY, ALICE, "S3CRET", 7)
        found = accounts.get(connection, ALICE)

    def succeed():
        with transaction(peopled) as connection:
            return accounts.succeeded(connection, found, 8)

    assert sorted(at_once(succeed, succeed)) == [False, True]


def opened(connection, login=ALICE):
    found = accounts.get(connection, login)
    sessions.open_one(connection, BY, found, digest=login, address="", user_agent="")
    return found


@pytest.mark.parametrize("way", ["password", "disabled"])
def test_who_is_put_out_is_out_at_once(peopled, told, way):
    with transaction(peopled) as connection:
        found = opened(connection)
        opened(connection, BOB)
        if way == "password":
            accounts.set_password(connection, BY, ALICE, "another")
        else:
            accounts.change(connection, BY, ALICE, disabled=True)
        assert sessions.of_account(connection, found) == []
        assert sessions.find(connection, ALICE, BY.at) is None
        assert sessions.find(connection, BOB, BY.at) is not None
    assert told(ALICE)[0] == {"password": "password changed", "disabled": "disabled: yes"}[way]


def test_a_new_password_opens_what_was_closed(peopled):
    with transaction(peopled) as connection:
        while not isinstance(knock(connection), Closed):
            pass
        accounts.set_password(connection, BY, ALICE, "another")
        keys = knock(connection)
    assert isinstance(keys, Keys)
    assert keys.password == "another"


def test_changes_are_kept_and_told(peopled, told):
    with transaction(peopled) as connection:
        accounts.change(connection, BY, ALICE, name="Alice", language="fr")
        accounts.change(connection, BY, ALICE, role=USER)
        accounts.set_second(connection, BY, ALICE, "S3CRET", 1)
        accounts.set_second(connection, BY, ALICE, None, 0)
        accounts.failed(connection, BY, ALICE, "wrong password")
        found = accounts.get(connection, ALICE)
        with pytest.raises(InvalidInput, match="belongs to no customer"):
            accounts.change(connection, BY, ALICE, role=PROVIDER)
    assert (found.name, found.language, found.role) == ("Alice", "fr", USER)
    assert told(ALICE)[:5] == [
        "login failed: wrong password",
        "second factor off",
        "second factor on",
        "role: customer-user",
        "name: Alice, language: fr",
    ]


@pytest.mark.parametrize("values", [{"disabled": True}, {"role": SUPPORT}], ids=["out", "lower"])
def test_the_last_administrator_stays(peopled, values):
    with transaction(peopled) as connection:
        accounts.change(connection, BY, ROOT, name="Root", role=PROVIDER, disabled=False)
        with pytest.raises(InvalidInput, match="the last administrator of the provider"):
            accounts.change(connection, BY, ROOT, **values)
        second = add(connection, "second@provider.example", PROVIDER)
        accounts.change(connection, BY, second.login, disabled=True)
        with pytest.raises(InvalidInput, match="the last administrator"):
            accounts.change(connection, BY, ROOT, **values)
        accounts.change(connection, BY, second.login, disabled=False)
        accounts.change(connection, BY, ROOT, **values)
        assert accounts.has_admin(connection)


def test_of_two_administrators_who_put_each_other_out_one_stays(peopled):
    with transaction(peopled) as connection:
        add(connection, "second@provider.example", PROVIDER)

    def put_out(login):
        def do():
            with transaction(peopled) as connection:
                accounts.change(connection, By("x", BY.at), login, disabled=True)

        return do

    came_of = at_once(put_out(ROOT), put_out("second@provider.example"))
    assert sorted(type(one).__name__ for one in came_of) == ["InvalidInput", "NoneType"]
    with reading(peopled) as connection:
        assert accounts.has_admin(connection)


def test_without_an_administrator(engine):
    with reading(engine) as connection:
        assert not accounts.has_admin(connection)


def test_a_customer_with_people_stays(peopled):
    with transaction(peopled) as connection, pytest.raises(InvalidInput, match="people or tokens"):
        customers.remove(connection, BY, "acme")
