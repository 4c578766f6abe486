"""The FastAGI server: a thin shell of sockets and clocks round `agi`.

One session that stalls, floods or lies ends alone, without a verdict, and its call goes on by
the dialplan's own rules. Nothing that a peer does reaches another peer's call.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import cast

from asterisk_siptrunk.asterisk.agi import AgiParser, AgiReply, AgiRequest, set_variables
from asterisk_siptrunk.errors import ProtocolError, SiptrunkError

# Calls that ask at the same moment: at 1,000 calls/s and 1 ms each there are a handful. What is
# over this is a flood, and each of its sockets costs memory. A call says at once what it asks, so
# whoever has said nothing for the longest time gives its place to the next one.
# As many may wait to be accepted: a burst that does not fit there would be tried again after 1 s.
MOST_SESSIONS = 2000
# A session in all. Asterisk sends its header at once, and its dialplan waits for 3 seconds; a peer
# that takes longer is no Asterisk, or a frozen one.
SESSION_SECONDS = 5.0

Handler = Callable[[AgiRequest], asyncio.Future[Mapping[str, str]]]
"""Answers a request with the variables to set; none at all leaves the call to the dialplan."""
Unconfirmed = Callable[[AgiRequest], None]
"""Hears of a request whose answer Asterisk never confirmed."""

log = logging.getLogger(__name__)


class FastAgiServer:
    """Listens, admits known peers only, and bounds how many there are."""

    def __init__(self, handler: Handler, unconfirmed: Unconfirmed, peers: frozenset[str]) -> None:
        self.handler = handler
        self.unconfirmed = unconfirmed
        self.peers = peers
        self.sessions: set[_Session] = set()
        self.silent: dict[_Session, None] = {}
        """Those of them that have not asked yet, the oldest first."""
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen; gives the port (another one than asked for only if that was 0).

        Raises:
            SiptrunkError: the address is not ours, or taken.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Session(self), host, port, backlog=MOST_SESSIONS
            )
        except OSError as error:
            raise SiptrunkError(
                f"Cannot listen for AGI on {host}:{port}: {error.strerror or error}. "
                "Is another 'siptrunk serve' running? See [agi] in siptrunk.toml."
            ) from None
        return cast("int", self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Listen no more, and let the sessions that are under way end."""
        if self._server is None:
            return
        self._server.close()
        asking = [session.answer for session in self.sessions if session.answer is not None]
        await asyncio.gather(*asking, return_exceptions=True)
        for session in list(self.sessions):
            session.end()

    def make_room(self) -> bool:
        """Whether there is room for one more session, once a silent one was closed for it."""
        if len(self.sessions) < MOST_SESSIONS:
            return True
        oldest = next(iter(self.silent), None)
        if oldest is not None:
            oldest.end()
        return oldest is not None


class _Session(asyncio.Protocol):
    """One call asking: header in, one command out, its reply in, closed."""

    __slots__ = ("_confirmed", "_parser", "_request", "_server", "_timer", "_transport", "answer")

    def __init__(self, server: FastAgiServer) -> None:
        self._server = server
        self._parser = AgiParser()
        self._request: AgiRequest | None = None
        self._confirmed = False
        self.answer: asyncio.Future[Mapping[str, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(SESSION_SECONDS, self.end)
        peer = transport.get_extra_info("peername")
        if peer is None:  # uvloop has none of a peer that is gone already
            self.end()
        elif peer[0] not in self._server.peers:
            log.warning("AGI: %s may not ask; see [agi] peers in siptrunk.toml", peer[0])
            self.end()
        elif not self._server.make_room():
            log.warning("AGI: over %d calls ask at once, one more was closed", MOST_SESSIONS)
            self.end()
        else:
            self._server.sessions.add(self)
            self._server.silent[self] = None

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._parser.receive(data):
                self._take(event)
        except ProtocolError as error:
            log.warning("AGI: session closed: %s", error)
            self.end()

    def _take(self, event: AgiRequest | AgiReply) -> None:
        if isinstance(event, AgiReply):
            self._confirmed = event.good
            self.end()
            return
        self._request = event
        self._server.silent.pop(self, None)
        self.answer = self._server.handler(event)
        if self.answer.done():  # a callback would cost a turn of the event loop
            self._tell(self.answer)
        else:
            self.answer.add_done_callback(self._tell)

    def _tell(self, answer: asyncio.Future[Mapping[str, str]]) -> None:
        command = self._command(answer)
        if command and not self._transport.is_closing():
            self._transport.write(command)
            # Asterisk runs the command, answers it, and goes on with the call: were we to freeze
            # now, the caller would not wait for us.
            self._transport.write_eof()
        else:
            self.end()

    def _command(self, answer: asyncio.Future[Mapping[str, str]]) -> bytes:
        """What to say; nothing where there is no verdict."""
        try:
            values = answer.result()
            return set_variables(values) if values else b""
        except SiptrunkError as error:
            log.warning("No verdict, the dialplan decides: %s", error, extra=self._call)
        except Exception:
            log.exception("No verdict, the dialplan decides", extra=self._call)
        return b""

    @property
    def _call(self) -> dict[str, str]:
        """The call that asks, for the log."""
        return {} if self._request is None else self._request.named

    def end(self) -> None:
        """Close the session: its place is free."""
        self._server.sessions.discard(self)
        self._server.silent.pop(self, None)
        self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._timer.cancel()
        self._server.sessions.discard(self)
        self._server.silent.pop(self, None)
        if self._request is not None and not self._confirmed:
            self._server.unconfirmed(self._request)
