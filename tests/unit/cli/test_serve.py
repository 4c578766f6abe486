"""`siptrunk serve`, up to where the service itself begins."""

import sqlite3

import pytest

from asterisk_siptrunk import bootstrap, daemon


@pytest.fixture
def served(monkeypatch):
    """The servers whose service began."""
    begun = []
    monkeypatch.setattr(
        daemon, "run", lambda settings, *_others: begun.append(settings.asterisk.server)
    )
    return begun


def test_serve_begins_on_a_database_that_is_ready(siptrunk, asterisk, served):
    del asterisk
    assert siptrunk("serve").stderr == ""
    assert served == ["asterisk"]


@pytest.mark.parametrize("schema", ["empty", "older"])
def test_serve_says_at_once_that_the_schema_is_not_its_own(siptrunk, served, tmp_path, schema):
    if schema == "empty":
        (tmp_path / "siptrunk.db").write_bytes(b"")
    else:
        database = sqlite3.connect(tmp_path / "siptrunk.db")
        with database:
            database.execute("UPDATE alembic_version SET version_num = '0000'")
        database.close()
    told = siptrunk("serve", fails=1).stderr
    assert "not that of this program: run 'siptrunk init'" in told
    assert served == []


def test_serve_warns_of_an_asterisk_of_another_name(siptrunk, asterisk, served, monkeypatch):
    del asterisk
    monkeypatch.setattr(bootstrap, "system_name", lambda _settings: "pbx9")
    told = siptrunk("serve").stderr
    assert "Asterisk calls itself 'pbx9', [asterisk] server is 'asterisk'" in told
    assert served == ["asterisk"]


def test_serve_does_without_asterisk(siptrunk, served):
    siptrunk.environment["SIPTRUNK_AMI_PORT"] = "1"
    assert "calls itself" not in siptrunk("serve").stderr
    assert served == ["asterisk"]
