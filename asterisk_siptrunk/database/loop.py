"""Short work on SQLite, done in the event loop itself: at once, or not at all.

To hand an admission to the thread and back costs as much as the admission does (measured at 200
a second: 0.42 ms of processor time for a whole AGI session, 0.26 ms without the thread). So what
is short is tried here first. It waits for nothing: where the file is locked, or the work fails,
it goes to the thread, which waits, tries again, and tells whoever asked.

No commit syncs to the disk here (WAL, synchronous=NORMAL): it is a write to the page cache.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from asterisk_siptrunk.database.engine import FileIdentity, identity, open_engine
from asterisk_siptrunk.database.thread import DatabaseThread, Job
from asterisk_siptrunk.errors import DatabaseUnavailable

T = TypeVar("T")

# The thread, which writes the journal's calls every other second, copies the log of changes back
# into the file once it has 1,000 pages (SQLite's default), and syncs: here that would stop the
# loop. This is for the case that the thread does not come to it.
CHECKPOINT_PAGES = 20_000


class LoopDatabase:
    """Runs short work in the event loop, as `DatabaseThread.submit` would in its thread."""

    def __init__(self, engine: Engine, thread: DatabaseThread) -> None:
        self._engine = open_engine(str(engine.url), wait=0.0)
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._connection: Connection | None = None
        self._file: FileIdentity | None = None
        self._handed = 0

    def submit(self, work: Callable[[Connection], T]) -> "asyncio.Future[T]":
        """Have work done in a transaction; it may run twice, see `DatabaseThread.submit`.

        The future is done already where the work was.
        """
        job = Job(work, self._loop.create_future())
        # What went to the thread comes first: an end must not overtake its call's admission. What
        # the thread does besides holds nobody up, and it may be writing to a slow disk.
        if not self._handed and self._try(job):
            job.deliver()
        else:
            self._handed += 1
            job.future.add_done_callback(self._back)
            self._thread.take(job)
        return job.future

    def _back(self, _job: "asyncio.Future[Any]") -> None:
        self._handed -= 1

    def close(self) -> None:
        """Let the database go; the next work connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._engine.dispose()

    def _try(self, job: Job) -> bool:
        """Do it in one transaction, or nothing."""
        if self._connection is not None and self._file != identity(self._engine):
            self.close()
        try:
            connection = self._connection = self._connection or self._connect()
            driver: Any = connection.connection.dbapi_connection
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                self.close()
            return False
        except (sqlite3.Error, DBAPIError, DatabaseUnavailable):
            self.close()
            return False
        try:
            outcome = job.work(connection)
            driver.commit()
            connection.commit()  # SQLAlchemy's own notion of it
        except Exception:  # noqa: BLE001 - the thread meets it again, and tells whoever waits
            self.close()
            return False
        job.outcome = (True, outcome)
        return True

    def _connect(self) -> Connection:
        self._file = identity(self._engine)
        connection = self._engine.connect()
        driver: Any = connection.connection.dbapi_connection
        driver.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}").close()
        return connection
