"""Connections that were cut off, on a real PostgreSQL."""

import time

import pytest
from sqlalchemy import select, update

from asterisk_siptrunk.database import engine as module
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.tables import trunk
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.unit.database.builders import provide


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_is_frozen_in_a_transaction_locks_no_trunk_for_the_others(
    database_url, monkeypatch
):
    monkeypatch.setattr(module, "POSTGRESQL_IDLE_MILLISECONDS", 300)
    frozen, other = open_engine(database_url), open_engine(database_url)
    provide(frozen)
    lock = select(trunk.c.id).with_for_update()
    got: list[object] = []

    def stay_frozen() -> None:
        with transaction(frozen) as connection:
            connection.execute(lock)
            time.sleep(0.6)
            with transaction(other) as free:
                got.extend(free.execute(lock))
            connection.execute(update(trunk).values(channels=99))

    with pytest.raises(DatabaseUnavailable):
        stay_frozen()
    assert len(got) == 1
    for engine in (frozen, other):
        engine.dispose()
