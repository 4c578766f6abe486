"""Reading what SIPp logged, and filling its scenarios."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from tests.lab.sipp import SCENARIOS, Call, group_calls, invites, parse_messages, render_scenario

RULE = "-" * 47
INVITE = """\
INVITE sip:+33612345678@127.0.0.1:5080 SIP/2.0
From: "Ada" <sip:+33123456789@127.0.0.1>;tag=1
To: <sip:+33612345678@127.0.0.1:5080>
Call-ID: one
CSeq: {cseq} INVITE
P-Asserted-Identity: <sip:+33123456789@127.0.0.1>

v=0
"""


def logged(way: str, text: str, stamp: str = "2026-11-23T11:14:58.500000Z") -> str:
    return f"{RULE} {stamp}\nUDP message {way} [{len(text)}] bytes:\n\n{text}\n"


def answer(status: int, cseq: str, extra: str = "") -> str:
    return f"SIP/2.0 {status} Word\nCall-ID: one\nCSeq: {cseq}\n{extra}\n\n"


def test_a_challenged_and_refused_call():
    log = (
        logged("sent", INVITE.format(cseq=1))
        + logged("received", answer(401, "1 INVITE"))
        + logged("sent", "ACK sip:x SIP/2.0\nCall-ID: one\nCSeq: 1 ACK\n\n")
        + logged("sent", INVITE.format(cseq=2))
        + logged("received", answer(100, "2 INVITE"))
        + logged(
            "received",
            answer(503, "2 INVITE", "Reason: Q.850;cause=34"),
            "2026-11-23T11:14:58.750000Z",
        )
    )
    (call,) = group_calls(parse_messages(log))
    assert call.call_id == "one"
    assert call.statuses == (401, 100, 503)
    assert (call.status, call.reason) == (503, "Q.850;cause=34")
    assert call.setup_seconds == pytest.approx(0.25)


def test_a_received_invite_tells_what_the_carrier_saw():
    log = logged("received", INVITE.format(cseq=7)) + logged("sent", answer(180, "7 INVITE"))
    (invite,) = invites(group_calls(parse_messages(log)))
    assert (invite.to_user, invite.from_user) == ("+33612345678", "+33123456789")
    assert (invite.pai, invite.body) == ("<sip:+33123456789@127.0.0.1>", "v=0")
    assert invite.status == 0


def test_an_older_sipp_writes_its_time_otherwise():
    log = logged("received", answer(200, "1 INVITE"), "2026-11-23 11:14:58.500000")
    assert [message.status for message in parse_messages(log)] == [200]


def test_an_empty_log_and_a_ping_are_no_call():
    assert parse_messages("") == []
    ping = "OPTIONS sip:x SIP/2.0\nCall-ID: ping\nCSeq: 1 OPTIONS\n\n"
    assert group_calls(parse_messages(logged("received", ping))) == []


def test_credentials_go_into_the_injection_file():
    assert Call("a", "1").line() == "a;1;;;1\n"
    assert Call("a", "1", "u", "p").line() == "a;1;[authentication username=u password=p];;1\n"
    assert Call("a", "1", to="2", to_name='"B"').line() == 'a;1;;"B";2\n'


VALUES = {
    "hold_ms": "1",
    "ring_ms": "1",
    "expires": "60",
    "status": "486 Busy Here",
    "busy_numbers": "33633",
    "silent_numbers": "33644",
}


@pytest.mark.parametrize("headers", ["", "X-Test: 1\n      X-More: 2"])
@pytest.mark.parametrize(
    "name", sorted(path.stem for path in SCENARIOS.glob("ua*.xml")), ids=lambda name: name
)
def test_every_scenario_is_filled_and_well_formed(name, headers):
    text = render_scenario(name, {**VALUES, "headers": headers})
    tree = ET.fromstring(text.partition("?>")[2])  # noqa: S314 - our own file
    for message in (send.text or "" for send in tree.iter("send")):
        head = message.strip().split("\n\n")[0]
        assert "Content-Length" in head  # no blank line ends the headers early
        assert "Max-Forwards" in head or "SIP/2.0 " in head
