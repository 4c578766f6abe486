"""The database file locked, full, read-only, lost."""

import errno
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.asterisk.conftest import Faulty
from tests.lab.promises import Fault, hold_to_promises

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

ON = "nothing: the service goes on from its memory, then the dialplan by itself"
BLOCK = b"x" * 65_536


def files(disk: Path) -> list[Path]:
    """The database and its log."""
    return sorted(disk.glob("siptrunk.db*"))


@contextmanager
def locked(disk: Path) -> Iterator[None]:
    with closing(sqlite3.connect(disk / "siptrunk.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(BLOCK)
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - it is what ends the loop
        yield
    filler.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """Not by its mode, which root does not mind."""
    names = list(map(str, files(disk)))
    subprocess.run(["chattr", "+i", *names], check=True)
    yield
    subprocess.run(["chattr", "-i", *names], check=True)


@contextmanager
def lost(disk: Path) -> Iterator[None]:
    """The database itself goes first, and comes back last: who opens it must find its log."""
    away = disk / "away"
    away.mkdir()
    gone = sorted(files(disk), key=lambda file: len(file.name))
    for file in gone:
        file.rename(away / file.name)
    yield
    for file in reversed(gone):
        (away / file.name).rename(file)
    away.rmdir()


LOCKED = Fault("SQLite file locked", ON, "log, doctor")
FULL = Fault("disk of the database full", ON, "log, doctor")
READ_ONLY = Fault("database file read-only", ON, "log, doctor")
LOST = Fault("database file lost, and put back", ON, "log, doctor")


@pytest.mark.parametrize(
    ("fault_of", "seconds", "fault"),
    [
        pytest.param(locked, 2.5, LOCKED, id="locked"),
        pytest.param(full, 2.0, FULL, id="full"),
        pytest.param(locked, 5.0, LOCKED, id="locked-5s", marks=pytest.mark.soak),
        pytest.param(full, 5.0, FULL, id="full-5s", marks=pytest.mark.soak),
        pytest.param(read_only, 5.0, READ_ONLY, id="read-only-5s", marks=pytest.mark.soak),
        pytest.param(lost, 5.0, LOST, id="lost-5s", marks=pytest.mark.soak),
    ],
)
def test_traffic_goes_on_without_the_file(
    exchange: Faulty,
    fault_of: Callable[[Path], AbstractContextManager[None]],
    seconds: float,
    fault: Fault,
    request: pytest.FixtureRequest,
):
    with exchange.traffic(seconds + 4.5) as traffic:
        traffic.calm(1.0)
        with traffic.fault(), fault_of(exchange.disk):
            traffic.calm(seconds)
        told = traffic.finish()
    hold_to_promises(exchange.provider, told, fault, request.node)
