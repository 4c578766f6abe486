"""The daemon's thread for the database: each piece of work whole, or not at all."""

import asyncio
import threading

import pytest
from sqlalchemy import Engine, insert, select

from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.tables import customer
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.unit.database.builders import NOON


def adding(name, *, fails=False):
    def work(connection):
        values = {"name": name, "title": "", "email": "", "created_at": NOON}
        connection.execute(insert(customer).values(values))
        if fails:
            raise ValueError(name)
        return name

    return work


def names(connection):
    return list(connection.execute(select(customer.c.name).order_by(customer.c.name)).scalars())


def together(engine: Engine, *works):
    """Have works done in one transaction: they are all queued before the thread may begin."""

    async def run():
        database = DatabaseThread(engine, asyncio.get_running_loop())
        futures = [database.submit(work) for work in works]
        database.start()
        told = await asyncio.gather(*futures, return_exceptions=True)
        await asyncio.to_thread(database.stop)
        return told

    return asyncio.run(run())


def test_work_gives_what_it_found(engine):
    assert together(engine, adding("one"), adding("two"), names)[2] == ["one", "two"]


def test_work_that_fails_takes_no_other_along(engine):
    first, failed, last, there = together(
        engine, adding("one"), adding("two", fails=True), adding("three"), names
    )
    assert (first, last) == ("one", "three")
    assert isinstance(failed, ValueError)
    assert there == ["one", "three"]


def test_a_database_that_is_away_is_told_to_whoever_waits():
    engine = open_engine("sqlite:////nowhere/at/all.db")
    told = together(engine, names, names)
    assert [type(one) for one in told] == [DatabaseUnavailable] * 2
    engine.dispose()


def test_a_locked_database_is_waited_for_once_and_not_once_for_each(sqlite_url, monkeypatch):
    tries = []

    def counted(engine):
        tries.append(engine)
        return transaction(engine)

    monkeypatch.setattr("asterisk_siptrunk.database.thread.transaction", counted)
    holder, engine = open_engine(sqlite_url), open_engine(sqlite_url, wait=0.01)
    with transaction(holder):
        told = together(engine, *[names] * 20)
    assert {type(one) for one in told} == {DatabaseUnavailable}
    assert len(tries) == 1
    holder.dispose()
    engine.dispose()


def test_stop_does_what_was_queued(engine):
    async def run():
        database = DatabaseThread(engine, asyncio.get_running_loop())
        future = database.submit(adding("one"))
        database.start()
        await asyncio.to_thread(database.stop)
        return await future

    assert asyncio.run(run()) == "one"
    assert "database" not in {thread.name for thread in threading.enumerate()}


def test_nobody_waiting_any_more_harms_nobody(engine):
    async def run():
        database = DatabaseThread(engine, asyncio.get_running_loop())
        left, waited = database.submit(adding("one")), database.submit(names)
        left.cancel()
        database.start()
        told = await waited
        await asyncio.to_thread(database.stop)
        with pytest.raises(asyncio.CancelledError):
            await left
        return told

    assert asyncio.run(run()) == ["one"]
