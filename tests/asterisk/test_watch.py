"""An attack on real Asterisk: its zone is suspended, its running calls end, the rest goes on.

Somebody calls premium numbers of a country that the customer has opened, many at once. The rule is
the shipped one for calls at once to one zone, armed for all hours.
"""

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.asterisk.conftest import CARRIER_HOST, MAIN, PBX_HOST, Acme
from tests.lab.asterisk import AsteriskServer
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippCaller

pytestmark = pytest.mark.asterisk

MOBILE, PREMIUM = "0612345678", [f"0037190{number:06}" for number in range(12)]
BESIDE = "+33423456789"
RULES = """\
[[rules]]
name = "premium-at-once"
version = 1
measure = "simultaneous"
of = ["outbound", "risky"]
per = "zone"
critical = 3
on-critical = "block-zone"
end-calls = true
"""
WALLBOARD = """\
[wallboard]
secret = of-the-test
read = user
"""
"""A user of the provider's own, who hears what the watch tells."""
STOPPED_WITHIN = 5.0
"""Seconds: a look each second, and the time that a busy machine takes."""


@dataclass
class Watched(Acme):
    """Acme's trunk, and the one of a neighbour."""

    neighbour: tuple[str, str]

    def stopped(self) -> list[str]:
        return [each["target"] for each in self.provider.read("suspension", "list")]

    def neighbouring(self, callee: str, hold_ms: int) -> SippCaller:
        call = Call(BESIDE, callee, *self.neighbour)
        return SippCaller(
            self.provider.asterisk.sip_address, [call], host=PBX_HOST, hold_ms=hold_ms
        )


@contextmanager
def listening(asterisk: AsteriskServer) -> Iterator[Callable[[], dict[str, str]]]:
    """Listen to Asterisk as a wallboard does; what is given waits for the next UserEvent."""
    asterisk.write("manager.d/wallboard.conf", WALLBOARD)
    asterisk.cli("manager reload")
    with (
        socket.create_connection(("127.0.0.1", asterisk.ami_port), timeout=30) as wire,
        wire.makefile("rw", encoding="utf-8", newline="") as lines,
    ):
        lines.write("Action: Login\r\nUsername: wallboard\r\nSecret: of-the-test\r\n\r\n")
        lines.flush()
        assert "Response: Success\r\n" in (next(lines), next(lines))  # after its greeting
        yield lambda: _user_event(lines)


def _user_event(lines: Iterable[str]) -> dict[str, str]:
    message: dict[str, str] = {}
    for line in lines:
        key, _, value = line.rstrip("\r\n").partition(": ")
        message[key] = value
        if key:
            continue
        if message.get("Event") == "UserEvent":
            return message
        message = {}
    raise AssertionError("Asterisk closed the connection.")


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    carrier_port, backup_port = free_ports(2, "udp")
    rules = tmp_path / "rules.toml"
    rules.write_text(RULES)
    with Provider() as provider:
        provider.environment["SIPTRUNK_WATCH_RULES"] = str(rules)
        made = {}
        for name, number in (("acme", MAIN), ("beside", BESIDE)):
            provider.do("customer", "add", name)
            added = provider.read(
                *("trunk", "add", name, "--customer", name, "--channels", "20"),
                *("--number", number),
            )
            made[name] = added["username"], added["secret"]
            provider.do("destination", "allow", "lv:premium", "--trunk", name)
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--qualify", "0"),
            *("--server", f"{CARRIER_HOST}:{carrier_port}", "--match", CARRIER_HOST),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        yield Watched(provider, *made["acme"], carrier_port, backup_port, made["beside"])


def test_an_attack_is_stopped_and_nothing_else(watched: Watched):
    provider = watched.provider
    with (
        listening(provider.asterisk) as user_event,
        watched.carrier(),
        watched.neighbouring(PREMIUM[0], hold_ms=8000) as neighbour,
        watched.calling([watched.call_of(MOBILE)], hold_ms=8000) as ordinary,
        watched.calling([watched.call_of(each) for each in PREMIUM[1:5]], hold_ms=60_000) as attack,
    ):
        provider.until(watched.stopped, STOPPED_WITHIN, "the zone to be suspended")
        attack.wait()  # they would hold for a minute: they are ended
        live = {(each.trunk, each.zone) for each in provider.live()}
        again, emergency = watched.call(PREMIUM[6]), watched.call("112")
        assert neighbour.wait().statuses == [200]
        assert ordinary.wait().statuses == [200]

        told = user_event()

    assert watched.stopped() == ["lv:premium"]
    assert (told["UserEvent"], told["Finding"], told["Trunk"]) == ("SiptrunkAnomaly", "1", "acme")
    assert (told["Level"], told["Stopped"]) == ("critical", "destination lv:premium")
    assert told["Sentence"].startswith("Trunk acme: 3 calls at once (outbound, to numbers of high")
    assert live == {("beside", "lv:premium"), ("acme", "fr:mobile")}
    assert (again.statuses, emergency.statuses) == ([403], [200])
    (found,) = provider.read("anomaly", "list")
    assert (found["trunk"], found["rule"], found["key"]) == (
        "acme",
        "premium-at-once",
        "lv:premium",
    )

    # Released in one step, and the same calls are no evidence any more.
    provider.do("trunk", "resume", "acme", "--reason", "password changed")
    with watched.carrier():
        assert watched.call(PREMIUM[7]).statuses == [200]
    provider.stop_serving()
    provider.serve()
    with watched.carrier():
        assert watched.call(PREMIUM[8]).statuses == [200]
    assert len(provider.read("anomaly", "list", "--all")) == 1
    assert watched.stopped() == []
