"""What travels together to PostgreSQL, and may be left half said by a server that is frozen."""

from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest

from asterisk_siptrunk.call import Answered, Ended, Ringing
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.engine import transaction
from tests.unit.database.builders import NOON, admission, ask, carrier, outbound, provide

# What a SELECT holds on a table keeps nobody away from its rows.
LOCKED = """
    SELECT relation::regclass::text, mode FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND mode <> 'AccessShareLock'
"""


@pytest.fixture
def locked_in_pipelines(monkeypatch):
    """What was locked at the end of each pipeline."""
    seen: list[list[tuple[str, str]]] = []
    pipeline = psycopg.Connection.pipeline

    @contextmanager
    def watched(driver):
        with pipeline(driver) as ours:
            yield ours
        seen.append(driver.execute(LOCKED).fetchall())

    monkeypatch.setattr(psycopg.Connection, "pipeline", watched)
    return seen


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nothing_is_locked_by_what_has_no_end_yet(engine, locked_in_pipelines):
    """PostgreSQL waits for a pipeline's end for ever, and keeps its locks as long."""
    provide(engine, carrier(), carrier("two"))
    call, one = outbound(), admission()
    ask(engine, one, call)
    with transaction(engine) as connection:
        one.reroute(connection, call.server, call.uniqueid)
    for change in (
        Ringing(call.uniqueid, NOON),
        Answered(call.uniqueid, NOON),
        Ended(call.uniqueid, NOON + timedelta(seconds=9), 16),
    ):
        with transaction(engine) as connection:
            usage.apply(connection, call.server, [change])
    assert locked_in_pipelines == [[]]
