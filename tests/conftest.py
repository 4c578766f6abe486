"""Databases for tests: an SQLite file, and a real PostgreSQL where the test asks for it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine, text

from asterisk_siptrunk.database import pbxs, provider, rules, schema
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.tables import metadata
from tests.lab.postgresql import PostgresServer

# A deadline would fail tests on a machine that is busy; pytest's own timeout ends what hangs.
settings.register_profile("siptrunk", deadline=None)
settings.load_profile("siptrunk")

SETUP = By("setup", datetime(2026, 11, 23, 8, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server for all tests; each makes a database of its own in it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def one_postgresql(postgresql: PostgresServer) -> str:
    """One database for all tests, emptied before each: to make one takes 0.3 s."""
    url = postgresql.create_database("siptrunk")
    set_up(url)
    return url


@pytest.fixture(scope="session")
def fresh_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `siptrunk init` leaves it, to be copied."""
    file: Path = tmp_path_factory.mktemp("sqlite") / "fresh.db"
    set_up(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(fresh_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database of the test's own."""
    return f"sqlite:///{shutil.copy(fresh_sqlite, tmp_path / 'siptrunk.db')}"


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)],
)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh database of the test's own, once of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    url = str(request.getfixturevalue("one_postgresql"))
    _empty(url)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The engine of that database."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def set_up(url: str) -> None:
    """As `siptrunk init` leaves a database."""
    schema.make_place(url)
    engine = open_engine(url)
    schema.upgrade(engine)
    _begin(engine)
    engine.dispose()


def _begin(engine: Engine) -> None:
    with transaction(engine) as connection:
        provider.begin(connection)
        rules.store_defaults(connection, SETUP)
        pbxs.store_shipped(connection)


def _empty(url: str) -> None:
    engine = open_engine(url)
    names = ", ".join(f'"{name}"' for name in metadata.tables)
    with transaction(engine) as connection:
        connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    _begin(engine)
    engine.dispose()
