"""Trunks that do not register: known by their address, and the phones of the same Asterisk."""

import asyncio
import csv
import socket
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from asterisk_siptrunk.asterisk.ami import AmiLogin, connect
from asterisk_siptrunk.asterisk.variables import JOURNAL_FIELDS
from asterisk_siptrunk.call import CallRecord, Direction, Evidence, Reason, Via
from tests.lab.postgresql import PostgresServer
from tests.lab.provider import Provider
from tests.lab.sipp import Call, Media, SippAnswerer, SippCaller, place_calls
from tests.lab.voice import Voice

pytestmark = pytest.mark.asterisk

CARRIER_HOST, PBX_HOST, PHONE_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.5"
PBX_NUMBER, OFFICE_NUMBER, OUTSIDE = "+33123456789", "+33123456780", "+33611223344"
DESK_NUMBER, LOOP_NUMBER, MOBILE = "+33123456781", "+33123456782", "0612345678"

TRANSFERRED_SECONDS = 3
PHONES_MANAGER = """
[lab]
secret=lab
write=call
"""
# What a company's own Asterisk has for its phones, before siptrunk comes.
PHONES_PJSIP = f"""
[phone]
type=endpoint
context=phones
disallow=all
allow=alaw
aors=phone
[phone]
type=aor
contact=sip:phone@{PHONE_HOST}:{{port}}
[phone]
type=identify
endpoint=phone
match={PHONE_HOST}
[desk]
type=endpoint
context=phones
disallow=all
allow=alaw
aors=desk
[desk]
type=aor
contact=sip:desk@{PHONE_HOST}:{{desk_port}}
"""
PHONES_DIALPLAN = f"""
[phones]
include => trunk-office
exten => 100,1,Hangup(17)
; It ends without a hangup of its own: no priority of ours may follow.
exten => 101,1,Set(CALLERID(name)=nobody)
; Where a phone transfers a call to.
exten => 102,1,Wait({TRANSFERRED_SECONDS})
; A ring group with a number outside in it.
exten => 300,1,Dial(Local/{MOBILE}@phones,20)

[from-trunk]
; No phone takes it: it falls back to what phones may dial.
exten => {LOOP_NUMBER},1,Goto(phones,${{EXTEN}},1)
exten => {DESK_NUMBER},1,Dial(PJSIP/desk,20)
exten => _+X.,1,Dial(PJSIP/phone,20)
"""


@dataclass(frozen=True)
class Journalled:
    """A call in Asterisk's own records."""

    start: float
    answer: float
    end: float


class Kinds:
    """A provider with a trunk by address and a local one; its carrier and phone are SIPp.

    What is said to the carrier comes to `ear`.
    """

    def __init__(
        self, provider: Provider, carrier: SippAnswerer, phone: SippAnswerer, ear: Voice
    ) -> None:
        self.provider = provider
        self.carrier = carrier
        self.phone = phone
        self.ear = ear

    def call(self, host: str, callee: str, caller: str) -> list[int]:
        address = self.provider.asterisk.sip_address
        return place_calls(address, [Call(caller, callee)], host=host, hold_ms=300).statuses

    def last(self):
        self.provider.until_idle()
        return self.provider.calls()[-1]

    def last_of(self, number: int) -> CallRecord:
        """How the row of a call stands now."""
        (row,) = (one for one in self.provider.calls() if one.id == number)
        return row

    def agrees_with_asterisk(self, live: CallRecord, held: float) -> None:
        """Check the row of a call that was live: its time, and that Asterisk's records say it."""
        self.provider.until_idle()
        row = self.last_of(live.id)
        assert held - 0.1 < row.billable.total_seconds() < held + 1
        # Two where the other side changed its channel: a Local one left the call.
        told = self.journal()[row.uniqueid]
        assert row.answered_at is not None
        assert row.ended_at is not None
        assert row.answered_at.timestamp() == pytest.approx(told[0].answer, abs=0.1)
        assert row.ended_at.timestamp() == pytest.approx(told[-1].end, abs=0.1)

    def journal(self) -> dict[str, list[Journalled]]:
        """What Asterisk's own records say, by the channel's UniqueID."""
        found: dict[str, list[Journalled]] = defaultdict(list)
        text = (self.provider.asterisk.cdr_custom / "siptrunk.csv").read_text()
        for row in csv.DictReader(text.splitlines(), fieldnames=JOURNAL_FIELDS):
            times = (float(row[key]) for key in ("start", "answer", "end"))
            found[row["uniqueid"]].append(Journalled(*times))
        return found


@pytest.fixture(scope="module")
def kinds() -> Iterator[Kinds]:
    phone, pbx = SippAnswerer(host=PHONE_HOST), SippAnswerer(host=PBX_HOST)
    # Its user is out, and has calls sent on.
    desk = SippAnswerer(
        *("uas_refuse",),
        host=PHONE_HOST,
        status="302 Moved Temporarily",
        headers=[f"Contact: <sip:{MOBILE}@{PHONE_HOST}>"],
    )
    ear = Voice(CARRIER_HOST)
    carrier = SippAnswerer(host=CARRIER_HOST, media=Media(port=ear.port))
    provider = Provider()
    etc = provider.asterisk.etc
    for name, text in (
        ("pjsip.conf", PHONES_PJSIP.format(port=phone.port, desk_port=desk.port)),
        ("extensions.conf", PHONES_DIALPLAN),
    ):
        provider.asterisk.write(name, (etc / name).read_text() + text)
    provider.asterisk.write("manager.d/lab.conf", PHONES_MANAGER)
    with ear, carrier, phone, desk, pbx, provider:
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "2", "--kind", "address"),
            *("--address", PBX_HOST, "--address", "2001:db8::/64", "--contact", pbx.address),
            *("--number", PBX_NUMBER),
        )
        provider.do(
            *("trunk", "add", "office", "--customer", "us", "--channels", "1", "--kind", "local"),
            *("--inbound-context", "from-trunk", "--number", OFFICE_NUMBER),
            *("--number", DESK_NUMBER, "--number", LOOP_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--match", CARRIER_HOST, "--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        yield Kinds(provider, carrier, phone, ear)


def test_a_pbx_is_known_by_its_address(kinds: Kinds):
    assert kinds.call(PBX_HOST, MOBILE, PBX_NUMBER) == [200]
    row = kinds.last()
    assert (row.trunk, row.caller) == ("plant", PBX_NUMBER)


def test_a_call_in_goes_to_the_address_that_was_given(kinds: Kinds):
    assert kinds.call(CARRIER_HOST, PBX_NUMBER, OUTSIDE) == [200]
    row = kinds.last()
    assert (row.trunk, row.direction) == ("plant", Direction.INBOUND)


def test_the_phones_of_this_asterisk_call_under_the_same_terms(kinds: Kinds):
    assert kinds.call(PHONE_HOST, MOBILE, "100") == [200]
    row = kinds.last()
    assert (row.trunk, row.caller, row.reason) == ("office", OFFICE_NUMBER, Reason.ADMITTED)
    assert kinds.call(PHONE_HOST, "0899123456", "100") == [403]
    assert kinds.call(PHONE_HOST, "112", "100") == [200]
    assert kinds.last().reason is Reason.EMERGENCY
    # Nobody could call extension 100 back.
    assert kinds.carrier.received()[-1].from_user == OFFICE_NUMBER
    # Their own extensions are none of ours.
    before = len(kinds.provider.calls())
    assert kinds.call(PHONE_HOST, "100", "100") == [486]
    assert kinds.call(PHONE_HOST, "101", "100") != [403]
    assert len(kinds.provider.calls()) == before


def test_their_limit_holds_and_a_call_in_rings_them(kinds: Kinds):
    assert kinds.call(CARRIER_HOST, OFFICE_NUMBER, OUTSIDE) == [200]
    assert len(kinds.phone.received()) == 1
    assert kinds.last().trunk == "office"
    address = kinds.provider.asterisk.sip_address
    with SippCaller(address, [Call("100", MOBILE)] * 3, host=PHONE_HOST, hold_ms=1500) as three:
        assert three.wait().statuses == [200, 503, 503]


def test_a_call_through_a_ring_group_is_one_call_to_its_end(kinds: Kinds):
    """Asterisk would take its Local channel out of the call once both sides are heard."""
    provider = kinds.provider
    group = [Call("100", "300")]
    with (
        SippCaller(provider.asterisk.sip_address, group, host=PHONE_HOST, hold_ms=3000) as phone,
        Voice(PHONE_HOST) as voice,
    ):
        provider.until(lambda: phone.calls() and phone.calls()[0].status == 200)
        voice.speak_in(phone.calls()[0])
        kinds.ear.until_heard(1.0)
        (row,) = provider.live()
        assert row.trunk == "office"
        assert any(name.startswith("Local/") for name in provider.asterisk.live_channels())
        # It holds the only channel.
        assert kinds.call(PHONE_HOST, MOBILE, "100") == [503]
        assert kinds.call(CARRIER_HOST, OFFICE_NUMBER, OUTSIDE) == [486]
        assert phone.wait().statuses == [200]

    kinds.agrees_with_asterisk(row, held=3.0)


def test_a_call_that_a_phone_sends_on_is_two_to_their_end(kinds: Kinds):
    """It comes in, and goes out again: two channels, for as long as both speak."""
    provider = kinds.provider
    provider.do("trunk", "set", "office", "--channels", "2")
    call = [Call(OUTSIDE, DESK_NUMBER)]
    with (
        SippCaller(provider.asterisk.sip_address, call, host=CARRIER_HOST, hold_ms=3000) as caller,
        Voice(CARRIER_HOST) as voice,
    ):
        provider.until(lambda: caller.calls() and caller.calls()[0].status == 200)
        voice.speak_in(caller.calls()[0])
        kinds.ear.until_heard(1.0)
        rows = provider.live()
        assert {row.direction for row in rows} == {Direction.INBOUND, Direction.OUTBOUND}
        assert {row.trunk for row in rows} == {"office"}
        assert kinds.call(PHONE_HOST, MOBILE, "100") == [503]
        assert caller.wait().statuses == [200]
    provider.do("trunk", "set", "office", "--channels", "1")

    for row in rows:
        kinds.agrees_with_asterisk(row, held=3.0)


def test_a_number_that_came_in_does_not_go_out_again(kinds: Kinds):
    before = len(kinds.provider.calls())
    assert kinds.call(CARRIER_HOST, LOOP_NUMBER, OUTSIDE) == [404]
    kinds.provider.until_idle()
    (row,) = kinds.provider.calls()[before:]
    assert (row.direction, row.trunk) == (Direction.INBOUND, "office")


def test_no_length_of_a_header_sends_a_call_past_the_service(kinds: Kinds):
    """AGI's header has 8 KiB: a longer one would leave the call to the dialplan's own rules."""
    provider = kinds.provider
    provider.do("trunk", "suspend", "plant", "--reason", "unpaid")  # the dialplan does not know
    try:
        status = raw_invite(provider.asterisk.sip_port, "c" * 4000, "u" * 3800)
    finally:
        provider.do("trunk", "resume", "plant")
    assert status == 403
    row = kinds.last()
    assert (row.via, row.sip_call_id, row.user_agent) == (Via.SERVICE, "c" * 256, "u" * 128)


def raw_invite(port: int, call_id: str, user_agent: str) -> int:
    """Send an INVITE that SIPp would not, from the PBX; the final answer's status."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as pbx:
        pbx.bind((PBX_HOST, 0))
        pbx.settimeout(5)
        here = f"{PBX_HOST}:{pbx.getsockname()[1]}"
        lines = (
            f"INVITE sip:{MOBILE}@127.0.0.1:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK1",
            f"From: <sip:{PBX_NUMBER}@{here}>;tag=1",
            f"To: <sip:{MOBILE}@127.0.0.1:{port}>",
            f"Call-ID: {call_id}",
            "CSeq: 1 INVITE",
            f"Contact: <sip:{here}>",
            f"User-Agent: {user_agent}",
            "Content-Length: 0",
        )
        pbx.sendto("\r\n".join((*lines, "", "")).encode(), ("127.0.0.1", port))
        status = 100
        while status < 200:
            status = int(pbx.recv(65_536).split()[1])
        return status


def test_a_call_that_a_phone_transfers_holds_its_channel_to_its_end(kinds: Kinds):
    provider = kinds.provider
    address = provider.asterisk.sip_address
    with SippCaller(address, [Call("100", MOBILE)], host=PHONE_HOST, hold_ms=60_000):
        provider.until(lambda: any(row.answered_at for row in provider.live()))
        (row,) = provider.live()
        (phone,) = (name for name in provider.asterisk.live_channels() if "phone-" in name)
        asyncio.run(blind_transfer(provider, phone, "102"))
        provider.until(lambda: phone not in provider.asterisk.live_channels(), 5, "the phone to go")
        assert kinds.call(PHONE_HOST, MOBILE, "100") == [503]
        assert [one.id for one in provider.live()] == [row.id]
        provider.until_idle()
    told = kinds.last_of(row.id)
    assert told.billable.total_seconds() > TRANSFERRED_SECONDS - 0.1
    assert told.sip_call_id
    assert told.user_agent == "lab-pbx"


async def blind_transfer(provider: Provider, channel: str, exten: str) -> None:
    """Do as a phone's REFER makes Asterisk do."""
    login = AmiLogin("127.0.0.1", provider.asterisk.ami_port, "lab", "lab")
    async with connect(login, events=False) as manager:
        await manager.action("BlindTransfer", Channel=channel, Context="phones", Exten=exten)


def test_postgresql_and_a_dedicated_asterisk_keep_the_same_promises():
    with (
        PostgresServer() as server,
        SippAnswerer(host=CARRIER_HOST) as carrier,
        Provider(database_url=server.create_database("usage"), dedicated=True) as provider,
    ):
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "5", "--kind", "address"),
            *("--address", PBX_HOST, "--contact", f"{PBX_HOST}:5060", "--number", PBX_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--channels", "4", "--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        address = provider.asterisk.sip_address
        for _ in range(2):
            calls = [Call(PBX_NUMBER, f"06123456{index:02}") for index in range(40)]
            with SippCaller(address, calls, host=PBX_HOST, hold_ms=1500) as burst:
                assert burst.wait().statuses == [200] * 4 + [503] * 36
            provider.until_idle()
        rows = provider.calls()
        assert len(rows) == 80
        assert "Newexten" in provider.asterisk.cli("manager show settings")
        passed = [row for row in rows if row.reason is Reason.ADMITTED]
        assert {(row.evidence, row.hangup_cause, row.codec) for row in passed} == {
            (Evidence.AMI, 16, "alaw")
        }
        assert all(row.ringing_at and row.answered_at for row in passed)
        assert {row.via for row in rows} == {Via.SERVICE}
        assert {row.reason for row in rows} == {Reason.ADMITTED, Reason.CARRIERS_FULL}


def test_an_agi_process_decides_as_the_service_does():
    with SippAnswerer(host=CARRIER_HOST) as carrier, Provider(by_process=True) as provider:
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "1", "--kind", "address"),
            *("--address", PBX_HOST, "--contact", f"{PBX_HOST}:5060", "--number", PBX_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        address = provider.asterisk.sip_address
        calls = [Call(PBX_NUMBER, MOBILE), Call(PBX_NUMBER, MOBILE), Call(PBX_NUMBER, "112")]
        with SippCaller(address, calls, host=PBX_HOST, hold_ms=3000, rate=1) as three:
            assert three.wait().statuses == [200, 200, 503]
        provider.until_idle()
        assert [row.reason for row in provider.calls()] == [
            Reason.ADMITTED,
            Reason.CHANNELS_FULL,
            Reason.EMERGENCY,
        ]
        assert {row.via for row in provider.calls()} == {Via.PROCESS}
