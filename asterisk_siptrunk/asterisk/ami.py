"""Asterisk's manager interface, hardened: the only module that knows panoramisk.

panoramisk 1.4 frames and parses messages well, and fast. What it gets wrong was measured, and is
not used: its reconnection (a wrong secret is tried for ever without a word, an action in flight
at a cut is sent twice), its pings (nobody looks at the answers), its own matching of answers
(a line that a caller forged could end a list early, or close the connection), its async
callbacks (out of order, without bound). So a message becomes a frozen value in one synchronous
step, and waits in a bounded queue; every wait has a deadline; every value sent is checked.

Peers of Asterisk can forge lines: PJSIP decodes a `%0D%0A` in a URI's user part, and AMI writes
numbers and extensions as they are. An event in which a key stands twice is marked `ambiguous`.
"""

import asyncio
import logging
import os
import random
from asyncio import Future
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from asterisk_siptrunk.asterisk.message import AmiEvent, AmiReply
from asterisk_siptrunk.errors import AmiError, AmiRefused, AmiUnavailable, InvalidInput

CONNECT_SECONDS = 3.0
"""To reach a port on this machine or its network; a SYN that is dropped is told by this."""
LOGIN_SECONDS = 3.0
"""From our Login to its answer: a peer that is no Asterisk says nothing."""
ACTION_SECONDS = 5.0
"""To answer an action; a busy Asterisk needs milliseconds."""
PING_SECONDS = 3.0
"""A peer that was silent for this long is asked for a sign of life,"""
PONG_SECONDS = 4.0
"""and has this long to give it: a half-open peer is noticed within 7 seconds."""
GATHER_SECONDS = 0.08
"""Between two readings of a connection that stays. An event that comes alone is read at once, those
that follow it together. Measured at 50 calls/s: 0.4 ms of CPU a call, where a reading for each
event takes 1.7 ms; and a channel is free at most this much later."""
MOST_EVENTS = 10_000
"""Events that may wait: one second of a flood of 10,000 a second, about 40 MB. Its reader never
waits for anything but the processor, so more than that is no burst."""
LONGEST_MESSAGE = 262_144
"""Characters of one message: an event has 1,500; only lists of CLI output come near."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between attempts to reach a server that is away: it is back for calls at once, and a
free channel must not stay taken for longer than 2 s after."""
FIRST_REFUSED_PAUSE, LONGEST_REFUSED_PAUSE = 2.0, 60.0
"""Seconds between attempts with a secret that was refused: only a person can mend that."""
LASTING_SECONDS = 30.0
"""A connection that lasted this long was a good one: the next failure is the first again."""

_FORBIDDEN = frozenset("\r\n\0")
# panoramisk decodes each read by itself, and a character split between two reads would be lost.
# Every byte is a character of Latin-1; `_text` puts UTF-8 together again.
_ENCODING = "latin-1"

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AmiLogin:
    """Where the manager interface is, and who we are there."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


class Link(StrEnum):
    """How the connection stands."""

    CONNECTING = "connecting"
    UP = "up"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class AmiState:
    """How the connection stands, since when (UTC), and why, in a sentence for a person."""

    link: Link
    since: datetime
    detail: str = ""


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class AmiConnection:
    """One connection, logged in; over when `events` or any action raises AmiUnavailable."""

    def __init__(self, wire: "_Wire") -> None:
        self._wire = wire

    async def action(
        self, name: str, *, seconds: float = ACTION_SECONDS, **fields: str
    ) -> AmiReply:
        """Send an action and wait for its answer.

        Raises:
            InvalidInput: a value holds a line break: it would be an action of its own.
            AmiRefused: Asterisk answered with an error.
            AmiUnavailable: no answer in time, or the connection is lost.
        """
        messages = await self._wire.ask(_Question(name, fields), seconds)
        return _reply(name, messages[0])

    async def action_events(
        self, name: str, complete: str, *, seconds: float = ACTION_SECONDS, **fields: str
    ) -> list[AmiEvent]:
        """Send an action that answers with a list of events, the last of name `complete`.

        That last one is not in the result. Raises as `action`; a list that is not as long as
        Asterisk says (its `ListItems`) counts as no answer.
        """
        first, *items = await self._wire.ask(_Question(name, fields, complete), seconds)
        _reply(name, first)
        count = _value(items.pop(), "ListItems")
        if count not in {"", str(len(items))}:
            raise AmiUnavailable(f"Asterisk's answer to {name} was not whole; try again.")
        return [_event(item, utc_now()) for item in items]

    def action_soon(self, name: str, then: Callable[[AmiReply], None], **fields: str) -> None:
        """Send an action and wait for nothing; `then` gets its answer, unless it is an error."""

        def answered(messages: Future[list[Message]]) -> None:
            # Lost with the connection, or refused: whoever asks so can do without.
            with suppress(AmiError, asyncio.CancelledError):
                then(_reply(name, messages.result()[0]))

        with suppress(AmiUnavailable):
            self._wire.put(_Question(name, fields)).add_done_callback(answered)

    async def events(self) -> list[AmiEvent]:
        """All events that wait, one at least.

        Raises:
            AmiUnavailable: the connection is lost, and its last event has been given out.
        """
        return await self._wire.events()


class AmiClient:
    """Keeps a connection to one Asterisk for as long as it runs."""

    def __init__(
        self,
        login: AmiLogin,
        *,
        clock: Clock = utc_now,
        chance: Callable[[], float] = random.random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._login = login
        self._clock = clock
        self._chance = chance
        self._pause = pause
        self.state = AmiState(Link.CONNECTING, clock())

    async def run(self, session: Callable[[AmiConnection], Awaitable[None]]) -> None:
        """Connect, give each connection to `session`, and connect again when it is lost.

        Ends when a session ends by itself.
        """
        time = asyncio.get_running_loop().time
        failures, was_refused = 0, False
        while True:
            began = time()
            try:
                async with connect(
                    self._login, clock=self._clock, gather=GATHER_SECONDS
                ) as connection:
                    self._become(Link.UP)
                    return await session(connection)
            except AmiError as error:
                refused = isinstance(error, AmiRefused)
                if time() - began > LASTING_SECONDS or refused is not was_refused:
                    failures, was_refused = 0, refused
                self._become(Link.REFUSED if refused else Link.UNREACHABLE, str(error))
                await self._pause(_backoff(failures, self._chance(), refused=refused))
                failures += 1

    def _become(self, link: Link, detail: str = "") -> None:
        """Change state, and say so once: not at each attempt."""
        if link is self.state.link:
            return
        self.state = AmiState(link, self._clock(), detail)
        if link is Link.UP:
            log.info("AMI: connected to %s:%d.", self._login.host, self._login.port)
        else:
            log.error("AMI: %s", detail)


def _backoff(failures: int, chance: float, *, refused: bool) -> float:
    """Seconds to wait: doubling, and a half of it drawn, so that many servers do not march."""
    first, longest = (
        (FIRST_REFUSED_PAUSE, LONGEST_REFUSED_PAUSE) if refused else (FIRST_PAUSE, LONGEST_PAUSE)
    )
    whole = min(longest, first * 2.0 ** min(failures, 16))
    return whole * (1 + chance) / 2


@asynccontextmanager
async def connect(
    login: AmiLogin, *, events: bool = True, clock: Clock = utc_now, gather: float = 0.0
) -> AsyncIterator[AmiConnection]:
    """Connect, log in, and close at the end of the block.

    After each reading the next one waits for `gather` seconds, so that what comes in a burst
    is read together.

    Raises:
        AmiRefused: the user or its secret is wrong, or the user has no right to log in from here.
        AmiUnavailable: nobody answers there, or no Asterisk.
    """
    wire = await _reach(login, clock, gather)
    keeper = asyncio.create_task(wire.keep_alive())
    try:
        await _log_in(wire, login, events=events)
        yield AmiConnection(wire)
    finally:
        keeper.cancel()
        wire.lose("closed by us")


async def _reach(login: AmiLogin, clock: Clock, gather: float) -> "_Wire":
    loop = asyncio.get_running_loop()
    where = f"{login.host}:{login.port}"
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, wire = await loop.create_connection(
                lambda: _Wire(where, clock, gather), login.host, login.port
            )
    except (OSError, TimeoutError) as error:
        reason = _errno_words(error) or f"no answer within {CONNECT_SECONDS:g} s"
        raise AmiUnavailable(
            f"Asterisk's manager interface at {where} cannot be reached: {reason}. "
            "Is Asterisk running, with 'enabled = yes' in manager.conf? See [ami]."
        ) from None
    return wire


def _errno_words(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


async def _log_in(wire: "_Wire", login: AmiLogin, *, events: bool) -> None:
    fields = {"Username": login.user, "Secret": login.secret, "Events": "on" if events else "off"}
    answer = (await wire.ask(_Question("Login", fields), LOGIN_SECONDS))[0]
    if not answer.success:
        raise AmiRefused(
            f"Asterisk at {wire.where} refuses the manager user {login.user!r}: "
            "its secret differs, or its section was not read. Run 'siptrunk config install', which "
            "writes what is missing, and have it read: asterisk -rx 'manager reload'"
        )


class _Question(Action):  # type: ignore[misc] # panoramisk has no types
    """An action of ours, and the messages that answer it.

    Only the event `complete`, with our ActionID on it, ends a list: panoramisk would end it at
    the first forged `Response:` line.
    """

    def __init__(self, name: str, fields: Mapping[str, str], complete: str = "") -> None:
        super().__init__({"Action": name} | {key: _wired(key, fields[key]) for key in fields})
        self.complete = complete

    def add_message(self, message: Message) -> bool:
        """Take one; True when it was the last."""
        self.responses.append(message)
        over = (
            not self.complete
            or _value(message, "Event") == self.complete
            or (len(self.responses) == 1 and not message.success)
        )
        if over and not self.future.done():
            self.future.set_result(self.responses)
        return over


class _Wire(AMIProtocol):  # type: ignore[misc] # panoramisk has no types
    """The socket: what arrives is an answer to a question of ours, or an event for the queue."""

    encoding = _ENCODING

    def __init__(self, where: str, clock: Clock, gather: float) -> None:
        self.where = where
        self._gather = gather
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._heard = self._loop.time()
        self._now = clock()
        self._waiting: deque[AmiEvent] = deque()
        self._news = asyncio.Event()
        self._outgoing: list[bytes] = []
        self._lost = ""

    # --- called by the event loop ---

    def data_received(self, data: bytes) -> None:
        """Read what came; one clock reading serves for all of it."""
        self._heard = self._loop.time()
        self._now = self._clock()
        super().data_received(data)
        if self._gather and not self._lost:
            self.transport.pause_reading()
            self._loop.call_later(self._gather, self._read_on)
        if self.queue and len(self.queue[0]) > LONGEST_MESSAGE:
            self.lose("it sent a message without an end")

    def _read_on(self) -> None:
        if not self._lost:
            self.transport.resume_reading()

    def handle_message(self, message: Message) -> None:
        """Give a message to whom it belongs; called by panoramisk for each."""
        question = self.responses.get(_value(message, "ActionID"))
        if question is not None:
            if question.add_message(message):
                self.responses.pop(question.id, None)
        elif "Event" in message and not self._lost:
            ahead = self._now.timestamp() - self._heard
            self._enqueue(replace(_event(message, self._now), clock_ahead=ahead))

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is gone."""
        self.lose(str(error) if error else "it closed the connection")

    # --- called by us ---

    async def ask(self, question: _Question, seconds: float) -> list[Message]:
        """Send a question and wait for its last message; the first is always there."""
        answer = self.put(question)
        try:
            async with asyncio.timeout(seconds):
                return await answer
        except TimeoutError:
            raise AmiUnavailable(
                f"Asterisk at {self.where} gave no answer to {question['Action']} "
                f"within {seconds:g} s."
            ) from None
        finally:
            self.responses.pop(question.id, None)

    def put(self, question: _Question) -> Future[list[Message]]:
        """Send a question; its messages, or the connection's end, come in the future."""
        if self._lost:
            raise self._unavailable()
        self.responses[question.id] = question
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(str(question).encode(_ENCODING))
        answer: Future[list[Message]] = question.future
        return answer

    def _flush(self) -> None:
        """Send all questions of this turn of the event loop in one system call."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        if not self._lost:
            self.transport.write(data)

    async def events(self) -> list[AmiEvent]:
        """See `AmiConnection.events`."""
        while not self._waiting:
            if self._lost:
                raise self._unavailable()
            self._news.clear()
            await self._news.wait()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken

    async def keep_alive(self) -> None:
        """Ask a silent peer for a sign of life, and give it up if none comes."""
        while not self._lost:
            silence = self._loop.time() - self._heard
            if silence < PING_SECONDS:
                await asyncio.sleep(PING_SECONDS - silence)
                continue
            try:
                await self.ask(_Question("Ping", {}), PONG_SECONDS)
            except AmiUnavailable:
                self.lose("it has gone silent")

    def lose(self, reason: str) -> None:
        """End the connection: whoever waits for it hears so."""
        if self._lost:
            return
        self._lost = reason
        self._news.set()
        for question in list(self.responses.values()):
            if not question.future.done():
                question.future.set_exception(self._unavailable())
                question.future.exception()  # perhaps nobody waits for it any more
        self.responses.clear()
        with suppress(RuntimeError):  # the loop itself may be closing
            self.transport.abort()

    def _enqueue(self, event: AmiEvent) -> None:
        if len(self._waiting) >= MOST_EVENTS:
            # Better no connection than one with a hole in it: the next one starts with a look at
            # all channels, and the journal tells the rest.
            self.lose(f"more than {MOST_EVENTS} events wait; all calls will be looked at afresh")
            return
        self._waiting.append(event)
        self._news.set()

    def _unavailable(self) -> AmiUnavailable:
        return AmiUnavailable(
            f"The manager connection to Asterisk at {self.where} is over: {self._lost}."
        )


def _wired(key: str, value: str) -> str:
    """A value as it goes on the wire: UTF-8, each byte a character of Latin-1."""
    if not _FORBIDDEN.isdisjoint(value):
        raise InvalidInput(f"{key}: {value[:40]!r} holds a line break, which AMI cannot carry.")
    return value.encode().decode(_ENCODING)


def _reply(name: str, message: Message) -> AmiReply:
    fields, _ = _fields(message)
    if not message.success:
        raise AmiRefused(f"Asterisk refused {name}: {fields.get('Message', 'it gave no reason')}")
    output = message.get("Output", [])
    lines = [output] if isinstance(output, str) else output
    return AmiReply(fields, tuple(map(_text, lines)))


def _event(message: Message, at: datetime) -> AmiEvent:
    fields, ambiguous = _fields(message)
    # Its name is its first line, whatever a peer wrote into a later one.
    return AmiEvent(_value(message, "Event"), fields, at, ambiguous)


def _fields(message: Message) -> tuple[dict[str, str], bool]:
    """Its fields as text, and whether a key stands twice (panoramisk makes a list of those)."""
    # Its public mapping is walked key by key, lower-cased each time: 4 times as slow.
    pairs: dict[str, Any] = dict(message._store.values())  # noqa: SLF001
    pairs.pop("content", None)  # panoramisk's own
    ambiguous = False
    for key, value in pairs.items():
        if type(value) is list:
            ambiguous = ambiguous or key not in _REPEATED
            pairs[key] = _text(value[-1])
        elif not value.isascii():
            pairs[key] = _text(value)
    return pairs, ambiguous


_REPEATED = frozenset({"ChanVariable", "DestChanVariable", "Output", "Variable"})
"""Keys that Asterisk itself repeats."""


def _value(message: Message, key: str) -> str:
    """A field that panoramisk may hold as a list; the first then, "" if it is not there."""
    value = message.get(key, "")
    return value if isinstance(value, str) else str(value[0])


def _text(value: str) -> str:
    """UTF-8 again, from bytes that were read as Latin-1."""
    return value if value.isascii() else value.encode(_ENCODING).decode(errors="replace")
