"""`siptrunk service install`, and what systemd thinks of the unit."""

import json
import shutil
import stat
import subprocess
import sys

import pytest

UNIT, ACCOUNT = "etc/systemd/system/siptrunk.service", "etc/sysusers.d/siptrunk.conf"

BILLING, TIMER = (
    "etc/systemd/system/siptrunk-billing.service",
    "etc/systemd/system/siptrunk-billing.timer",
)

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="no systemd-analyze on this machine"
)


def analyze(*words):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *words],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.fixture
def system(siptrunk, tmp_path, monkeypatch):
    """A root directory with the program in it, as `pip install` leaves it in /opt/siptrunk."""
    root = tmp_path / "root"
    program = root / "opt/siptrunk/bin/siptrunk"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", "/opt/siptrunk/bin/python")
    siptrunk.environment["SIPTRUNK_DATABASE_URL"] = "sqlite:////var/lib/siptrunk/siptrunk.db"
    return root


@pytest.fixture
def unit(system, siptrunk):
    """The unit that was put in place."""
    siptrunk("service", "install", "--root", str(system), "--yes")
    return system / UNIT


def test_both_files_are_shown_before_they_are_put_in(siptrunk, system):
    told = siptrunk("service", "install", "--root", str(system), stdin="n\n", fails=1)
    assert "ExecStart=/opt/siptrunk/bin/siptrunk serve" in told.stdout
    assert 'u siptrunk - "siptrunk" /var/lib/siptrunk -' in told.stdout
    assert not (system / "etc").exists()
    told = siptrunk("service", "install", "--root", str(system), stdin="y\n")
    for name in (UNIT, ACCOUNT):
        assert (system / name).read_text() in told.stdout
        assert stat.S_IMODE((system / name).stat().st_mode) == 0o644
    assert "systemctl enable --now siptrunk" in told.stderr
    again = siptrunk("service", "install", "--root", str(system))
    assert "Nothing to put in" in again.stderr


def test_a_change_of_the_settings_changes_the_unit_alone(siptrunk, system, unit):
    elsewhere = "sqlite:////srv/calls/calls.db"
    siptrunk.environment |= {
        "SIPTRUNK_DATABASE_URL": elsewhere,
        "SIPTRUNK_ASTERISK_GROUP": "pbx",
        "SIPTRUNK_ASTERISK_CONFIG_DIR": "/srv/asterisk",
    }
    told = siptrunk("service", "install", "--root", str(system), "--yes")
    assert ACCOUNT not in told.stdout
    assert "chown -R siptrunk: /srv/calls" in told.stderr
    lines = unit.read_text().splitlines()
    assert "SupplementaryGroups=pbx" in lines
    written = [line for line in lines if line.startswith("ReadWritePaths=")]
    assert written == ["ReadWritePaths=-/srv/asterisk/siptrunk", "ReadWritePaths=/srv/calls"]


def test_the_unit_names_the_settings_but_their_secrets_are_not_in_it(unit, tmp_path):
    (tmp_path / "secrets.toml").write_text('ami_listen = "s3cret"\nami_apply = "s3cret"\n')
    lines = unit.read_text().splitlines()
    assert f"LoadCredential=secrets.toml:{tmp_path / 'secrets.toml'}" in lines
    assert f"LoadCredential=siptrunk.toml:{tmp_path / 'siptrunk.toml'}" in lines
    assert "s3cret" not in unit.read_text()


@pytest.mark.parametrize(
    ("program", "said"),
    [("/home/al/siptrunk/bin/python", "no service's account"), ("/opt/a b/python", "a space")],
)
def test_a_program_that_systemd_could_not_start_is_told_at_once(
    siptrunk, system, monkeypatch, program, said
):
    monkeypatch.setattr(sys, "executable", program)
    told = siptrunk("service", "install", "--root", str(system), "--yes", fails=1)
    assert said in told.stderr
    assert not (system / "etc").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [("DATABASE_URL", "sqlite:////srv/my calls/calls.db"), ("ASTERISK_CONFIG_DIR", "/srv/a%n")],
)
def test_a_folder_that_a_unit_cannot_name_is_told_at_once(siptrunk, system, key, value):
    siptrunk.environment[f"SIPTRUNK_{key}"] = value
    told = siptrunk("service", "install", "--root", str(system), "--yes", fails=1)
    assert "a unit cannot name" in told.stderr
    assert not (system / "etc").exists()


def test_a_folder_that_may_not_be_written_is_told(siptrunk, system):
    (system / "etc").write_text("a file")
    told = siptrunk("service", "install", "--root", str(system), "--yes", fails=1)
    assert "Not a directory" in told.stderr


def with_timer(siptrunk, system):
    return siptrunk("service", "install", "--root", str(system), "--billing-timer", "--yes")


def test_the_invoices_of_every_morning_are_put_in_where_they_are_asked_for(siptrunk, system):
    siptrunk("service", "install", "--root", str(system), "--yes")
    assert not (system / TIMER).exists()
    told = with_timer(siptrunk, system)
    assert "systemctl enable --now siptrunk-billing.timer" in told.stderr
    assert "ExecStart=/opt/siptrunk/bin/siptrunk billing run" in (system / BILLING).read_text()
    assert "OnCalendar=*-*-* 06:00:00 Europe/Paris" in (system / TIMER).read_text()


def test_what_was_asked_for_once_is_kept_up_to_date(siptrunk, system):
    with_timer(siptrunk, system)
    siptrunk.environment["SIPTRUNK_PROVIDER_TIMEZONE"] = "America/Santiago"
    told = siptrunk("service", "install", "--root", str(system), "--yes")
    assert "06:00:00 America/Santiago" in (system / TIMER).read_text()
    assert BILLING not in told.stdout


def test_both_units_are_in_the_same_sandbox(siptrunk, system):
    with_timer(siptrunk, system)
    service, billing = (set((system / name).read_text().splitlines()) for name in (UNIT, BILLING))
    only = {line.partition("=")[0] for line in service - billing}
    assert not {key for key in only if key.startswith(("Protect", "Restrict", "Private", "ReadW"))}
    assert "SystemCallFilter=@chown" in service - billing


@needs_systemd
def test_systemd_takes_the_timer_and_its_unit_without_a_complaint(siptrunk, system):
    with_timer(siptrunk, system)
    there = system / BILLING
    there.write_text(there.read_text().replace("/opt/siptrunk/bin/siptrunk", "/bin/true"))
    done = analyze("verify", "--man=no", str(there), str(system / TIMER))
    assert (done.returncode, done.stderr) == (0, "")
    done = analyze("calendar", (system / TIMER).read_text().split("OnCalendar=")[1].split("\n")[0])
    assert done.returncode == 0, done.stderr
    done = analyze("security", "--offline=true", "--threshold=15", str(there))
    assert done.returncode == 0, done.stdout + done.stderr


@needs_systemd
def test_systemd_takes_the_unit_without_a_complaint(unit):
    # The program stands in the root of the test alone, and systemd looks for it.
    there = unit.with_name("checked.service")
    there.write_text(unit.read_text().replace("/opt/siptrunk/bin/siptrunk", "/bin/true"))
    done = analyze("verify", "--man=no", str(there))
    assert (done.returncode, done.stderr) == (0, "")
    there.write_text(there.read_text().replace("Restart=always", "Restart=ever"))
    assert "restart specifier" in analyze("verify", "--man=no", str(there)).stderr


@needs_systemd
def test_the_service_is_little_exposed(unit):
    # The exit status is that of the threshold: 1.5 of 10.
    done = analyze("security", "--offline=true", "--json=short", "--threshold=15", str(unit))
    assert done.returncode == 0, done.stdout + done.stderr
    names = {row["json_field"] for row in json.loads(done.stdout) if row["exposure"]}
    assert not names & {"NoNewPrivileges", "ProtectSystem", "UserOrDynamicUser", "PrivateTmp"}
