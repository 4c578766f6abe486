"""AMI: events come whole and in order, however the bytes are cut; no forged line changes a call."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from asterisk_siptrunk.asterisk import ami, events
from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.asterisk.security import security_event
from asterisk_siptrunk.call import Answered, Ended, Ringing
from tests.fuzz.source import Source, pieces

NOW = datetime(2026, 11, 24, tzinfo=UTC)
_OWN = "lab-1.1"
_MOST_EVENTS = 3
# As main/manager_channels.c writes a channel; what a peer may have a hand in is marked "%".
_CHANNEL = (
    *(("Channel", "PJSIP/trunk-acme-00000000"), ("ChannelState", "6"), ("ChannelStateDesc", "Up")),
    *(("CallerIDNum", "%"), ("CallerIDName", "n"), ("ConnectedLineNum", "%")),
    *(("ConnectedLineName", "n"), ("Language", "en"), ("AccountCode", "acme")),
    *(("Context", "siptrunk-call-out"), ("Exten", "%"), ("Priority", "2")),
    *(("Uniqueid", _OWN), ("Linkedid", _OWN)),
)
_CALLED = (
    *(("DestChannel", "PJSIP/carrier-ovh-00000001"), ("DestChannelState", "5")),
    *(("DestCallerIDNum", "%"), ("DestConnectedLineNum", "%"), ("DestExten", "")),
    *(("DestUniqueid", "lab-1.2"), ("DestLinkedid", _OWN)),
)
_EVENTS = (
    ("Hangup", (*_CHANNEL, ("Cause", "16"), ("Cause-txt", "Normal Clearing"))),
    ("DialState", (*_CHANNEL, *_CALLED, ("DialStatus", "RINGING"))),
    ("DialEnd", (*_CHANNEL, *_CALLED, ("DialStatus", "ANSWER"))),
    ("Newchannel", _CHANNEL),
)
_MEANS = {"Hangup": Ended, "DialState": Ringing, "DialEnd": Answered}


class _Transport:
    """Takes nothing and goes nowhere."""

    def abort(self) -> None:
        pass


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.Runner().get_loop()


def check(data: bytes) -> None:
    _loop().run_until_complete(_check(Source(data)))


async def _check(source: Source) -> None:
    raw, sizes = source.below(2), source.some()
    if raw:
        _same_in_pieces(source.rest(), sizes)
        return
    sent: list[bytes] = []
    hands: list[bytes] = []
    while source and len(sent) < _MOST_EVENTS:
        sent.append(_event(source, hands))
    _told_in_order(_same_in_pieces(b"".join(sent), sizes), sent, hands)


def _event(source: Source, forged: list[bytes]) -> bytes:
    """One event; what peers wrote in it is added to `forged`."""
    name, fields = source.one_of(_EVENTS)
    lines = [f"Event: {name}".encode(), b"Privilege: call,all"]
    for key, value in fields:
        written = value.encode()
        if value == "%":
            written = source.some().split(b"\0")[0]
            forged.append(written)
        lines.append(key.encode() + b": " + written)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _told_in_order(told: list[AmiEvent], sent: list[bytes], forged: list[bytes]) -> None:
    """A line too many changes no call.

    An empty line as well would make events of its own, that nothing tells from Asterisk's: such
    values are kept out by Asterisk's filters (EVENT_FILTERS) and the dialplan.
    """
    blocks = b"".join(sent).split(b"\r\n\r\n")[:-1]
    if len(blocks) > len(sent):
        return
    changes = [change for event in told if (change := events.call_change(event)) is not None]
    assert all(change.uniqueid == _OWN for change in changes)
    assert all(getattr(change, "at", NOW) == NOW for change in changes)
    names = [block.split(b"\r\n")[0][7:].decode() for block in blocks]
    for event, name in zip(told, names, strict=True):
        assert event.name == name or "Event" not in event.fields
    if not any(b"\r\n" in value for value in forged):
        assert [type(change) for change in changes] == [_MEANS[n] for n in names if n in _MEANS]
        for event, caller in zip(told[:1], forged[:1], strict=True):
            assert event.fields["CallerIDNum"] == caller.decode("utf-8", "replace")


def _same_in_pieces(sent: bytes, sizes: bytes) -> list[AmiEvent]:
    whole, some = _outcome([sent]), _outcome(list(pieces(sent, sizes)))
    assert whole == some
    for event in whole:
        events.call_change(event)
        events.registration_change(event)
        events.contact(event)
        events.began_at(event)
        security_event(event)
    events.snapshot(whole)
    return whole


def _outcome(parts: list[bytes]) -> list[AmiEvent]:
    wire = ami._Wire("here", lambda: NOW, 0.0)
    wire.connection_made(_Transport())
    for part in parts:
        wire.data_received(part)
        assert len(wire._waiting) <= ami.MOST_EVENTS
    assert not wire._lost
    # The loop's own clock is no part of what was said.
    return [replace(event, clock_ahead=0.0) for event in wire._waiting]
