"""`siptrunk doctor` beside a real Asterisk."""

import json
from datetime import UTC, datetime

import pytest

from asterisk_siptrunk import bootstrap
from tests.asterisk.conftest import Acme

pytestmark = pytest.mark.asterisk


def found(acme: Acme) -> dict[str, tuple[str, str, str]]:
    """What each check found, its state and the advice; of several the worst."""
    rows = json.loads(acme.provider.run("doctor", "--format", "json").stdout)
    rows.sort(key=lambda row: ("ok", "skipped", "warn", "fail").index(row["state"]))
    return {row["check"]: (row["state"], row["found"], row["advice"]) for row in rows}


def test_all_that_runs_is_well_and_asterisks_clock_is_ours(acme: Acme):
    acme.provider.until(lambda: found(acme)["link"][0] == "ok", 20, "the service to listen")
    checks = found(acme)
    running = ("database", "storage", "service", "beat", "link", "rotated", "clock", "records")
    assert {check: checks[check][0] for check in running} == dict.fromkeys(running, "ok")
    settings = bootstrap.load_settings(acme.provider.settings_file)
    asterisk = bootstrap.control(settings).clock()
    assert abs(asterisk - datetime.now(UTC).timestamp()) < 1


def test_a_secret_that_asterisk_refuses_is_told_with_its_cure(acme: Acme):
    secrets = acme.provider.settings_file.with_name("secrets.toml")
    right = secrets.read_text()
    listen = next(line for line in right.splitlines() if line.startswith("ami_listen"))
    acme.provider.stop_serving()
    secrets.write_text(right.replace(listen, 'ami_listen = "wrong"'))
    try:
        acme.provider.start_serving()
        acme.provider.until(
            lambda: "refused" in " ".join(found(acme).get("link", ())), 30, "doctor"
        )
        state, told, advice = found(acme)["link"]
        assert (state, "is refused since" in told) == ("fail", True)
        assert "siptrunk config install" in advice
        # Calls are admitted all the same.
        assert acme.call("0899123456").statuses == [403]
    finally:
        acme.provider.stop_serving()
        secrets.write_text(right)
    acme.provider.serve()
