"""The service's log: whose call a line is about, and that no caller writes lines of its own."""

import json
import logging

import pytest

from asterisk_siptrunk.cli.log import begin_log
from asterisk_siptrunk.settings import LogSettings

FORGED = "0612\r\nERROR siptrunk: all calls lost\x1b[2J\u2028\u202e"
log = logging.getLogger("asterisk_siptrunk.test")


@pytest.fixture
def written(capsys, monkeypatch):
    """What is written with these settings while a call, a peer and a defect are told of."""

    def begun(settings: LogSettings):
        # pytest has handlers of its own there, for each phase of a test.
        monkeypatch.setattr(logging.root, "handlers", [])
        monkeypatch.setattr(logging.root, "level", logging.root.level)
        begin_log(settings)
        log.info("a call to %s", FORGED, extra={"call": "lab-1.1", "trunk": "acme"})
        log.warning("a peer")
        try:
            fail(f"bad: {FORGED}")
        except ValueError:
            log.exception("a defect", extra={"call": FORGED})
        return capsys.readouterr().err.split("\n")[:-1]

    return begun


def fail(words):
    raise ValueError(words)


def test_every_line_of_text_begins_as_one_of_ours(written):
    told = written(LogSettings("text"))
    assert told[0] == (
        "INFO asterisk_siptrunk.test: a call to 0612\\r\\nERROR siptrunk: all calls lost"
        "\\x1b[2J\\u2028\\u202e call=lab-1.1 trunk=acme"
    )
    assert told[1] == "WARNING asterisk_siptrunk.test: a peer"
    assert told[2].startswith("ERROR asterisk_siptrunk.test: a defect call=0612\\r\\nERROR")
    assert "    ValueError: bad: 0612" in told
    assert all(line.startswith("    ") for line in told[3:])
    assert all(line.isprintable() for line in told)


def test_every_line_of_json_is_one_object(written):
    call, peer, defect = map(json.loads, written(LogSettings("json")))
    assert call.pop("at").endswith("+00:00")
    assert call == {
        "level": "info",
        "logger": "asterisk_siptrunk.test",
        "message": f"a call to {FORGED}",
        "call": "lab-1.1",
        "trunk": "acme",
    }
    assert "call" not in peer
    assert "ValueError: bad" in defect["traceback"]


def test_what_is_below_the_level_is_not_written(written):
    told = written(LogSettings(level="warning"))
    assert [line.split()[0] for line in told if not line.startswith(" ")] == ["WARNING", "ERROR"]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [("FORMAT", "xml", "text, json"), ("LEVEL", "loud", "debug, info, warning, error")],
)
def test_what_the_settings_do_not_know(siptrunk, key, value, said):
    siptrunk.environment[f"SIPTRUNK_LOG_{key}"] = value
    assert f"give one of {said}" in siptrunk("serve", fails=1).stderr
