"""Which `config apply` each server followed: on SQLite and on PostgreSQL."""

import pytest

from asterisk_siptrunk.database import rollout, servers
from asterisk_siptrunk.database.engine import transaction
from tests.unit.database.test_servers import beat, the_servers


@pytest.fixture
def two(engine):
    """Servers `one` and `two`."""
    for name in ("one", "two"):
        beat(engine, name)
    return engine


def want(engine, name="one", generation="new") -> int:
    with transaction(engine) as connection:
        return rollout.want(connection, name, generation)


def follow(engine, number, name="two", generation="new"):
    with transaction(engine) as connection:
        rollout.followed(connection, name, number, generation)


def fail(engine, number, why, name="two"):
    with transaction(engine) as connection:
        rollout.failed(connection, name, number, why)


def states(engine):
    return {
        name: (one.follows, one.config_generation, one.config_error)
        for name, one in the_servers(engine).items()
    }


def test_an_apply_is_asked_of_every_other_server(two):
    number = want(two)
    assert states(two) == {"one": (True, "new", ""), "two": (False, "", "")}
    assert (beat(two, "one").config_applied, beat(two, "two").config_applied) == (number, 0)
    follow(two, number)
    assert states(two)["two"] == (True, "new", "")


def test_what_changed_by_itself_is_asked_of_all(two):
    fail(two, want(two), "it could not")
    with transaction(two) as connection:
        number = rollout.ask(connection)
    assert states(two) == {"one": (False, "new", ""), "two": (False, "", "")}
    assert beat(two, "one").config_wanted == number


def test_why_one_failed_is_told_until_the_next_apply(two):
    number = want(two)
    fail(two, number, "extensions.conf:3\n  is wrong " + "!" * 600)
    follows, _, error = states(two)["two"]
    assert not follows
    assert error.startswith("extensions.conf:3 is wrong !!!")
    assert len(error) == rollout.LONGEST_ERROR
    want(two)
    assert states(two)["two"] == (False, "", "")


def test_what_came_of_an_apply_says_nothing_of_a_newer_one(two):
    old, new = want(two), want(two)
    fail(two, old, "too late")
    assert states(two)["two"] == (False, "", "")
    follow(two, new, generation="newest")
    follow(two, old, generation="old")
    assert states(two)["two"] == (True, "newest", "")


def test_a_failure_that_was_mended_by_hand_is_none(two):
    number = want(two)
    with transaction(two) as connection:
        rollout.settle(connection, "two", "by-hand")
    fail(two, number, "it was under way")
    assert states(two)["two"] == (True, "by-hand", "")
    assert beat(two, "two").config_applied == number


def test_an_apply_beside_no_service_is_asked_of_those_that_there_are(two):
    want(two, name="not serving")
    assert [follows for follows, *_ in states(two).values()] == [False, False]
    assert set(states(two)) == {"one", "two"}
    with transaction(two) as connection:
        assert [one.name for one in servers.every(connection)] == ["one", "two"]
