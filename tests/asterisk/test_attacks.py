"""A trunk that attacks: nothing that it writes, and nothing that it floods, is another's harm."""

import json
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from asterisk_siptrunk.call import CallRecord, Via
from tests.lab.hostile import Fields, HostilePbx
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import FOR_EVER_MS, Call, SippAnswerer, SippCaller, register

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

CARRIER_HOST, EVIL_HOST, BANK_HOST, FLOOD_HOST, STRANGE_HOST = (
    f"127.0.0.{last}" for last in (2, 3, 31, 32, 33)
)
EVIL, BANK, FLOOD = "+33123456701", "+33123456702", "+33123456703"
_USUAL_OPEN_FILES = 1024
MOBILE, MOBILE_E164 = "0612345678", "+33612345678"
PREMIUM = "0899123456"


@dataclass
class Service:
    """A provider with a trunk that attacks, one that floods, and a bank that has a call up."""

    provider: Provider
    secrets: dict[str, str]
    carrier: SippAnswerer
    bystander: CallRecord

    @property
    def target(self) -> str:
        return self.provider.asterisk.sip_address

    def attack(self, fields: Fields) -> int:
        with HostilePbx(self.target, EVIL_HOST, "trunk-evil", self.secrets["evil"]) as evil:
            return evil.call(fields)

    def bank_calls(self, count: int = 1, rate: int = 0) -> SippCaller:
        """Calls of the bank, as it places them every day."""
        call = Call(BANK, MOBILE, "trunk-bank", self.secrets["bank"])
        return SippCaller(
            self.target, [call] * count, host=BANK_HOST, rate=rate, hold_ms=20, trace=count < 50
        )

    def until_only_the_bystander_is_live(self) -> None:
        """Wait for the attacker's calls to end; the bank's must not."""
        only = [self.bystander.uniqueid]
        self.provider.until(
            lambda: [call.uniqueid for call in self.provider.live()] == only,
            what="only the bystander's call to be live",
        )

    def attempts(self) -> dict[tuple[str, str, str], int]:
        """How often what was tried, by source, account and kind."""
        rows = self.provider.read("security", "list", "--limit", "1000")
        return {(row["source"], row["account"], row["kind"]): row["count"] for row in rows}


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with SippAnswerer(host=CARRIER_HOST, trace=False) as carrier, Provider(dedicated=True) as own:
        secrets = _describe(own, carrier)
        with _open_files(_USUAL_OPEN_FILES):
            own.serve()
        call = Call(BANK, MOBILE, "trunk-bank", secrets["bank"])
        target = own.asterisk.sip_address
        with SippCaller(target, [call], host=BANK_HOST, hold_ms=FOR_EVER_MS, trace=False):
            own.until(
                lambda: [one for one in own.live() if one.answered_at], what="the bank's call"
            )
            yield Service(own, secrets, carrier, own.live()[0])


@contextmanager
def _open_files(soft: int) -> Iterator[None]:
    """As many open files as that, for us and what we start."""
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, most), most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


def _describe(provider: Provider, carrier: SippAnswerer) -> dict[str, str]:
    do = provider.do
    do("customer", "add", "all")
    secrets = {}
    for name, number, options in (
        ("evil", EVIL, ("--channels", "50")),
        ("bank", BANK, ("--channels", "20", "--address", BANK_HOST)),
    ):
        made = provider.read(
            *("trunk", "add", name, "--customer", "all", "--number", number, *options)
        )
        secrets[name] = made["secret"]
    do(
        *("trunk", "add", "flood", "--customer", "all", "--number", FLOOD, "--channels", "2"),
        *("--kind", "address", "--address", FLOOD_HOST, "--contact", FLOOD_HOST),
    )
    do(
        *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
        *("--match", CARRIER_HOST, "--qualify", "0"),
    )
    do("config", "apply", "--yes")
    return secrets


# --- forged lines, everywhere ---

HANGUP = "\r\n\r\nEvent: Hangup\r\nContext: siptrunk-call-out\r\nUniqueid: {0}\r\nLinkedid: {0}\r\n"


def payloads(uniqueid: str) -> list[bytes]:
    """What to write into a field: lines for AGI and AMI, syntax of dialplan, journal and SQL."""
    lines = (
        "\nagi_accountcode: bank",
        "\r\nUniqueid: {0}",
        HANGUP,
        HANGUP + "Cause: 16\r\n\r\nEvent: Hangup\r\nContext: ",
    )
    return [
        *(_percented(line.format(uniqueid)) for line in lines),
        *(b'","', b"'; DROP TABLE call; --", b",1,Hangup(", b";[x]", b"\\", b"%00", b"%"),
        *(b"${SHELL(touch /tmp/siptrunk-attacked)}", b"${CHANNEL(accountcode)}"),
        *(b"\xff\xfe\x80", b"\xc3\xa0", b"%FF%FE"),
        *(b"9" * 4000, b"x" * 4000),
    ]


def _percented(text: str) -> bytes:
    return "".join(c if c.isalnum() else f"%{ord(c):02X}" for c in text).encode()


def written(field: str, payload: bytes) -> Fields:
    """An INVITE with the payload in one of its fields, beside what belongs there."""
    number = EVIL.encode()
    headers = {
        "asserted": b"P-Asserted-Identity: <sip:%s%s@127.0.0.1>",
        "remote_party": b"Remote-Party-ID: <sip:%s%s@127.0.0.1>;party=calling",
        "diversion": b"Diversion: <sip:%s%s@127.0.0.1>;reason=unconditional",
        "privacy": b"Privacy: id;%s%s",
        "identity": b"X-%s: %s",
    }
    if field in headers:
        return Fields(headers=(headers[field] % (number, payload),))
    own = {
        "user": MOBILE.encode(),
        "to": MOBILE.encode(),
        "caller": number,
        "name": b'"',
        "to_name": b'"',
        "call_id": payload[:20].hex().encode() + field.encode(),
        "parameters": b";user=phone;x=",
    }
    closing = b'"' if field in {"name", "to_name"} else b""
    changed: dict[str, Any] = {field: own.get(field, b"a") + payload + closing}
    return Fields(**changed)


@pytest.mark.parametrize(
    "field",
    [
        *("user", "caller", "name", "to", "to_name", "call_id", "contact", "user_agent"),
        *("branch", "tag", "parameters", "asserted", "remote_party", "diversion", "privacy"),
        "identity",
    ],
)
def test_what_is_forged_is_refused_or_is_what_it_is(service: Service, field: str):
    provider = service.provider
    before = len(provider.calls())
    fields = [written(field, payload) for payload in payloads(service.bystander.uniqueid)]
    with ThreadPoolExecutor(len(fields)) as together:
        statuses = list(together.map(service.attack, fields))
    assert service.attack(Fields()) == 200, f"after {statuses}"
    service.until_only_the_bystander_is_live()
    rows = provider.calls()[before:]

    assert not {status for status in statuses if status >= 500} - {503}
    assert len(rows) == statuses.count(200) + 1
    assert {(row.trunk, row.via, row.callee) for row in rows} == {
        ("evil", Via.SERVICE, MOBILE_E164)
    }
    assert {row.caller for row in rows} <= {EVIL}
    assert all((row.sip_call_id + row.user_agent + row.presented).isprintable() for row in rows)
    assert not provider.asterisk.host_path("/tmp/siptrunk-attacked").exists()


def test_usage_is_complete_after_it(service: Service):
    """The journal has a line for each call, and no other."""
    for payload in payloads(service.bystander.uniqueid):
        service.attack(written("asserted", payload))
    service.until_only_the_bystander_is_live()
    since = service.bystander.started_at.isoformat()
    done = service.provider.run(
        *("usage", "verify", "--from", since, "--to", "2100-01-01", "--format", "json")
    )
    found = json.loads(done.stdout)

    assert (found["complete"], found["bad_lines"], found["open"]) == (True, 0, 1), found


# --- floods ---


def test_a_flood_of_calls_leaves_the_others_theirs(service: Service):
    """As many as one Asterisk has RTP ports for here, at once; the bench has more."""
    before = len(service.provider.calls())
    calls = [Call(FLOOD, PREMIUM)] * 300
    with (
        SippCaller(service.target, calls, host=FLOOD_HOST, rate=300, trace=False) as flood,
        service.bank_calls(10, rate=5) as bank,
    ):
        assert bank.wait().statuses == [200] * 10
        flood.wait()
    service.until_only_the_bystander_is_live()
    of_bank = [row for row in service.provider.calls()[before:] if row.trunk == "bank"]
    assert [row.via for row in of_bank] == [Via.SERVICE] * 10


def test_two_thousand_silent_connections_leave_calls_their_verdict(service: Service):
    before = len(service.provider.calls())
    with _silent_connections(service.provider.agi_port, 2000):
        with service.bank_calls(5, rate=5) as bank:
            assert bank.wait().statuses == [200] * 5
        service.until_only_the_bystander_is_live()
    rows = service.provider.calls()[before:]
    assert [(row.trunk, row.via) for row in rows] == [("bank", Via.SERVICE)] * 5


@contextmanager
def _silent_connections(port: int, count: int) -> Iterator[None]:
    with _open_files(2 * count), ExitStack() as open_ones:
        for _ in range(count):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield


def test_wrong_passwords_are_counted_by_source_and_trunk(service: Service):
    wrong = [Call("trunk-evil", username="trunk-evil", password="wrong")] * 200
    with SippCaller(
        service.target, wrong, scenario="uac_register", host=STRANGE_HOST, rate=400, trace=False
    ) as flood:
        flood.wait()
    expected = (STRANGE_HOST, "trunk-evil", "ChallengeResponseFailed")
    service.provider.until(lambda: service.attempts().get(expected) == 200, 15, "all to be counted")
    (row,) = service.provider.read("security", "list", "--trunk", "evil")
    assert (row["count"], row["server"]) == (200, "lab")
    assert _registers(service, "trunk-evil", "evil", EVIL_HOST) == 200


def test_unknown_names_and_forbidden_addresses_are_counted_and_forged_ones_are_not(
    service: Service,
):
    for name in ("nobody%0D%0A%0D%0AEvent%3A%20Hangup", "nobody"):
        for _ in range(8):  # Asterisk tells of an unknown name when one source has tried five
            register(service.target, name, "x", free_ports(1, "udp")[0], host=STRANGE_HOST)
    assert _registers(service, "trunk-bank", "bank", STRANGE_HOST) == 401
    service.provider.until(
        lambda: (STRANGE_HOST, "trunk-bank", "FailedACL") in service.attempts(), 15, "the refusal"
    )
    accounts = {
        account
        for source, account, kind in service.attempts()
        if source == STRANGE_HOST and kind == "InvalidAccountID"
    }
    assert "nobody" in accounts
    assert accounts <= {"nobody", "trunk-bank"}


def _registers(service: Service, username: str, trunk: str, host: str) -> int:
    (port,) = free_ports(1, "udp")
    return register(service.target, username, service.secrets[trunk], port, host=host).status
