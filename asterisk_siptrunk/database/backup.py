"""Backup and restore of the SQLite file, while it is in use.

A backup is one view of the database: a reading transaction is held while the pages are copied, so
that whatever is written meanwhile neither stands in it by half nor makes the copy begin anew, and
nobody who writes waits for it (WAL).
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import URL, Engine, create_engine, func, make_url, select

from asterisk_siptrunk.database import schema
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import call, provider
from asterisk_siptrunk.errors import DatabaseUnavailable, InvalidInput
from asterisk_siptrunk.whole_file import whole_file

PAGES_AT_ONCE = 256
"""A megabyte: between two pieces the progress is told."""
_FILE_MODE = 0o660
_BUSY_SECONDS = 5.0
# Where SQLite locks (its os.h): whoever has the database open holds a lock on these bytes of the
# file, and on this one of the index of its log, whether it is at work or not.
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510
_DEAD_MAN_SWITCH = 128

Progress = Callable[[int], None]
"""Told how many bytes are copied."""


@dataclass(frozen=True, slots=True)
class BackupContent:
    """What a backup holds; `last` is when its newest call began, None where it has none."""

    standing: schema.Standing
    calls: int
    last: datetime | None


def back_up(url: str, target: Path, progress: Progress) -> None:
    """Write the database as it stands now to a file of its own; who may read it: its owner.

    The file takes its name when it is whole, checked and on the disk.

    Raises:
        InvalidInput: the database is none of SQLite's, or the file cannot be written.
        DatabaseUnavailable: the database cannot be read.
    """
    source = place_of(url)
    if target.exists() and source.exists() and target.samefile(source):
        raise InvalidInput(f"{target} is the database itself; give another file.")
    with (
        _writing(target),
        _whole_database(target) as fresh,
        _told_as_ours(source),
        closing(_opened(source, "rw")) as database,
    ):
        _copy(database, fresh, progress)


def content(backup: Path) -> BackupContent:
    """Look into a backup, all of it.

    Raises:
        InvalidInput: it is none of ours, or damaged.
        DatabaseUnavailable: a newer program made it.
    """
    if not backup.is_file():
        raise InvalidInput(f"{backup} is not there, or is no file.")
    try:
        with closing(_opened(backup, "ro")) as database:
            _require_whole(database, backup)
    except sqlite3.Error as error:
        raise InvalidInput(f"{backup} is no backup of siptrunk: {error}.") from None
    engine = _looking_into(backup)
    try:
        return _content(engine, backup)
    finally:
        engine.dispose()


def restore(url: str, backup: Path, kept: str, progress: Progress) -> Path | None:
    """Put a backup, which `content` was asked about, in the database's place.

    What stood there stays beside it, with `kept` behind its name; gives where, None where nothing
    was. At no moment does another log stand beside the file.

    Raises:
        InvalidInput: the database is none of SQLite's.
        DatabaseUnavailable: somebody uses it, or it cannot be written.
    """
    place = place_of(url)
    with _writing(place), _nobody_at(place), _whole_database(place) as fresh:
        with _told_as_ours(backup), closing(_opened(backup, "ro")) as database:
            _copy(database, fresh, progress)
        like = place if place.exists() else place.parent
        os.chown(fresh, like.stat().st_uid, like.stat().st_gid)
        fresh.chmod(_FILE_MODE)
        old = place.with_name(place.name + kept)
        there = place.exists()
        # The file first: while it is not there, nobody writes, and nobody makes another.
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                place.with_name(place.name + ending).rename(f"{old}{ending}")
        place.with_name(f"{place.name}-shm").unlink(missing_ok=True)
    return old if there else None


def place_of(url: str) -> Path:
    """Where the file of an SQLite database is.

    Raises:
        InvalidInput: the database is none.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise InvalidInput(
            "The database is PostgreSQL's, which has its own: 'pg_dump --format=custom' makes a "
            "backup while it is in use, and pg_restore puts it back."
        )
    return Path(parsed.database or "").absolute()


def _opened(file: Path, mode: str) -> sqlite3.Connection:
    address = f"{file.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _copy(database: sqlite3.Connection, fresh: Path, progress: Progress) -> None:
    """Copy a database as it is at this moment, and make sure of the copy."""
    (page,) = database.execute("PRAGMA page_size").fetchone()
    database.execute("BEGIN")
    database.execute("SELECT count(*) FROM sqlite_master").fetchone()  # the view begins here
    with closing(sqlite3.connect(fresh, isolation_level=None)) as copy:
        database.backup(
            copy,
            pages=PAGES_AT_ONCE,
            progress=lambda _status, left, total: progress((total - left) * page),
        )
        # One file, without a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE").fetchone()
        _require_whole(copy, fresh)
    with fresh.open("rb") as written:
        os.fsync(written.fileno())


def _require_whole(database: sqlite3.Connection, file: Path) -> None:
    found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise InvalidInput(f"{file} is damaged: {found}.")


def _looking_into(backup: Path) -> Engine:
    """An engine that changes nothing: `open_engine` would make it a database with a log."""
    url = URL.create("sqlite", database=str(backup))
    return create_engine(url, creator=lambda: _opened(backup, "ro"), hide_parameters=True)


def _content(engine: Engine, backup: Path) -> BackupContent:
    schema.refuse_newer(engine)
    standing = schema.standing(engine)
    try:
        with reading(engine) as connection:
            connection.execute(select(provider.c.id)).one()
            calls, last = connection.execute(
                select(func.count(), func.max(call.c.started_at))
            ).one()
    except DatabaseUnavailable:
        standing = schema.Standing.MISSING
    if standing is schema.Standing.MISSING:
        raise InvalidInput(f"{backup} is a database of SQLite, and none of siptrunk's.")
    return BackupContent(standing, calls, last)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InvalidInput(f"{target} cannot be written: {error.strerror}.") from None


@contextmanager
def _whole_database(target: Path) -> Iterator[Path]:
    """A `whole_file`, whatever SQLite put beside it."""
    with whole_file(target) as fresh:
        try:
            yield fresh
        finally:
            for ending in ("-journal", "-wal", "-shm"):
                Path(f"{fresh}{ending}").unlink(missing_ok=True)


@contextmanager
def _told_as_ours(file: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseUnavailable(f"{file} cannot be copied: {error}.") from None


@contextmanager
def _nobody_at(place: Path) -> Iterator[None]:
    """Make sure that nobody has the database open, and that nobody opens it meanwhile.

    Not by SQLite itself: what is to be replaced may be damaged, or gone but for its log.
    """
    with _opened_if_there(place) as file, _opened_if_there(_index(place)) as index:
        try:
            if file is not None:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
            if index is not None:
                fcntl.lockf(index, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _DEAD_MAN_SWITCH)
        except (BlockingIOError, PermissionError):
            raise DatabaseUnavailable(
                f"{place} is in use: stop what uses it first, as in 'systemctl stop siptrunk'. "
                "Calls go on by each trunk's away policy meanwhile."
            ) from None
        yield


def _index(place: Path) -> Path:
    return place.with_name(f"{place.name}-shm")


@contextmanager
def _opened_if_there(path: Path) -> Iterator[BinaryIO | None]:
    """The file, open; None where there is none."""
    try:
        file = path.open("r+b")
    except FileNotFoundError:
        yield None
        return
    with file:
        yield file
