"""The schema is made by migrations alone, and they make what the tables say."""

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.database import provider, schema
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import customer, metadata
from asterisk_siptrunk.errors import DatabaseUnavailable, SettingsError
from tests.conftest import SETUP


def is_no_partition(name, kind, _parents):
    return kind != "table" or not name.startswith("call_")


def test_the_migrations_make_what_the_tables_say(engine):
    options = {"compare_type": True, "include_name": is_no_partition}
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_an_upgrade_of_what_is_at_the_head_keeps_everything(engine):
    schema.upgrade(engine)
    with transaction(engine) as connection:
        assert not provider.begin(connection)


def test_the_place_of_the_database_is_closed_to_others(tmp_path):
    file = tmp_path / "new" / "calls.db"
    schema.make_place(f"sqlite:///{file}")
    assert stat.S_IMODE(file.stat().st_mode) == 0o660
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o770


def test_a_database_of_a_newer_program_is_left_alone(sqlite_url):
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnavailable, match="Upgrade siptrunk here, too"):
        schema.upgrade(engine)
    engine.dispose()


@pytest.mark.parametrize(("there", "said"), [(True, "not set up yet"), (False, "is not there")])
def test_a_database_that_was_not_set_up_says_what_to_do(tmp_path, there, said):
    file = tmp_path / "empty.db"
    if there:
        file.touch()
    engine = open_engine(f"sqlite:///{file}")
    with (
        pytest.raises(DatabaseUnavailable, match=f"{said}.*run 'siptrunk init'"),
        transaction(engine) as connection,
    ):
        provider.begin(connection)
    assert file.exists() is there
    engine.dispose()


def test_a_file_that_is_no_database_says_so(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("no database" * 1000)
    engine = open_engine(f"sqlite:///{file}")
    with pytest.raises(DatabaseUnavailable, match="not a database"), reading(engine):
        pass
    engine.dispose()


def test_a_driver_s_message_never_holds_what_was_being_stored(engine):
    long = "s3cret" * 20
    broken = insert(customer).values(id=1, name=None, title=long, email=long, created_at=SETUP.at)
    with pytest.raises(IntegrityError) as caught, transaction(engine) as connection:
        connection.execute(broken)
    assert "s3cret" not in str(caught.value).partition("DETAIL")[0]


def test_a_database_that_is_not_there_says_so():
    engine = open_engine(f"sqlite:///{Path('/nowhere/at/all.db')}")
    with pytest.raises(DatabaseUnavailable, match=r"/nowhere/at/all\.db"), reading(engine):
        pass
    engine.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/name"])
def test_other_databases_are_refused(url):
    with pytest.raises(SettingsError):
        open_engine(url)


def test_a_message_never_holds_the_password():
    engine = open_engine("postgresql+psycopg://user:s3cret@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as caught, reading(engine):
        pass
    assert "s3cret" not in str(caught.value)
    engine.dispose()
