"""The beat: it gives signs of life, and frees the channels of servers that give none."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from asterisk_siptrunk import beat as module
from asterisk_siptrunk.beat import Beat
from asterisk_siptrunk.call import lease as leases
from asterisk_siptrunk.call.lease import WHOLE, Lease
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.call.server import Pulse, Vitals
from asterisk_siptrunk.database import rollout, servers
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.unit.database.builders import NOON, admission, ask, open_calls, outbound, provide


def vitals() -> Vitals:
    return Vitals("0.1.0", NOON, WHOLE, "up", NOON)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch):
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.1)


@asynccontextmanager
async def beating(engine, submit=None, hear=lambda _: None):
    lease = Lease(WHOLE, 0.0)
    beat = Beat("lab", CallMemory(), lease, vitals, lambda: NOON)

    def at_once(work):
        future = asyncio.get_running_loop().create_future()
        with transaction(engine) as connection:
            future.set_result(work(connection))
        return future

    running = asyncio.create_task(beat.run(submit or at_once, hear))
    yield lease
    assert not running.done()
    running.cancel()


def known(engine):
    with reading(engine) as connection:
        return {one.name: one for one in servers.every(connection)}


async def until(met):
    async with asyncio.timeout(5):
        while not met():  # noqa: ASYNC110 - a database can only be asked
            await asyncio.sleep(0.005)


@pytest.fixture
def engine(sqlite_url):
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


def test_it_beats_and_its_lease_begins_anew_each_time(engine):
    async def run():
        async with beating(engine) as lease:
            await until(lambda: "lab" in known(engine) and known(engine)["lab"].beat > 2)
            return lease.beat_at, asyncio.get_running_loop().time()

    beat_at, now = asyncio.run(run())
    assert now - 1 < beat_at <= now


def test_whoever_listens_is_told_what_each_beat_learnt(engine):
    heard: list[Pulse] = []

    async def run():
        async with beating(engine, hear=heard.append):
            with transaction(engine) as connection:
                rollout.want(connection, "other", "abc")
            await until(lambda: heard and heard[-1].config_wanted == 1)

    asyncio.run(run())


def test_a_silent_server_s_channels_are_freed(engine, caplog):
    provide(engine, channels=1)
    with transaction(engine) as connection:
        servers.beat(connection, "silent", vitals(), (), NOON)
    ask(engine, admission(), outbound(server="silent"))

    async def run():
        async with beating(engine):
            await until(lambda: known(engine)["silent"].lost_at)

    asyncio.run(run())
    assert open_calls(engine) == 0
    assert "Server silent gives no sign of life: its 1 calls are over." in caplog.text


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), ValueError("a defect")])
def test_it_goes_on_whatever_a_beat_met(engine, error):
    met = []

    def failing(_work):
        met.append(1)
        raise error

    async def run():
        async with beating(engine, failing):
            await until(lambda: len(met) > 2)

    asyncio.run(run())
