"""Databases for tests: an SQLite file, and a real PostgreSQL where the test asks for it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from asterisk_siptrunk.database import provider, rules, schema
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, transaction
from tests.lab.postgresql import PostgresServer

SETUP = By("setup", datetime(2026, 11, 23, 8, tzinfo=UTC))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server for all tests; each makes a database of its own in it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def fresh_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as `siptrunk init` leaves it, to be copied."""
    file: Path = tmp_path_factory.mktemp("sqlite") / "fresh.db"
    _set_up(f"sqlite:///{file}")
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
    server: PostgresServer = request.getfixturevalue("postgresql")
    url = server.create_database(f"test_{uuid4().hex[:12]}")
    _set_up(url)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The engine of that database."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def _set_up(url: str) -> None:
    schema.make_place(url)
    engine = open_engine(url)
    schema.upgrade(engine)
    with transaction(engine) as connection:
        provider.begin(connection)
        rules.store_defaults(connection, SETUP)
    engine.dispose()
