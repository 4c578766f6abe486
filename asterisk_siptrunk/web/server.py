"""Serves an application over HTTP, in a thread with an event loop of its own.

So beside `siptrunk serve` no request, however slow, takes a turn of the loop that answers calls:
the two share the processor alone, and Python hands that over every 5 ms at the latest. Whoever
serves many has `siptrunk web serve`, which shares nothing.
"""

import logging
import signal
import socket
import threading
from typing import Any

from starlette.applications import Starlette
from uvicorn import Config, Server

from asterisk_siptrunk.errors import SiptrunkError
from asterisk_siptrunk.settings import WebSettings

MOST_CONNECTIONS = 320
"""Whoever comes on top is told to come again (503): each takes a file, which calls need as well.

Open pages listen for good, `live.MOST_LISTENERS` of them; 80 are left for requests that end.
`siptrunk serve` takes as many files as the system lets it (`daemon._allow_open_files`), alone we do
with the usual 1,024.
"""
END_SECONDS = 2
"""For answers that are under way when we are told to stop."""

log = logging.getLogger(__name__)


class WebServer:
    """Serves from `start` to `stop`; its address is taken from the beginning.

    Raises:
        SiptrunkError: the address is not ours, or is taken.
    """

    def __init__(self, app: Starlette, settings: WebSettings) -> None:
        self._listening = _listen(settings)
        self._server = _Server(
            Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,  # as everything else of ours
                access_log=False,  # a proxy writes one; what matters has lines of its own
                proxy_headers=bool(settings.proxies),
                forwarded_allow_ips=list(settings.proxies),
                server_header=False,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_graceful_shutdown=END_SECONDS,
            )
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Listen no more; blocks until what is under way is answered, or for so long."""
        self._server.should_exit = True
        self._thread.join(seconds)

    def until_stopped(self) -> None:
        """Wait for SIGTERM or SIGINT, and end; for a program that does no more, in its main thread.

        Raises:
            SiptrunkError: it ended by itself.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop(0))
        self._thread.join()
        if not self._server.should_exit:
            raise SiptrunkError("Nothing is served over the web any more; the log says why.")

    def _run(self) -> None:
        try:
            with self._listening:
                self._server.run(sockets=[self._listening])
        except Exception:
            log.exception("Nothing is served over the web any more")


class _Server(Server):
    """One that has those end who listen for good, before it waits for what is under way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what is under way, and let go."""
        app: Any = self.config.app
        app.state.live.end()
        await super().shutdown(sockets)


def _listen(settings: WebSettings) -> socket.socket:
    host, port = settings.host, settings.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SiptrunkError(
            f"Cannot serve the web on {host}:{port}: {error.strerror or error}. See [web] in "
            "siptrunk.toml."
        ) from None
    # Each connection has it from here; asyncio sets it on those sockets alone that it made. Without
    # it the body of an answer waits until its head is acknowledged, up to 40 ms (Nagle's algorithm,
    # RFC 1122 section 4.2.3.4).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
