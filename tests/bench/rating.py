"""`python -m tests.bench.rating`: what it takes to rate a million calls, on SQLite, on one core.

A bare `SELECT` of the same columns, whose rows are read and thrown away, stands beside it: what
the ratio exceeds 1 by is ours. Memory is the process's own peak, before and after.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, select, text

from asterisk_siptrunk.billing.catalogue import Inclusion
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.billing.usage import lines
from asterisk_siptrunk.database import rating
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.rating import PeriodUsage
from asterisk_siptrunk.database.tables import call, rate, subscription
from tests.bench.setting import CHANNELS, set_up

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

CALLS = 1_000_000
TARGET_SECONDS = 60.0
ZONE = ZoneInfo("Europe/Paris")
PERIOD = BillingPeriod(date(2026, 11, 1), date(2026, 12, 1), date(2026, 11, 1))
DECK = "world"

console = Console(highlight=False)

# Calls of up to five minutes, spread over the month; nine in ten to France, one in five mobile.
_CALLS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :calls)
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, direction, caller, presented,
  withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at,
  answered_at, ended_at, hangup_cause, evidence)
SELECT 'lab', 'lab-' || at || '.' || n, at, n || '@pbx', 1, 'outbound', '+33123456789', '',
  0, '', CASE WHEN n % 10 = 0 THEN '+4930' WHEN n % 5 = 1 THEN '+336' ELSE '+331' END
    || (10000000 + n % 9999999),
  CASE WHEN n % 10 = 0 THEN 'de:fixed' WHEN n % 5 = 1 THEN 'fr:mobile' ELSE 'fr:fixed' END,
  'admitted', 'admitted', '', 'service', '', 'alaw',
  strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch') || '.000000',
  strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch') || '.500000',
  strftime('%Y-%m-%d %H:%M:%S', at + n % 300 + 1, 'unixepoch') || '.250000', 16, 'ami'
FROM (SELECT n, CAST(:since + n * :step AS INTEGER) AS at FROM numbers)
"""


@dataclass(frozen=True)
class Figure:
    """Seconds for something done to all calls; `ratio` is to the bare SELECT."""

    what: str
    seconds: float
    ratio: float


@dataclass
class Locks:
    """How long each transaction had SQLite's lock, the wait for it not counted."""

    begun: float | None = None
    each: list[float] = field(default_factory=list)

    def begin(self, _connection: Connection) -> None:
        """A guard of `rating.store`."""
        self.begun = perf_counter()

    def end(self, _calls: int) -> None:
        """A progress of `rating.store`."""
        if self.begun is not None:
            self.each.append(perf_counter() - self.begun)
            self.begun = None


def fill(engine: Engine, calls: int) -> None:
    """A subscription, a price list as carriers sell them, and the calls."""
    span = PERIOD.span(ZONE)
    since, until = (int(at.timestamp()) for at in (span.since, span.until))
    with transaction(engine) as connection:
        connection.execute(insert(subscription).values(_subscription()))
        connection.execute(insert(rate), [_rate(target) for target in _targets()])
        step = (until - since - 1) / calls
        connection.execute(text(_CALLS), {"calls": calls, "since": since, "step": step})


def _subscription() -> dict[str, object]:
    turns_at = PERIOD.span(ZONE).until
    agreed = {"trunk_id": 1, "offer": "packs", "currency": "EUR", "period": "calendar"}
    return {**agreed, "began": PERIOD.first, "turns_at": turns_at}


def _targets() -> list[str]:
    """Some 9,000: every prefix of four digits, and the zones called."""
    prefixes = (f"+{first}{rest:03}" for first, rest in product(range(1, 10), range(1000)))
    return [*prefixes, "fr:fixed", "fr:mobile", "de:fixed", "all"]


def _rate(target: str) -> dict[str, object]:
    values = {"deck": DECK, "target": target, "name": f"Calls to {target[:4]}", "fee": Decimal(0)}
    price = Decimal("0.0125")
    return {**values, "price": price, "first": 1, "step": 1, "valid_from": PERIOD.first}


def usage(engine: Engine) -> PeriodUsage:
    """The period with a plan that includes a part of its calls."""
    with reading(engine) as connection:
        table = RateTable(rating.load_deck(connection, DECK, PERIOD), "FR")
    included = (Inclusion("France", ("fr",), 600),)
    return PeriodUsage(1, 1, PERIOD, ZONE, table, included, CHANNELS)


def bare(engine: Engine) -> None:
    """The same columns, read and thrown away."""
    names = ("id", "callee", "zone", "started_at", "answered_at", "ended_at")
    query = select(*(call.c[name] for name in names)).where(call.c.trunk_id == 1)
    with reading(engine) as connection:
        ordered = query.order_by(call.c.started_at, call.c.id)
        for _ in connection.execution_options(yield_per=rating.PIECE).execute(ordered):
            pass


def nothing(_calls: int) -> None:
    """A progress that nobody sees."""


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = perf_counter()
    work()
    return perf_counter() - began


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(engine: Engine, locks: Locks) -> list[Figure]:
    """All figures."""
    one = usage(engine)
    base = timed(lambda: bare(engine))

    def rate_all() -> None:
        lines(rating.store(engine, one, locks.begin, locks.end).totals, PERIOD, "EUR")

    done = [
        ("a bare SELECT", base),
        ("rated, kept and added up", timed(rate_all)),
        ("the same again: nothing to write", timed(rate_all)),
        (
            "computed again, to see what differs",
            timed(lambda: rating.compute(engine, one, nothing)),
        ),
    ]
    return [Figure(what, seconds, seconds / base) for what, seconds in done]


def main() -> None:
    """Fill, measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.rating", description=__doc__)
    options.add_argument("--calls", type=int, default=CALLS)
    options.add_argument("--output", type=Path, default=Path("build/bench/rating.json"))
    chosen = options.parse_args()
    locks = Locks()
    with tempfile.TemporaryDirectory(prefix="siptrunk-bench-") as folder:
        engine = set_up(f"sqlite:///{folder}/siptrunk.db", datetime.now(UTC))
        console.print(f"  filled in {timed(lambda: fill(engine, chosen.calls)):.0f} s")
        before = peak()
        figures = measure(engine, locks)
        grown = peak() - before
        engine.dispose()
    show(figures, chosen.calls)
    longest = max(locks.each)
    console.print(
        f"Memory: {before:.0f} MB before, {grown:.0f} MB more at most; SQLite's lock was held "
        f"{1000 * longest:.0f} ms at most, {len(locks.each)} times"
    )
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "calls": chosen.calls,
        "figures": [asdict(one) for one in figures],
        "memory_before_mb": before,
        "memory_grown_mb": grown,
        "longest_lock_ms": 1000 * longest,
    }
    chosen.output.write_text(json.dumps(written, indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


def show(figures: list[Figure], calls: int) -> None:
    """One line a figure, and whether the target is met."""
    shown = Table(title=f"{calls:,} calls", title_justify="left")
    for column in ("what", "seconds", "ratio"):
        shown.add_column(column, justify="left" if column == "what" else "right")
    for one in figures:
        shown.add_row(one.what, f"{one.seconds:.1f}", f"{one.ratio:.2f}")
    console.print(shown)
    met = figures[1].seconds < TARGET_SECONDS
    console.print(f"Target, {TARGET_SECONDS:.0f} s: {'met' if met else 'missed'}")


if __name__ == "__main__":
    main()
