"""`siptrunk call` and `siptrunk usage`."""

import csv
import io
import json
import stat
from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, insert

from asterisk_siptrunk.database.tables import call
from tests.unit.cli.records import ended, record, refused


@pytest.fixture
def calls(acme, sqlite_url):
    """Four calls: 1 ended, 2 refused, 3 live, 4 of an evil caller."""
    rows = [
        ended(1),
        refused(2),
        record(3),
        ended(4, user_agent="\x1b[2J[red]evil", presented="+33999"),
    ]
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(insert(call), rows)
    engine.dispose()
    return acme


def ids(run, *options):
    return [row["id"] for row in run.json("call", "list", *options)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), [4, 3, 2, 1]),
        (("--live",), [3]),
        (("--verdict", "refused"), [2]),
        (("--limit", "2"), [4, 3]),
        (("--trunk", "acme-paris"), [4, 3, 2, 1]),
        (("--number", "899123456"), [2]),
        # Given in the provider's zone, an hour ahead of UTC in November.
        (("--since", "2026-11-23T13:03"), [4, 3]),
        (("--until", "2026-11-23T13:03"), [2, 1]),
        (("--since", "2026-11-23T12:03:00+00:00"), [4, 3]),
        (("--since", "2026-11-24"), []),
    ],
)
def test_list_filters(calls, options, expected):
    assert ids(calls, *options) == expected


def test_times_are_local_in_tables_and_utc_for_programs(calls):
    assert "2026-11-23 13:01:00 CET" in calls("call", "list").stdout
    assert calls.json("call", "show", "1")["started_at"] == "2026-11-23T12:01:00.000000Z"


def test_a_listing_as_csv(calls):
    rows = list(csv.DictReader(io.StringIO(calls("call", "list", "--format", "csv").stdout)))
    assert [row["id"] for row in rows] == ["4", "3", "2", "1"]
    assert rows[3]["billable"] == "60.5"
    assert rows[1]["trunk"] == "acme-paris"


def test_show_tells_all_and_the_timeline(calls):
    shown = calls.json("call", "show", "1")
    assert (shown["duration"], shown["billable"], shown["carrier"]) == (63.5, 60.5, "one")
    assert [(step["after"], step["what"]) for step in shown["timeline"]] == [
        ("0.000 s", "asked, admitted: admitted"),
        ("1.000 s", "ringing"),
        ("3.000 s", "answered"),
        ("63.500 s", "ended, cause 16 (known by ami)"),
    ]


@pytest.mark.parametrize("reference", ["2", "lab-2.1", "2@pbx"])
def test_show_finds_a_call_by_any_of_its_names(calls, reference):
    shown = calls.json("call", "show", reference)
    assert (shown["id"], shown["reason"], shown["facts"]) == (
        2,
        "destination-blocked",
        "by *:premium",
    )
    assert shown["because"] == "The trunk's policy blocks this destination."


def test_show_of_no_call(calls):
    assert "There is no call 99" in calls("call", "show", "99", fails=1).stderr


def test_a_number_that_could_not_be_read_is_listed_and_found_as_it_was_dialled(calls, sqlite_url):
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        connection.execute(insert(call), refused(9, callee="", zone="", dialled="999999"))
    engine.dispose()
    (row,) = calls.json("call", "list", "--number", "99999")
    assert (row["id"], row["callee"]) == (5, "999999")


def test_a_trunk_that_is_none_is_an_error(calls):
    assert "There is no trunk nope" in calls("call", "list", "--trunk", "nope", fails=1).stderr


@pytest.mark.parametrize("digits", [19, 23, 5000])
def test_a_number_that_no_call_can_have_finds_none(calls, digits):
    assert "There is no call 9" in calls("call", "show", "9" * digits, fails=1).stderr


def test_a_list_has_an_end(calls):
    wrong = calls("call", "list", "--limit", "abc", fails=2).stderr
    assert "'abc': give a whole number, 1 to 100000." in wrong
    assert "give a whole number, " in calls("call", "list", "--limit", str(2**63), fails=2).stderr


@pytest.mark.parametrize("year", ["0001-01-01", "9999-12-31", "1969-12-31", "3000-01-01"])
def test_years_at_the_ends_of_time_are_refused(calls, year):
    told = calls("usage", "export", "--from", year, "--to", "2026-12-01", fails=2).stderr
    assert "give a year from 1970 to 2999" in told


def test_a_pbx_cannot_steer_the_terminal(calls):
    shown = calls("call", "show", "4").stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J[red]evil" in shown


def test_times_that_are_none(calls):
    refused_ = calls("call", "list", "--since", "soon", fails=2)
    assert "give 2026-11-01" in refused_.stderr


NOVEMBER = ("--from", "2026-11-01", "--to", "2026-12-01")


def test_export_holds_every_call_refused_and_live_ones_too(calls):
    done = calls("usage", "export", *NOVEMBER)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["id"], row["state"]) for row in rows] == [
        ("1", "ended"),
        ("2", "ended"),
        ("3", "up" if rows[2]["answered_at"] else "asked"),
        ("4", "ended"),
    ]
    assert rows[0]["ended_at"] == "2026-11-23T12:02:03.500000Z"
    assert "1 of these calls still last" in done.stderr


def test_export_as_json_is_one_list(calls):
    rows = json.loads(calls("usage", "export", *NOVEMBER, "--format", "json").stdout)
    assert [row["id"] for row in rows] == [1, 2, 3, 4]
    assert (rows[0]["billable"], rows[2]["ended_at"]) == (60.5, None)
    empty = calls(
        "usage", "export", "--from", "2025-01-01", "--to", "2025-02-01", "--format", "json"
    )
    assert empty.data == []


def test_the_period_is_half_open_in_the_provider_s_zone(acme, sqlite_url):
    # Midnight of 1 November in Paris is 23:00 UTC of 31 October; a month later as well.
    first = datetime(2026, 10, 31, 23, tzinfo=UTC)
    after = datetime(2026, 11, 30, 23, tzinfo=UTC)
    before = datetime(2026, 10, 31, 22, 59, 59, 999999, tzinfo=UTC)
    last = datetime(2026, 11, 30, 22, 59, 59, 999999, tzinfo=UTC)
    moments = [before, first, last, after]
    engine = create_engine(sqlite_url)
    with engine.begin() as connection:
        rows = [refused(n, started_at=at, ended_at=at) for n, at in enumerate(moments, start=1)]
        connection.execute(insert(call), rows)
    engine.dispose()
    exported = acme("usage", "export", *NOVEMBER, "--format", "json").data
    assert [row["id"] for row in exported] == [2, 3]


def test_export_to_a_file_is_whole_and_private(calls, tmp_path):
    file = tmp_path / "november.csv"
    done = calls("usage", "export", *NOVEMBER, "--output", str(file))
    assert done.stdout == ""
    assert len(file.read_text().splitlines()) == 5
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.glob("*november*")] == ["november.csv"]


def test_a_hyphen_is_stdout(calls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = calls("usage", "export", *NOVEMBER, "--output", "-")
    assert len(done.stdout.splitlines()) == 5
    assert not (tmp_path / "-").exists()


def test_export_that_fails_leaves_the_file_of_before(calls, tmp_path):
    file = tmp_path / "november.csv"
    file.write_text("before")
    (tmp_path / "siptrunk.db").write_bytes(b"broken" * 1000)
    calls("usage", "export", *NOVEMBER, "--output", str(file), fails=1)
    assert file.read_text() == "before"
    assert [each.name for each in tmp_path.glob("*november*")] == ["november.csv"]


@pytest.mark.parametrize(
    ("options", "said", "status"),
    [
        (("--from", "2026-12-01", "--to", "2026-11-01"), "--from must be before --to", 1),
        (("--from", "2026-11-01"), "Missing option '--to'", 2),
        ((*NOVEMBER, "--output", "/nowhere/x.csv"), "cannot be written", 1),
    ],
)
def test_exports_that_cannot_be(calls, options, said, status):
    assert said in calls("usage", "export", *options, fails=status).stderr
