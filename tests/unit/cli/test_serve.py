"""`siptrunk serve`, up to where the service itself begins."""

import pytest

from asterisk_siptrunk import bootstrap, daemon
from tests.unit.cli.doctoring import at_step


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
        at_step(tmp_path / "siptrunk.db", "0000")
    told = siptrunk("serve", fails=1).stderr
    assert "not that of this program: run 'siptrunk init'" in told
    assert served == []


@pytest.mark.parametrize(
    "words", [("serve",), ("init",), ("trunk", "list"), ("call", "list"), ("config", "plan")]
)
def test_nothing_touches_the_database_of_a_newer_program(siptrunk, served, tmp_path, words):
    at_step(tmp_path / "siptrunk.db", "9999")
    before = (tmp_path / "siptrunk.db").read_bytes()
    told = siptrunk(*words, fails=1).stderr
    assert "is of step 9999" in told
    assert "Upgrade siptrunk here, too." in told
    assert (tmp_path / "siptrunk.db").read_bytes() == before
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
