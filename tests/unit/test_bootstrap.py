"""What the service does to follow an apply of another server."""

import sqlite3
from contextlib import closing

import pytest

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.errors import ConfigurationError, DatabaseUnavailable


@pytest.fixture
def settings(tmp_path, sqlite_url):
    file = tmp_path / "siptrunk.toml"
    file.write_text(f'[database]\nurl = "{sqlite_url}"\n[asterisk]\nconfig_dir = "{tmp_path}"\n')
    return file


def test_a_copy_of_the_settings_that_only_the_service_sees_goes_into_no_dialplan(
    settings, monkeypatch
):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/siptrunk.service")
    monkeypatch.setenv("SIPTRUNK_AGI_PROCESS", "true")
    with pytest.raises(ConfigurationError, match="config apply --here"):
        bootstrap._bring(settings)


def test_nothing_is_made_of_a_database_that_a_newer_program_has(settings, sqlite_url):
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseUnavailable, match="newer"):
        bootstrap._bring(settings)
