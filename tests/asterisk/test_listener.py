"""The listener on a real Asterisk: what it says agrees with Asterisk's own call records."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest

from asterisk_siptrunk.asterisk import listener as module
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiLogin
from asterisk_siptrunk.asterisk.control import AmiControl
from asterisk_siptrunk.asterisk.listener import Listener
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.asterisk.variables import APPLY_USER, LISTEN_USER
from asterisk_siptrunk.call import Answered, Direction, Ended, LiveChannel, Spoken
from tests.lab.asterisk import AsteriskServer
from tests.lab.processes import free_ports
from tests.lab.sipp import Call, SippAnswerer, SippCaller, place_calls, register
from tests.replay.server import SECRET, asterisk_with_carriers
from tests.unit.asterisk.test_listener import MemoryStore

pytestmark = pytest.mark.asterisk

NUMBER = "+33123456789"


@pytest.fixture(scope="module")
def answerer() -> Iterator[SippAnswerer]:
    with SippAnswerer(trace=False) as carrier:
        yield carrier


@pytest.fixture(scope="module")
def server(answerer: SippAnswerer) -> Iterator[AsteriskServer]:
    with asterisk_with_carriers(answerer.port, answerer.port) as running:
        yield running


Use = Callable[[MemoryStore, Listener], Awaitable[None]]


def listen(server: AsteriskServer, use: Use) -> MemoryStore:
    """Listen to a server while `use` goes on."""
    return asyncio.run(listening(server, use))


async def listening(server: AsteriskServer, use: Use) -> MemoryStore:
    store = MemoryStore()
    login = AmiLogin("127.0.0.1", server.ami_port, LISTEN_USER, SECRET)
    control = AmiControl(AmiLogin("127.0.0.1", server.ami_port, APPLY_USER, SECRET))
    listener = Listener(
        AmiClient(login),
        store,
        server.cdr_custom / "siptrunk.csv",
        lambda: asyncio.to_thread(control.contacts),
    )
    running = asyncio.create_task(listener.run())
    await store.until(lambda: store.looks)
    await use(store, listener)
    listener.stop()
    await running
    return store


def ended(store: MemoryStore) -> dict[str, Ended]:
    return {change.uniqueid: change for change in store.changes if isinstance(change, Ended)}


def answered(store: MemoryStore) -> dict[str, Answered]:
    return {change.uniqueid: change for change in store.changes if isinstance(change, Answered)}


def test_twenty_calls_agree_with_asterisks_own_records(server):
    calls = [Call("trunk-acme", NUMBER)] * 20

    async def use(store: MemoryStore, _: Listener) -> None:
        await asyncio.to_thread(place_calls, server.sip_address, calls, hold_ms=300)
        await store.until(lambda: len(ended(store)) == 20 and len(store.journal) >= 20)

    store = listen(server, use)
    journal = {call.uniqueid: call for call in store.journal}
    assert len(ended(store)) == len(answered(store)) == 20
    for uniqueid, end in ended(store).items():
        call, answer = journal[uniqueid], answered(store)[uniqueid]
        assert call.answered_at is not None
        assert abs((call.ended_at - end.at).total_seconds()) < 0.1
        assert abs((call.answered_at - answer.at).total_seconds()) < 0.1
        assert (call.carrier, answer.carrier, end.cause) == ("first", "first", 16)
    codecs = {change.codec for change in store.changes if isinstance(change, Spoken)}
    assert codecs == {"alaw"}
    assert not store.gone
    assert not store.adopted


def test_only_events_that_matter_come_through(server, monkeypatch):
    """The filters of manager.conf are understood by this Asterisk: no other event was read."""
    seen: list[str] = []

    async def use(store: MemoryStore, listener: Listener) -> None:
        take = listener._take

        def noted(event: AmiEvent) -> None:
            seen.append(event.name)
            take(event)

        monkeypatch.setattr(listener, "_take", noted)
        # The first one is refused: its row was born ended, and its hangup is not told.
        calls = [Call("trunk-acme", "404"), Call("trunk-acme", NUMBER)]
        await asyncio.to_thread(place_calls, server.sip_address, calls, rate=5, hold_ms=500)
        await store.until(lambda: ended(store))

    listen(server, use)
    assert [name for name in seen if name != "FullyBooted"] == ["DialState", "DialEnd", "Hangup"]


def test_a_listener_that_was_away_finds_the_calls_in_progress(server, monkeypatch):
    monkeypatch.setattr(module, "GRACE", timedelta(0))
    call = [Call("trunk-acme", NUMBER)]

    found: list[LiveChannel] = []

    async def adopts(later: MemoryStore, _: Listener) -> None:
        await later.until(lambda: later.adopted)

    async def use(store: MemoryStore, _: Listener) -> None:
        await store.until(lambda: answered(store))
        found.extend((await listening(server, adopts)).adopted)

    with SippCaller(server.sip_address, call, hold_ms=60_000):
        listen(server, use)
    (channel,) = found
    assert (channel.direction, channel.trunk, channel.up) == (Direction.OUTBOUND, "acme", True)


def test_a_pbx_registers_and_leaves(server):
    (port,) = free_ports(1)

    async def use(store: MemoryStore, _: Listener) -> None:
        await asyncio.to_thread(register, server.sip_address, "trunk-acme", "", port)
        await store.until(lambda: names(store))
        await asyncio.to_thread(register, server.sip_address, "trunk-acme", "", port, expires=0)
        await store.until(lambda: not store.changed_registrations[-1].registered)

    def names(store: MemoryStore) -> set[str]:
        return {change.user_agent for change in store.changed_registrations} - {""}

    store = listen(server, use)
    first, *_, gone = store.changed_registrations
    assert (first.trunk, first.registered, first.contact) == ("acme", True, f"127.0.0.1:{port}")
    assert names(store) == {"lab-pbx"}
    assert (gone.trunk, gone.registered, gone.contact) == ("acme", False, f"127.0.0.1:{port}")
