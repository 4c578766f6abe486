"""A TCP proxy between the service and Asterisk's manager interface, that breaks on demand."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.lab.processes import Running, free_ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READ_BYTES = 65_536
_POLL_SECONDS = 0.02
_END_OF_MESSAGE = b"\r\n\r\n"


class Proxy(Running):
    """Passes connections on to a port of this machine, as a context manager.

    `attempts` counts the connections that were asked for, refused ones not.
    """

    def __init__(self, target: int) -> None:
        (self.port,) = free_ports(1, "tcp")
        self.attempts = 0
        self._target = target
        self._listening: socket.socket | None = None
        self._links: list[_Link] = []
        self.swallows = False
        self._words = b""
        self._then: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Take connections."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Take none any more, and cut those that there are."""
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None
        self.cut()

    # --- faults ---

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Cut all, and refuse new connections, as a server that is not there."""
        self.close()
        yield
        self.begin()

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Take whatever comes, and carry none of it, as a network that is cut; then cut all."""
        self.swallows = True
        self.go_silent()
        yield
        self.swallows = False
        self.cut()

    def cut(self) -> None:
        """Cut all connections at once."""
        for link in self._links:
            link.cut()
        self._links.clear()

    def cut_in_an_event(self) -> None:
        """Cut each connection in the middle of the next event that it carries."""
        for link in self._links:
            link.cut_in_an_event = True

    def go_silent(self) -> None:
        """Carry nothing on the present connections any more, either way; they stay open."""
        for link in self._links:
            link.silent = True

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Read next to nothing of what Asterisk writes on the present connections."""
        links = list(self._links)
        for link in links:
            link.slow = True
        yield
        for link in links:
            link.slow = False

    def ask(self, request: bytes) -> None:
        """Send a request to Asterisk on each connection, in the service's name."""
        for link in self._links:
            with suppress(OSError):
                link.server.sendall(request)

    @contextmanager
    def when_asked_for(self, words: bytes, then: Callable[[], None]) -> Iterator[None]:
        """Do something at the moment at which these words pass on to Asterisk, once."""
        self._words, self._then = words, then
        yield
        self._words = b""

    def heard(self, data: bytes) -> None:
        """Told by each link of what it is about to pass on to Asterisk."""
        if self._words and self._words in data:
            self._words = b""
            self._then()

    def flood(self, message: bytes, a_second: int, seconds: float) -> int:
        """Send so many of a message to the service between those of Asterisk; gives how many."""
        together = max(1, int(a_second * _POLL_SECONDS))
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            if sent <= passed * a_second:
                for link in self._links:
                    link.inject(message * together)
                sent += together
            else:
                time.sleep(_POLL_SECONDS / 4)
        return sent

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                self.attempts += 1
                try:
                    server = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    client.close()
                    continue
                self._links.append(_Link(self, client, server))


class _Link:
    """One connection, and a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self.client, self.server = client, server
        self.cut_in_an_event = self.slow = False
        self.silent = proxy.swallows
        self._writing = threading.Lock()
        self._whole = True
        for run in (self._to_server, self._to_client):
            threading.Thread(target=run, daemon=True).start()

    def cut(self) -> None:
        """Close both sides."""
        self.silent = False
        for side in (self.client, self.server):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()

    def inject(self, messages: bytes) -> None:
        """Write whole messages to the service, between two of Asterisk's."""
        with self._writing:
            if self._whole:
                with suppress(OSError):
                    self.client.sendall(messages)

    def _to_server(self) -> None:
        with suppress(OSError):
            while data := self.client.recv(_READ_BYTES):
                self._while_silent()
                self._proxy.heard(data)
                self.server.sendall(data)
        self.cut()

    def _to_client(self) -> None:
        with suppress(OSError):
            while data := self._read():
                self._while_silent()
                if self.cut_in_an_event and b"Event: " in data:
                    self.client.sendall(data[: data.index(b"Event: ") + len(b"Event: Ha")])
                    break
                with self._writing:
                    self.client.sendall(data)
                    self._whole = data.endswith(_END_OF_MESSAGE)
        self.cut()

    def _read(self) -> bytes:
        while self.slow:
            time.sleep(_POLL_SECONDS)
        return self.server.recv(_READ_BYTES)

    def _while_silent(self) -> None:
        while self.silent:
            time.sleep(_POLL_SECONDS)
