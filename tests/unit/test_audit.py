"""A known weakness fails the check; a service that cannot be asked does not, and is told."""

import json

import pytest

from tests.audit import audit

WEAK = {"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]}
SOUND = {"name": "b", "version": "2", "vulns": []}
UNKNOWN = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([SOUND], 0, "no known weakness in 1 packages"),
        ([WEAK, SOUND, UNKNOWN], 1, "a 1: CVE-1, CVE-2"),
        ([SOUND, UNKNOWN], 0, "not checked: the advisory service knows 1 of 2"),
    ],
)
def test_what_the_service_knows(tmp_path, capsys, packages, status, said):
    answer = json.dumps({"dependencies": packages, "fixes": []})
    assert audit(_program(tmp_path, f"echo '{answer}'; exit {status}"), tmp_path) == status
    assert said in capsys.readouterr().out


def test_a_service_that_cannot_be_reached(tmp_path, capsys):
    program = _program(tmp_path, "echo 'Failed to resolve api.osv.dev' >&2; exit 1")
    assert audit(program, tmp_path) == 0
    assert "not checked: Failed to resolve" in capsys.readouterr().out


def _program(folder, script):
    file = folder / "pip-audit"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o700)
    return file
