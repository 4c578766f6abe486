"""SIPp as the customer's PBX and as the carrier, and what each of them saw."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import socket
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import sandbox
from tests.lab.network import on_island
from tests.lab.processes import Child, Running, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.lab.network import Island

SCENARIOS = Path(__file__).parent / "scenarios"
HOST = "127.0.0.1"
RESPONSE_TIMES = ("-trace_rtt", "-rtt_freq", "1")
"""Arguments of a caller whose `response_times` are wanted."""
FOR_EVER_MS = 3_600_000
"""A wait that outlasts any test: SIPp knows no endless one with a label behind it."""

BIND_SECONDS = 5.0
POLL_SECONDS = 0.01

_REFUSALS = (
    *(400, 403, 404, 405, 408, 410, 415, 420, 421, 422, 423, 429, 480, 481, 482, 483, 484, 485),
    *(486, 487, 488, 491, 494, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606, 607),
)
_CHALLENGES = frozenset({401, 407})
_FIRST_FINAL = int(HTTPStatus.OK)


class SippError(Exception):
    """SIPp itself failed, or did not end in time; the text holds what it complained of."""


# --- what was said --------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """One SIP message as SIPp or Asterisk logged it.

    `at` is the logger's clock, in seconds since the epoch; `over` the transport (`TLS`), where the
    log tells it.
    """

    at: float
    sent: bool
    start_line: str
    headers: tuple[tuple[str, str], ...]
    body: str
    over: str = ""

    @property
    def status(self) -> int:
        """The status of an answer; 0 for a request."""
        words = self.start_line.split(" ", 2)
        return int(words[1]) if words[0].startswith("SIP/") else 0

    @property
    def method(self) -> str:
        """The method, also of an answer (by its CSeq)."""
        return self.header("CSeq").split(" ")[-1]

    def header(self, name: str) -> str:
        """The first header of that name, any case; empty when there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.header("Call-ID")


# SIPp 3.8 writes 2026-11-23T11:14:58.232432Z, older ones 2026-11-23 11:14:58.232432.
_SEPARATOR = re.compile(
    r"^-{20,} (?P<stamp>\d+-\d+-\d+[T ][\d:.]+Z?).*\n"
    r"\w+ message (?P<way>sent|received).*\[\d+\] bytes ?:\n\n",
    re.MULTILINE,
)


def parse_messages(log: str) -> list[Message]:
    """Read SIPp's `-trace_msg` log."""
    marks = list(_SEPARATOR.finditer(log))
    ends = [mark.start() for mark in marks[1:]] + [len(log)]
    # No marks in a log without a message: the lone end pairs with nothing.
    return [_message(mark, log[mark.end() : end]) for mark, end in zip(marks, ends, strict=False)]


def _message(mark: re.Match[str], text: str) -> Message:
    at = datetime.fromisoformat(mark["stamp"]).timestamp()
    return parse_message(text, at, sent=mark["way"] == "sent")


def parse_message(text: str, at: float, *, sent: bool, over: str = "") -> Message:
    """Read one SIP message."""
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    start_line, *lines = head.strip().split("\n")
    pairs = (line.partition(":") for line in lines)
    headers = tuple((key.strip(), value.strip()) for key, _, value in pairs)
    return Message(at, sent, start_line, headers, body.strip(), over)


def answers_challenge(message: Message, username: str, password: str) -> bool:
    """Whether a request bears the right digest, RFC 2617 section 3.2.2.1, with qop=auth."""
    given = message.header("Authorization") or message.header("Proxy-Authorization")
    part: dict[str, str] = dict(re.findall(r'(\w+)="?([^",]*)', given))
    if part.get("username") != username:
        return False
    mine = _md5(username, part["realm"], password)
    asked = _md5(message.method, part["uri"])
    once = (part["nonce"], part["nc"], part["cnonce"], part["qop"])
    return part["response"] == _md5(mine, *once, asked)


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class SippCall:
    """One call (or registration) as seen from our side of it."""

    messages: tuple[Message, ...]

    @property
    def call_id(self) -> str:
        """Its SIP Call-ID, the same that Asterisk saw."""
        return self.messages[0].call_id

    @property
    def _request(self) -> Message:
        return self.messages[0]

    @cached_property
    def statuses(self) -> tuple[int, ...]:
        """Statuses of the answers to the first request's method, in order, 100 and 401 included."""
        method = self._request.method
        return tuple(m.status for m in self.messages if m.status and m.method == method)

    @cached_property
    def final(self) -> Message | None:
        """The answer that settled it; None while there is none."""
        method = self._request.method
        finals = (m for m in self.messages if m.status >= _FIRST_FINAL and m.method == method)
        return max(finals, key=lambda m: int(m.header("CSeq").split()[0]), default=None)

    @property
    def status(self) -> int:
        """The status that settled it, such as 200, 403 or 487; 0 while there is none.

        A challenge (401, 407) counts only when nothing came after it.
        """
        return self.final.status if self.final else 0

    @property
    def reason(self) -> str:
        """The Reason header of the final answer, such as `Q.850;cause=34`."""
        return self.final.header("Reason") if self.final else ""

    @property
    def setup_seconds(self) -> float:
        """From the last INVITE or REGISTER sent to its final answer; 0 while there is none."""
        if self.final is None:
            return 0.0
        cseq = self.final.header("CSeq")
        asked = next(m for m in self.messages if not m.status and m.header("CSeq") == cseq)
        return self.final.at - asked.at

    @property
    def ended_by_us(self) -> bool:
        """Whether the BYE came from our side."""
        return any(m.sent and m.start_line.startswith("BYE ") for m in self.messages)


@dataclass(frozen=True)
class ReceivedInvite:
    """An INVITE that reached the carrier, or the called PBX."""

    message: Message
    call: SippCall

    @property
    def request_uri(self) -> str:
        """The request URI, whole."""
        return self.message.start_line.split(" ")[1]

    @property
    def to_user(self) -> str:
        """The user part of the request URI: the number called."""
        return _user(self.request_uri)

    @property
    def from_user(self) -> str:
        """The user part of From: the caller number shown."""
        return _user(self.message.header("From"))

    @property
    def pai(self) -> str:
        """P-Asserted-Identity, whole; empty when absent."""
        return self.message.header("P-Asserted-Identity")

    @property
    def body(self) -> str:
        """The SDP."""
        return self.message.body

    @property
    def status(self) -> int:
        """What it was answered in the end; 0 while it rings."""
        return self.call.status

    def header(self, name: str) -> str:
        """Any header of it; empty when absent."""
        return self.message.header(name)


def _user(address: str) -> str:
    found = re.search(r"sips?:([^@;>]*)@", address)
    return found[1] if found else ""


def group_calls(messages: Iterable[Message]) -> list[SippCall]:
    """Group messages by Call-ID, in order of first appearance; OPTIONS are left out."""
    calls: defaultdict[str, list[Message]] = defaultdict(list)
    for message in messages:
        calls[message.call_id].append(message)
    return [SippCall(tuple(call)) for call in calls.values() if call[0].method != "OPTIONS"]


def invites(calls: Iterable[SippCall]) -> list[ReceivedInvite]:
    """The INVITE that opened each received call."""
    return [
        ReceivedInvite(call.messages[0], call)
        for call in calls
        if not call.messages[0].sent and call.messages[0].start_line.startswith("INVITE ")
    ]


# --- SIPp itself ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """One call to place: numbers verbatim (a `%0A` too), and the PBX's credentials if any.

    `to` is the user part of To where that is not the callee, `to_name` its display name, quoted.
    """

    caller: str
    callee: str = ""
    username: str = ""
    password: str = ""
    to: str = ""
    to_name: str = ""

    def line(self) -> str:
        """Its line in SIPp's injection file."""
        credentials = (
            f"[authentication username={self.username} password={self.password}]"
            if self.username
            else ""
        )
        to = self.to or self.callee
        return f"{self.caller};{self.callee};{credentials};{self.to_name};{to}\n"


@dataclass(frozen=True)
class Media:
    """What the SDP says of the voice: the port it is wanted at, and how it is encrypted."""

    port: int = 4000
    profile: str = "RTP/AVP"
    keys: str = ""

    def values(self) -> dict[str, str]:
        """What fills the places of the scenario's SDP."""
        return {
            "media_port": str(self.port),
            "media_profile": self.profile,
            "media_keys": f"\n      {self.keys}" if self.keys else "",
        }


PLAIN = Media()
# RFC 4568, section 6.1: 30 bytes of key and salt. SIPp sends no voice, so any will do.
ENCRYPTED = Media(profile="RTP/SAVP", keys=f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{'A' * 40}")


def render_scenario(name: str, values: Mapping[str, str]) -> str:
    """Fill a scenario's `@places@`: from `values`, else from the file `part_<place>.xml`."""
    known = {**_unsaid(), **values}

    def fill(place: re.Match[str]) -> str:
        if place[1] in known:
            return known[place[1]]
        return render_scenario(f"part_{place[1]}", values).rstrip("\n")

    text = (SCENARIOS / f"{name}.xml").read_text()
    filled = re.sub(r"@([a-z_]+)@", fill, text)
    # An empty place would end the headers early.
    return re.sub(r"(?m)^ +@?$\n(?=      Content-)", "", filled) if not known["headers"] else filled


def _unsaid() -> dict[str, str]:
    """What fills the places that a caller said nothing of."""
    jumps = {"refusals": _jumps("refused"), "outcomes": _jumps("over")}
    return {"headers": "", "uri_parameters": "", **PLAIN.values(), **jumps}


def _jumps(label: str) -> str:
    """Receive any refusal and go on at the label: for our tests it is an outcome, not an error."""
    return "\n  ".join(
        f'<recv response="{status}" optional="true" rtd="answer" next="{label}"/>'
        if label == "refused"
        else f'<recv response="{status}" optional="true" next="{label}"/>'
        for status in _REFUSALS
    )


class _Sipp:
    """One SIPp process with its files in a folder of its own."""

    def __init__(
        self,
        scenario: str,
        values: Mapping[str, str],
        host: str,
        *,
        trace: bool = True,
        island: Island | None = None,
    ) -> None:
        self.host = host
        self.scenario = scenario
        self.program = on_island(sandbox.sipp(), island) if island else sandbox.sipp()
        self.directory = self.program.place.workspace("sipp")
        self._scenario = self.directory / f"{scenario}.xml"
        self._scenario.write_text(render_scenario(scenario, values))
        self._messages = self.directory / "messages.log"
        self._errors = self.directory / "errors.log"
        self._trace = trace
        self._forgotten = 0
        self._child: Child | None = None

    def start(self, target: str | None, port: int, *arguments: str) -> Child:
        (control,) = free_ports(1, "udp")
        tracing = ("-trace_msg", "-message_file", str(self._messages)) if self._trace else ()
        command = self.program.command(
            *((target,) if target else ()),
            *("-sf", str(self._scenario), "-nostdin", "-i", self.host, "-bind_local"),
            *("-mi", self.host),
            *("-p", str(port), "-cp", str(control)),
            *("-trace_err", "-error_file", str(self._errors), *tracing, *arguments),
        )
        self._child = Child(command, output=self.directory / "screen", cwd=self.directory)
        return self._child

    def messages(self) -> list[Message]:
        if not self._messages.exists():
            return []
        with self._messages.open("rb") as log:
            log.seek(self._forgotten)
            return parse_messages(log.read().decode(errors="replace"))

    def forget(self) -> None:
        if self._messages.exists():
            self._forgotten = self._messages.stat().st_size

    def complaint(self) -> str:
        texts = [
            path.read_text(errors="replace")[-1500:]
            for path in (self._errors, self.directory / "screen")
            if path.exists()
        ]
        return "\n".join(texts)

    def close(self) -> None:
        if self._child is not None:
            self._child.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@dataclass(frozen=True)
class SippResult:
    """What a run gave: its calls (none when it was not traced), and SIPp's exit status."""

    calls: tuple[SippCall, ...]
    exit_status: int
    complaint: str

    @property
    def statuses(self) -> list[int]:
        """Each call's final status, sorted."""
        return sorted(call.status for call in self.calls)


class SippCaller(Running):
    """A PBX (or a carrier) that places calls, in the background, as a context manager.

    `calls` are placed from `host`, an address of ours or of `island`, in their order, `rate` a
    second (0: all at once), each held for `hold_ms` once answered unless the far end hangs up
    first; with scenario `uac_cancel` each is given up `ring_ms` after it first rang. `headers` are
    whole extra header lines of each INVITE, `uri_parameters` what its request URI ends with, such
    as `;line=abc`.
    """

    def __init__(  # noqa: PLR0913 - a run of calls simply has this many facets
        self,
        target: str,
        calls: Sequence[Call],
        *,
        scenario: str = "uac_call",
        rate: int = 0,
        port: int | None = None,
        host: str = HOST,
        hold_ms: int = 0,
        ring_ms: int = 300,
        headers: Sequence[str] = (),
        uri_parameters: str = "",
        media: Media = PLAIN,
        expires: int = 3600,
        trace: bool = True,
        arguments: Sequence[str] = (),
        island: Island | None = None,
    ) -> None:
        values = {
            "hold_ms": str(max(hold_ms, 1)),  # 0 would be SIPp's "no timeout"
            "ring_ms": str(ring_ms),
            "expires": str(expires),
            "headers": "\n      ".join(headers),
            "uri_parameters": uri_parameters,
            **media.values(),
        }
        self._sipp = _Sipp(scenario, values, host, trace=trace, island=island)
        self._target = target
        self._calls = calls
        self._rate = rate
        self._port = port
        self._arguments = arguments
        self._child: Child | None = None

    def start(self) -> None:
        """Begin to place the calls."""
        injection = self._sipp.directory / "calls.csv"
        injection.write_text("SEQUENTIAL\n" + "".join(call.line() for call in self._calls))
        count = str(len(self._calls))
        self._child = self._sipp.start(
            self._target,
            self._port or free_ports(1, "udp")[0],
            *("-inf", str(injection), "-m", count, "-l", count, "-r", str(self._rate or count)),
            *(() if self._rate else ("-rp", "1")),
            *self._arguments,
        )

    @property
    def pid(self) -> int:
        """SIPp's process id, for a bench that counts its CPU."""
        return self._started().pid

    def wait(self, timeout: float = 60.0) -> SippResult:
        """Wait for the end of all calls; `SippError` when that takes longer than `timeout` s."""
        try:
            status = self._started().wait(timeout)
        except subprocess.TimeoutExpired:
            raise SippError(
                f"calls still up after {timeout:g} s\n{self._sipp.complaint()}"
            ) from None
        if status not in {0, 1}:  # 1: some call did not go by the scenario
            raise SippError(f"SIPp ended with {status}:\n{self._sipp.complaint()}")
        return SippResult(tuple(self.calls()), status, self._sipp.complaint() if status else "")

    def response_times(self) -> list[float]:
        """Milliseconds from each INVITE to its final answer, sorted; needs RESPONSE_TIMES."""
        # chroot(8) leaves it in the root's own folder, and SIPp writes where it stands.
        folder = self._sipp.program.place.root or self._sipp.directory
        file = folder / f"{self._sipp.scenario}_{self.pid}_rtt.csv"
        lines = file.read_text().splitlines()[1:]
        file.unlink()
        return sorted(float(line.split(";")[1]) for line in lines)

    def calls(self) -> list[SippCall]:
        """The calls so far, also while they are in progress."""
        return group_calls(self._sipp.messages())

    def _started(self) -> Child:
        if self._child is None:
            raise RuntimeError("this SIPp was never started")
        return self._child

    def begin(self) -> None:
        """Start it; see `start`."""
        self.start()

    def close(self) -> None:
        """End it."""
        self._sipp.close()


def place_calls(  # noqa: PLR0913 - see SippCaller
    target: str,
    calls: Sequence[Call],
    *,
    scenario: str = "uac_call",
    rate: int = 0,
    port: int | None = None,
    host: str = HOST,
    hold_ms: int = 0,
    ring_ms: int = 300,
    headers: Sequence[str] = (),
    timeout: float = 60.0,
) -> SippResult:
    """Place calls and wait for their end; arguments as for `SippCaller`."""
    with SippCaller(
        target,
        calls,
        scenario=scenario,
        rate=rate,
        port=port,
        host=host,
        hold_ms=hold_ms,
        ring_ms=ring_ms,
        headers=headers,
    ) as caller:
        return caller.wait(timeout)


def register(  # noqa: PLR0913 - who, where from and for how long
    target: str,
    username: str,
    password: str,
    port: int,
    *,
    host: str = HOST,
    expires: int = 3600,
) -> SippCall:
    """Register `port` as the contact of `username`, sent from that same port; 0 s unregisters."""
    who = [Call(username, username=username, password=password)]
    with SippCaller(
        target, who, scenario="uac_register", port=port, host=host, expires=expires
    ) as caller:
        return caller.wait(10.0).calls[0]


class SippAnswerer(Running):
    """A carrier (or a called PBX) that waits for calls on a port, as a context manager.

    Scenarios: `uas_answer` (rings `ring_ms`, answers, hangs up itself after `hold_ms`, by default
    never), `uas_ring_forever`, `uas_refuse` (with `status`, such as "486 Busy Here"),
    `uas_mixed` (by the number called, one of these three; `numbers` tells which), and
    `uas_registrar`, which challenges a registration and a call, and then takes them.
    """

    def __init__(  # noqa: PLR0913 - an answerer simply has this many facets
        self,
        scenario: str = "uas_answer",
        *,
        port: int | None = None,
        host: str = HOST,
        ring_ms: int = 50,
        hold_ms: int = FOR_EVER_MS,
        status: str = "486 Busy Here",
        headers: Sequence[str] = (),
        numbers: Mapping[str, str] | None = None,
        media: Media = PLAIN,
        trace: bool = True,
    ) -> None:
        values = {
            **(numbers or {}),
            "ring_ms": str(max(ring_ms, 1)),
            "hold_ms": str(max(hold_ms, 1)),
            "status": status,
            "headers": "\n      ".join(headers),
            **media.values(),
        }
        self.port = port or free_ports(1, "udp")[0]
        self._sipp = _Sipp(scenario, values, host, trace=trace)

    @property
    def host(self) -> str:
        """The address it listens on, and calls from."""
        return self._sipp.host

    @property
    def address(self) -> str:
        """`host:port` where it listens."""
        host = self._sipp.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    def start(self) -> None:
        """Start listening; returns when the port is bound, `SippError` when it cannot be."""
        child = self._sipp.start(None, self.port)
        deadline = time.monotonic() + BIND_SECONDS
        while not _is_bound(self.port):
            if not child.running or time.monotonic() > deadline:
                raise SippError(f"no SIPp on port {self.port}:\n{self._sipp.complaint()}")
            time.sleep(POLL_SECONDS)

    def calls(self) -> list[SippCall]:
        """The calls it has seen, those in progress included."""
        return group_calls(self._sipp.messages())

    def forget(self) -> None:
        """Tell no more of what it has seen so far."""
        self._sipp.forget()

    def received(self) -> list[ReceivedInvite]:
        """The INVITEs it has seen, in order."""
        return invites(self.calls())

    def stop(self) -> None:
        """Stop at once; calls in progress are left without an answer, as by a dead carrier."""
        if self._sipp._child is not None:
            self._sipp._child.stop()

    def begin(self) -> None:
        """Start it; see `start`."""
        self.start()

    def close(self) -> None:
        """End it."""
        self._sipp.close()


@contextlib.contextmanager
def registered_pbx(
    target: str, username: str, password: str, answerer: SippAnswerer | None = None
) -> Iterator[SippAnswerer]:
    """A PBX that registers from its port, then takes calls on it; `SippError` when refused."""
    pbx = answerer or SippAnswerer()
    registration = register(target, username, password, pbx.port, host=pbx.host)
    if registration.status != HTTPStatus.OK:
        raise SippError(f"registration of {username} refused: {registration.status}")
    with pbx:
        yield pbx


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A UDP port that takes everything and answers nothing: a carrier that is cut off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind((HOST, 0))
        yield int(held.getsockname()[1])


def _is_bound(port: int) -> bool:
    """Whether a UDP socket is bound to this loopback port, by the kernel's own lists."""
    wanted = f":{port:04X} "
    lists = (Path("/proc/net", name) for name in ("udp", "udp6"))
    return any(
        wanted in line.split(None, 2)[1] + " "
        for each in lists
        if each.exists()
        for line in each.read_text().splitlines()[1:]
    )
