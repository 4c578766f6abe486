"""A flood from one address, and the packet filter that keeps it from everyone else's calls."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest

from asterisk_siptrunk.generation.firewall import Limits, ruleset
from asterisk_siptrunk.generation.templates import Templates
from asterisk_siptrunk.settings import AsteriskSettings
from tests.lab.network import Island, PacketFilter, lay_link, own_network
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippAnswerer, SippCaller

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

US, FLOOD_HOST = "10.77.1.1", "10.77.1.2"
US_TO_OTHERS, OTHER_HOST = "10.77.2.1", "10.77.2.2"
CARRIER_HOST = "127.0.0.2"
FLOOD, OTHER, MOBILE = "+33123456701", "+33123456702", "0612345678"
PORT = 5060
SENT = 400
"""Datagrams at once: eight times the INVITEs, and fewer than the messages, of a second."""

_SEND = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
    for _ in range(int(sys.argv[1])):
        out.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[3], int(sys.argv[4])))
"""
_STREAM = """
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as out:
    out.sendall(bytes(int(sys.argv[3])))
"""
_CONNECT = """
import socket, sys
for _ in range(int(sys.argv[3])):
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setblocking(False)
    one.connect_ex((sys.argv[1], int(sys.argv[2])))
    one.close()
"""


@dataclass
class Neighbour:
    """A network beside ours that sends what it likes, and the packet filter between."""

    island: Island
    filter: PacketFilter

    def do(self, script: str, *words: object) -> None:
        command = (*self.island.entry, sys.executable, "-c", script, *map(str, words))
        subprocess.run(command, check=True, timeout=30)


@pytest.fixture
def neighbour(tmp_path) -> Iterator[Neighbour]:
    with own_network(), Island(tmp_path) as island:
        lay_link(1, island)
        yield Neighbour(island, PacketFilter())


def rules(*exempt: str, invites: int = 50) -> str:
    limits = Limits(invites, tuple(map(ip_network, exempt)))
    return ruleset(AsteriskSettings(), (), limits, Templates())


@contextmanager
def listening(kind: socket.SocketKind) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, kind) as here:
        here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_000_000)
        here.bind((US, PORT))
        here.settimeout(10)
        yield here


def arrived(here: socket.socket) -> int:
    """How many datagrams wait there; a link hands them on before it returns."""
    here.settimeout(0)
    count = 0
    try:
        while True:
            here.recv(2000)
            count += 1
    except BlockingIOError:
        return count


@pytest.mark.parametrize(
    ("payload", "limited"),
    [
        (b"INVITE sip:0612345678@sip.example SIP/2.0\r\n", True),
        # As Asterisk reads them too.
        (b"invite sip:0612345678@sip.example SIP/2.0\r\n", True),
        (b"\r\nINVITE sip:0612345678@sip.example SIP/2.0\r\n", True),
        (b"\r\n\r\nINVITE sip:0612345678@sip.example SIP/2.0\r\n", True),
        (b" \tINVITE sip:0612345678@sip.example SIP/2.0\r\n", True),
        (b"nothing that anyone knows", True),
        (b"BYE sip:0612345678@sip.example SIP/2.0\r\n", False),
        (b"SIP/2.0 200 OK\r\n", False),
        (b"\r\n\r\n", False),
        (b"", False),
    ],
)
def test_calls_are_limited_and_what_belongs_to_calls_is_not(neighbour, payload, limited):
    neighbour.filter.load(rules())
    with listening(socket.SOCK_DGRAM) as here:
        neighbour.do(_SEND, SENT, payload.hex(), US, PORT)
        passed = arrived(here)
    assert passed + neighbour.filter.dropped("calls") == SENT
    assert (passed < SENT) == limited
    assert passed >= 50  # the first second's


def test_messages_of_all_kinds_have_a_limit_too(neighbour):
    neighbour.filter.load(rules())
    with listening(socket.SOCK_DGRAM) as here:
        neighbour.do(_SEND, 10 * SENT, b"OPTIONS sip:sip.example SIP/2.0\r\n".hex(), US, PORT)
        passed = arrived(here)
    assert neighbour.filter.dropped("messages") == 10 * SENT - passed > 0
    assert passed >= 500  # the first second's


def test_new_connections_are_limited(neighbour):
    neighbour.filter.load(rules())
    with listening(socket.SOCK_STREAM) as here:
        here.listen(SENT)
        neighbour.do(_CONNECT, US, PORT, SENT)
    assert neighbour.filter.dropped("connections") > 0


@pytest.mark.parametrize(
    ("invites", "size"),
    [
        (50, 400_000),  # a bucket of 200 kB, then 100 kB a second
        (1, 70_000),  # a bucket of 66 kB, then 2 kB a second
    ],
)
def test_a_stream_is_slowed_down_and_not_cut(neighbour, invites, size):
    neighbour.filter.load(rules(invites=invites))
    with listening(socket.SOCK_STREAM) as here:
        here.listen()
        sender = subprocess.Popen(
            (*neighbour.island.entry, sys.executable, "-c", _STREAM, US, str(PORT), str(size))
        )
        connection, _ = here.accept()
        with connection:
            assert sum(map(len, iter(lambda: connection.recv(65_536), b""))) == size
        assert sender.wait(10) == 0
    assert neighbour.filter.dropped("streams") > 0


def test_an_exempt_network_has_no_limit_and_loading_twice_changes_nothing(neighbour):
    neighbour.filter.load(rules())
    for _ in range(2):
        neighbour.filter.load(rules(f"{FLOOD_HOST}/32"))
    with listening(socket.SOCK_DGRAM) as here:
        neighbour.do(_SEND, SENT, b"INVITE sip:1@sip.example SIP/2.0\r\n".hex(), US, PORT)
        assert arrived(here) == SENT
    assert neighbour.filter.dropped("calls") == 0


@contextmanager
def provider_with_neighbours(folder: Path) -> Iterator[tuple[Provider, Island, Island]]:
    """A provider in a network of its own, with the flooding and the other PBX's networks."""
    with own_network(), ExitStack() as stack:
        flooding, others = Island(folder), Island(folder)
        for number, island in enumerate((flooding, others), start=1):
            stack.enter_context(island)
            lay_link(number, island)
        provider = Provider()
        provider.asterisk.listen_everywhere()
        stack.enter_context(provider)
        yield provider, flooding, others


def test_another_trunk_s_calls_are_answered_while_one_floods(tmp_path):
    with (
        provider_with_neighbours(tmp_path) as (provider, flooding, others),
        SippAnswerer(host=CARRIER_HOST) as carrier,
    ):
        provider.do("customer", "add", "acme")
        for name, number, host in (("flood", FLOOD, FLOOD_HOST), ("other", OTHER, OTHER_HOST)):
            provider.do(
                *("trunk", "add", name, "--customer", "acme", "--number", number),
                *("--channels", "20", "--kind", "address", "--address", host, "--contact", host),
            )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        port = str(provider.asterisk.sip_port)
        filter_ = PacketFilter()
        filter_.load(provider.do("security", "firewall", "--port", port))
        with (
            SippCaller(
                f"{US}:{port}",
                [Call(FLOOD, MOBILE)] * 3000,
                host=FLOOD_HOST,
                rate=1000,
                trace=False,
                island=flooding,
            ),
            SippCaller(
                f"{US_TO_OTHERS}:{port}",
                [Call(OTHER, MOBILE)] * 20,
                host=OTHER_HOST,
                rate=10,
                hold_ms=50,
                island=others,
            ) as other,
        ):
            provider.until(lambda: filter_.dropped("calls") > 500, what="the flood to be dropped")
            result = other.wait()
        assert result.statuses == [200] * 20, result.complaint[-1500:]
