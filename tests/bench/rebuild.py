"""`python -m tests.bench.rebuild`: how long the watch takes to see the last 24 hours again.

A million calls of a thousand trunks in one SQLite file, spread over a day; then what `serve` does
at its start, with the shipped rules. One core.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, text

from asterisk_siptrunk.anomaly import shipped_rules
from asterisk_siptrunk.database import customers, provider, schema, sightings, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.replay import Replay, make_watch
from asterisk_siptrunk.database.sightings import CallFeed
from asterisk_siptrunk.database.watch_rules import RuleBook
from asterisk_siptrunk.trunk import Trunk, TrunkKind

CALLS, TRUNKS = 1_000_000, 1_000
ZONE = ZoneInfo("Europe/Paris")
_CALLS = """
WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < :calls)
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, direction, caller, presented,
  withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at,
  answered_at, ended_at, hangup_cause, evidence)
SELECT 'lab', 'lab-' || n || '.1', n, '', 1 + n % :trunks,
  CASE WHEN n % 4 = 0 THEN 'inbound' ELSE 'outbound' END, '+33123456789', '0123456789', 0, '',
  '+336' || (10000000 + n * 7919 % 89999999), 'fr:mobile', 'admitted', 'admitted', '', 'service',
  '', '', datetime(:since, '+' || (86400.0 * n / :calls) || ' seconds') || '.000000',
  CASE WHEN n % 5 > 0 THEN
    datetime(:since, '+' || (86400.0 * n / :calls + 5) || ' seconds') || '.000000' END,
  datetime(:since, '+' || (86400.0 * n / :calls + 5 + n % 300) || ' seconds') || '.000000',
  16, 'ami'
FROM counted
"""


def run(calls: int) -> dict[str, float]:
    """Make the calls and see them; seconds."""
    now = datetime.now(UTC)
    since = now - timedelta(days=1)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/siptrunk.db"
        schema.make_place(url)
        engine = open_engine(url, patient=True)
        schema.upgrade(engine)
        by = By("bench", now)
        with transaction(engine) as connection:
            provider.begin(connection)
            customers.add(connection, by, "bench")
            for number in range(TRUNKS):
                kind = TrunkKind.REGISTERED
                one = Trunk(0, f"t{number}", "bench", kind, channels=30, country="FR")
                trunks.add(connection, by, one, None)
            values = {"calls": calls, "trunks": TRUNKS, "since": f"{since:%Y-%m-%d %H:%M:%S}"}
            connection.execute(text(_CALLS), values)
        measured = _rebuild(engine, now, since)
        engine.dispose()
    return {"calls": calls, **measured}


def _rebuild(engine: Engine, now: datetime, since: datetime) -> dict[str, float]:
    began, worked = perf_counter(), process_time()
    with reading(engine) as connection:
        book = sightings.read_book(connection, ZONE, now, "")
        watch = make_watch(RuleBook(shipped_rules()), book, "FR")
        feed, replay = CallFeed(book), Replay(watch, (), 60.0)
        moments = 0
        for sighting in feed.begin(connection, sightings.history(connection, book, since)):
            replay.take(sighting)
            moments += 1
    return {
        "moments": moments,
        "seconds": round(perf_counter() - began, 2),
        "processor_seconds": round(process_time() - worked, 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS)
    print(json.dumps(run(parser.parse_args().calls)))
