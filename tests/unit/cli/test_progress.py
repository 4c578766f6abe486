"""Progress: drawn for a person at a terminal, and silent for everyone else."""

import io
import sys

from asterisk_siptrunk.cli.progress import counted, measured


class Terminal(io.StringIO):
    """Where a person looks."""

    def isatty(self) -> bool:
        return True


def read_and_count():
    with measured("Reading", 2000) as done:
        done(1000)
        done(2000)
    return list(counted(range(600), "calls"))


def test_a_person_sees_how_far_it_is(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert len(read_and_count()) == 600
    shown = terminal.getvalue()
    assert "Reading" in shown
    assert "2.0/2.0 kB" in shown
    assert "500 calls" in shown


def test_a_program_sees_nothing(capsys):
    assert len(read_and_count()) == 600
    assert capsys.readouterr().err == ""
