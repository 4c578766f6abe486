"""`siptrunk usage prune`: what was exported may go, and nothing else does."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Thread

import pytest
from sqlalchemy import delete, insert, text, update

from asterisk_siptrunk.database import audit, calls, findings, months, prune
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.findings import FindingFilter
from asterisk_siptrunk.database.months import Month
from asterisk_siptrunk.database.tables import call
from tests.unit.cli.conftest import Siptrunk
from tests.unit.cli.records import ended, record
from tests.unit.database.watching import found

OCTOBER, NOVEMBER = ("2025-10-01", "2025-11-01"), ("2025-11-01", "2025-12-01")
# Paris is an hour ahead of UTC: its December begins in UTC's November.
LAST = datetime(2025, 11, 30, 22, 59, 59, tzinfo=UTC)
FIRST = datetime(2025, 11, 30, 23, tzinfo=UTC)
MIDDLE = datetime(2025, 11, 15, 12, tzinfo=UTC)
LONG_AGO = datetime(2025, 10, 9, 12, tzinfo=UTC)
_databases = count(1)


def begun(number: int, moment: datetime, **changes):
    values = {"uniqueid": f"lab-{int(moment.timestamp())}.{number}", "started_at": moment}
    free = {"trunk_id": None, "carrier_id": None}
    return ended(number, **(values | free | changes))


class Books:
    """A database with calls of three months, and the command on it."""

    def __init__(self, run: Siptrunk, url: str) -> None:
        self.run = run
        self.engine = open_engine(url)
        self.add(
            *(begun(n, LONG_AGO + timedelta(seconds=n)) for n in range(1, 4)),
            begun(4, MIDDLE),
            begun(5, LAST),
            begun(6, FIRST),
        )

    def add(self, *rows) -> None:
        with transaction(self.engine) as connection:
            connection.execute(insert(call), list(rows))

    def export(self, *periods) -> list[str]:
        """What exports of months said."""
        return [
            self.run("usage", "export", "--from", since, "--to", until).stderr
            for since, until in periods
        ]

    def prune(self, before: str, fails: int = 0) -> str:
        done = self.run("usage", "prune", "--before", before, "--yes", fails=fails)
        return done.stdout + done.stderr

    def left(self) -> list[int]:
        """The calls that are left, by the numbers they were added with."""
        with reading(self.engine) as connection:
            found = calls.every(connection, CallFilter())
            return [int(each.uniqueid.rpartition(".")[2]) for each in found]

    def partitions(self) -> list[Month]:
        with reading(self.engine) as connection:
            return months.every(connection)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def books(request, tmp_path):
    if request.param == "sqlite":
        url = str(request.getfixturevalue("sqlite_url"))
    else:
        url = request.getfixturevalue("postgresql").create_database(f"prune_{next(_databases)}")
    file = tmp_path / "siptrunk.toml"
    file.write_text(
        f'[provider]\ncountry = "FR"\ntimezone = "Europe/Paris"\n[database]\nurl = "{url}"\n'
    )
    run = Siptrunk({"SIPTRUNK_CONFIG": str(file)})
    run("init")
    engine = open_engine(url)
    with transaction(engine) as connection:
        months.make_ahead(connection, LONG_AGO)  # October to December of 2025
    engine.dispose()
    made = Books(run, url)
    yield made
    made.engine.dispose()


on_postgresql = pytest.mark.parametrize(
    "books", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


def test_an_exported_month_goes_and_the_next_one_stays(books):
    books.export(OCTOBER, NOVEMBER)
    said = books.prune("2025-12")
    assert "2025-10" in said
    assert "5 calls dropped" in said
    assert books.left() == [6]
    with reading(books.engine) as connection:
        (entry,) = audit.history(connection, "usage", "2025-11")
    assert entry.author == "alice"
    assert entry.change.startswith("pruned: 2 calls, exported ")
    assert "There are no calls before 2025-12" in books.prune("2025-12")


def test_findings_go_with_the_calls_that_they_rest_on(books):
    with transaction(books.engine) as connection:
        for _ in range(2):
            findings.store(connection, LONG_AGO, found(trunk=""))
        findings.acknowledge(connection, By("alice", LONG_AGO), 1, "a campaign")
    books.export(OCTOBER, NOVEMBER)
    assert "Findings of the watch that go with them: 1." in books.prune("2025-12")
    with reading(books.engine) as connection:
        left = findings.listed(connection, FindingFilter(done=True), 9)
    assert [each.id for each in left] == [2]


def test_months_before_the_one_that_stays_go_alone(books):
    books.export(OCTOBER)
    books.prune("2025-11")
    assert books.left() == [4, 5, 6]


def test_the_mark_has_the_digest_of_the_file(books, tmp_path):
    file = tmp_path / "november.csv"
    said = books.run(
        *("usage", "export", "--from", NOVEMBER[0], "--to", NOVEMBER[1], "--output", str(file))
    ).stderr
    assert f"2 calls, SHA-256 {hashlib.sha256(file.read_bytes()).hexdigest()}" in said


@pytest.mark.parametrize(
    "period",
    [
        ("2025-11-01", "2025-11-30"),
        ("2025-10-01", "2025-12-01"),
        ("2025-11-01T00:00+00:00", "2025-12-01T00:00+00:00"),
    ],
)
def test_what_is_no_month_leaves_no_mark(books, period):
    (said,) = books.export(period)
    assert "marked" not in said


def not_exported(books):
    books.export(OCTOBER)
    return "2025-12", "2025-11 was not exported"


def exported_too_early(books):
    books.export(OCTOBER, NOVEMBER)
    books.add(begun(7, MIDDLE))
    return "2025-12", "2025-11 had 2 calls when it was exported, now 3"


def lost_a_call(books):
    books.export(OCTOBER, NOVEMBER)
    with transaction(books.engine) as connection:
        connection.execute(delete(call).where(call.c.uniqueid.endswith(".5")))
    return "2025-12", "2025-11 had 2 calls when it was exported, now 1"


def with_a_live_call(books):
    books.add(record(7, trunk_id=None, carrier_id=None, started_at=MIDDLE))
    said = books.export(OCTOBER, NOVEMBER)
    assert "1 of these calls still last" in said[1]
    assert "marked" not in said[1]
    return "2025-12", "1 of the calls of 2025-11 have no end yet. 2025-11 was not exported"


def that_lives_again(books):
    books.export(OCTOBER, NOVEMBER)
    with transaction(books.engine) as connection:
        one = call.c.uniqueid.endswith(".5")
        connection.execute(update(call).where(one).values(ended_at=None))
    return "2025-12", "1 of the calls of 2025-11 have no end yet."


def not_over(books):
    books.export(OCTOBER, NOVEMBER, ("2025-12-01", "2026-01-01"))
    now = datetime.now(UTC)
    books.add(begun(7, now))
    (said,) = books.export((f"{now:%Y-%m}-01", f"{now + timedelta(days=31):%Y-%m}-01"))
    assert "marked" not in said
    return f"{now + timedelta(days=31):%Y-%m}", "has not been over for 3 days"


def of_another_zone(books):
    books.export(OCTOBER, NOVEMBER)
    books.run.environment["SIPTRUNK_PROVIDER_TIMEZONE"] = "Asia/Tokyo"
    return "2025-12", "exported in another time zone"


@pytest.mark.parametrize(
    "arrange",
    [
        not_exported,
        exported_too_early,
        lost_a_call,
        with_a_live_call,
        that_lives_again,
        not_over,
        of_another_zone,
    ],
)
def test_a_month_that_may_not_go_keeps_every_month(books, arrange):
    before, why = arrange(books)
    there = books.left()
    said = books.prune(before, fails=1)
    assert "Nothing was dropped." in said
    assert why in said
    assert books.left() == there


def test_without_a_terminal_nothing_is_dropped_unasked(books):
    books.export(OCTOBER)
    said = books.run("usage", "prune", "--before", "2025-11", fails=1)
    assert "3 calls go for good" in said.stderr
    assert "give --yes" in said.stderr
    assert books.left() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("month", ["2025-13", "2025", "last", "0000-01", "2025-1"])
def test_months_that_are_none(books, month):
    said = books.run("usage", "prune", "--before", month, fails=2)
    assert "is no month; give one like 2026-11" in said.stderr


def test_the_number_of_a_pruned_call_is_given_to_no_other(books):
    with reading(books.engine) as connection:
        newest = max(each.id for each in calls.every(connection, CallFilter()))
    books.export(OCTOBER, NOVEMBER, ("2025-12-01", "2026-01-01"))
    books.prune("2026-01")
    assert books.left() == []
    books.add(begun(7, MIDDLE))
    with reading(books.engine) as connection:
        (one,) = calls.every(connection, CallFilter())
    assert one.id > newest


def test_more_than_a_slice_goes(books, monkeypatch):
    monkeypatch.setattr(prune, "SLICE", 2)
    odd = [begun(n, LONG_AGO, uniqueid=f"odd.{n}") for n in range(10, 17)]
    books.add(*odd)
    books.export(OCTOBER)
    assert "10 calls dropped" in books.prune("2025-11")
    assert books.left() == [4, 5, 6]


def interrupt(_seconds):
    raise KeyboardInterrupt


def test_a_prune_that_was_broken_off_goes_on(books, monkeypatch):
    monkeypatch.setattr(prune, "SLICE", 2)
    books.add(*(begun(n, LONG_AGO, uniqueid=f"odd.{n}") for n in range(10, 17)))
    books.export(OCTOBER)
    with monkeypatch.context() as broken:
        broken.setattr("asterisk_siptrunk.database.prune.time.sleep", interrupt)
        books.prune("2025-11", fails=130)
    assert len(books.left()) == 11
    assert "8 calls dropped" in books.prune("2025-11")
    assert books.left() == [4, 5, 6]


def test_a_call_that_comes_to_a_pruned_month_is_to_be_exported_first(books):
    books.export(OCTOBER)
    books.prune("2025-11")
    books.add(begun(7, LONG_AGO))
    said = books.prune("2025-11", fails=1)
    assert "1 calls came to 2025-10 since it was pruned: export it again" in said
    books.export(OCTOBER)
    books.prune("2025-11")
    assert books.left() == [4, 5, 6]


def test_an_export_of_a_pruned_month_takes_no_place_of_the_one_before(books, tmp_path):
    file = tmp_path / "october.csv"
    export = ("usage", "export", "--from", OCTOBER[0], "--to", OCTOBER[1])
    books.run(*export, "--output", str(file))
    whole = file.read_text()
    books.prune("2025-11")
    said = books.run(*export, "--output", str(file), fails=1).stderr
    assert "2025-10 was pruned" in said
    assert file.read_text() == whole
    books.add(begun(7, LONG_AGO))
    assert "2025-10 was pruned" in books.run(*export, "--output", f"{file}.late").stderr
    books.run(*export, "--output", str(file), fails=1)
    assert "1 calls dropped" in books.prune("2025-11")


@on_postgresql
def test_partitions_go_whole_or_are_put_anew_with_what_stays(books):
    before = books.partitions()
    assert before[:3] == [Month(2025, 10), Month(2025, 11), Month(2025, 12)]
    books.export(OCTOBER, NOVEMBER)
    books.prune("2025-12")
    assert books.partitions() == before[1:]
    with reading(books.engine) as connection:
        (place,) = connection.execute(text("SELECT tableoid::regclass::text FROM call")).scalars()
        assert place == "call_2025_11"
    # A call of October that the journal tells of only now is kept, and so is one of November.
    books.add(begun(7, LONG_AGO), begun(8, MIDDLE))
    assert books.left() == [7, 8, 6]


@on_postgresql
def test_a_part_that_is_the_smaller_one_is_deleted(books):
    books.add(*(begun(n, FIRST) for n in range(10, 20)))
    with reading(books.engine) as connection:
        query = text("SELECT 'call_2025_11'::regclass::oid")
        was = connection.execute(query).scalar_one()
    books.export(OCTOBER, NOVEMBER)
    books.prune("2025-12")
    assert sorted(books.left()) == [6, *range(10, 20)]
    with reading(books.engine) as connection:
        assert connection.execute(query).scalar_one() == was


@on_postgresql
def test_a_month_is_dropped_between_the_calls_of_others(books):
    """Somebody has the table in use, and lets it go: admissions do so all the time."""
    books.export(OCTOBER)
    in_use, go_on = Event(), Event()

    def use():
        with transaction(books.engine) as connection:
            connection.execute(text("SELECT count(*) FROM call"))
            in_use.set()
            go_on.wait(1.0)

    user = Thread(target=use)
    user.start()
    in_use.wait(10)
    said = books.prune("2025-11")
    user.join()
    assert "3 calls dropped" in said


@on_postgresql
def test_a_month_that_is_read_all_the_time_stays(books, monkeypatch):
    monkeypatch.setattr(prune, "LOCK_TRIES", 2)
    monkeypatch.setattr(prune, "LOCK_PAUSE_SECONDS", 0.01)
    books.export(OCTOBER)
    with reading(books.engine) as connection:
        connection.execute(text("SELECT count(*) FROM call"))
        said = books.prune("2025-11", fails=1)
    assert "prune again once that export has ended" in said
    assert books.left() == [1, 2, 3, 4, 5, 6]


@on_postgresql
def test_calls_that_come_while_it_is_asked_keep_their_month(books):
    books.export(OCTOBER)
    plan_of, late = prune.make_plan, begun(9, LONG_AGO)

    def plan_then_call(*arguments):
        plan = plan_of(*arguments)
        books.add(late)
        return plan

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prune, "make_plan", plan_then_call)
        assert "Calls came to call_2025_10 meanwhile" in books.prune("2025-11", fails=1)
    assert sorted(books.left()) == [1, 2, 3, 4, 5, 6, 9]


@on_postgresql
def test_whoever_may_only_read_exports_and_leaves_no_mark(books):
    with transaction(books.engine) as connection:
        role = f"reader_{next(_databases)}"
        for statement in (
            f"CREATE ROLE {role} LOGIN",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        ):
            connection.execute(text(statement))
    url = books.engine.url.set(username=role).render_as_string(hide_password=False)
    books.run.environment["SIPTRUNK_DATABASE_URL"] = url
    (said,) = books.export(OCTOBER)
    assert "2025-10 is not marked as exported" in said
