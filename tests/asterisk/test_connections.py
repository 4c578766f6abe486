"""Every way to be connected: PBXs over TLS and IPv6, carriers that one registers to."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from asterisk_siptrunk.call import CallRecord, Direction, Reason, Verdict
from tests.lab.pbx import CustomerPbx
from tests.lab.processes import free_ports, has_ipv6
from tests.lab.provider import Provider
from tests.lab.sipp import (
    ENCRYPTED,
    PLAIN,
    Call,
    Media,
    Message,
    SippAnswerer,
    SippCall,
    SippCaller,
    SippResult,
    answers_challenge,
    invites,
    place_calls,
)

pytestmark = pytest.mark.asterisk

TELCO_HOST, LAN_HOST, PHONE_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.5"
LINE_HOST, OVH_HOST, STRANGE_HOST = "127.0.0.7", "127.0.0.8", "127.0.0.9"
NUMBERS = {
    "secure": "+33123456701",
    "plain": "+33123456702",
    "lan": "+33123456703",
    "six": "+33123456704",
}
OUTSIDE, MOBILE = "+33611223344", "0612345678"
LINE = ("line-account", "line-secret")
# As at OVH, where the account is a number: here that of the trunk that To is not to reach.
OVH = ("0033123456702", "ovh-secret")
OVER_TLS = ("-t", "l1")


@dataclass
class Hub:
    """A provider that opens its own transports, with a trunk and a carrier of each kind."""

    provider: Provider
    telco: SippAnswerer
    line: SippAnswerer
    ovh: SippAnswerer
    lan: SippAnswerer
    six_port: int
    secrets: dict[str, str] = field(default_factory=dict)

    def describe(self) -> None:
        do = self.provider.do
        do("customer", "add", "acme")
        for name, terms in (("secure", ("--transport", "tls", "--srtp")), ("plain", ())):
            self.secrets[name] = self._add_trunk(name, *terms)["secret"]
        for name, host, contact in (
            ("lan", LAN_HOST, self.lan.address),
            ("six", "::1", f"[::1]:{self.six_port}"),
        ):
            self._add_trunk(name, "--kind", "address", "--address", host, "--contact", contact)
        # Calls go out through `telco`, as long as it is not disabled.
        self._add_carrier("telco", "generic", self.telco, "--match", TELCO_HOST)
        later = ("--priority", "20", "--username")
        self._add_carrier("line", "generic-register", self.line, *later, LINE[0], secret=LINE[1])
        self._add_carrier(
            "ovh", "ovh", self.ovh, "--match", OVH_HOST, *later, OVH[0], secret=OVH[1]
        )
        do("config", "apply", "--yes")

    def _add_trunk(self, name: str, *terms: str):
        return self.provider.read(
            *("trunk", "add", name, "--customer", "acme", "--channels", "5"),
            *("--number", NUMBERS[name], *terms),
        )

    def _add_carrier(
        self, name: str, profile: str, at: SippAnswerer, *ways: str, secret: str = ""
    ) -> None:
        self.provider.do(
            *("carrier", "add", name, "--profile", profile, "--server", at.address),
            *("--qualify", "0", *ways, *(("--secret-file", "-") if secret else ())),
            given=secret,
        )

    @property
    def address(self) -> str:
        return self.provider.asterisk.sip_address

    @property
    def tls_address(self) -> str:
        return f"127.0.0.1:{self.provider.tls_port}"

    def call(self, call: Call, host: str, **how) -> SippResult:
        """One call from this address, to its end."""
        with SippCaller(self.address, [call], host=host, hold_ms=300, **how) as caller:
            return caller.wait()

    def last(self) -> CallRecord:
        """The row of the newest call, once it ended."""
        self.provider.until_idle()
        return self.provider.calls()[-1]

    def contact(self, carrier: SippAnswerer) -> re.Match[str]:
        """The contact that was registered there: `user`, and the URI's `parameters`."""
        register = carrier.calls()[0].messages[0]
        found = re.fullmatch(
            r"<sip:(?P<user>[^@]*)@[^;>]*(?P<parameters>[^>]*)>.*", register.header("Contact")
        )
        assert found, register.header("Contact")
        return found


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    telco, lan = SippAnswerer(host=TELCO_HOST), SippAnswerer(host=LAN_HOST)
    line = SippAnswerer("uas_registrar", host=LINE_HOST)
    ovh = SippAnswerer("uas_registrar", host=OVH_HOST)
    (six_port,) = free_ports(1, "udp")
    # The registrars outlive the provider, which unregisters at its end.
    with telco, lan, line, ovh, Provider(own_transports=True) as provider:
        made = Hub(provider, telco, line, ovh, lan, six_port)
        made.describe()
        provider.serve()
        yield made


@pytest.fixture(scope="module", params=["secure", "plain"])
def pbx(request: pytest.FixtureRequest, hub: Hub) -> Iterator[CustomerPbx]:
    phone = SippAnswerer(host=PHONE_HOST)
    name = request.param
    with CustomerPbx(hub.provider, name, hub.secrets[name], phone) as made:
        hub.provider.until(lambda: made.registered, what=f"{name} to be registered")
        yield made


# --- a PBX with the settings that we print ---


def test_a_pbx_registers_and_calls_with_what_we_print(hub: Hub, pbx: CustomerPbx):
    hub.provider.until(lambda: _is_listed_as_registered(hub, pbx.name), what="it to be listed")
    result = place_calls(
        pbx.server.sip_address, [Call("phone", MOBILE)], host=PHONE_HOST, hold_ms=500
    )
    row = hub.last()

    assert result.statuses == [200]
    assert hub.telco.received()[-1].from_user == NUMBERS[pbx.name]
    assert (row.trunk, row.carrier, row.direction) == (pbx.name, "telco", Direction.OUTBOUND)
    assert (row.verdict, row.callee, row.codec) == (Verdict.ADMITTED, "+33612345678", "alaw")
    assert abs(row.billable - timedelta(seconds=0.5)) < timedelta(milliseconds=300)
    (call,) = (one for one in pbx.calls() if one.call_id == row.sip_call_id)
    _check_the_wire(pbx, call)


def test_a_call_in_reaches_it_and_the_voice_goes_both_ways(hub: Hub, pbx: CustomerPbx):
    with _ear(TELCO_HOST) as ear:
        call = Call(OUTSIDE, NUMBERS[pbx.name])
        with _call_up(hub, call, ear) as answer:
            assert _voice_arrives(ear, ("127.0.0.1", _audio_port(answer)), ear)
    row = hub.last()

    assert (row.trunk, row.carrier, row.direction) == (pbx.name, "telco", Direction.INBOUND)
    assert (row.verdict, row.caller) == (Verdict.ADMITTED, OUTSIDE)
    assert row.answered_at is not None
    assert row.ended_at is not None
    assert row.started_at <= row.answered_at < row.ended_at
    (invite,) = (one for one in invites(pbx.calls()) if one.from_user == OUTSIDE)
    _check_the_wire(pbx, invite.call)


def _is_listed_as_registered(hub: Hub, trunk: str) -> bool:
    listed = hub.provider.read("trunk", "list")
    return any(one["name"] == trunk and one["registered"] for one in listed)


def _check_the_wire(pbx: CustomerPbx, call: SippCall) -> None:
    """What went between the PBX and us: all over the trunk's transport, keys both ways."""
    secure = pbx.name == "secure"
    assert {one.over for one in call.messages} == {"TLS" if secure else "UDP"}
    assert call.final is not None
    assert call.status == 200
    for one in (call.messages[0], call.final):
        assert ("RTP/SAVP" in one.body, "a=crypto:" in one.body) == (secure, secure)


@contextmanager
def _ear(host: str) -> Iterator[socket.socket]:
    """A socket for voice."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as ear:
        ear.bind((host, 0))
        ear.settimeout(0.02)  # between two packets of voice
        yield ear


@contextmanager
def _call_up(hub: Hub, call: Call, ear: socket.socket) -> Iterator[Message]:
    """A call in from `telco` that is up, its voice at `ear`; gives the answer."""
    media = Media(port=ear.getsockname()[1])
    with SippCaller(hub.address, [call], host=TELCO_HOST, hold_ms=1000, media=media) as caller:
        hub.provider.until(lambda: any(one.status for one in caller.calls()), what="an answer")
        (up,) = caller.calls()
        assert up.status == 200
        assert up.final is not None
        yield up.final
        caller.wait()


def _audio_port(message: Message) -> int:
    found = re.search(r"m=audio (\d+) ", message.body)
    assert found, message.body
    return int(found[1])


def _voice_arrives(sender: socket.socket, to: tuple[str, int], receiver: socket.socket) -> bool:
    """Whether voice that is sent to Asterisk's port comes out at the receiver as it was."""
    voice = bytes(range(160))  # 20 ms of A-law
    for number in range(40):
        header = b"\x80\x08" + number.to_bytes(2, "big") + (number * 160).to_bytes(4, "big")
        sender.sendto(header + b"lab!" + voice, to)
        with suppress(TimeoutError):
            if receiver.recv(2048)[12:] == voice:
                return True
    return False


# --- TLS and SRTP ---


def test_voice_in_clear_is_refused_where_encryption_is_a_term(hub: Hub):
    call = Call(NUMBERS["secure"], MOBILE, "trunk-secure", hub.secrets["secure"])
    before = len(hub.provider.calls())
    answers = {}
    for media in (PLAIN, ENCRYPTED):
        with SippCaller(
            hub.tls_address, [call], host=STRANGE_HOST, media=media, arguments=OVER_TLS, hold_ms=300
        ) as caller:
            (answers[media],) = caller.wait().calls

    assert (answers[PLAIN].status, answers[ENCRYPTED].status) == (488, 200)
    answer = answers[ENCRYPTED].final
    assert answer is not None
    assert "RTP/SAVP" in answer.body
    assert "a=crypto:" in answer.body
    row = hub.last()
    assert row.sip_call_id == answers[ENCRYPTED].call_id
    assert len(hub.provider.calls()) == before + 1


# --- a carrier that one registers to ---


@pytest.fixture
def registered(hub: Hub) -> Hub:
    """The provider with its registrations at both carriers."""
    # Asterisk begins to register at random within ten seconds of its start.
    hub.provider.until(lambda: _registrations(hub) == 2, 15, "both carriers to take us")
    return hub


def _registrations(hub: Hub) -> int:
    return len(re.findall(r" Registered ", hub.provider.asterisk.cli("pjsip show registrations")))


def test_a_registration_answers_the_carriers_challenge(registered: Hub):
    dialog = registered.line.calls()[0]
    assert dialog.statuses[:2] == (401, 200)
    requests = [one for one in dialog.messages if not one.status]
    assert not answers_challenge(requests[0], *LINE)
    assert answers_challenge(requests[-1], *LINE)
    assert not answers_challenge(requests[-1], LINE[0], "another secret")


def test_a_call_comes_along_the_registration_from_anywhere(registered: Hub):
    hub = registered
    contact = hub.contact(hub.line)
    before = len(hub.provider.calls())
    call = Call(OUTSIDE, NUMBERS["lan"])
    along = hub.call(call, STRANGE_HOST, uri_parameters=contact["parameters"])
    stray = hub.call(call, STRANGE_HOST)
    row = hub.last()

    assert (along.statuses, stray.statuses) == ([200], [401])
    assert hub.lan.received()[-1].to_user == NUMBERS["lan"]
    assert (row.trunk, row.carrier, row.direction) == ("lan", "line", Direction.INBOUND)
    assert row.sip_call_id == along.calls[0].call_id
    assert row.billable > timedelta()
    assert len(hub.provider.calls()) == before + 1


def test_a_call_out_answers_the_carriers_challenge(registered: Hub):
    hub = registered
    hub.provider.do("carrier", "set", "telco", "--disabled")
    hub.provider.do("carrier", "set", "ovh", "--disabled")
    try:
        result = hub.call(Call(NUMBERS["lan"], MOBILE), LAN_HOST)
    finally:
        hub.provider.do("carrier", "set", "telco", "--enabled")
        hub.provider.do("carrier", "set", "ovh", "--enabled")
    (invite,) = hub.line.received()
    row = hub.last()

    assert result.statuses == [200]
    assert invite.call.statuses == (407, 180, 200)
    assert sum(answers_challenge(one, *LINE) for one in invite.call.messages) == 1
    assert invite.from_user == NUMBERS["lan"]
    assert (row.trunk, row.carrier, row.verdict) == ("lan", "line", Verdict.ADMITTED)
    assert row.reason is Reason.ADMITTED
    assert abs(row.billable - timedelta(seconds=0.3)) < timedelta(milliseconds=250)


# --- a carrier that puts the number into To ---


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("0123456703", ""),
        ("0033123456703", '"Doe, John"'),
        ("+33123456703", '"<+33123456702>"'),
        ("+33-1-23-45-67-03", ""),
    ],
)
def test_the_number_is_taken_from_to_and_the_account_is_not(registered: Hub, to: str, name: str):
    hub = registered
    contact = hub.contact(hub.ovh)
    call = Call(OUTSIDE, contact["user"], to=to, to_name=name)
    result = hub.call(call, STRANGE_HOST, uri_parameters=contact["parameters"])
    row = hub.last()

    assert contact["user"] == OVH[0]
    assert result.statuses == [200]
    assert hub.lan.received()[-1].to_user == NUMBERS["lan"]
    assert (row.trunk, row.carrier, row.callee) == ("lan", "ovh", NUMBERS["lan"])
    assert (row.verdict, row.sip_call_id) == (Verdict.ADMITTED, result.calls[0].call_id)


@pytest.mark.parametrize(
    "to",
    [
        "+33123456703%0Aagi_arg_9%3A%20evil",
        "%0A+33123456703",
        "+33123456703x",
        "x+33123456703",
        "anonymous",
        "+33123456703,1",
        "+",
    ],
)
def test_a_forged_to_is_404_and_goes_no_further(hub: Hub, to: str):
    before, asked = len(hub.provider.calls()), _questions(hub)
    result = hub.call(Call(OUTSIDE, OVH[0], to=to), OVH_HOST)

    assert result.statuses == [404]
    hub.provider.until(lambda: not hub.provider.asterisk.live_channels(), what="its channel to go")
    assert len(hub.provider.calls()) == before
    assert _questions(hub) == asked


def test_a_number_in_to_that_nobody_has_is_asked_for(hub: Hub):
    """What makes the test above mean something: a To of digits does reach the service."""
    asked = _questions(hub)
    assert hub.call(Call(OUTSIDE, OVH[0], to="0199999999"), OVH_HOST).statuses == [404]
    assert hub.last().reason is Reason.UNKNOWN_NUMBER
    assert _questions(hub) == asked + 1


def _questions(hub: Hub) -> int:
    """How often the dialplan has asked the admission service."""
    return hub.provider.asterisk.log_text().count(" AGI(")


# --- IPv6 ---


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")


@needs_ipv6
def test_a_pbx_known_by_its_ipv6_address_calls(hub: Hub):
    target = f"[::1]:{hub.provider.asterisk.sip_port}"
    with SippCaller(target, [Call(NUMBERS["six"], MOBILE)], host="::1", hold_ms=300) as caller:
        (call,) = caller.wait().calls
    row = hub.last()

    assert call.status == 200
    assert call.final is not None
    assert "c=IN IP6 ::1" in call.final.body
    assert (row.trunk, row.carrier, row.verdict) == ("six", "telco", Verdict.ADMITTED)
    assert row.billable > timedelta()


@needs_ipv6
def test_a_call_in_goes_out_over_ipv6_and_its_voice_too(hub: Hub):
    with _ear(TELCO_HOST) as outside, _ear("::1") as inside:
        media = Media(port=inside.getsockname()[1])
        pbx = SippAnswerer(host="::1", port=hub.six_port, media=media)
        with pbx, _call_up(hub, Call(OUTSIDE, NUMBERS["six"]), outside) as answer:
            (invite,) = pbx.received()
            assert _voice_arrives(outside, ("127.0.0.1", _audio_port(answer)), inside)
            assert _voice_arrives(inside, ("::1", _audio_port(invite.message)), outside)
    row = hub.last()

    assert invite.to_user == NUMBERS["six"]
    assert "c=IN IP6 ::1" in invite.body
    assert (row.trunk, row.carrier, row.direction) == ("six", "telco", Direction.INBOUND)
    assert row.billable > timedelta()
