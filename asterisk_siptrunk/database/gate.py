"""The daemon's way to the database: open, or closed while the database is away.

The first work that finds it away closes the gate. Whatever comes then is told so at once, and
waits for no lock and no network: a caller waits three seconds at most. What must be written later
is kept here in its order, and the gate opens again only when all of it is written: nobody can
overtake it.
"""

import asyncio
import logging
from collections import deque
from itertools import islice
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection

from asterisk_siptrunk.call.lease import Lease
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.thread import DatabaseThread, Work
from asterisk_siptrunk.errors import DatabaseUnavailable

T = TypeVar("T")

RETRY_SECONDS = 0.5
"""Between two attempts to reach a database that is away."""
MOST_TOGETHER = 200
"""Pieces of late work in one transaction: some 20 ms of a lock that others wait for."""

log = logging.getLogger(__name__)


class Submit(Protocol):
    """A way to have work done in a transaction: a gate's, or the one behind a closed gate."""

    def __call__(self, work: Work[T]) -> "asyncio.Future[T]": ...  # noqa: D102


class Keeper(Protocol):
    """Who knows what is to be done when the gate closes and before it opens."""

    def closing(self) -> None:
        """The database is away."""

    async def returning(self, submit: Submit) -> None:
        """The database is back, and all late work is written; what `submit` is given goes first.

        Raises:
            DatabaseUnavailable: it is away again.
        """

    def opened(self) -> None:
        """Everybody may use the database again."""


class Gate:
    """Passes work on to the database while that is there."""

    def __init__(
        self,
        short: LoopDatabase | DatabaseThread,
        thread: DatabaseThread,
        lease: Lease,
        keeper: Keeper,
    ) -> None:
        self._short = short
        self._thread = thread
        self._lease = lease
        self._keeper = keeper
        self._loop = asyncio.get_running_loop()
        self._late: deque[Work[Any]] = deque()
        self._away = ""
        self._closed = asyncio.Event()
        self._closed_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the database is there, as far as is known, and this server counts as alive."""
        if not self._away and not self._lease.stands(self._loop.time()):
            self.close("this server gave no sign of life for too long")
        return not self._away

    @property
    def away_seconds(self) -> float:
        """How long the gate has been closed."""
        return self._loop.time() - self._closed_at if self._away else 0.0

    def submit(self, work: Work[T]) -> "asyncio.Future[T]":
        """Have short work done, see `LoopDatabase.submit`; a closed gate fails it at once."""
        return self._watched(self._short.submit(work)) if self.is_open else self._refused()

    def submit_long(self, work: Work[T]) -> "asyncio.Future[T]":
        """Have work done in the thread; see `DatabaseThread.submit`."""
        return self._watched(self._thread.submit(work)) if self.is_open else self._refused()

    def aside(self, work: Work[T]) -> "asyncio.Future[T]":
        """Have work done in the thread that closes the gate for nobody, whatever it meets."""
        return self._thread.submit(work) if self.is_open else self._refused()

    def later(self, work: Work[Any]) -> None:
        """Have work done when the database is back; none may go before it."""
        self._late.append(work)

    def close(self, reason: str) -> None:
        """The database is away."""
        if self._away:
            return
        self._away = reason
        self._closed_at = self._loop.time()
        log.error("Admission goes on by memory, usage waits: %s", reason)
        self._keeper.closing()
        self._closed.set()

    async def run(self) -> None:
        """Reopen the gate whenever the database is back; runs until it is cancelled."""
        while True:
            await self._closed.wait()
            if not await self._reopen():
                await asyncio.sleep(RETRY_SECONDS)

    async def finish(self) -> None:
        """Write what waits, if the database is back; to be called when nothing more comes."""
        if self._away:
            await self._reopen()

    async def _reopen(self) -> bool:
        """Try to write what waits, and to open; whether that was done."""
        try:
            await self._write_late()
            await self._keeper.returning(self._thread.submit)
            # What was decided on meanwhile. One sign of life is enough: under a flood calls are
            # decided on in every moment that it takes, and the gate would never open.
            await self._write_late()
        except DatabaseUnavailable:
            return False
        log.warning("The database is back after %.1f s.", self.away_seconds)
        self._away = ""
        self._closed.clear()
        self._keeper.opened()
        return True

    async def _write_late(self) -> None:
        while self._late:
            await self._write_some()

    async def _write_some(self) -> None:
        some = list(islice(self._late, MOST_TOGETHER))
        try:
            await self._thread.submit(lambda connection: _all(connection, some))
        except DatabaseUnavailable:
            raise
        except Exception:  # noqa: BLE001 - told of below
            # A defect in one piece must not keep the others out: each by itself, that one let go.
            await self._write_each(some)
        for _ in some:
            self._late.popleft()

    async def _write_each(self, some: list[Work[Any]]) -> None:
        for work in some:
            try:
                await self._thread.submit(work)
            except DatabaseUnavailable:
                raise
            except Exception:
                log.exception("What was decided while the database was away cannot be written")

    def _watched(self, future: "asyncio.Future[T]") -> "asyncio.Future[T]":
        if future.done():  # done in the loop: nothing went wrong
            return future
        future.add_done_callback(self._hear)
        return future

    def _hear(self, future: "asyncio.Future[Any]") -> None:
        if future.cancelled():
            return
        error = future.exception()
        if isinstance(error, DatabaseUnavailable):
            self.close(str(error))

    def _refused(self) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._loop.create_future()
        future.set_exception(DatabaseUnavailable(self._away))
        return future


def _all(connection: Connection, works: list[Work[Any]]) -> None:
    for work in works:
        work(connection)
