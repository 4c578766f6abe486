"""Proofs of whole usage: spans that join, and what is left to prove."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import proofs, servers
from asterisk_siptrunk.database.engine import reading, transaction
from tests.unit.database.builders import BY, NOON, provide
from tests.unit.database.shop import add_call

START = datetime(2026, 11, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def span(since: float, until: float) -> Period:
    """By hours from the start."""
    return Period(START + since * HOUR, START + until * HOUR)


PERIOD = span(0, 10)


@pytest.fixture
def provided(engine):
    """A server that has a call in the period."""
    provide(engine)
    add_call(engine, START + HOUR)
    return engine


def left(engine, *proven: Period, period=PERIOD):
    with transaction(engine) as connection:
        for one in proven:
            proofs.record(connection, BY, "lab", one, 1)
    with reading(engine) as connection:
        return proofs.missing(connection, period)


CASES = [
    ([], span(0, 10)),
    ([span(0, 10)], None),
    ([span(-5, 15)], None),
    ([span(0, 5), span(5, 10)], None),
    ([span(5, 10), span(0, 5)], None),
    ([span(0, 6), span(4, 10)], None),
    ([span(0, 8), span(1, 2), span(8, 10)], None),
    ([span(1, 10)], span(0, 10)),
    ([span(0, 9)], span(9, 10)),
    ([span(0, 3), span(4, 10)], span(3, 10)),
    ([span(-5, 0)], span(0, 10)),
    ([span(10, 20)], span(0, 10)),
]


@pytest.mark.parametrize(("proven", "gap"), CASES, ids=range(len(CASES)))
def test_spans_join_and_the_first_gap_is_named(provided, proven, gap):
    assert left(provided, *proven) == ({} if gap is None else {"lab": gap})


def test_who_has_calls_there_and_who_may_have_must_prove(provided):
    add_call(provided, START + 2 * HOUR, server="second")
    add_call(provided, START + 11 * HOUR, server="third")
    told = Vitals(started_at=NOON, link_since=NOON, program="1", share=50, link="up")
    with transaction(provided) as connection:
        servers.beat(connection, "fresh", told, (), NOON)
        proofs.record(connection, BY, "second", PERIOD, 1)
    assert left(provided) == {"lab": PERIOD, "fresh": PERIOD}
    with transaction(provided) as connection:
        proofs.record(connection, BY, "fresh", PERIOD, 0)
    assert left(provided, PERIOD) == {}


def test_where_nobody_is_nothing_is_to_prove(engine):
    assert left(engine) == {}
