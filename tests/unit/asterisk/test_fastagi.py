"""The server on real sockets of the loopback: what a peer does ends its own session at most."""

import asyncio
import contextlib

import pytest

from asterisk_siptrunk.asterisk import fastagi
from asterisk_siptrunk.asterisk.fastagi import FastAgiServer
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError
from tests.unit.asterisk.headers import fastagi_header

VERDICT = b'SET VARIABLE "ARRAY(SIPTRUNK_NEXT)" "dial"\n'
PEERS = frozenset({"127.0.0.1"})
PATIENCE = 5.0


class Lab:
    """A server with a handler to be scripted, and what it heard."""

    def __init__(self) -> None:
        self.values = {"SIPTRUNK_NEXT": "dial"}
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.unconfirmed: list[str] = []
        self.told = asyncio.Event()
        self.peers = PEERS
        self.asking = 0
        self.asked = asyncio.Condition()

    def handle(self, _request):
        return asyncio.ensure_future(self._answer())

    async def _answer(self):
        async with self.asked:
            self.asking += 1
            self.asked.notify_all()
        await self.gate.wait()
        if self.error:
            raise self.error
        return self.values

    def miss(self, request) -> None:
        self.unconfirmed.append(request.uniqueid)
        self.told.set()

    async def until_asking(self, count: int) -> None:
        async with self.asked:
            await asyncio.wait_for(self.asked.wait_for(lambda: self.asking >= count), PATIENCE)

    @contextlib.asynccontextmanager
    async def peer(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def running(self):
        server = FastAgiServer(self.handle, self.miss, self.peers)
        self.port = await server.start("127.0.0.1", 0)
        try:
            yield server
        finally:
            await server.stop()

    async def ask(self, sent: bytes = fastagi_header(), reply: bytes = b"200 result=1\n") -> bytes:
        got = b""
        async with self.peer() as (reader, writer):
            with contextlib.suppress(ConnectionError):  # closed on us: what came is what counts
                writer.write(sent)
                got = await asyncio.wait_for(reader.readline(), PATIENCE)
                writer.write(reply)
                got += await asyncio.wait_for(reader.read(), PATIENCE)
        return got


def scenario(test):
    """Run an async test with a lab."""

    def run(**arguments):
        asyncio.run(test(Lab(), **arguments))

    run.__name__ = test.__name__
    return run


@scenario
async def test_a_call_gets_its_verdict_and_the_session_is_closed(lab):
    async with lab.running():
        assert await lab.ask() == VERDICT
    assert lab.unconfirmed == []


@scenario
async def test_a_verdict_is_all_that_is_said_and_its_confirmation_is_still_heard(lab):
    """Asterisk goes on with the call at once, even if we froze now."""
    async with lab.running(), lab.peer() as (reader, writer):
        writer.write(fastagi_header())
        assert await asyncio.wait_for(reader.read(), PATIENCE) == VERDICT
        writer.write(b"200 result=1\n")
        writer.write_eof()
    assert lab.unconfirmed == []


@scenario
async def test_a_verdict_that_asterisk_did_not_take_is_told(lab):
    async with lab.running():
        await lab.ask(reply=b"511 Command Not Permitted on a dead channel\n")
        await asyncio.wait_for(lab.told.wait(), PATIENCE)
    assert lab.unconfirmed == ["lab-1.1"]


@scenario
async def test_a_call_that_hangs_up_while_it_asks_is_told(lab):
    lab.gate.clear()
    async with lab.running(), lab.peer() as (_, writer):
        writer.write(fastagi_header())
        await lab.until_asking(1)
        writer.transport.abort()
        await asyncio.wait_for(lab.told.wait(), PATIENCE)
        lab.gate.set()
    assert lab.unconfirmed == ["lab-1.1"]


@pytest.mark.parametrize(
    "error", [DatabaseUnavailable("the database is locked"), RuntimeError("a bug of ours")]
)
def test_no_verdict_is_given_where_none_can_be_had(error, caplog):
    async def run(lab):
        lab.error = error
        async with lab.running():
            assert await lab.ask() == b""

    asyncio.run(run(Lab()))
    assert "the dialplan decides" in caplog.text


@scenario
async def test_a_value_that_cannot_be_sent_gives_no_verdict(lab):
    lab.values = {"SIPTRUNK_NEXT": 'dial"\nEXEC System x'}
    async with lab.running():
        assert await lab.ask() == b""


@scenario
async def test_a_strangers_session_is_closed(lab):
    lab.peers = frozenset({"192.0.2.1"})
    async with lab.running():
        assert await lab.ask() == b""


@scenario
async def test_probes_garbage_and_silence_disturb_no_call(lab):
    async with lab.running():
        for garbage in (b"", b"\0" * 10_000, b"GET / HTTP/1.1\r\n\r\n", b"agi_network: yes\n"):
            async with lab.peer() as (_, writer):
                writer.write(garbage)
        async with lab.peer():
            assert await lab.ask() == VERDICT


def test_a_silent_peer_is_closed_in_time(monkeypatch):
    monkeypatch.setattr(fastagi, "SESSION_SECONDS", 0.05)

    async def run(lab):
        async with lab.running(), lab.peer() as (reader, _):
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""

    asyncio.run(run(Lab()))


def test_sessions_over_the_bound_are_closed_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(fastagi, "MOST_SESSIONS", 3)

    async def run(lab):
        lab.gate.clear()
        async with lab.running():
            asking = [asyncio.create_task(lab.ask()) for _ in range(3)]
            await lab.until_asking(3)
            assert await lab.ask() == b""
            lab.gate.set()
            assert await asyncio.gather(*asking) == [VERDICT] * 3

    asyncio.run(run(Lab()))


def test_the_peer_that_was_silent_longest_gives_its_place_to_a_call(monkeypatch):
    monkeypatch.setattr(fastagi, "MOST_SESSIONS", 3)

    async def run(lab):
        async with lab.running(), lab.peer() as first, lab.peer(), lab.peer() as last:
            await asyncio.sleep(0)
            assert [await lab.ask() for _ in range(2)] == [VERDICT] * 2
            assert await asyncio.wait_for(first[0].read(), PATIENCE) == b""
            last[1].write(fastagi_header())
            assert await asyncio.wait_for(last[0].read(), PATIENCE) == VERDICT

    asyncio.run(run(Lab()))


def test_a_peer_that_has_gone_before_it_is_known_is_passed_over():
    """As uvloop has it: no name for a socket that was reset already."""

    class Gone(asyncio.Transport):
        closed = False

        def get_extra_info(self, _name, default=None):
            return default

        def close(self):
            self.closed = True

    async def run(lab):
        server = FastAgiServer(lab.handle, lab.miss, PEERS)
        session, transport = fastagi._Session(server), Gone()
        session.connection_made(transport)
        assert transport.closed
        assert server.sessions == set()
        session.connection_lost(None)

    asyncio.run(run(Lab()))


@scenario
async def test_a_port_in_use_is_said_in_words(lab):
    async with lab.running():
        with pytest.raises(SiptrunkError, match=r"Another|another 'siptrunk serve'"):
            await FastAgiServer(lab.handle, lab.miss, PEERS).start("127.0.0.1", lab.port)
