"""`python -m tests.bench.million`: does a full call table cost more than an empty one?

Twenty million calls of thirteen months in one PostgreSQL, and a database beside it that holds
the calls of this morning alone. Each figure is taken of both in turn, and what counts is the
ratio. It takes some ten minutes, 12 GB of disk and a core.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path
from threading import Event
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from asterisk_siptrunk.call import Attempt, Direction, Ended
from asterisk_siptrunk.call.month import month_at
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.cli.output import csv_cells
from asterisk_siptrunk.cli.records import USAGE_COLUMNS, whole
from asterisk_siptrunk.database import calls, exports, prune
from asterisk_siptrunk.database import usage as usage_of
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.months import Month
from tests.bench.setting import MOBILE, NUMBER, TRUNKS, admission, set_up
from tests.lab.postgresql import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from asterisk_siptrunk.database.admission import Admission

ROWS = 20_000_000
MONTHS = 13
SERVER = "lab"
ZONE = ZoneInfo("Europe/Paris")
FEW_ROWS = 20_000
OPEN_EACH = 5
# One transaction each, in blocks that take turns.
BLOCKS, ADMISSIONS = 10, 200
LISTS = 40

console = Console(highlight=False)
_uniqueids = count(1)

# Calls spread evenly over a span of seconds, one in five refused, most answered; in the few, every
# other call is the first trunk's, so that it has a month to be exported there too.
_CALLS = """
INSERT INTO {target} (server, uniqueid, epoch, sip_call_id, trunk_id, carrier_id, direction, caller,
  presented, withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec,
  started_at, ringing_at, answered_at, ended_at, hangup_cause, evidence)
SELECT 'lab', 'lab-' || floor(at)::bigint || '.' || n, floor(at)::bigint, md5(n::text) || '@pbx',
  trunk, CASE WHEN n % 5 > 0 THEN 1 END, CASE n % 4 WHEN 0 THEN 'inbound' ELSE 'outbound' END,
  '+33123456789', '0123456789', false, '06' || 10000000 + n % 9999999,
  '+336' || 10000000 + n % 9999999, 'fr:mobile',
  CASE WHEN n % 5 > 0 THEN 'admitted' ELSE 'refused' END,
  CASE WHEN n % 5 > 0 THEN 'admitted' ELSE 'channels-full' END,
  '3 of 10 channels in use (2 outbound, 1 inbound)', 'service', 'FPBX-16.0.40(18.9.0)', 'alaw',
  start, start + interval '1 s', CASE WHEN n % 5 > 1 THEN start + interval '4 s' END,
  start + (n % 300) * interval '1 s', 16, CASE WHEN n % 5 > 0 THEN 'ami' ELSE 'admission' END
FROM (
  SELECT n, at, to_timestamp(at) AS start, {trunk} AS trunk
  FROM (SELECT n, {since} + n * {step} AS at FROM generate_series(1, {rows}) AS n) AS moments
) AS each
"""
_OPEN = """
UPDATE call SET ended_at = NULL, evidence = NULL, verdict = 'admitted'
WHERE epoch >= :first AND id > (SELECT max(id) - :count FROM call)
"""


@dataclass(frozen=True)
class Figure:
    """Seconds for the same thing in the full and in the nearly empty database."""

    what: str
    full: float
    empty: float

    @property
    def ratio(self) -> float:
        """What fullness costs."""
        return self.full / self.empty


@dataclass(frozen=True)
class Database:
    """One of the two, with its own memory of terms, and the month that is exported of it."""

    engine: Engine
    month: Month
    admission: Admission = field(default_factory=admission)


def fill(engine: Engine, rows: int, now: datetime) -> Month:
    """Fill this month up to now and the ones before it; gives one in the middle.

    Each is made beside the call table, and gets its indexes when it is attached.
    """
    month, each = Month.of(now), rows // MONTHS
    past = _before(month)
    for one in past:
        began = perf_counter()
        name, (since, until) = one.partition, one.epochs
        with transaction(engine) as connection:
            connection.execute(text(f"CREATE TABLE {name} (LIKE call INCLUDING DEFAULTS)"))
            _insert(connection, name, (since, until), each)
            bounds = f"FOR VALUES FROM ({since}) TO ({until})"
            connection.execute(text(f"ALTER TABLE call ATTACH PARTITION {name} {bounds}"))
        console.print(f"  {name}: {each:,} calls, {perf_counter() - began:.0f} s", style="dim")
    with transaction(engine) as connection:
        _insert(connection, "call", (month.epochs[0], int(now.timestamp()) - 1), each)
    return past[len(past) // 2]


def _before(month: Month) -> list[Month]:
    """The months before one, oldest first."""
    found = [month]
    while len(found) < MONTHS:
        year, number = divmod(found[0].year * 12 + found[0].number - 2, 12)
        found.insert(0, Month(year, number + 1))
    return found[:-1]


def _insert(
    connection: Connection, target: str, span: tuple[int, int], rows: int, trunk: str = ""
) -> None:
    since, until = span
    statement = _CALLS.format(
        target=target,
        since=since,
        step=(until - since) / (rows + 1),
        rows=rows,
        trunk=trunk or f"1 + n % {TRUNKS}",
    )
    connection.execute(text(statement))


def begin_few(engine: Engine, now: datetime) -> None:
    """The calls of this morning, half of them the first trunk's."""
    span = int((now - timedelta(hours=6)).timestamp()), int(now.timestamp()) - 1
    with transaction(engine) as connection:
        trunk = f"CASE WHEN n % 2 = 0 THEN 1 ELSE 1 + n % {TRUNKS} END"
        _insert(connection, "call", span, FEW_ROWS, trunk)


def open_some(engine: Engine, now: datetime) -> None:
    """Calls that go on, the same in both."""
    first = int((now - timedelta(minutes=5)).timestamp())
    with transaction(engine) as connection:
        _insert(connection, "call", (first, first + 240), OPEN_EACH * TRUNKS)
        connection.execute(text(_OPEN), {"first": first, "count": OPEN_EACH * TRUNKS})
    settled = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    settled.execute(text("VACUUM ANALYZE"))
    # What was loaded is written out now, and not while the first figure is taken.
    settled.execute(text("CHECKPOINT"))
    os.sync()
    settled.close()


def admit_and_end(database: Database) -> float:
    """Seconds for each admission with its end, in a block of them."""
    return statistics.mean(_admit_and_end(database) for _ in range(ADMISSIONS))


def _admit_and_end(database: Database) -> float:
    began, now, number = perf_counter(), datetime.now(UTC), next(_uniqueids)
    attempt = Attempt(
        server=SERVER,
        uniqueid=f"lab-{int(now.timestamp())}.{10**9 + number}",
        direction=Direction.OUTBOUND,
        entry=f"t{number % TRUNKS}",
        dialled=MOBILE,
        at=now,
        caller=NUMBER.format(number % TRUNKS),
    )
    with transaction(database.engine) as connection:
        ruling = database.admission.admit(connection, attempt)
    assert ruling.carrier is not None, ruling
    with transaction(database.engine) as connection:
        usage_of.apply(connection, SERVER, [Ended(attempt.uniqueid, now, 16)])
    return perf_counter() - began


def list_of(wanted: CallFilter) -> Callable[[Database], float]:
    """Seconds for a list of calls, as `call list` asks for it."""

    def measured(database: Database) -> float:
        began = perf_counter()
        with reading(database.engine) as connection:
            assert len(calls.latest(connection, wanted, 50)) == 50
        return perf_counter() - began

    return measured


def list_of_a_day(database: Database) -> float:
    """The same of a period: the last day of the month that is exported, or of what there is."""
    until = min(_span(database.month)[1], datetime.now(UTC))
    return list_of(CallFilter(since=until - timedelta(days=1), until=until))(database)


def _span(month: Month) -> tuple[datetime, datetime]:
    begin, end = (datetime.fromtimestamp(at, UTC) for at in month.epochs)
    return begin, end


def _each(rows: Iterator[object], most: int) -> float:
    """Seconds for each of the rows, `most` at most; the first comes when the query has begun."""
    began = perf_counter()
    read = sum(1 for _ in islice(rows, most))
    return (perf_counter() - began) / read


def export_of(trunk: str | None, most: int) -> Callable[[Database], float]:
    """Seconds for each row of `usage export` of a month."""

    def measured(database: Database) -> float:
        since, until = _span(database.month)
        wanted = CallFilter(trunk=trunk, since=since, until=until)
        with reading(database.engine) as connection:
            records = calls.every(connection, wanted)
            return _each((csv_cells(whole(each), USAGE_COLUMNS) for each in records), most)

    return measured


def verify_a_month(database: Database) -> float:
    """Seconds for each row that `usage verify` reads of a month."""
    with reading(database.engine) as connection:
        rows = calls.usage_rows(connection, SERVER, Period(*_span(database.month)))
        return _each(rows, ROWS)


@dataclass(frozen=True)
class Pruned:
    """A month dropped while calls are admitted: seconds, and the slowest of them.

    Attributes:
        looking: until it was known that the month may go.
        dropping: until it was gone.
    """

    calls: int
    looking: float
    dropping: float
    slowest_admission: float


def prune_the_oldest(database: Database, oldest: Month) -> Pruned:
    """Have the oldest month exported, as far as is noted, and pruned."""
    month = month_at(_span(oldest)[0] + timedelta(days=1), ZONE)
    stop, took = Event(), [0.0]

    def admit() -> None:
        while not stop.wait(0.01):
            took.append(_admit_and_end(database))

    by = By("bench", datetime.now(UTC))
    with reading(database.engine) as connection:
        exported = sum(1 for _ in calls.usage_rows(connection, SERVER, month.period))
    with transaction(database.engine) as connection:
        exports.mark(connection, by, month, exports.Written(exported, 0, "0" * 64))
    with ThreadPoolExecutor(1) as others:
        done, began = others.submit(admit), perf_counter()
        with reading(database.engine) as connection:
            after = month_at(month.period.until, ZONE)
            plan = prune.make_plan(connection, after, ZONE, by.at)
        looked = perf_counter()
        gone = sum(prune.carry_out(database.engine, plan, by))
        dropped = perf_counter()
        stop.set()
        done.result()
    return Pruned(gone, looked - began, dropped - looked, max(took))


def compare(
    what: str, measured: Callable[[Database], float], both: tuple[Database, Database], rounds: int
) -> Figure:
    """Take a figure of both in turn; the median of the rounds, after one that warms up."""
    taken = [[measured(database) for database in both] for _ in range(rounds + 1)][1:]
    full, empty = (statistics.median(each) for each in zip(*taken, strict=True))
    console.print(f"  {what}", style="dim")
    return Figure(what, full, empty)


def measure(full: Database, empty: Database) -> list[Figure]:
    """All figures."""
    both = full, empty
    return [
        compare("admission, then its end", admit_and_end, both, BLOCKS),
        compare("call list", list_of(CallFilter()), both, LISTS),
        compare("call list --live", list_of(CallFilter(live=True)), both, LISTS),
        compare("call list --trunk", list_of(CallFilter(trunk="t0")), both, LISTS),
        compare("call list of a day", list_of_a_day, both, LISTS),
        compare("export of a trunk's month, a row", export_of("t0", ROWS), both, 5),
        compare("export of a month, a row", export_of(None, ROWS), both, 1),
        compare("verify of a month, a row", verify_a_month, both, 2),
    ]


def table(figures: list[Figure], rows: int) -> Table:
    """One line a figure."""
    shown = Table(title=f"{rows:,} calls in {MONTHS} months, and a few", title_justify="left")
    for column in ("what", "full, ms", "empty, ms", "ratio"):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for one in figures:
        full, empty = f"{one.full * 1000:.3f}", f"{one.empty * 1000:.3f}"
        shown.add_row(one.what, full, empty, f"{one.ratio:.2f}")
    return shown


def main() -> None:
    """Fill, measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.million", description=__doc__)
    options.add_argument("--rows", type=int, default=ROWS)
    options.add_argument("--output", type=Path, default=Path("build/bench/million.json"))
    chosen = options.parse_args()
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(shared_buffers="1GB", max_wal_size="8GB"))
        now = datetime.now(UTC)
        full, few = (set_up(server.create_database(name), now) for name in ("full", "few"))
        for engine in (full, few):
            stack.callback(engine.dispose)
        middle = fill(full, chosen.rows, now)
        begin_few(few, now)
        for engine in (full, few):
            open_some(engine, now)
        whole = Database(full, middle)
        figures = measure(whole, Database(few, Month.of(now)))
        pruned = prune_the_oldest(whole, _before(Month.of(now))[0])
    console.print(table(figures, chosen.rows))
    console.print(
        f"A month of {pruned.calls:,} calls: looked at in {pruned.looking:.1f} s, dropped in "
        f"{pruned.dropping:.1f} s; slowest admission meanwhile {pruned.slowest_admission:.3f} s"
    )
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "rows": chosen.rows,
        "figures": [asdict(one) for one in figures],
        "pruned": asdict(pruned),
    }
    chosen.output.write_text(json.dumps(written, indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


if __name__ == "__main__":
    main()
