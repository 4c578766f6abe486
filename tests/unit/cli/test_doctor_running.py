"""`siptrunk doctor` on faults of what runs, each one real: locks, disks, files, processes."""

import os
import pwd
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from asterisk_siptrunk.cli import running
from asterisk_siptrunk.database.engine import open_engine, transaction
from tests.lab.service import Service
from tests.unit.asterisk.lines import row
from tests.unit.cli.doctoring import answering, give_sign, ill


@pytest.fixture
def place(tmp_path):
    """Where the database is."""
    return tmp_path / "siptrunk.db"


def advice(run, check):
    rows = run("doctor", "--format", "json", fails=1).data
    return next(row["advice"] for row in rows if row["check"] == check and row["state"] == "fail")


# --- the database ---


def test_a_database_that_another_program_has_locked(well, place):
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        state, found = ill(well, fails=1)["storage"]
        assert (state, "database is locked" in found) == ("fail", True)
        assert "fuser" in advice(well, "storage")
    assert ill(well) == {}


def moved(run, place, folder):
    """Have the settings name a copy of the database in another folder."""
    with closing(sqlite3.connect(place)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    shutil.copy(place, folder / "siptrunk.db")
    run.environment["SIPTRUNK_DATABASE_URL"] = f"sqlite:///{folder}/siptrunk.db"


def fill(file):
    with file.open("wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 4096)


def test_a_full_disk(well, place, small_disk):
    moved(well, place, small_disk)
    with pytest.raises(OSError, match="No space"):
        fill(small_disk / "ballast")
    rows = well("doctor", "--format", "json", fails=1).data
    failed = {row["check"]: row for row in rows if row["state"] == "fail"}
    told = failed.get("database") or failed["storage"]
    assert "Make room on its disk" in told["advice"]
    assert "has 0 MB left" in failed["disk"]["found"]


def test_a_disk_that_is_nearly_full_is_told_before_it_is(well, place, small_disk):
    moved(well, place, small_disk)
    found = ill(well, fails=1)
    assert found["disk"][0] == "fail"
    assert str(small_disk) in found["disk"][1]
    assert "storage" not in found


def test_a_disk_that_is_mounted_read_only(well, place, small_disk):
    moved(well, place, small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    found = {**ill(well, fails=1)}
    said = found["database"][1] if found["database"][0] == "fail" else found["storage"][1]
    assert "unable to open" in said or "readonly" in said


def test_a_database_that_is_lost(well, place):
    place.unlink()
    assert "is not there" in ill(well, fails=1)["database"][1]


@pytest.mark.postgresql
def test_a_postgresql_that_is_read_only_as_a_standby_is(well, one_postgresql):
    well.environment["SIPTRUNK_DATABASE_URL"] = one_postgresql
    engine = open_engine(one_postgresql)
    name = engine.url.database
    switch = f'ALTER DATABASE "{name}" SET default_transaction_read_only ='
    with transaction(engine) as connection:
        connection.exec_driver_sql(f"{switch} on")
    engine.dispose()
    try:
        state, found = ill(well, fails=1)["storage"]
        assert (state, "read-only transaction" in found) == ("fail", True)
        assert "standby" in advice(well, "storage")
    finally:
        with transaction(engine) as connection:
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            connection.exec_driver_sql(f"{switch} off")
        engine.dispose()
    assert "storage" not in ill(well)


@pytest.mark.postgresql
def test_a_lock_in_postgresql_keeps_the_doctor_for_two_seconds_only(well, one_postgresql):
    well.environment["SIPTRUNK_DATABASE_URL"] = one_postgresql
    engine = open_engine(one_postgresql, patient=True)
    with transaction(engine) as connection:
        connection.exec_driver_sql("LOCK TABLE provider IN EXCLUSIVE MODE")
        begun = time.monotonic()
        assert "lock" in ill(well, fails=1)["storage"][1]
        assert time.monotonic() - begun < 10
    engine.dispose()


@pytest.mark.postgresql
def test_a_clock_of_postgresql_that_is_not_ours(well, one_postgresql, monkeypatch):
    well.environment["SIPTRUNK_DATABASE_URL"] = one_postgresql
    monkeypatch.setattr(running, "_now", lambda: time.time() - 5)
    state, found = ill(well, fails=1)["clock"]
    assert (state, found) == ("fail", "PostgreSQL's clock is 5.0 s ahead of ours.")


def test_a_clock_of_asterisk_that_is_not_ours(well, asterisk):
    asterisk.ahead = -2.5
    assert ill(well, fails=1)["clock"] == ("fail", "Asterisk's clock is 2.5 s behind ours.")
    asterisk.ahead = 0.8
    assert ill(well) == {}


# --- the service ---


def test_a_service_that_is_not_there_or_is_none_of_ours(well):
    with answering(b"") as port:
        well.environment["SIPTRUNK_AGI_PORT"] = str(port)
        assert "gives no answer to us" in ill(well, fails=1)["service"][1]
    assert "Nobody admits calls" in ill(well, fails=1)["service"][1]


def age_of_beat(place):
    with closing(sqlite3.connect(place)) as database:
        query = "SELECT (julianday() - julianday(max(beat_at))) * 86400 FROM server"
        return database.execute(query).fetchone()[0]


def test_a_real_service_answers_is_frozen_and_is_stopped(well, place, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_BEAT_TOLERANCE", 3.0)
    url = f"sqlite:///{place}"
    (tmp_path / "real").mkdir()
    with Service(tmp_path / "real", url, settings="") as real:
        well.environment |= {
            "SIPTRUNK_AGI_PORT": str(real.agi_port),
            "SIPTRUNK_ASTERISK_SERVER": "lab",
        }
        found = ill(well, fails=1)
        assert "service" not in found
        assert "beat" not in found
        # Nobody is at its manager interface.
        real.until(lambda: "unreachable since" in ill(well, fails=1)["link"][1])
        assert "Connection refused" in ill(well, fails=1)["link"][1]

        assert real.process
        real.process.signal(signal.SIGSTOP)
        real.until(lambda: age_of_beat(place) > 3, what="its sign of life to be old")
        frozen = ill(well, fails=1)
        assert "is frozen" in frozen["service"][1]
        assert "no sign of life in this database since" in frozen["beat"][1]
        real.process.signal(signal.SIGCONT)
        real.until(lambda: "beat" not in ill(well, fails=1))
    stopped = ill(well, fails=1)
    assert "was stopped at" in stopped["beat"][1]
    assert "Nobody admits calls" in stopped["service"][1]


def test_a_service_that_works_with_another_file(well, place, tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_BEAT_TOLERANCE", 1.0)
    (tmp_path / "real").mkdir()
    copy = tmp_path / "copy.db"
    with Service(tmp_path / "real", f"sqlite:///{place}") as real:
        assert real.run("backup", str(copy)).returncode == 0
        well.environment |= {
            "SIPTRUNK_AGI_PORT": str(real.agi_port),
            "SIPTRUNK_ASTERISK_SERVER": "lab",
            "SIPTRUNK_DATABASE_URL": f"sqlite:///{copy}",
        }
        with closing(sqlite3.connect(copy)) as database, database:
            database.execute("UPDATE server SET beat_at = '2026-11-24 10:00:00.000000'")
        rows = well("doctor", "--format", "json", fails=1).data
        beat, asked = ([row for row in rows if row["check"] == c] for c in ("beat", "service"))
        assert asked[0]["state"] == "ok"
        assert "since 2026-11-24 11:00:00 CET" in beat[0]["found"]
        assert "works with another file" in beat[0]["advice"]


def test_what_a_service_tells_of_itself(well, place):
    give_sign(place, link="refused", link_detail="Its secret differs.", journal_behind=3_000_000)
    found = ill(well, fails=1)
    assert "is refused since" in found["link"][1]
    assert "Its secret differs." in found["link"][1]
    assert found["lag"] == ("warn", "3000000 bytes of the journal are not recorded yet.")


def test_a_service_of_another_version(well, place):
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("UPDATE server SET program = '0.0.9' WHERE name = 'asterisk'")
    assert "version 0.0.9" in ill(well)["version"][1]


def test_no_service_ever_began(well, place):
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("DELETE FROM server")
    assert "ever began" in ill(well)["beat"][1]


# --- the journal ---


def test_a_journal_that_was_compressed_before_it_was_read(well, place, tmp_path):
    journal = tmp_path / "journal.csv"
    journal.write_bytes(row() + b"\n")
    with closing(sqlite3.connect(place)) as database, database:
        database.execute(
            "INSERT INTO journal_position VALUES ('asterisk', ?, 0)", (journal.stat().st_ino,)
        )
    assert ill(well) == {}
    journal.rename(tmp_path / "journal.csv.1")
    journal.touch()
    assert ill(well) == {}
    subprocess.run(["gzip", str(tmp_path / "journal.csv.1")], check=True)
    assert "before it was read to its end" in ill(well, fails=1)["rotated"][1]


# --- systemd ---


@pytest.fixture
def installed(well, place, tmp_path, monkeypatch):
    """The unit in a root of its own, its account `nobody`, who has what it needs."""
    nobody = pwd.getpwnam("nobody")
    well.environment["SIPTRUNK_ASTERISK_GROUP"] = "daemon"
    monkeypatch.setattr(running, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(running, "ACCOUNT", "nobody")
    monkeypatch.setattr(sys, "executable", "/opt/siptrunk/bin/python")
    (tmp_path / "system").mkdir()
    well("service", "install", "--root", str(tmp_path / "system"), "--yes")
    with closing(sqlite3.connect(place)) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    for path in (tmp_path, place, tmp_path / "etc" / "siptrunk"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    shutil.chown(tmp_path / "journal.csv", group="daemon")
    (tmp_path / "journal.csv").chmod(0o640)
    return well


def test_the_account_of_the_unit_has_its_rights(installed):
    assert ill(installed) == {}


@pytest.mark.parametrize(
    ("name", "right"),
    [("siptrunk.db", "write"), ("journal.csv", "read"), ("etc/siptrunk", "write")],
)
def test_a_right_that_the_account_of_the_unit_lacks(installed, tmp_path, name, right):
    os.chown(tmp_path / name, 0, 0)
    (tmp_path / name).chmod(0o640)
    rows = installed("doctor", "--format", "json", fails=1).data
    failed = [row["found"] for row in rows if row["check"] == "unit" and row["state"] == "fail"]
    assert f"nobody may not {right} {tmp_path / name}." in failed


@pytest.mark.parametrize("name", ["siptrunk-billing.timer", "siptrunk-billing.service"])
def test_the_timer_of_the_invoices_is_looked_at_where_it_is_put_in(installed, tmp_path, name):
    system = tmp_path / "system"
    installed("service", "install", "--root", str(system), "--billing-timer", "--yes")
    assert ill(installed) == {}
    file = system / "etc/systemd/system" / name
    file.write_text(file.read_text() + "# changed\n")
    assert ill(installed)["unit"] == (
        "warn",
        f"{file} is not what the settings and this program ask for.",
    )


def test_an_account_that_is_not_there_and_a_unit_of_other_settings(installed, monkeypatch):
    installed.environment["SIPTRUNK_ASTERISK_GROUP"] = "adm"
    monkeypatch.setattr(running, "ACCOUNT", "no-such-account")
    rows = installed("doctor", "--format", "json", fails=1).data
    told = [row["found"] for row in rows if row["check"] == "unit"]
    assert "is not what the settings and this program ask for" in told[0]
    assert "The account no-such-account" in told[1]
