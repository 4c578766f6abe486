"""`python -m tests.bench.rebuild`: how long the watch takes to start after a million calls.

A million calls of a thousand trunks in one SQLite file, spread over a day, a fifth of them abroad,
by a deck of rates; then what `serve` does with the shipped rules: a start that sees all of them
again, what it costs to keep what is known, a start that goes on from there and sees the calls of
the last five minutes, a threshold that is changed while it watches, and a start after that. One
core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from time import perf_counter, process_time
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, select, text

from asterisk_siptrunk.anomaly import shipped_rules
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import (
    customers,
    provider,
    rates,
    schema,
    servers,
    trunks,
    watch_rules,
    watching,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import watch_state
from asterisk_siptrunk.trunk import Trunk, TrunkKind
from asterisk_siptrunk.watch_over import STATE_KEPT, WatchOver, WatchTerms
from tests.unit.database.shop import BUSINESS

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS, TRUNKS = 1_000_000, 1_000
_CALLS = """
WITH RECURSIVE counted(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM counted WHERE n < :last)
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, direction, caller, presented,
  withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at,
  answered_at, ended_at, hangup_cause, evidence)
SELECT 'lab', 'lab-' || n || '.1', n, '', 1 + n % :trunks,
  CASE WHEN n % 4 = 0 THEN 'inbound' ELSE 'outbound' END, '+33123456789', '0123456789', 0, '',
  CASE WHEN n % 5 = 1 THEN '+4930' ELSE '+336' END || (10000000 + n * 7919 % 89999999),
  CASE WHEN n % 5 = 1 THEN 'de:fixed' ELSE 'fr:mobile' END, 'admitted', 'admitted', '', 'service',
  '', '', datetime(:since, '+' || (86400.0 * n / :calls) || ' seconds') || '.000000',
  CASE WHEN n % 5 > 0 THEN
    datetime(:since, '+' || (86400.0 * n / :calls + 5) || ' seconds') || '.000000' END,
  datetime(:since, '+' || (86400.0 * n / :calls + 5 + n % 300) || ' seconds') || '.000000',
  16, 'ami'
FROM counted
"""


def run(calls: int) -> dict[str, object]:
    """Make the calls and have a watch start on them; seconds."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/siptrunk.db"
        schema.make_place(url)
        engine = open_engine(url, patient=True)
        schema.upgrade(engine)
        _provide(engine, now)
        early = calls - calls * STATE_KEPT // timedelta(days=1)
        _call(engine, (1, early), calls, now)
        clock = now - STATE_KEPT
        first = _start(engine, lambda: clock)
        current = first.watch._watching
        assert current is not None
        keeping = _measured(lambda: first.watch._keep_state(current, clock))
        _call(engine, (early + 1, calls), calls, now)
        again = _start(engine, lambda: now)
        with transaction(engine) as connection:
            by = By("bench", now)
            watch_rules.put(connection, by, shipped_rules(), "day-cost", {"critical": "500"})
        changed = _measured(lambda: again.watch._see(again.mine, now))
        by_other_rules = _start(engine, lambda: now)
        with reading(engine) as connection:
            size = func.sum(func.length(watch_state.c.body))
            kept = connection.execute(select(size)).scalar_one()
        engine.dispose()
    return {
        "calls": calls,
        "all seen again": first.seconds,
        "kept": keeping,
        "kept kB": kept // 1000,
        "gone on": again.seconds,
        "a threshold is changed": changed,
        "gone on by another threshold": by_other_rules.seconds,
    }


@dataclass(frozen=True)
class _Started:
    watch: WatchOver
    mine: watching.Watched
    seconds: tuple[float, float]


def _start(engine: Engine, clock: Callable[[], datetime]) -> _Started:
    terms = WatchTerms("lab", "FR", "world", shipped_rules(), BUSINESS)
    watch = WatchOver(terms, engine, None, clock)
    with transaction(engine) as connection:
        mine = watching.claim(connection, "lab", clock())
    assert mine is not None
    return _Started(watch, mine, _measured(lambda: watch._see(mine, clock())))


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that it takes, and seconds of a processor."""
    began, worked = perf_counter(), process_time()
    work()
    return round(perf_counter() - began, 2), round(process_time() - worked, 2)


def _provide(engine: Engine, now: datetime) -> None:
    by = By("bench", now)
    with transaction(engine) as connection:
        provider.begin(connection)
        customers.add(connection, by, "bench")
        servers.beat(connection, "lab", Vitals("1", now, 100, "up", now, "", 0), (), now)
        for number in range(TRUNKS):
            kind = TrunkKind.REGISTERED
            one = Trunk(0, f"t{number}", "bench", kind, channels=30, country="FR")
            trunks.add(connection, by, one, None)
    day = (now - timedelta(days=9)).date()
    deck = [
        Rate("fr", "France", Decimal(0), Decimal("0.02"), 1, 1, day),
        Rate("de", "Germany", Decimal(0), Decimal("0.04"), 1, 1, day),
    ]
    rates.load(engine, by, "world", day, deck)


def _call(engine: Engine, numbers: tuple[int, int], calls: int, now: datetime) -> None:
    since = f"{now - timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    first, last = numbers
    values = {"first": first, "last": last, "calls": calls, "trunks": TRUNKS, "since": since}
    with transaction(engine) as connection:
        connection.execute(text(_CALLS), values)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    print(json.dumps(run(parser.parse_args().calls)))
