"""The daemon's one thread for the database: work comes in, one transaction does all that waits.

The event loop never waits for a lock or a disk. Under load the work that came in while one
transaction ran is done together in the next, so the cost of a commit is shared, and nothing
waits longer than it must.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.errors import DatabaseUnavailable

T = TypeVar("T")
Work = Callable[[Connection], T]

# More work in one transaction shares the commit no better, and makes the first of it wait.
MOST_WORK_TOGETHER = 64
# PostgreSQL locks rows, and keeps them locked to the transaction's end: two servers that each
# admit calls of several trunks in one transaction would wait for each other for ever.
MOST_WORK_WITH_ROW_LOCKS = 1


class Job:
    """A piece of work, and the future of the event loop that waits for it."""

    __slots__ = ("future", "outcome", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.outcome: tuple[bool, Any] = (False, None)

    def deliver(self) -> None:
        """Tell whoever waits."""
        if self.future.done():  # whoever waited has gone
            return
        good, value = self.outcome
        if good:
            self.future.set_result(value)
        else:
            self.future.set_exception(value)


class DatabaseThread:
    """Runs work against the database, each piece whole or not at all."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        locks_rows = engine.dialect.name != "sqlite"
        self._most = MOST_WORK_WITH_ROW_LOCKS if locks_rows else MOST_WORK_TOGETHER
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)

    def start(self) -> None:
        """Begin to take work."""
        self._thread.start()

    def stop(self, seconds: float | None = None) -> None:
        """Do the work that is queued, and end; blocks until then, or for so long."""
        self._jobs.put(None)
        self._thread.join(seconds)

    def submit(self, work: Work[T]) -> "asyncio.Future[T]":
        """Have work done in a transaction.

        The work may run twice: if another piece of the same transaction fails, each is done
        again alone. The future raises what the work raised, or DatabaseUnavailable.
        """
        future: asyncio.Future[T] = self._loop.create_future()
        self.take(Job(work, future))
        return future

    def take(self, job: Job) -> None:
        """Have a job done; see `submit`."""
        self._jobs.put(job)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._take()
            if jobs:
                self._do(jobs)
                self._loop.call_soon_threadsafe(_deliver, jobs)

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for work, then take all there is; the flag says that it was the last."""
        jobs: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._most:
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return jobs, False
        return jobs, True

    def _do(self, jobs: Sequence[Job]) -> None:
        try:
            with transaction(self._engine) as connection:
                outcomes = [job.work(connection) for job in jobs]
        except Exception as error:  # noqa: BLE001 - it belongs to whoever gave the work
            self._do_each(jobs, error)
        else:
            for job, outcome in zip(jobs, outcomes, strict=True):
                job.outcome = (True, outcome)

    def _do_each(self, jobs: Sequence[Job], error: Exception) -> None:
        away = isinstance(error, DatabaseUnavailable)
        if away:
            # The next attempt connects anew: another node may be the one that takes writes now.
            self._engine.dispose()
        # A database that is away is away for all of them: were each to wait for that by itself,
        # the last would be answered long after its call went on without us.
        if len(jobs) == 1 or away:
            for job in jobs:
                job.outcome = (False, error)
            return
        for job in jobs:
            self._do([job])


def _deliver(jobs: Sequence[Job]) -> None:
    """Tell all who wait; in the event loop."""
    for job in jobs:
        job.deliver()
