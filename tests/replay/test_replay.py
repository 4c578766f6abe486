"""Recorded streams of a real Asterisk, through the pure layer: what they say of each call."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from asterisk_siptrunk.asterisk import events
from asterisk_siptrunk.asterisk.ami import AmiLogin, connect
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.call import Answered, CallChange, Ended, Ringing, Spoken
from asterisk_siptrunk.errors import AmiUnavailable
from tests.replay.peer import Peer
from tests.replay.record import STREAMS

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


def changes_of(name: str) -> list[CallChange]:
    found = (events.call_change(event) for event in replayed(name))
    return [change for change in found if change is not None]


def replayed(name: str) -> list[AmiEvent]:
    """The events of a stream, sent by a peer in pieces that end anywhere."""
    stream = (STREAMS / f"{name}.ami").read_bytes()

    async def scene() -> list[AmiEvent]:
        heard: list[AmiEvent] = []
        async with Peer(after_login=stream, piece=997) as peer:
            login = AmiLogin("127.0.0.1", peer.port, "u", "s")
            async with connect(login, clock=lambda: NEVER) as connection:
                with suppress(AmiUnavailable):  # the stream's end
                    while True:
                        heard += await connection.events()
        return heard

    return asyncio.run(scene())


def kinds(changes: list[CallChange]) -> list[str]:
    return [type(change).__name__ for change in changes]


@pytest.mark.parametrize(
    ("name", "expected", "cause"),
    [
        ("answered", ["Ringing", "Answered", "Ended"], 16),
        ("inbound", ["Ringing", "Answered", "Ended"], 16),
        ("cancelled", ["Ringing", "Ended"], None),
        ("busy", ["Ended"], 17),
        ("failover", ["Ringing", "Answered", "Ended"], 16),
        ("refused", ["Ended"], 21),
    ],
)
def test_each_kind_of_call_ends_once_and_with_its_cause(name, expected, cause):
    changes = changes_of(name)
    assert [kind for kind in kinds(changes) if kind in expected] == expected
    ended = changes[-1]
    assert isinstance(ended, Ended)
    assert cause is None or ended.cause == cause
    assert len({change.uniqueid for change in changes}) == 1


@pytest.mark.parametrize(
    ("name", "carrier"), [("answered", "first"), ("failover", "second"), ("inbound", "second")]
)
def test_the_carrier_that_answered_is_named(name, carrier):
    (answered,) = (change for change in changes_of(name) if isinstance(change, Answered))
    assert answered.carrier == carrier


@pytest.mark.parametrize("name", sorted(path.stem for path in STREAMS.iterdir()))
def test_times_are_asterisks_own_and_in_order(name):
    times = [change.at for change in changes_of(name) if not isinstance(change, Spoken)]
    assert times == sorted(times)
    assert NEVER not in times


def test_ringing_comes_before_the_answer_by_what_the_carrier_took():
    ringing, answered, ended = changes_of("answered")
    assert isinstance(ringing, Ringing)
    assert isinstance(answered, Answered)
    assert isinstance(ended, Ended)
    assert 0.04 < (answered.at - ringing.at).total_seconds() < 0.2
    assert 0.15 < (ended.at - answered.at).total_seconds() < 0.5


@pytest.mark.parametrize("name", sorted(path.stem for path in STREAMS.iterdir()))
def test_what_asterisk_writes_is_never_suspected(name):
    assert not [event for event in replayed(name) if events.is_suspect(event) or event.ambiguous]
