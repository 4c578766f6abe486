"""Connections to a PostgreSQL that was restarted, or on which a statement failed."""

import pytest
from sqlalchemy import select, text

from asterisk_siptrunk.database import engine as engines
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import trunk
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.lab.postgresql import PostgresServer
from tests.unit.database.builders import admission, open_calls, outbound, provide
from tests.unit.database.builders import ask as ask_for

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def server():
    with PostgresServer() as one:
        yield one


@pytest.fixture
def engine(server):
    one = open_engine(server.url())
    yield one
    one.dispose()


def ask(engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(text("SELECT 1")).scalar_one())


def test_a_connection_that_was_lost_while_nobody_used_it_is_replaced(server, engine, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_FRESH_SECONDS", 0.0)
    assert ask(engine) == 1
    server.stop()
    server.start()
    assert ask(engine) == 1


def test_one_that_was_just_used_fails_once_and_is_replaced(server, engine, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_FRESH_SECONDS", 3600.0)
    assert ask(engine) == 1
    server.stop()
    with pytest.raises(DatabaseUnavailable):
        ask(engine)
    server.start()
    assert ask(engine) == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_lock_that_is_not_had_is_told_and_leaves_the_connection_fit(database_url, monkeypatch):
    monkeypatch.setattr(engines, "POSTGRESQL_STATEMENT_MILLISECONDS", 100)
    holder, asking = open_engine(database_url, patient=True), open_engine(database_url)
    provide(holder)
    one = admission()
    with transaction(holder) as connection:
        connection.execute(select(trunk.c.id).with_for_update())
        with pytest.raises(DatabaseUnavailable, match="statement timeout"):
            ask_for(asking, one, outbound())
    assert ask_for(asking, one, outbound()).carrier is not None
    assert open_calls(asking) == 1
    for engine in (holder, asking):
        engine.dispose()
