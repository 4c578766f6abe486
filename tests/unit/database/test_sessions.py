"""Sessions in the database: kept as digests, over in time, closed one by one."""

from datetime import timedelta

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.database import accounts, audit, sessions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.errors import NotFound
from tests.unit.database.builders import BY

ROOT, OTHER = "root@provider.example", "other@provider.example"


@pytest.fixture
def people(engine):
    """Two accounts by login, and their engine."""
    found = {}
    with transaction(engine) as connection:
        for login in (ROOT, OTHER):
            found[login] = accounts.add(
                connection,
                BY,
                login=login,
                name="",
                role=Role.PROVIDER_ADMIN,
                customer="",
                password_hash="",
            )
    return found


def enter(connection, found, digest, at=BY.at):
    sessions.open_one(
        connection,
        By(found.login, at),
        found,
        digest=digest,
        address="192.0.2.1",
        user_agent="x" * 900,
    )


def test_a_session_is_found_until_it_is_over(engine, people):
    with transaction(engine) as connection:
        enter(connection, people[ROOT], "one")
        found = sessions.find(connection, "one", BY.at + timedelta(hours=8))
        assert found is not None
        assert (found.account.login, found.confirmed_at) == (ROOT, BY.at)
        late = BY.at + timedelta(hours=8, seconds=1)
        assert sessions.find(connection, "one", late) is None
        assert sessions.find(connection, "two", BY.at) is None
        sessions.seen(connection, found, BY.at + timedelta(hours=1))
        sessions.confirmed(connection, found, BY.at + timedelta(hours=2))
        again = sessions.find(connection, "one", late)
        assert again is not None
        assert (again.seen_at - BY.at, again.confirmed_at - BY.at) == (
            timedelta(hours=1),
            timedelta(hours=2),
        )


def test_what_is_known_of_a_session(engine, people):
    with transaction(engine) as connection:
        enter(connection, people[ROOT], "one")
        enter(connection, people[ROOT], "two", BY.at + timedelta(minutes=1))
        enter(connection, people[OTHER], "three")
        listed = sessions.of_account(connection, people[ROOT])
        told = [one.change for one in audit.history(connection, "account", ROOT)]
    assert [one.seen_at - BY.at for one in listed] == [timedelta(minutes=1), timedelta(0)]
    assert {(one.address, len(one.user_agent)) for one in listed} == {("192.0.2.1", 200)}
    assert told[:2] == ["logged in from 192.0.2.1"] * 2


def test_those_that_are_over_are_forgotten_when_one_is_opened(engine, people):
    with transaction(engine) as connection:
        enter(connection, people[OTHER], "left alone")
        enter(connection, people[ROOT], "new", BY.at + timedelta(hours=9))
        assert sessions.of_account(connection, people[OTHER]) == []


def test_each_is_closed_by_its_owner_alone(engine, people):
    with transaction(engine) as connection:
        for digest in ("one", "two", "three"):
            enter(connection, people[ROOT], digest)
        enter(connection, people[OTHER], "four")
        kept = sessions.find(connection, "two", BY.at)
        strangers = sessions.find(connection, "four", BY.at)
        assert kept is not None
        assert strangers is not None
        for number in (strangers.id, 10**30):
            with pytest.raises(NotFound, match="over already"):
                sessions.close_one(connection, BY, people[ROOT], number)
        assert sessions.close_others(connection, BY, kept) == 2
        assert sessions.close_others(connection, BY, kept) == 0
        assert [one.id for one in sessions.of_account(connection, people[ROOT])] == [kept.id]
        sessions.close_one(connection, BY, people[ROOT], kept.id)
        assert sessions.find(connection, "two", BY.at) is None
        assert sessions.find(connection, "four", BY.at) is not None
    with reading(engine) as connection:
        told = [one.change for one in audit.history(connection, "account", ROOT)]
    assert told[:2] == ["sessions closed: 1", "sessions closed: 2"]
