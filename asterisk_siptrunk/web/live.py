"""Numbers that follow what happens on pages that are open: server-sent events.

While anybody listens, one look a second at the database is enough for all of them. Each listener
is told all that is his once, and from then on what changed of it. Everything but the look itself
is done in the event loop, so nothing here needs a lock.

Keys of values: `trunk:NAME:in_use`, `trunk:NAME:channels`, `customer:calls`; for the provider also
`carrier:NAME:in_use`, `server:NAME:calls`, `provider:calls`.
"""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from asterisk_siptrunk.account import Session
from asterisk_siptrunk.bootstrap import Limit, calls, sessions, trunks
from asterisk_siptrunk.errors import SiptrunkError
from asterisk_siptrunk.web.house import House

PROVIDER = ""
"""Whoever sees the numbers of all; others see those of the customer that is named."""
LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
"""Proxies close what is silent for a minute; and only by writing we hear that nobody reads."""
CHECK_SECONDS = 55.0
"""How often it is seen that who listens is still logged in: each minute at least."""
MOST_LISTENERS = 240
"""Each takes a connection, which ordinary requests need as well: see `server.MOST_CONNECTIONS`."""
MOST_OF_ONE = 60
"""Of one customer, so that it does not take the room of all others."""
_LIMITS_EVERY = 5
"""Looks: limits change now and then, and there is one for each trunk."""
_MOST_WAITING = 30
"""Events; who has not taken as many is not there any more, and may come again."""

_BEGIN = b"retry: 2000\n\n"
_HEARTBEAT = b":\n\n"
_AWAY = b"event: away\ndata:\n\n"
"""The database is: numbers stand still."""
_OVER = b"event: over\ndata:\n\n"
"""Who listens is not logged in any more, or may not see this."""

Values = dict[str, str]
MayListen = Callable[[Session | None], bool]

log = logging.getLogger(__name__)


class Listener:
    """One open page; `digest` is that of its session, and `may` says if that one may listen."""

    def __init__(self, audience: str, digest: str, may: MayListen) -> None:
        self.audience = audience
        self.digest = digest
        self.may = may
        self.checked = monotonic()
        self.knows = False
        """Whether it was told all, so that changes are enough."""
        self.is_over = self.is_told_away = False
        self._waiting: list[bytes] = []
        self._ready = asyncio.Event()

    def tell(self, event: bytes) -> None:
        """Have an event sent, unless too many wait for it already."""
        self.is_over |= len(self._waiting) >= _MOST_WAITING
        self._waiting.append(event)
        self._ready.set()

    def end(self, event: bytes = b"") -> None:
        """Send that yet, and no more."""
        self.is_over = True
        self.tell(event)

    async def next(self) -> bytes | None:
        """What is to be sent now; None where all has been."""
        if not self._waiting and self.is_over:
            return None
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            return _HEARTBEAT
        told = b"".join(self._waiting)
        self._waiting.clear()
        self._ready.clear()
        return told


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look at the database found.

    Attributes:
        limits: of trunks, by their customer.
        trunks, carriers, servers: channels in use by name, those with none left out; the last two
            are looked at only where somebody is shown them.
    """

    limits: Mapping[str, Collection[Limit]] = field(default_factory=dict)
    trunks: Mapping[str, int] = field(default_factory=dict)
    carriers: Mapping[str, int] = field(default_factory=dict)
    servers: Mapping[str, int] = field(default_factory=dict)

    def values(self, audience: str) -> Values:
        """What such listeners see of it."""
        if audience != PROVIDER:
            own = self.limits.get(audience, ())
            values = self._of_trunks(own)
            values["customer:calls"] = str(sum(self.trunks.get(one.trunk, 0) for one in own))
            return values
        return {
            "provider:calls": str(sum(self.servers.values())),
            **self._of_trunks(one for own in self.limits.values() for one in own),
            **{f"carrier:{name}:in_use": str(count) for name, count in self.carriers.items()},
            **{f"server:{name}:calls": str(count) for name, count in self.servers.items()},
        }

    def _of_trunks(self, limits: Iterable[Limit]) -> Values:
        values = {}
        for one in limits:
            values[f"trunk:{one.trunk}:in_use"] = str(self.trunks.get(one.trunk, 0))
            values[f"trunk:{one.trunk}:channels"] = str(one.channels)
        return values


class Hub:
    """One for the whole application."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._listeners: set[Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._looks = 0
        self._known: dict[str, Values] = {}
        self._limits: Mapping[str, Collection[Limit]] = {}
        self._seen = Seen()
        self._is_ending = False

    def is_full(self, audience: str) -> bool:
        """Whether nobody of an audience can listen besides."""
        if len(self._listeners) >= MOST_LISTENERS:
            return True
        theirs = sum(one.audience == audience for one in self._listeners)
        return audience != PROVIDER and theirs >= MOST_OF_ONE

    async def events(self, audience: str, digest: str, may: MayListen) -> AsyncIterator[bytes]:
        """All that is sent to a page, until that is gone or one of the two ends it."""
        listener = Listener(audience, digest, may)
        self._join(listener)
        try:
            yield _BEGIN
            while (told := await listener.next()) is not None:
                yield told
        finally:
            self._listeners.discard(listener)

    def end(self) -> None:
        """Tell nobody anything any more; pages ask again, and find who serves then."""
        self._is_ending = True
        for listener in self._listeners:
            listener.end()
        if self._looking is not None:
            self._looking.cancel()

    def _join(self, listener: Listener) -> None:
        if self.is_full(listener.audience) or self._is_ending:
            listener.end()
            return
        self._listeners.add(listener)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_on())

    async def _look_on(self) -> None:
        """Look each second while anybody listens."""
        while self._listeners:
            try:
                await self._look_once()
            except SiptrunkError as error:
                self._tell_away(str(error))
            except Exception:
                log.exception("Open pages stand still")
                self._tell_away("a defect")
            await asyncio.sleep(LOOK_SECONDS)
        self._looking = None
        self._known.clear()

    async def _look_once(self) -> None:
        now = monotonic()
        due = [one for one in self._listeners if now - one.checked >= CHECK_SECONDS]
        audiences = {one.audience for one in self._listeners}
        seen, out = await asyncio.to_thread(self._look, due, of_provider=PROVIDER in audiences)
        for one in due:
            one.checked = now
        for one in out:
            one.end(_OVER)
            self._listeners.discard(one)
        self._tell(seen)

    def _look(self, due: Collection[Listener], *, of_provider: bool) -> tuple[Seen, list[Listener]]:
        """In a thread: see how things are, and who has lost the right to know."""
        with self._house.reading() as connection:
            if self._looks % _LIMITS_EVERY == 0 or not self._limits:
                self._limits = _by_customer(trunks.limits(connection))
            self._looks += 1
            seen = Seen(
                self._limits,
                calls.in_use(connection),
                calls.in_use_of_carriers(connection) if of_provider else {},
                calls.in_use_of_servers(connection) if of_provider else {},
            )
            at = self._house.now()
            out = [one for one in due if not one.may(sessions.find(connection, one.digest, at))]
        return seen, out

    def _tell(self, seen: Seen) -> None:
        if seen == self._seen and all(one.knows for one in self._listeners):
            return
        self._seen = seen
        together = defaultdict(list)
        for one in self._listeners:
            together[one.audience].append(one)
        known = {audience: self._complete(audience, seen) for audience in together}
        for audience, listeners in together.items():
            self._tell_audience(listeners, self._known.get(audience, {}), known[audience])
        self._known = known

    def _complete(self, audience: str, seen: Seen) -> Values:
        """What is seen, with a nought for what was there before: no old number is left standing."""
        gone = self._known.get(audience, {}).keys()
        return {**dict.fromkeys(gone, "0"), **seen.values(audience)}

    def _tell_audience(self, listeners: list[Listener], before: Values, after: Values) -> None:
        changed = {key: text for key, text in after.items() if before.get(key) != text}
        change = _event(changed) if changed else b""
        everything = b"" if all(one.knows for one in listeners) else _event(after)
        for one in listeners:
            told = change if one.knows else everything
            one.knows, one.is_told_away = True, False
            if told:
                one.tell(told)
            if one.is_over:
                self._listeners.discard(one)

    def _tell_away(self, why: str) -> None:
        told = [one for one in self._listeners if not one.is_told_away]
        for one in told:
            one.is_told_away, one.knows = True, False
            one.tell(_AWAY)
        if told:
            log.warning("The numbers of %d open pages stand still: %s", len(told), why)


def _by_customer(limits: Iterable[Limit]) -> dict[str, list[Limit]]:
    found = defaultdict(list)
    for one in limits:
        found[one.customer].append(one)
    return dict(found)


def _event(values: Values) -> bytes:
    return f"event: values\ndata: {json.dumps(values, separators=(',', ':'))}\n\n".encode()
