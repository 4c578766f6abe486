"""Record what a real Asterisk says over AMI of a call of each kind.

`python -m tests.replay.record` records all of them anew.

The streams are the bytes as they came, from the login on, of a user without event filters: the
pure layer must find in them what matters, and nothing else.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.lab.sipp import Call, SippAnswerer, place_calls
from tests.replay.server import SECRET, UNFILTERED_USER, asterisk_with_carriers

STREAMS = Path(__file__).parent / "streams"
_SECONDS = 20.0
_NUMBER = "+33123456789"


@dataclass(frozen=True)
class Scene:
    """One call: how the two carriers behave, who calls whom, how many channels it makes."""

    name: str
    first: SippAnswerer
    second: SippAnswerer
    channels: int
    caller: str = "trunk-acme"
    callee: str = _NUMBER
    scenario: str = "uac_call"


def scenes() -> list[Scene]:
    """The calls to record."""
    return [
        Scene("answered", SippAnswerer(), SippAnswerer(), channels=2),
        Scene(
            "cancelled", SippAnswerer("uas_ring_forever"), SippAnswerer(), 2, scenario="uac_cancel"
        ),
        Scene("busy", _refusing("486 Busy Here"), SippAnswerer(), channels=2),
        Scene("failover", _refusing("503 Service Unavailable"), SippAnswerer(), channels=3),
        Scene("refused", SippAnswerer(), SippAnswerer(), channels=1, callee="404"),
        Scene("inbound", SippAnswerer(), SippAnswerer(), channels=2, caller="carrier-first"),
    ]


def _refusing(status: str) -> SippAnswerer:
    return SippAnswerer("uas_refuse", status=status)


def record(scene: Scene) -> bytes:
    """Place the call of a scene, and give what AMI said until its last channel was gone."""
    with ExitStack() as stack:
        first, second = stack.enter_context(scene.first), stack.enter_context(scene.second)
        server = stack.enter_context(asterisk_with_carriers(first.port, second.port))
        peer = stack.enter_context(socket.create_connection(("127.0.0.1", server.ami_port)))
        peer.settimeout(_SECONDS)
        login = f"Action: Login\r\nUsername: {UNFILTERED_USER}\r\nSecret: {SECRET}\r\n\r\n"
        peer.sendall(login.encode())
        call = Call(scene.caller, scene.callee)
        place_calls(server.sip_address, [call], scenario=scene.scenario, hold_ms=200)
        return _until_hangups(peer, scene.channels)


def _until_hangups(peer: socket.socket, count: int) -> bytes:
    stream = b""
    while stream.count(b"Event: Hangup\r\n") < count or not stream.endswith(b"\r\n\r\n"):
        stream += peer.recv(65_536)
    return stream


def main() -> None:
    """Record every scene anew."""
    for scene in scenes():
        (STREAMS / f"{scene.name}.ami").write_bytes(record(scene))
        print(f"recorded {scene.name}")


if __name__ == "__main__":
    main()
