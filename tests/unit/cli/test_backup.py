"""`siptrunk backup` and `siptrunk restore`, on files, locks and full disks that are real."""

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from tests.unit.cli.doctoring import at_step

OCTOBER = ("--from", "2026-10-01", "--to", "2026-11-01")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "backup.db"


@pytest.fixture
def place(tmp_path):
    """Where the database is."""
    return tmp_path / "siptrunk.db"


def names(run):
    return [row["name"] for row in run.json("customer", "list")]


def test_a_backup_is_one_file_that_its_owner_alone_reads(acme, file, tmp_path):
    told = acme("backup", str(file))
    assert "written, and checked" in told.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as copy:
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert copy.execute("SELECT name FROM customer").fetchall() == [("acme",)]
    assert [path.name for path in tmp_path.glob("*backup*")] == ["backup.db"]


def test_a_backup_under_writes_is_one_view_and_keeps_nobody_waiting(acme, file, place):
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("CREATE TABLE bulk (n INTEGER, text TEXT)")
        database.executemany("INSERT INTO bulk VALUES (?, ?)", [(0, "x" * 1000)] * 4000)
    begun, stop = threading.Event(), threading.Event()
    refused: list[sqlite3.Error] = []

    def write() -> None:
        # Every row at once: a copy of two moments would hold two different numbers.
        with closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as database:
            while not stop.is_set():
                try:
                    database.execute("UPDATE bulk SET n = n + 1")
                except sqlite3.Error as error:
                    refused.append(error)
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begun.wait()
        acme("backup", str(file))
    finally:
        stop.set()
        writer.join()
    assert refused == [], "a writer that waits for nobody had to"
    with closing(sqlite3.connect(file)) as copy:
        query = "SELECT count(DISTINCT n), count(*) FROM bulk"
        assert copy.execute(query).fetchone() == (1, 4000)


def test_a_restore_brings_back_what_was_and_keeps_what_is(acme, file, place, tmp_path):
    acme("backup", str(file))
    acme("customer", "add", "later")
    refused = acme("restore", str(file), stdin="n\n", fails=1)
    assert "is whole: 0 calls" in refused.stderr
    assert names(acme) == ["acme", "later"]

    told = acme("restore", str(file), "--yes")
    assert names(acme) == ["acme"]
    (old,) = tmp_path.glob("siptrunk.db.before-*[0-9]Z")
    assert str(old) in told.stderr
    acme.environment["SIPTRUNK_DATABASE_URL"] = f"sqlite:///{old}"
    assert names(acme) == ["acme", "later"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o660
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["what?.db", "100%41.db"])
def test_a_backup_stays_as_it_is_when_it_is_looked_into_whatever_its_name(acme, tmp_path, name):
    folder = tmp_path / "backups"
    folder.mkdir()
    acme("backup", str(folder / name))
    before = (folder / name).read_bytes()
    acme("restore", str(folder / name), "--yes")
    assert (folder / name).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [name]


def test_what_only_the_log_of_the_old_one_held_is_kept_with_it(acme, file, place, tmp_path):
    acme("backup", str(file))
    other = tmp_path / "crashed.db"
    with closing(sqlite3.connect(place, isolation_level=None)) as crashed:
        crashed.execute("UPDATE customer SET title = 'in the log alone'")
        for ending in ("", "-wal"):
            shutil.copy(f"{place}{ending}", f"{other}{ending}")
    acme.environment["SIPTRUNK_DATABASE_URL"] = f"sqlite:///{other}"
    acme("restore", str(file), "--yes")
    assert acme.json("customer", "show", "acme")["title"] == "Acme SA"
    (old,) = tmp_path.glob("crashed.db.before-*Z")
    with closing(sqlite3.connect(old)) as before:
        assert before.execute("SELECT title FROM customer").fetchone() == ("in the log alone",)


@pytest.mark.parametrize("lost", [False, True])
def test_a_database_in_use_is_not_replaced(acme, file, place, lost):
    """In use is: open in another process, at work or not, and even if the file was lost."""
    acme("backup", str(file))
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('SELECT 1 FROM customer').fetchall(); print('open', flush=True);"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holding:
        assert holding.stdin
        assert holding.stdout
        assert holding.stdout.readline() == "open\n"
        if lost:
            place.unlink()
        told = acme("restore", str(file), "--yes", fails=1)
        assert "is in use: stop what uses it first" in told.stderr
        assert place.exists() is not lost
        holding.stdin.close()
    acme("restore", str(file), "--yes")
    assert names(acme) == ["acme"]


def test_a_database_that_is_damaged_or_gone_is_replaced(acme, file, place):
    acme("backup", str(file))
    place.write_bytes(b"no database" * 1000)
    acme("restore", str(file), "--yes")
    assert names(acme) == ["acme"]
    place.unlink()
    told = acme("restore", str(file), "--yes")
    assert "What was there" not in told.stderr
    assert names(acme) == ["acme"]


def damage(file):
    whole = bytearray(file.read_bytes())
    half = len(whole) // 2 // 4096 * 4096
    whole[half : half + 8192] = b"\xff" * 8192
    file.write_bytes(whole)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda file: file.unlink(), "is not there"),
        (lambda file: file.write_bytes(b"no database" * 1000), "is no backup of siptrunk"),
        (lambda file: file.write_bytes(file.read_bytes()[:-4096]), "is no backup|is damaged"),
        (damage, "is no backup|is damaged"),
        (lambda file: file.write_bytes(b""), "none of siptrunk's"),
        (lambda file: at_step(file, "9999"), "Upgrade siptrunk here, too"),
    ],
)
def test_what_is_no_backup_of_ours_is_not_restored(acme, file, place, spoil, said):
    acme("backup", str(file))
    spoil(file)
    before = place.read_bytes()
    assert re.search(said, acme("restore", str(file), "--yes", fails=1).stderr)
    assert place.read_bytes() == before


def test_a_backup_of_an_older_schema_says_to_bring_it_up_to_date(acme, file):
    acme("backup", str(file))
    at_step(file, "0000")
    assert "run 'siptrunk init' first" in acme("restore", str(file), "--yes").stderr


def test_a_full_disk_leaves_the_backup_before_as_it_was(acme, small_disk):
    file = small_disk / "backup.db"
    file.write_bytes(b"yesterday's")
    (small_disk / "ballast").write_bytes(b"x" * 900_000)
    told = acme("backup", str(file), fails=1)
    assert "disk" in told.stderr
    assert file.read_bytes() == b"yesterday's"
    assert sorted(path.name for path in small_disk.iterdir()) == ["backup.db", "ballast"]


def test_where_a_backup_cannot_be(acme, place, tmp_path):
    assert "the database itself" in acme("backup", str(place), fails=1).stderr
    assert "No such file" in acme("backup", str(tmp_path / "none" / "b.db"), fails=1).stderr
    os.mkfifo(tmp_path / "pipe")
    for command in (("backup",), ("usage", "export", *OCTOBER, "--output")):
        assert "no ordinary file" in acme(*command, str(tmp_path / "pipe"), fails=1).stderr
    assert (tmp_path / "pipe").is_fifo()
    place.unlink()
    assert "cannot be copied" in acme("backup", str(tmp_path / "b.db"), fails=1).stderr


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_postgresql_has_its_own(siptrunk, file, command):
    siptrunk.environment["SIPTRUNK_DATABASE_URL"] = "postgresql+psycopg://127.0.0.1:1/none"
    assert "pg_dump" in siptrunk(command, str(file), fails=1).stderr


def test_a_backup_takes_the_place_of_an_earlier_one_and_of_nothing_else(acme, file, tmp_path):
    acme("backup", str(file))
    acme("backup", str(file))
    other = tmp_path / "precious.txt"
    other.write_text("precious")
    assert "no earlier backup" in acme("backup", str(other), fails=1).stderr
    assert other.read_text() == "precious"
