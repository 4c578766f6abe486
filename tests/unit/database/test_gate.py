"""The gate: on a real SQLite file that is really locked, lost, put back."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asterisk_siptrunk.call.lease import LEASE_SECONDS, WHOLE, Lease
from asterisk_siptrunk.database import gate as module
from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.database.gate import Gate
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.unit.database.test_thread import adding, names


class Scene:
    """A gate, and what it told of itself."""

    def __init__(self, url: str) -> None:
        self.file = Path(url.removeprefix("sqlite:///"))
        self.engine = open_engine(url, wait=0.05)
        loop = asyncio.get_running_loop()
        self.lease = Lease(WHOLE, loop.time())
        self.thread = DatabaseThread(self.engine, loop)
        self.short = LoopDatabase(self.engine, self.thread)
        self.gate = Gate(self.short, self.thread, self.lease, self)
        self.told: list[str] = []
        self.is_back = asyncio.Event()

    def closing(self) -> None:
        self.told.append("closing")

    async def returning(self, submit) -> None:
        self.told.append(f"returning to {await submit(names)}")
        self.lease.beat_at = asyncio.get_running_loop().time()

    def opened(self) -> None:
        self.told.append("opened")
        self.is_back.set()

    async def back(self) -> None:
        async with asyncio.timeout(5):
            await self.is_back.wait()


@asynccontextmanager
async def scene(url: str):
    it = Scene(url)
    it.thread.start()
    running = asyncio.create_task(it.gate.run())
    yield it
    running.cancel()
    it.short.close()
    await asyncio.to_thread(it.thread.stop)
    it.engine.dispose()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.01)


def locked(url: str) -> sqlite3.Connection:
    """Another process's transaction; whoever closes it gives the lock back."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_while_it_is_open_work_is_done(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            await it.gate.submit(adding("one"))
            return await it.gate.submit_long(names), it.gate.away_seconds, it.told

    assert asyncio.run(run()) == (["one"], 0.0, [])


@pytest.mark.parametrize("way", ["submit", "submit_long"])
def test_a_locked_database_closes_it_and_whatever_comes_then_is_told_at_once(sqlite_url, way):
    async def run():
        async with scene(sqlite_url) as it:
            other = locked(sqlite_url)
            with pytest.raises(DatabaseUnavailable, match="locked"):
                await getattr(it.gate, way)(adding("one"))
            assert not it.gate.is_open
            refused = getattr(it.gate, way)(adding("two"))
            assert isinstance(refused.exception(), DatabaseUnavailable)
            assert it.gate.away_seconds > 0
            other.close()
            await it.back()
            await it.gate.submit(adding("three"))
            return await it.gate.submit(names)

    assert asyncio.run(run()) == ["three"]


def test_what_must_be_written_later_is_written_before_anybody_else_may_write(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            other = locked(sqlite_url)
            it.gate.close("for a test")
            for name in ("one", "two"):
                it.gate.later(adding(name))
            other.close()
            await it.back()
            return it.told

    told = asyncio.run(run())
    assert told == ["closing", "returning to ['one', 'two']", "opened"]


def test_at_the_end_what_waits_is_written_if_that_is_possible(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            it.gate.later(adding("one"))
            await it.gate.finish()  # the gate is open: nothing waits
            it.gate.close("for a test")
            await it.gate.finish()
            return await it.gate.submit(names)

    assert asyncio.run(run()) == ["one"]


def test_late_work_that_fails_keeps_no_other_out(sqlite_url, caplog):
    async def run():
        async with scene(sqlite_url) as it:
            it.gate.close("for a test")
            for work in (adding("one"), adding("bad", fails=True), adding("three")):
                it.gate.later(work)
            await it.back()
            return await it.gate.submit(names)

    assert asyncio.run(run()) == ["one", "three"]
    assert "cannot be written" in caplog.text


def test_what_is_decided_while_it_opens_is_written_too_and_does_not_keep_it_closed(sqlite_url):
    """As under a flood: each time that the server says that it lives, something is decided on."""

    async def run():
        async with scene(sqlite_url) as it:
            before = it.returning

            async def returning(submit):
                it.gate.later(adding(f"meanwhile {len(it.told)}"))
                await before(submit)

            it.returning = returning
            it.gate.close("for a test")
            await it.back()
            return it.told, await it.gate.submit(names)

    told, written = asyncio.run(run())
    assert told[1:] == ["returning to []", "opened"]
    assert written == ["meanwhile 1"]


def test_a_lost_file_closes_it_until_it_is_put_back(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            await it.gate.submit(adding("one"))
            away = it.file.with_name("away.db")
            it.file.rename(away)
            with pytest.raises(DatabaseUnavailable, match="is not there"):
                await it.gate.submit(adding("two"))
            away.rename(it.file)
            await it.back()
            return await it.gate.submit(names)

    assert asyncio.run(run()) == ["one"]


def test_a_server_whose_lease_ran_out_says_that_it_lives_before_it_admits(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            it.lease.beat_at -= LEASE_SECONDS
            refused = it.gate.submit(names)
            assert isinstance(refused.exception(), DatabaseUnavailable)
            await it.back()
            return it.gate.is_open, it.told

    assert asyncio.run(run()) == (True, ["closing", "returning to []", "opened"])


def test_a_defect_in_somebody_s_work_closes_nothing(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            with pytest.raises(ValueError, match="bad"):
                await it.gate.submit(adding("bad", fails=True))
            return it.gate.is_open

    assert asyncio.run(run())


def test_work_aside_closes_nothing_whatever_it_meets(sqlite_url):
    async def run():
        async with scene(sqlite_url) as it:
            other = locked(sqlite_url)
            with pytest.raises(DatabaseUnavailable, match="locked"):
                await it.gate.aside(adding("one"))
            other.close()
            assert it.gate.is_open
            it.gate.close("for a test")
            refused = it.gate.aside(names)
            return isinstance(refused.exception(), DatabaseUnavailable), it.told[0]

    assert asyncio.run(run()) == (True, "closing")
