"""Steady traffic over a whole provider, and what both of its sides saw of each call.

Every call bears a number of its own (its tag): as the number called, or as the caller's where the
called one is fixed (an emergency number, a number of ours). So each call that a PBX placed, each
call that the carrier saw, and each row of the usage database can be put side by side.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from asterisk_siptrunk.database.calls import CallFilter, every, in_use
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.lab.processes import Running, free_ports
from tests.lab.sipp import Call, SippAnswerer, SippCall, SippCaller, invites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from asterisk_siptrunk.call import CallRecord
    from tests.lab.provider import Provider

CARRIER_HOST, WIDE_HOST, NARROW_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.5"
WIDE_NUMBER, NARROW_NUMBER = "+33123450001", "+33123450002"
WIDE_CHANNELS, NARROW_CHANNELS = 200, 3
PATIENCE_SECONDS = 12.0
"""SIPp gives a call up that hears nothing for so long: its Asterisk was killed."""
SAMPLE_SECONDS = 0.2
DRAIN_SECONDS = 30.0


class Kind(StrEnum):
    """What a call is for; the value begins its tag, a French mobile number."""

    SHORT = "+33611"
    LONG = "+33612"
    NARROW = "+33622"
    """Of the small trunk, which is always full: its limit is tried by each of them."""
    BUSY = "+33633"
    CANCELLED = "+33644"
    EMERGENCY = "+33655"
    """From the full trunk."""
    INBOUND = "+33666"


@dataclass(frozen=True)
class Stream:
    """Calls of one kind: how many a second, and how long each is held."""

    kind: Kind
    rate: int
    hold_ms: int = 0

    @property
    def from_host(self) -> str:
        """Who places them."""
        if self.kind is Kind.INBOUND:
            return CARRIER_HOST
        return NARROW_HOST if self.kind in {Kind.NARROW, Kind.EMERGENCY} else WIDE_HOST


TWENTY_A_SECOND = (
    Stream(Kind.SHORT, 5, 500),
    Stream(Kind.LONG, 3, 2000),
    Stream(Kind.NARROW, 4, 2000),
    Stream(Kind.BUSY, 2),
    Stream(Kind.CANCELLED, 2),
    Stream(Kind.EMERGENCY, 1, 500),
    Stream(Kind.INBOUND, 3, 1000),
)
FIFTY_A_SECOND = (
    Stream(Kind.SHORT, 18, 500),
    Stream(Kind.LONG, 8, 3000),
    Stream(Kind.NARROW, 8, 2000),
    Stream(Kind.BUSY, 4),
    Stream(Kind.CANCELLED, 4),
    Stream(Kind.EMERGENCY, 1, 500),
    Stream(Kind.INBOUND, 7, 1000),
)
_tags = itertools.count(1)


def _calls(stream: Stream, seconds: float) -> list[Call]:
    numbers = itertools.islice(_tags, int(stream.rate * seconds))
    return [_call(stream.kind, f"{stream.kind}{number:06}") for number in numbers]


def _call(kind: Kind, tag: str) -> Call:
    if kind is Kind.INBOUND:
        return Call(tag, WIDE_NUMBER)
    if kind is Kind.EMERGENCY:
        return Call(tag, "112")
    caller = NARROW_NUMBER if kind is Kind.NARROW else WIDE_NUMBER
    return Call(caller, f"0{tag[3:]}")


# --- what was seen ---


@dataclass(frozen=True)
class Placed:
    """A call as its caller saw it; times are seconds since the epoch, None for what never was.

    Attributes:
        heard_at: of the first answer that means something: 180, 183 or a final one.
        status: the final one, 0 for none.
        cut: the other side hung up, which no called party here ever does by itself.
    """

    tag: str
    asked_at: float
    heard_at: float | None
    status: int
    ended_at: float | None
    cut: bool

    @property
    def kind(self) -> Kind:
        """What it was for."""
        return Kind(self.tag[:6])

    @property
    def waited(self) -> float:
        """Seconds until its caller heard something."""
        return (self.heard_at or float("inf")) - self.asked_at


@dataclass(frozen=True)
class Carried:
    """A call as the called side saw it: the carrier, or the PBX of an inbound one."""

    tag: str
    invited_at: float
    answered_at: float | None
    ended_at: float | None

    @property
    def kind(self) -> Kind:
        """What it was for."""
        return Kind(self.tag[:6])

    @property
    def billable(self) -> float:
        """Seconds from its answer to its end; of a call without an end none are known."""
        if self.answered_at is None or self.ended_at is None:
            return 0.0
        return self.ended_at - self.answered_at


@dataclass(frozen=True)
class Sample:
    """The channels that the usage database has in use, at a moment."""

    at: float
    in_use: dict[str, int]


@dataclass
class Told:
    """All that is known of some traffic: the witnesses, the rows, and when the fault was."""

    placed: list[Placed]
    carried: list[Carried]
    rows: list[CallRecord]
    samples: list[Sample]
    began_at: float
    fault_began: float
    fault_ended: float
    since: datetime
    until: datetime

    @cached_property
    def rows_by_tag(self) -> dict[str, list[CallRecord]]:
        """The rows of each call."""
        found: defaultdict[str, list[CallRecord]] = defaultdict(list)
        for row in self.rows:
            for number in {row.callee, row.caller, row.presented}:
                if number[:6] in set(Kind):
                    found[number].append(row)
        return found


def placed(seen: SippCall) -> Placed:
    """Read a call that SIPp placed."""
    first = seen.messages[0]
    heard = (m.at for m in seen.messages if m.status > 100 and m.method == "INVITE")
    received_bye = any(not m.sent and m.start_line.startswith("BYE ") for m in seen.messages)
    return Placed(_tag(seen), first.at, next(heard, None), seen.status, _end(seen), received_bye)


def carried(seen: SippCall) -> Carried:
    """Read a call that SIPp was called with."""
    answer = next((m.at for m in seen.messages if m.status == 200 and m.method == "INVITE"), None)
    return Carried(_tag(seen), seen.messages[0].at, answer, _end(seen))


def _end(seen: SippCall) -> float | None:
    """When a BYE ended it, or a refusal."""
    ends = (
        m.at
        for m in seen.messages
        if m.start_line.startswith("BYE ") or (m.status > 200 and m.method == "INVITE")
    )
    return next(ends, None)


def _tag(seen: SippCall) -> str:
    """The one number of the call that is its own."""
    invite = seen.messages[0]
    texts = (invite.start_line, invite.header("From"))
    users = (text.partition("sip:")[2].partition("@")[0] for text in texts)
    for user in users:
        number = f"+33{user[1:]}" if user.startswith("0") else user
        if number[:6] in set(Kind):
            return number
    raise ValueError(f"a call of nobody's: {invite.start_line}")


# --- the exchange ---


class Exchange(Running):
    """A provider with a wide and a narrow trunk, and one carrier.

    The PBX of the wide trunk is there as long as the exchange is: Asterisk asks it for signs of
    life once a minute, and puts no call to one that gave none.
    """

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        (self.carrier_port,) = free_ports(1)
        self.pbx = SippAnswerer(host=WIDE_HOST)
        self.clock_ahead = 0.0
        """Seconds by which the clock that Asterisk and the service go by is ahead of ours."""

    def begin(self) -> None:
        """Start the PBX."""
        self.pbx.begin()

    def close(self) -> None:
        """End it."""
        self.pbx.close()

    def describe(self) -> None:
        """Describe them, and put that in force; the service is not started."""
        do = self.provider.do
        do("customer", "add", "acme")
        for name, channels, host, number in (
            ("wide", WIDE_CHANNELS, WIDE_HOST, WIDE_NUMBER),
            ("narrow", NARROW_CHANNELS, NARROW_HOST, NARROW_NUMBER),
        ):
            do(
                *("trunk", "add", name, "--customer", "acme", "--channels", str(channels)),
                *("--kind", "address", "--address", host, "--number", number),
                *("--contact", f"{host}:{self.pbx.port}"),
            )
        do(
            *("carrier", "add", "telco", "--profile", "generic", "--qualify", "0"),
            *("--server", f"{CARRIER_HOST}:{self.carrier_port}", "--match", CARRIER_HOST),
        )
        do("config", "apply", "--yes")

    def traffic(self, seconds: float, streams: Sequence[Stream] = TWENTY_A_SECOND) -> Traffic:
        """Traffic for so long, as a context manager."""
        return Traffic(self, seconds, streams)

    def under(self, inject: Callable[[Traffic], None], seconds: float) -> Told:
        """Traffic for so long, with a fault in it; what came of it."""
        with self.traffic(seconds) as traffic:
            traffic.calm(1.0)
            inject(traffic)
            return traffic.finish()


class Traffic(Running):
    """Calls under way; see `Exchange.traffic`."""

    def __init__(self, exchange: Exchange, seconds: float, streams: Sequence[Stream]) -> None:
        self._exchange = exchange
        self._provider = exchange.provider
        self._stack = ExitStack()
        numbers = {"busy_numbers": Kind.BUSY[1:], "silent_numbers": Kind.CANCELLED[1:]}
        self._carrier = SippAnswerer(
            "uas_mixed", host=CARRIER_HOST, port=exchange.carrier_port, numbers=numbers
        )
        self._callers = [self._caller(stream, seconds) for stream in streams]
        self._sampler = Sampler(self._provider)
        self._seconds = seconds
        self.began_at = self.fault_began = self.fault_ended = self._ahead = 0.0

    def _caller(self, stream: Stream, seconds: float) -> SippCaller:
        return SippCaller(
            self._provider.asterisk.sip_address,
            _calls(stream, seconds),
            scenario="uac_cancel" if stream.kind is Kind.CANCELLED else "uac_call",
            host=stream.from_host,
            rate=stream.rate,
            hold_ms=stream.hold_ms,
            arguments=("-recv_timeout", str(int(PATIENCE_SECONDS * 1000))),
        )

    def begin(self) -> None:
        """Begin to call."""
        self.began_at = time.time()
        self._ahead = self._exchange.clock_ahead
        self._exchange.pbx.forget()
        for part in (self._carrier, self._sampler, *self._callers):
            self._stack.enter_context(part)

    def close(self) -> None:
        """End all of it."""
        self._stack.close()

    def calm(self, seconds: float) -> None:
        """Let it flow."""
        time.sleep(seconds)

    @contextmanager
    def fault(self) -> Iterator[None]:
        """Whatever happens in the block is the fault; what undoes it is its last part."""
        self.fault_began = time.time()
        yield
        self.fault_ended = time.time()

    def finish(self) -> Told:
        """Wait for the end of the last call, and for the last row's; give what was seen."""
        seen = [call for caller in self._callers for call in self._end_of(caller)]
        heard = (*self._carrier.calls(), *self._exchange.pbx.calls())
        # One without its INVITE is of the traffic before: a peer goes on answering for half a
        # minute where Asterisk was killed (RFC 3261 section 13.3.1.4).
        called = [carried(one) for one in heard if invites([one])]
        # What does not come true in time is told, call by call, by whoever judges.
        with suppress(TimeoutError):
            self._provider.until_idle(DRAIN_SECONDS)
            tags = {one.tag for one in called}
            self._provider.until(lambda: self._tell(tags), DRAIN_SECONDS)
            self._provider.until(self._provider.has_read_journal, DRAIN_SECONDS)
        return Told(
            placed=[placed(one) for one in seen],
            carried=called,
            rows=self._rows(),
            samples=self._sampler.samples,
            began_at=self.began_at,
            fault_began=self.fault_began,
            fault_ended=self.fault_ended,
            since=self._since,
            until=datetime.now(UTC) + timedelta(days=1, seconds=self._exchange.clock_ahead),
        )

    def _end_of(self, caller: SippCaller) -> list[SippCall]:
        caller.wait(self._seconds + 3 * PATIENCE_SECONDS)
        return caller.calls()

    def _rows(self) -> list[CallRecord]:
        with reading(self._provider.engine) as connection:
            return list(every(connection, CallFilter(since=self._since)))

    @property
    def _since(self) -> datetime:
        """When it began, by the provider's clock as it was or as it is, whichever is less."""
        ahead = min(self._ahead, self._exchange.clock_ahead)
        return datetime.fromtimestamp(self.began_at + ahead, UTC)

    def _tell(self, tags: set[str]) -> bool:
        """Whether the database has all of these, each with its end."""
        rows = self._rows()
        told = {number for row in rows for number in (row.callee, row.caller, row.presented)}
        return tags <= told and all(row.ended_at for row in rows)


class Sampler(Running):
    """Looks five times a second at the channels in use, as far as the database can be read."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.samples: list[Sample] = []

    def begin(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            with suppress(SQLAlchemyError, DatabaseUnavailable):
                self.samples.append(self._look())

    def _look(self) -> Sample:
        at = time.time()
        with reading(self._provider.engine) as connection:
            return Sample(at, in_use(connection))
