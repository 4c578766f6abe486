"""The call table's months: rows of before are kept, none is refused, and reads keep to theirs."""

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic, sleep
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.call import Ended, epoch_of
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import calls, exports, months, provider, schema, usage
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.months import Month
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.database.upkeep import keep_months_ahead
from asterisk_siptrunk.errors import DatabaseUnavailable
from tests.lab.service import Service
from tests.unit.cli.conftest import Siptrunk
from tests.unit.cli.records import ended, record
from tests.unit.database.builders import NOON, admission, ask, outbound, provide

NOVEMBER, DECEMBER, JANUARY = Month(2026, 11), Month(2026, 12), Month(2027, 1)
_databases = count(1)
ODD = ["lab-0.1", "lab-9999999999.7", "lab-nonsense", "x-12345678901.1"]


def named(moment: datetime, number: int = 1) -> str:
    return f"lab-{int(moment.timestamp())}.{number}"


def begun(moment: datetime, number: int = 1, **changes):
    """A call that began then, its UniqueID by the same clock unless it is given."""
    values = {"trunk_id": None, "carrier_id": None, "uniqueid": named(moment, number)}
    return ended(number, **({"started_at": moment} | values | changes))


@pytest.fixture
def monthly(postgresql):
    """A database of PostgreSQL that has partitions for November and the next months."""
    url = postgresql.create_database(f"months_{next(_databases)}")
    engine = open_engine(url)
    schema.upgrade(engine)
    with transaction(engine) as connection:
        provider.begin(connection)
        assert months.make_ahead(connection, NOON) == [NOVEMBER, DECEMBER, JANUARY]
    yield engine
    engine.dispose()


def store(engine, *rows):
    with transaction(engine) as connection:
        connection.execute(insert(call), list(rows))


def places(engine) -> dict[str, str]:
    """In which partition each call's row is."""
    with reading(engine) as connection:
        rows = connection.execute(text("SELECT uniqueid, tableoid::regclass::text FROM call"))
        return {uniqueid: place for uniqueid, place in rows}  # noqa: C416 - rows of two


def migrate(engine, to: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", "asterisk_siptrunk/database/migrations")
    with transaction(engine) as connection:
        config.attributes["connection"] = connection
        (command.downgrade if down else command.upgrade)(config, to)


def all_rows(engine) -> list[tuple[Any, ...]]:
    before = [each.name for each in call.c if each.name != "epoch"]
    with reading(engine) as connection:
        rows = connection.execute(text(f"SELECT {', '.join(before)} FROM call ORDER BY id"))  # noqa: S608
        return [tuple(row) for row in rows]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def first_schema(request, tmp_path):
    """A database of each kind as the first released schema has it, with calls in it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'first.db'}"
        schema.make_place(url)
    else:
        server = request.getfixturevalue("postgresql")
        url = server.create_database(f"first_{next(_databases)}")
    engine = open_engine(url)
    migrate(engine, "0001")
    rows = [begun(NOON - timedelta(days=40 * n), n) for n in range(3)]
    rows += [begun(NOON, 10 + n, uniqueid=uniqueid) for n, uniqueid in enumerate(ODD)]
    rows.append(record(20, trunk_id=None, carrier_id=None, uniqueid=named(NOON, 20)))
    with transaction(engine) as connection:
        old = [each for each in call.c if each.name != "epoch"]
        table = call.to_metadata(type(call.metadata)())
        table._columns.remove(table.c.epoch)
        assert [each.name for each in table.c if each.name != "id"] == [e.name for e in old[1:]]
        connection.execute(insert(table), rows)
    yield engine
    engine.dispose()


def test_a_table_with_calls_is_taken_apart_and_put_together_again(first_schema):
    before = all_rows(first_schema)
    schema.upgrade(first_schema)
    assert all_rows(first_schema) == before
    with reading(first_schema) as connection:
        kept = connection.execute(select(call.c.uniqueid, call.c.epoch)).all()
    assert kept
    assert all(epoch == epoch_of(uniqueid) for uniqueid, epoch in kept)
    store(first_schema, begun(NOON, 30))
    migrate(first_schema, "0001", down=True)
    after = all_rows(first_schema)
    assert after[:-1] == before
    assert after[-1][0] == before[-1][0] + 1  # numbers go on
    indexes = {each["name"]: each for each in inspect(first_schema).get_indexes("call")}
    where = indexes["ix_call_open_trunk"]["dialect_options"]
    assert where[f"{first_schema.dialect.name}_where"] is not None


@pytest.mark.postgresql
@pytest.mark.parametrize("first_schema", ["postgresql"], indirect=True)
def test_calls_of_before_are_put_into_their_months(first_schema):
    schema.upgrade(first_schema)
    found = places(first_schema)
    assert {found[uniqueid] for uniqueid in ODD} == {"call_default"}
    assert found[named(NOON, 0)] == "call_2026_11"
    assert found[named(NOON - timedelta(days=40), 1)] == "call_2026_10"
    assert found[named(NOON - timedelta(days=80), 2)] == "call_2026_09"


@pytest.fixture
def reader(postgresql) -> str:
    """An account that owns nothing."""
    name = f"billing_{next(_databases)}"
    engine = open_engine(postgresql.url())
    with transaction(engine) as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
    engine.dispose()
    return name


@pytest.mark.postgresql
def test_who_might_read_the_calls_may_so_afterwards_months_made_later_too(postgresql, reader):
    engine = open_engine(postgresql.create_database(f"months_{next(_databases)}"))
    migrate(engine, "0003")
    with transaction(engine) as connection:
        connection.execute(text(f"GRANT SELECT ON call, trunk, carrier TO {reader}"))
    migrate(engine, "head")
    with transaction(engine) as connection:
        assert months.make_ahead(connection, NOON)
    store(engine, begun(NOON))
    theirs = open_engine(str(engine.url.set(username=reader)))
    with reading(theirs) as connection:
        wanted = CallFilter(since=NOON, until=NOON + timedelta(days=1))
        assert [each.uniqueid for each in calls.every(connection, wanted)] == [named(NOON)]
        assert exports.pruned(connection, Period(NOON, NOON + timedelta(days=1))) == []
    with pytest.raises(DatabaseUnavailable, match="permission denied"):
        store(theirs, begun(NOON, 2))
    for each in (engine, theirs):
        each.dispose()


@pytest.mark.postgresql
def test_a_view_of_the_calls_is_named_before_anything_changes(postgresql):
    engine = open_engine(postgresql.create_database(f"months_{next(_databases)}"))
    migrate(engine, "0003")
    with transaction(engine) as connection:
        connection.execute(text("CREATE VIEW bills AS SELECT started_at FROM call"))
    with pytest.raises(DatabaseUnavailable, match="bills reads the table of calls"):
        schema.upgrade(engine)
    with transaction(engine) as connection:
        connection.execute(text("DROP VIEW bills"))
    schema.upgrade(engine)
    assert schema.standing(engine) is schema.Standing.CURRENT
    engine.dispose()


@pytest.mark.postgresql
def test_a_call_is_admitted_and_ended_in_any_month_and_in_none(monthly):
    provide(monthly, channels=9)
    beyond = datetime(2027, 9, 1, tzinfo=UTC)
    ids = [named(NOON), named(datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)), named(beyond), *ODD]
    one = admission()
    for uniqueid in ids:
        ask(monthly, one, outbound(uniqueid=uniqueid))
        again = ask(monthly, one, outbound(uniqueid=uniqueid))
        assert again.carrier is not None
    found = places(monthly)
    assert [found[uniqueid] for uniqueid in ids[:2]] == ["call_2026_11", "call_2027_01"]
    assert {found[uniqueid] for uniqueid in ids[2:]} == {"call_default"}
    with transaction(monthly) as connection:
        usage.apply(connection, "lab", [Ended(uniqueid, NOON, 16) for uniqueid in ids])
        assert usage.open_calls(connection, "lab") == []


@pytest.mark.postgresql
def test_one_call_has_one_row_over_all_months(monthly):
    store(monthly, begun(NOON))
    with pytest.raises(IntegrityError):
        store(monthly, begun(NOON, started_at=NOON + timedelta(days=40)))


@pytest.mark.postgresql
def test_a_month_that_is_made_late_takes_its_calls_from_the_default_partition(monthly):
    late = datetime(2027, 2, 3, tzinfo=UTC)
    store(monthly, begun(late), begun(late, 2, uniqueid="odd"))
    assert set(places(monthly).values()) == {"call_default"}
    with transaction(monthly) as connection:
        made = months.make_ahead(connection, datetime(2026, 12, 1, tzinfo=UTC))
        assert made == [Month(2027, 2)]
        assert months.make_ahead(connection, datetime(2026, 12, 31, tzinfo=UTC)) == []
    assert places(monthly) == {named(late): "call_2027_02", "odd": "call_default"}
    with transaction(monthly) as connection:
        usage.apply(connection, "lab", [Ended(named(late), late, 16)])


def scanned(engine, read) -> set[str]:
    """The partitions that PostgreSQL scans for what is read."""
    asked: list[tuple[Any, Any]] = []
    event.listen(
        engine,
        "before_cursor_execute",
        lambda *told: asked.append((told[2], told[3])),
    )
    with reading(engine) as connection:
        read(connection)
        statement, parameters = asked[-1]
        driver: Any = connection.connection.dbapi_connection
        plan = [line for (line,) in driver.execute(f"EXPLAIN {statement}", parameters)]
        return set(re.findall(r" on (call_\w+)", "\n".join(plan)))


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "read",
    [
        lambda c, begun: calls.latest(c, CallFilter(since=begun.since, until=begun.until), 50),
        lambda c, begun: list(calls.every(c, CallFilter(since=begun.since, until=begun.until))),
        lambda c, begun: list(calls.usage_rows(c, "lab", begun)),
        calls.servers,
    ],
)
def test_a_period_reads_its_own_months_only(monthly, read):
    first, second = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)
    store(monthly, begun(first), begun(second, 2))
    hour = timedelta(hours=1)
    for period, place in (
        (Period(first, first + hour), {"call_2026_11"}),
        (Period(second, second + hour), {"call_2026_12"}),
        (Period(first, second + hour), {"call_2026_11", "call_2026_12"}),
        (Period(first - hour, first), set()),
    ):
        found = scanned(monthly, lambda connection, of=period: read(connection, of))
        assert found - {"call_default"} == place


@pytest.mark.postgresql
def test_a_list_with_one_end_leaves_out_the_months_beyond_it(monthly):
    first, second = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC)
    store(monthly, begun(first), begun(second, 2))
    for wanted, place in (
        (CallFilter(since=second), "call_2026_12"),
        (CallFilter(until=second), "call_2026_11"),
    ):
        found = scanned(monthly, lambda connection, of=wanted: calls.latest(connection, of, 50))
        assert found - {"call_default"} == {place}


@pytest.mark.postgresql
def test_a_statement_on_one_call_reads_one_month(monthly):
    store(monthly, record(1, trunk_id=None, carrier_id=None, uniqueid=named(NOON)))
    assert scanned(monthly, lambda c: usage._row_of(c, "lab", named(NOON))) == {"call_2026_11"}


@pytest.mark.postgresql
@pytest.mark.parametrize("uniqueid", [named(NOON - timedelta(hours=3)), named(NOON), *ODD])
def test_a_period_has_the_calls_that_began_in_it_whatever_their_uniqueids_say(monthly, uniqueid):
    """The clock was put on by weeks between the channel's making and its question to us."""
    december = datetime(2026, 12, 9, tzinfo=UTC)
    store(monthly, begun(december, uniqueid=uniqueid), begun(NOON, 2))
    period = Period(december, december + timedelta(days=1))
    with reading(monthly) as connection:
        found = list(calls.every(connection, CallFilter(since=period.since, until=period.until)))
        rows = list(calls.usage_rows(connection, "lab", period))
        assert calls.servers(connection, period) == {"lab": 1}
    assert [each.uniqueid for each in found] == [uniqueid]
    assert [each.uniqueid for each in rows] == [uniqueid]


def wait_for(so) -> None:
    deadline = monotonic() + 10
    while not so():
        assert monotonic() < deadline
        sleep(0.01)


def run_upkeep(engine, until) -> None:
    """Let the daemon's upkeep work until something is so."""

    async def run():
        database = DatabaseThread(engine, asyncio.get_running_loop())
        database.start()
        task = asyncio.create_task(keep_months_ahead(database, lambda: NOON + timedelta(days=31)))
        await asyncio.to_thread(wait_for, until)
        task.cancel()
        await asyncio.to_thread(database.stop)

    asyncio.run(run())


@pytest.mark.postgresql
def test_the_service_makes_the_months_that_are_missing(postgresql, tmp_path):
    url = postgresql.create_database(f"served_{next(_databases)}")
    this = Month.of(datetime.now(UTC))
    service = Service(tmp_path, url)
    assert service.run("init").returncode == 0
    engine = open_engine(url)
    with transaction(engine) as connection:
        for month in (this, this.next):
            connection.execute(text(f"DROP TABLE {month.partition}"))

    def made() -> list[Month]:
        with reading(engine) as connection:
            return months.every(connection)

    with service:
        service.until(lambda: made() == [this, this.next, this.next.next])
    assert f"partitions made: {this.partition}, {this.next.partition}" in service.log
    engine.dispose()


@pytest.mark.postgresql
def test_nobody_waits_for_a_month_that_cannot_be_made_now(monthly, caplog):
    provide(monthly)
    caplog.set_level(logging.WARNING)
    exporting = open_engine(monthly.url.render_as_string())
    with transaction(exporting) as connection:
        connection.execute(text("LOCK TABLE call_default IN ACCESS SHARE MODE"))
        run_upkeep(monthly, lambda: "not made, tried again" in caplog.text)
        with pytest.raises(DatabaseUnavailable, match="lock timeout"), transaction(monthly) as two:
            months.make_ahead(two, NOON + timedelta(days=31))
        assert ask(monthly, admission(), outbound(uniqueid=named(NOON))).carrier is not None
    exporting.dispose()


@pytest.mark.postgresql
def test_init_makes_this_month_and_the_next_ones(postgresql, tmp_path):
    url = postgresql.create_database(f"init_{next(_databases)}")
    this = Month.of(datetime.now(UTC))
    run = Siptrunk({"SIPTRUNK_CONFIG": str(tmp_path / "siptrunk.toml")})
    run("init", "--database-url", url)
    engine = open_engine(url)
    with reading(engine) as connection:
        assert months.every(connection) == [this, this.next, this.next.next]
    engine.dispose()


def test_sqlite_has_no_months(sqlite_url):
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        assert months.make_ahead(connection, NOON) == []
        assert months.every(connection) == []
        assert months.held(connection) == []
    engine.dispose()
