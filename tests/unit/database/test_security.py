"""Attempts on the service's borders, counted by hour, in a bounded number of rows."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from asterisk_siptrunk.call.security import OTHERS, SecurityCount
from asterisk_siptrunk.database import security
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import security_event
from tests.unit.database.builders import NOON

HOUR = timedelta(hours=1)


def count(source="192.0.2.7", times=1, *, hours=0, **changes) -> SecurityCount:
    hour = NOON + hours * HOUR
    values: dict[str, Any] = {
        "account": "trunk-acme",
        "trunk": "acme",
        "kind": "ChallengeResponseFailed",
        "first_at": hour + timedelta(minutes=5),
        "last_at": hour + timedelta(minutes=6),
    } | changes
    return SecurityCount(hour=hour, source=source, count=times, **values)


def record(engine, *counts, server="lab"):
    with transaction(engine) as connection:
        security.record(connection, server, counts)


def listed(engine, since=None, trunk=None, limit=10):
    with reading(engine) as connection:
        return security.listed(connection, since, trunk, limit)


def rows(engine):
    with reading(engine) as connection:
        query = select(func.count()).select_from(security_event)
        return connection.execute(query).scalar_one()


def test_counts_of_an_hour_add_up(engine):
    record(engine, count(times=3))
    record(engine, count(times=4, first_at=NOON, last_at=NOON + HOUR / 2))
    record(engine, count(times=2, first_at=NOON + HOUR / 4, last_at=NOON + HOUR / 4))
    (one,) = listed(engine)
    assert (one.count, one.first_at, one.last_at) == (9, NOON, NOON + HOUR / 2)
    assert (one.source, one.account, one.trunk, one.server) == (
        *("192.0.2.7", "trunk-acme", "acme"),
        "lab",
    )
    assert rows(engine) == 1


def test_hours_are_listed_together_and_the_most_frequent_first(engine):
    record(engine, count("192.0.2.8", 5), count(times=3), count(times=4, hours=2))
    assert [(one.source, one.count) for one in listed(engine)] == [
        ("192.0.2.7", 7),
        ("192.0.2.8", 5),
    ]
    assert [(one.source, one.count) for one in listed(engine, since=NOON + HOUR)] == [
        ("192.0.2.7", 4)
    ]
    assert [one.source for one in listed(engine, limit=1)] == ["192.0.2.7"]


def test_a_trunk_is_listed_alone(engine):
    record(engine, count(), count(account="trunk-bank", trunk="bank", times=9))
    assert [one.account for one in listed(engine, trunk="acme")] == ["trunk-acme"]


@pytest.mark.parametrize("server", ["lab", "second"])
def test_a_flood_from_everywhere_takes_a_bounded_number_of_rows(engine, monkeypatch, server):
    monkeypatch.setattr(security, "MOST_ROWS", 5)
    record(engine, *(count(f"192.0.2.{n}") for n in range(5)))
    record(engine, *(count(f"198.51.100.{n}", n) for n in range(1, 9)), server=server)
    known = {one.source: one.count for one in listed(engine, limit=100)}
    if server == "lab":
        assert known[OTHERS] == 36
        assert rows(engine) == 6
    else:  # each server has room of its own
        assert known[OTHERS] == 6 + 7 + 8
        assert rows(engine) == 5 + 5 + 1


def test_what_is_old_goes(engine):
    record(engine, count(hours=0))
    record(engine, count(hours=24 * 90))
    assert rows(engine) == 2
    record(engine, count(hours=24 * 90 + 1))
    assert [one.count for one in listed(engine)] == [2]
