"""`siptrunk usage verify`."""

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, delete, insert, update

from asterisk_siptrunk.asterisk.journal import fold, parse_lines
from asterisk_siptrunk.call.witness import JournalPosition
from asterisk_siptrunk.cli import usage as usage_command
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.tables import call
from tests.unit.asterisk.lines import row
from tests.unit.cli.records import record, refused

# Long past, so that the period is over whatever the clock says.
FIRST = datetime(2025, 11, 10, 12, tzinfo=UTC)
NOVEMBER = ("--from", "2025-11-01", "--to", "2025-12-01")


def line(number, **fields):
    """Call `lab-NUMBER.1`: a minute after the one before, answered after 3 s, 60.5 s long."""
    start = FIRST + timedelta(minutes=number)
    moments = {"start": 0, "answer": 3, "end": 63.5}
    times = {key: f"{(start + timedelta(seconds=n)).timestamp():.6f}" for key, n in moments.items()}
    return row(uniqueid=f"lab-{number}.1", **times | fields) + b"\n"


class Books:
    """The journal of the server and its database, each to be spoiled."""

    def __init__(self, url: str, journal: Path) -> None:
        self.engine = create_engine(url)
        self.journal = journal

    def fill(self, *lines: bytes) -> None:
        """Write the journal, and record it as the service would."""
        self.journal.write_bytes(b"".join(lines))
        found, *_ = parse_lines(self.journal.read_bytes())
        with self.engine.begin() as connection:
            usage.record_journal(connection, "lab", fold(found), JournalPosition(1, 1))

    def change(self, number: int, **values) -> None:
        with self.engine.begin() as connection:
            one = call.c.uniqueid == f"lab-{number}.1"
            connection.execute(update(call).where(one).values(**values))

    def add(self, **values) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(call), [values])

    def remove(self, number: int) -> None:
        with self.engine.begin() as connection:
            connection.execute(delete(call).where(call.c.uniqueid == f"lab-{number}.1"))


@pytest.fixture
def books(acme, sqlite_url, tmp_path):
    """Three calls that are on both sides."""
    journal = tmp_path / "cdr" / "siptrunk.csv"
    journal.parent.mkdir()
    acme.environment |= {
        "SIPTRUNK_ASTERISK_JOURNAL": str(journal),
        "SIPTRUNK_ASTERISK_SERVER": "lab",
    }
    books = Books(sqlite_url, journal)
    books.fill(line(1), line(2), line(3))
    yield books
    books.engine.dispose()


@pytest.mark.usefixtures("books")
def test_a_complete_period(acme):
    shown = acme.json("usage", "verify", *NOVEMBER)
    assert shown == {
        "server": "lab",
        "from": "2025-10-31T23:00:00.000000Z",
        "to": "2025-11-30T23:00:00.000000Z",
        "rows": 3,
        "journal_calls": 3,
        "agreed": 3,
        "billable": 181.5,
        "journal_billable": 181.5,
        "billable_difference": 0,
        "estimated": 0,
        "estimated_billable": 0,
        "clock_set": 0,
        "open": 0,
        "bad_lines": 0,
        "complete": True,
        "verdict": "Usage of lab from 2025-11-01 00:00:00 CET to 2025-12-01 00:00:00 CET "
        "is complete.",
        "differences": [],
        "other_servers": [],
    }
    said = acme("usage", "verify", *NOVEMBER)
    assert "0:03:02" in said.stdout
    assert said.stderr == ""


@pytest.mark.usefixtures("books")
def test_a_pruned_month_says_why_the_journal_alone_has_its_calls(acme):
    acme("usage", "export", *NOVEMBER)
    acme("usage", "prune", "--before", "2025-12", "--yes")
    said = acme("usage", "verify", *NOVEMBER, fails=1)
    assert "3 calls in the journal without a row" in said.stdout
    assert "2025-11 was pruned" in said.stderr


def test_a_row_that_is_lost_is_found(acme, books):
    books.remove(2)
    said = acme("usage", "verify", *NOVEMBER, fails=1)
    assert "is NOT complete: 1 call in the journal without a row." in said.stdout
    assert "lab-2.1" in said.stdout
    assert "-0:01:00" in said.stdout
    assert "'siptrunk serve' has not read of the journal yet" in said.stderr


def test_a_line_that_is_lost_is_found(acme, books):
    books.journal.write_bytes(line(1) + line(3))
    done = acme("usage", "verify", *NOVEMBER, "--format", "json", fails=1).data
    (difference,) = done["differences"]
    assert difference == {
        "started_at": "2025-11-10T12:02:00.000000Z",
        "uniqueid": "lab-2.1",
        "kind": "not-in-journal",
        "words": "ended 2025-11-10T12:03:03.500Z by its row; the journal has no line of it",
    }


def test_as_csv_the_counts_are_one_line(acme, books):
    books.change(1, ended_at=FIRST)
    done = acme("usage", "verify", *NOVEMBER, "--format", "csv", fails=1)
    (only,) = csv.DictReader(io.StringIO(done.stdout))
    assert (only["rows"], only["agreed"], only["complete"]) == ("3", "2", "false")


def test_a_refused_call_that_the_journal_lacks_is_found(acme, books):
    books.add(**refused(9, started_at=FIRST, ended_at=FIRST))
    assert "lab-9.1" in acme("usage", "verify", *NOVEMBER, fails=1).stdout


def test_a_rotated_and_compressed_journal_is_read(acme, books):
    Path(f"{books.journal}.2.gz").write_bytes(gzip.compress(line(1)))
    Path(f"{books.journal}.1").write_bytes(line(2))
    books.journal.write_bytes(line(3))
    acme("usage", "verify", *NOVEMBER)


def test_a_bad_line_is_named_by_its_file(acme, books):
    Path(f"{books.journal}.1").write_bytes(b"torn\n")
    said = acme("usage", "verify", *NOVEMBER, fails=1)
    assert "lines of siptrunk.csv.1 that cannot be read: 1." in said.stdout
    assert said.stderr == ""


def test_an_open_call_counts_once_its_period_is_over(acme, books):
    books.add(**record(9, started_at=FIRST))
    said = acme("usage", "verify", *NOVEMBER, fails=1)
    assert "1 call not ended yet" in said.stdout
    so_far = acme.json("usage", "verify", "--from", "2025-11-01", "--to", "2999-01-01")
    assert (so_far["open"], so_far["complete"]) == (1, True)
    assert so_far["verdict"].endswith("CET is complete so far.")


def test_an_estimated_end_is_listed_and_contradicts_nothing(acme, books):
    ended = FIRST + timedelta(seconds=30)
    books.add(
        **record(9, started_at=FIRST, answered_at=FIRST, ended_at=ended, evidence="reconciled")
    )
    shown = acme.json("usage", "verify", *NOVEMBER)
    assert (shown["estimated"], shown["estimated_billable"]) == (1, 30)
    assert (shown["rows"], shown["billable_difference"]) == (4, 0)
    assert [one["kind"] for one in shown["differences"]] == ["estimated"]


def test_other_servers_are_named_and_not_compared(acme, books):
    books.add(**refused(9, server="pbx2", started_at=FIRST, ended_at=FIRST))
    books.add(**refused(8, server="pbx2"))  # of another time
    done = acme("usage", "verify", *NOVEMBER, "--format", "json")
    assert done.data["other_servers"] == [{"server": "pbx2", "calls": 1}]
    assert "Other servers have calls in this period, too: pbx2 (1)." in done.stderr
    assert "pbx2" in acme("usage", "verify", *NOVEMBER).stdout


def test_a_screen_of_differences_is_listed_and_all_with_all(acme, books, monkeypatch):
    monkeypatch.setattr(usage_command, "_ONE_SCREEN", 2)
    books.journal.write_bytes(b"")
    verify = ("usage", "verify", *NOVEMBER, "--format", "json")
    some = acme(*verify, fails=1)
    assert [one["uniqueid"] for one in some.data["differences"]] == ["lab-1.1", "lab-2.1"]
    assert "2 of 3 differences are listed; --all lists all." in some.stderr
    every = acme(*verify, "--all", fails=1)
    assert (len(every.data["differences"]), every.stderr) == (3, "")


def test_a_call_at_midnight_is_of_one_period_only(acme, books):
    midnight = datetime(2025, 11, 30, 23, tzinfo=UTC)
    moments = {"start": -0.02, "answer": 3, "end": 9}
    times = {
        key: f"{(midnight + timedelta(seconds=n)).timestamp():.6f}" for key, n in moments.items()
    }
    books.fill(line(1), line(2), line(3), line(4, **times))
    books.change(4, started_at=midnight)
    december = ("--from", "2025-12-01", "--to", "2026-01-01")
    counts = [acme.json("usage", "verify", *period)["agreed"] for period in (NOVEMBER, december)]
    assert counts == [3, 1]


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    ("options", "said", "status"),
    [
        (("--from", "2025-12-01", "--to", "2025-11-01"), "--from must be before --to", 1),
        (("--from", "2025-11-01"), "Missing option '--to'", 2),
        (("--from", "soon", "--to", "2025-12-01"), "give 2026-11-01", 2),
        (("--from", "2998-01-01", "--to", "2999-01-01"), "--from must be past", 1),
    ],
)
def test_periods_that_cannot_be_verified(acme, options, said, status):
    assert said in acme("usage", "verify", *options, fails=status).stderr


def test_without_a_journal_nothing_is_proven(acme, books):
    books.journal.unlink()
    said = acme("usage", "verify", *NOVEMBER, fails=1)
    assert f"The journal {books.journal} is not there" in said.stderr
    assert said.stdout == ""
