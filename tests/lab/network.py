"""Networks of our own, whose links are really cut: namespaces, and pairs of virtual interfaces."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import sandbox
from tests.lab.places import Place, Program
from tests.lab.postgresql import USER, PostgresServer
from tests.lab.processes import Child, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_NETWORK = 0x4000_0000  # CLONE_NEWNET of <sched.h>; os.unshare() came with Python 3.12
_libc = ctypes.CDLL(None, use_errno=True)
_POLL_SECONDS = 0.01


@contextmanager
def own_network() -> Iterator[None]:
    """Put this thread, and all that it starts, into a network of nothing but loopback.

    A card that leads nowhere is there too: Asterisk takes its id from one that has an address.
    """
    with Path("/proc/thread-self/ns/net").open() as before:
        _require(_libc.unshare(_NEW_NETWORK))
        try:
            _ip("link", "set", "lo", "up")
            _ip("link", "add", "card", "type", "veth", "peer", "name", "nowhere")
            _ip("address", "add", "10.77.0.1/32", "dev", "card")
            yield
        finally:
            _require(_libc.setns(before.fileno(), _NEW_NETWORK))


def _require(status: int) -> None:
    if status:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _ip(*words: str, at: tuple[str, ...] = ()) -> None:
    subprocess.run([*at, "ip", *words], check=True)


class Island(Running):
    """Another network, a neighbour of ours, as a context manager; programs are put there."""

    def __init__(self, folder: Path) -> None:
        self._child = Child(("unshare", "--net", "sleep", "infinity"), output=folder / "island")
        self.entry = ("nsenter", "--target", str(self._child.pid), "--net")

    @property
    def pid(self) -> int:
        """Of the process that keeps it."""
        return self._child.pid

    def begin(self) -> None:
        """Wait until it is a network of its own."""
        ours = Path("/proc/thread-self/ns/net").readlink()
        while Path(f"/proc/{self.pid}/ns/net").readlink() == ours:
            time.sleep(_POLL_SECONDS)
        _ip("link", "set", "lo", "up", at=self.entry)

    def close(self) -> None:
        """Let it sink; its links go with it."""
        self._child.close()


@dataclass(frozen=True)
class _IslandPlace(Place):
    entry: tuple[str, ...] = ()

    def command(self, *argv: str, user: str | None = None) -> tuple[str, ...]:
        return (*self.entry, *super().command(*argv, user=user))


def on_island(program: Program, island: Island) -> Program:
    """The same program, run there."""
    return replace(program, place=_IslandPlace(program.place.root, island.entry))


def lay_link(number: int, island: Island) -> None:
    """Lay a link: we are 10.77.NUMBER.1, the island is 10.77.NUMBER.2."""
    here, there = f"here{number}", f"there{number}"
    pair = ("type", "veth", "peer", "name", there, "netns", str(island.pid))
    _ip("link", "add", here, *pair)
    for name, end, at in ((here, 1, ()), (there, 2, island.entry)):
        _ip("address", "add", f"10.77.{number}.{end}/24", "dev", name, at=at)
        _ip("link", "set", name, "up", at=at)


class PacketFilter:
    """The packet filter of the network that we are in, by its rules; it goes with the network."""

    def __init__(self) -> None:
        self._nft = sandbox.nft()

    def load(self, rules: str) -> None:
        """Put rules in force."""
        self._run("-f", "-", rules=rules)

    def dropped(self, what: str) -> int:
        """Packets that the rules of siptrunk dropped, by the name of their counter."""
        told = self._run("list", "counter", "inet", "siptrunk", f"{what}_dropped")
        return int(re.search(r"packets (\d+)", told)[1])  # type: ignore[index] # or the test fails

    def _run(self, *words: str, rules: str = "") -> str:
        command = self._nft.command(*words)
        return subprocess.run(
            command, input=rules, check=True, text=True, stdout=subprocess.PIPE
        ).stdout


class IslandPostgres(PostgresServer):
    """A database server on an island: it is reached by links."""

    def __init__(self, island: Island) -> None:
        super().__init__(listen_addresses="*")
        self.island = island
        self.program = on_island(self.program, island)
        self.place = self.program.place
        trusting = self.directory / "hba"
        trusting.write_text("host all all 0.0.0.0/0 trust\n")
        self._settings["hba_file"] = self.place.short(trusting)


class Link(Running):
    """A way from here to the database server on its island, as a context manager."""

    def __init__(self, database: IslandPostgres, number: int) -> None:
        self._database = database
        self._number = number

    def url(self, name: str) -> str:
        """The URL of a database by this way."""
        return f"postgresql+psycopg://{USER}@10.77.{self._number}.2:{self._database.port}/{name}"

    def begin(self) -> None:
        """Lay it."""
        lay_link(self._number, self._database.island)

    def close(self) -> None:
        """It goes with the networks that it connects."""

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Nothing that is sent arrives, and nobody is told."""
        _ip("link", "set", self._there, "down", at=self._database.island.entry)
        yield
        _ip("link", "set", self._there, "up", at=self._database.island.entry)

    @property
    def _there(self) -> str:
        return f"there{self._number}"
