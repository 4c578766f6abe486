"""A scripted peer that speaks AMI, or breaks its rules, on a loopback port."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

Answer = Callable[[dict[str, str]], bytes | None]
"""What is said to an action (its fields); None says nothing."""

BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def success(action: dict[str, str], **fields: str) -> bytes:
    return message(Response="Success", ActionID=action["ActionID"], **fields)


def error(action: dict[str, str], text: str) -> bytes:
    return message(Response="Error", ActionID=action["ActionID"], Message=text)


def message(**fields: str) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n"


class Peer:
    """Takes connections one after another; `actions` are all that it was asked, in order."""

    def __init__(
        self,
        answer: Answer = success,
        *,
        after_login: bytes | None = None,
        piece: int = 0,
        banner: bytes = BANNER,
    ) -> None:
        self._answer = answer
        self._after_login = after_login
        self._piece = piece
        self._banner = banner
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None] | None] = []
        self.actions: list[dict[str, str]] = []
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*filter(None, self._serving))

    def send(self, data: bytes) -> None:
        """Say something, unasked, on the newest connection."""
        self._writers[-1].write(data)

    def cut(self) -> None:
        """Close the newest connection."""
        self._writers[-1].close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        self._serving.append(asyncio.current_task())
        writer.write(self._banner)
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                await self._take(dict(_pairs(text)), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _take(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        self.actions.append(action)
        if (said := self._answer(action)) is not None:
            writer.write(said)
        if action["Action"] == "Login" and self._after_login is not None:
            for piece in _pieces(self._after_login, self._piece):
                writer.write(piece)
                await writer.drain()
            writer.close()


def _pairs(text: str) -> list[tuple[str, str]]:
    lines = [line for line in text.split("\r\n") if line]
    return [(key, value) for key, _, value in (line.partition(": ") for line in lines)]


def _pieces(data: bytes, size: int) -> list[bytes]:
    size = size or len(data) or 1
    return [data[start : start + size] for start in range(0, len(data), size)]
