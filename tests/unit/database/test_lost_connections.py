"""Connections to a PostgreSQL that was restarted."""

import pytest
from sqlalchemy import text

from asterisk_siptrunk.database import engine as engines
from asterisk_siptrunk.database.engine import open_engine, reading
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.lab.postgresql import PostgresServer

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
