"""Connections: SQLite made safe for several processes, and PostgreSQL, behind one function."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    InvalidatePoolError,
    NoSuchModuleError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import ConnectionPoolEntry

from asterisk_siptrunk.errors import DatabaseUnavailable, SettingsError

# How long one statement waits for another process's transaction. Ours take well under a
# millisecond; whoever holds the lock for longer than this is stuck, and the dialplan, which waits
# three seconds in all, must hear of it in time.
SQLITE_BUSY_SECONDS = 1.5
# Likewise for PostgreSQL: connecting, and a statement that waits for a lock.
POSTGRESQL_CONNECT_SECONDS = 2
POSTGRESQL_STATEMENT_MILLISECONDS = 1500
# A server that is cut off, or frozen, in mid-transaction must not keep a trunk locked for others.
POSTGRESQL_IDLE_MILLISECONDS = 2000
# A network that swallows everything ends no connection by itself for a quarter of an hour: what was
# sent must be acknowledged in this time, and a connection that is silent is probed (tcp(7)).
_POSTGRESQL_NETWORK = {
    "tcp_user_timeout": 3000,  # milliseconds
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
}

# How long a thread waits for one of its engine's connections, where others have them all.
POOL_SECONDS = 5.0

# A connection that was used this little ago is taken for one that stands: to ask it costs an
# admission a sixth of its time.
POSTGRESQL_FRESH_SECONDS = 1.0

FileIdentity = tuple[int, int]
"""Device and inode."""

_NO_TABLE = "does not exist"
# What psycopg says where there is nobody to talk to, or who will not talk to us.
_CONNECTING = re.compile("connection (?:failed|timeout|is|was|to)|closed the connection|resolve")
_CONNECT_ADVICE = (
    "See that PostgreSQL runs there and lets this account in ('psql' with the same user, host and "
    "name); its address is [database] url, its password comes from PGPASSWORD or ~/.pgpass."
)


def open_engine(url: str, *, patient: bool = False, wait: float = SQLITE_BUSY_SECONDS) -> Engine:
    """Make the engine for a database URL; it connects on first use.

    `patient` is for commands that may work long in one statement: no statement time limit. `wait`
    is how many seconds SQLite waits for another's transaction.

    Raises:
        SettingsError: the URL is not one, or names another kind of database.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed, wait)
    return _postgresql(parsed, patient=patient)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "[database] url is not a URL; give sqlite:////path/to/siptrunk.db or "
            "postgresql+psycopg://user@host/name."
        ) from None
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise SettingsError(
            f"[database] url: {parsed.drivername} is not supported; use sqlite or postgresql."
        )
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _sqlite(url: URL, wait: float) -> Engine:
    file = _file_at(Path(url.database or "").absolute())

    def connect() -> SqliteConnection:
        file.refuse_mixture()
        # mode=rw: a file that is lost must be told, and not be made anew, empty.
        address = f"{file.path.as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, timeout=wait, check_same_thread=False)

    def refuse_replaced(_driver: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        now = identity(engine)
        if record.info.setdefault("file", now) != now:
            raise DisconnectionError("another file stands at the database's path")

    engine = create_engine(url, creator=connect, hide_parameters=True, pool_timeout=POOL_SECONDS)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "checkout", refuse_replaced)
    return engine


@cache
def _file_at(path: Path) -> "_File":
    """One for all engines of this process: what one of them opened, the others must know."""
    return _File(path)


class _File:
    """The file that connections open, watched for another one in its place."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: FileIdentity | None = None

    def refuse_mixture(self) -> None:
        """Refuse a file that was put there under way: SQLite would write the old one's log into it.

        Raises:
            DatabaseUnavailable: what to do.
        """
        now = _identity(str(self.path))
        if now is None:  # SQLite itself says so, and the one that was known may come back
            return
        log = self.path.with_name(f"{self.path.name}-wal")
        if self._known not in {None, now} and log.exists():
            raise DatabaseUnavailable(
                f"Another file was put at {self.path}, and the log of the one before is still "
                f"beside it: together they would be damaged. Stop siptrunk, remove {log.name} and "
                f"{self.path.name}-shm, and start it again."
            )
        self._known = now


def identity(engine: Engine) -> FileIdentity | None:
    """Which file a SQLite database's path leads to now; None where there is none (PostgreSQL).

    A connection goes on with the file that it opened, even if that was deleted, or replaced by a
    backup: what is written there is lost.
    """
    return _identity(engine.url.database or "") if engine.dialect.name == "sqlite" else None


def _identity(path: str) -> FileIdentity | None:
    try:
        # Not Path.stat(): each admission asks, and that costs as much again.
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    # The driver must not begin transactions by itself: it would begin them DEFERRED, and two
    # processes that read before they write would both be refused.
    connection.isolation_level = None
    # A power cut may lose the last transactions in WAL with NORMAL, never damage the file; the
    # call journal on disk has those calls, and is read again at the next start.
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _postgresql(url: URL, *, patient: bool) -> Engine:
    statement = 0 if patient else POSTGRESQL_STATEMENT_MILLISECONDS
    idle = 0 if patient else POSTGRESQL_IDLE_MILLISECONDS
    arguments: dict[str, Any] = {
        "connect_timeout": POSTGRESQL_CONNECT_SECONDS,
        "options": f"-c timezone=UTC -c statement_timeout={statement} "
        f"-c idle_in_transaction_session_timeout={idle}",
        **_POSTGRESQL_NETWORK,
    }
    try:
        engine = create_engine(
            url, connect_args=arguments, hide_parameters=True, pool_timeout=POOL_SECONDS
        )
    except (ImportError, NoSuchModuleError):
        raise SettingsError("PostgreSQL needs its driver: pip install 'psycopg[binary]'.") from None
    _replace_lost(engine)
    return engine


def _replace_lost(engine: Engine) -> None:
    """Have connections that were lost while nobody used them replaced without a word."""

    def note(_driver: object, record: ConnectionPoolEntry) -> None:
        record.info["used"] = monotonic()

    def refuse(driver: Any, record: ConnectionPoolEntry, _proxy: object) -> None:  # noqa: ANN401 - a driver's
        idle = monotonic() - record.info.get("used", monotonic())
        if driver.closed or (idle > POSTGRESQL_FRESH_SECONDS and not _answers(engine, driver)):
            raise InvalidatePoolError("the connection was lost")

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", refuse)


def _answers(engine: Engine, driver: Any) -> bool:  # noqa: ANN401 - a driver's connection
    module: Any = engine.dialect.loaded_dbapi
    try:
        return engine.dialect.do_ping(driver)
    except module.Error:
        return False


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction: all of it or nothing.

    Raises:
        DatabaseUnavailable: it cannot be reached, is locked, full, read-only or not set up.
    """
    with unavailable_if_broken(engine), engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            # Here and not by an event of the engine, which would cost every statement some
            # microseconds.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def be_brief(connection: Connection) -> None:
    """Keep a transaction of a patient engine from keeping others, and from waiting for them, long.

    SQLite waits for `SQLITE_BUSY_SECONDS` in any case.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = {POSTGRESQL_STATEMENT_MILLISECONDS}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {POSTGRESQL_IDLE_MILLISECONDS}"
        )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One view of the database that takes no write lock.

    Raises:
        DatabaseUnavailable: as in `transaction`.
    """
    with unavailable_if_broken(engine), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        yield connection


@contextmanager
def unavailable_if_broken(engine: Engine) -> Iterator[None]:
    """Turn complaints about the database itself into ours: SQLAlchemy's, and a driver's own."""
    driver: Any = engine.dialect.loaded_dbapi
    try:
        yield
    except (DBAPIError, driver.Error) as error:
        complaint = error.orig if isinstance(error, DBAPIError) else error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if lost or _is_about_the_database(driver, complaint):
            raise DatabaseUnavailable(_explain(engine, str(complaint))) from None
        raise
    except NoConnectionFree:
        raise DatabaseUnavailable(
            f"All connections to the database {describe(engine)} are in use: try again in a moment."
        ) from None


def _is_about_the_database(driver: Any, complaint: BaseException | None) -> bool:  # noqa: ANN401 - a module
    # A table that is missing is an OperationalError on SQLite and none on PostgreSQL; a file that
    # is damaged, or no database at all, is SQLite's bare DatabaseError.
    return (
        isinstance(
            complaint, driver.OperationalError | driver.InternalError | driver.InterfaceError
        )
        or type(complaint) is driver.DatabaseError
        or _NO_TABLE in str(complaint)
        or "permission denied" in str(complaint)
    )


def _explain(engine: Engine, complaint: str) -> str:
    said = complaint.strip().partition("\n")[0] or "no answer"
    if "no such table" in said or _NO_TABLE in said:
        return f"The database {describe(engine)} is not set up yet: run 'siptrunk init'. ({said})"
    if engine.dialect.name == "sqlite" and identity(engine) is None:
        return (
            f"The database {describe(engine)} is not there: run 'siptrunk init' if it never was, "
            "else put it back."
        )
    advice = f" {_CONNECT_ADVICE}" if _CONNECTING.search(said) else ""
    return f"The database {describe(engine)} cannot be used: {said.removesuffix('.')}.{advice}"


def describe(engine: Engine) -> str:
    """Name the database for people, without its password."""
    if engine.url.get_backend_name() == "sqlite":
        return str(Path(engine.url.database or ":memory:"))
    return engine.url.render_as_string(hide_password=True)
