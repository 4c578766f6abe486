"""From the first released schema to this one: every row stays, and the service works on it."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, MetaData, func, select

from asterisk_siptrunk.database import schema
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import metadata
from tests.lab.service import Service

FIRST = "0001"
ROWS = Path(__file__).with_name("first_release.sql")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def first_release(request, tmp_path):
    """A database as the first release left it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/siptrunk.db"
        schema.make_place(url)
    else:
        url = request.getfixturevalue("postgresql").create_database("first_release")
    engine = open_engine(url)
    to_step(engine, FIRST)
    with transaction(engine) as connection:
        for statement in ROWS.read_text().split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement.replace("%", "%%"))
        if engine.dialect.name == "postgresql":
            number_on(connection)
    yield engine
    engine.dispose()


def to_step(engine: Engine, step: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema._MIGRATIONS))
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, step)


def number_on(connection) -> None:
    """Have PostgreSQL's sequences go on behind the rows, which brought their numbers along."""
    for name in ("customer", "carrier", "trunk", "suspension", "rule", "audit", "call"):
        largest = connection.execute(select(func.max(metadata.tables[name].c.id))).scalar_one()
        sequence = func.pg_get_serial_sequence(name, "id")
        connection.execute(select(func.setval(sequence, largest)))


def rows_of(engine: Engine, columns: dict[str, list[str]] | None = None):
    """Every row of every table, as sets of tuples; of these columns, else of all."""
    known = MetaData()
    with reading(engine) as connection:
        known.reflect(connection)
        columns = columns or {
            name: [column.name for column in table.columns]
            for name, table in known.tables.items()
            if name != "alembic_version"
        }
        found = {
            name: {
                tuple(row)
                for row in connection.execute(
                    select(*(known.tables[name].c[column] for column in names))
                )
            }
            for name, names in columns.items()
        }
    return columns, found


def test_every_row_of_the_first_release_is_there_after_init_and_serves(first_release, tmp_path):
    columns, before = rows_of(first_release)
    assert len(before) >= 11
    assert all(before.values())
    url = first_release.url.render_as_string(hide_password=False)
    service = Service(tmp_path, url)
    if schema.newest() != FIRST:
        told = service.run("serve")
        assert (told.returncode, "run 'siptrunk init'" in told.stderr) == (1, True)

    done = service.run("init")
    assert done.returncode == 0, done.stderr
    assert schema.standing(first_release) is schema.Standing.CURRENT
    assert rows_of(first_release, columns)[1] == before

    with service:
        # Three channels: one for inbound calls, one for the call of then that is still open.
        assert "+33612345678@carrier-one" in service.ask("lab-9.1")
        assert '"refused,channels-full' in service.ask("lab-9.2")
    call = service.read("call", "show", "1")
    assert (call["trunk"], call["carrier"], call["callee"]) == ("acme", "one", "+33612345678")
    assert call["billable"] == pytest.approx(60.123456)
    exported = service.run("usage", "export", "--from", "2026-11-01", "--to", "2026-11-10")
    assert exported.returncode == 0, exported.stderr
    assert len(exported.stdout.splitlines()) == 1 + 3
