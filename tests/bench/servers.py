"""`python -m tests.bench.servers`: what one PostgreSQL admits for one, two and four servers.

pgbench runs the bare statements of an admission and its end beside it, in turn, in the same
database: what the ratio lacks to 1 is ours. Both are closed loops. A process of ours is what a
daemon is, an event loop and its database thread, with a few calls that ask at the same time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from asterisk_siptrunk.call import Attempt, Direction, Ended
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.thread import DatabaseThread
from tests.bench.setting import MOBILE, NUMBER, TRUNKS, admission, set_up
from tests.lab.postgresql import PostgresServer

if TYPE_CHECKING:
    from threading import Barrier

DATABASE = "bench"
SERVERS = (1, 2, 4)
ROUNDS = 5
SECONDS = 4.0
WARM_SECONDS = 1.0
# Calls that ask a server at the same time: as each ends, the next one asks.
AT_ONCE = 4
TARGET = 0.5

# The statements of `database/admission.py` and of `database/usage.py`, without what decides.
_BARE = """
\\set trunk random(1, {trunks})
\\set number random(1, 1000000000000)
BEGIN;
SELECT version, kept FROM provider;
SELECT id, name, version, pace_tokens, pace_at FROM trunk
  WHERE name = 't' || (:trunk - 1) FOR NO KEY UPDATE OF trunk;
SELECT direction, count(*) FROM call
  WHERE trunk_id = :trunk AND ended_at IS NULL GROUP BY direction;
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, carrier_id, tried, direction,
    caller, presented, withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent,
    codec, started_at, ended_at, hangup_cause, evidence)
  VALUES ('bare', 'bare-{epoch}.' || :number, {epoch}, '', :trunk, 1, '', 'outbound',
    '+33120000000', '+33120000000', false, '0612345678', '+33612345678', 'fr:mobile', 'admitted',
    'admitted', '0 of 20 channels in use (0 outbound, 0 inbound)', 'service', '', '', now(), NULL,
    NULL, NULL)
  ON CONFLICT DO NOTHING;
COMMIT;
UPDATE call SET ended_at = now(), hangup_cause = 16, evidence = 'ami'
  WHERE server = 'bare' AND uniqueid = 'bare-{epoch}.' || :number AND epoch = {epoch}
    AND (ended_at IS NULL OR evidence = 'reconciled');
"""

console = Console(highlight=False)


@dataclass(frozen=True)
class Figure:
    """Admissions a second of all clients together, and of those and their ends the p99, in ms."""

    rate: float
    p99: float


def bare(server: PostgresServer, clients: int, seconds: float) -> Figure:
    """Have pgbench run the statements with so many clients."""
    script = _BARE.format(trunks=TRUNKS, epoch=int(datetime.now(UTC).timestamp()))
    return _figure(server.pgbench(script, DATABASE, clients, round(seconds)), seconds)


def _figure(took: list[float], seconds: float) -> Figure:
    return Figure(len(took) / seconds, statistics.quantiles(took, n=100)[98] * 1000)


def ours(url: str, servers: int, seconds: float) -> Figure:
    """Have so many processes admit and end calls by our own code."""
    context = get_context("spawn")
    with context.Manager() as manager, context.Pool(servers) as pool:
        start = manager.Barrier(servers)
        asked = [(url, number, seconds, start) for number in range(servers)]
        took = [each for one in pool.starmap(_be_a_server, asked) for each in one]
    return _figure(took, seconds)


def _be_a_server(url: str, number: int, seconds: float, start: Barrier) -> list[float]:
    try:
        import uvloop  # noqa: PLC0415 - as the daemon does
    except ImportError:
        return asyncio.run(_serve(url, number, seconds, start))
    return uvloop.run(_serve(url, number, seconds, start))


async def _serve(url: str, number: int, seconds: float, start: Barrier) -> list[float]:
    engine = open_engine(url)
    database = DatabaseThread(engine, asyncio.get_running_loop())
    database.start()
    short = LoopDatabase(engine, database) if engine.dialect.name == "sqlite" else database
    clients = Clients(short, f"server{number}-{datetime.now(UTC).timestamp():.0f}")
    await clients.work(WARM_SECONDS)
    start.wait()
    took = await clients.work(seconds)
    if isinstance(short, LoopDatabase):
        short.close()
    await asyncio.to_thread(database.stop)
    engine.dispose()
    return took


class Clients:
    """Calls that are admitted and end, one after the other, some at once."""

    def __init__(self, short: LoopDatabase | DatabaseThread, server: str) -> None:
        self._short = short
        self._server = server
        self._admission = admission()
        self._number = count(1)

    async def work(self, seconds: float) -> list[float]:
        """Seconds that each call took."""
        until = monotonic() + seconds
        each = await asyncio.gather(*(self._call_until(until) for _ in range(AT_ONCE)))
        return [took for one in each for took in one]

    async def _call_until(self, until: float) -> list[float]:
        took = []
        while monotonic() < until:
            began = perf_counter()
            await self._call()
            took.append(perf_counter() - began)
        return took

    async def _call(self) -> None:
        number, now = next(self._number), datetime.now(UTC)
        trunk = hash((self._server, number)) % TRUNKS
        attempt = Attempt(
            server=self._server,
            uniqueid=f"{self._server}-{int(now.timestamp())}.{number}",
            direction=Direction.OUTBOUND,
            entry=f"t{trunk}",
            dialled=MOBILE,
            at=now,
            caller=NUMBER.format(trunk),
        )
        ruling = await self._short.submit(lambda c: self._admission.admit(c, attempt))
        assert ruling.carrier is not None, ruling
        ended = [Ended(attempt.uniqueid, now, 16)]
        await self._short.submit(lambda c: usage.apply(c, self._server, ended))


@dataclass(frozen=True)
class Line:
    """So many servers, beside so many clients of pgbench: the median of the rounds."""

    servers: int
    bare: Figure
    ours: Figure

    @property
    def ratio(self) -> float:
        """Of the bare statements' rate."""
        return self.ours.rate / self.bare.rate


def measure(server: PostgresServer, url: str, rounds: int, seconds: float) -> list[Line]:
    """Each number of servers in turn, so many times over."""
    taken: dict[int, list[tuple[Figure, Figure]]] = {number: [] for number in SERVERS}
    for at in range(rounds):
        for number, pairs in taken.items():
            console.print(f"  round {at + 1} of {rounds}: {number} at once", style="dim")
            _empty(url)
            pairs.append((bare(server, number, seconds), ours(url, number, seconds)))
    return [
        Line(number, _median([pair[0] for pair in pairs]), _median([pair[1] for pair in pairs]))
        for number, pairs in taken.items()
    ]


def _empty(url: str) -> None:
    engine = open_engine(url)
    with transaction(engine) as connection:
        connection.execute(text("TRUNCATE call"))
    engine.dispose()


def _median(figures: list[Figure]) -> Figure:
    return Figure(
        statistics.median(one.rate for one in figures),
        statistics.median(one.p99 for one in figures),
    )


def table(lines: list[Line], sqlite: Figure) -> Table:
    """One line for each number of servers, and SQLite's."""
    shown = Table(title="Admissions with their ends", title_justify="left")
    for column in ("servers", "pgbench, /s", "p99, ms", "ours, /s", "p99, ms", "ratio", ""):
        shown.add_column(column, justify="right")
    for line in lines:
        figures = (f"{each:.1f}" for one in (line.bare, line.ours) for each in asdict(one).values())
        verdict = "[green]met[/]" if line.ratio >= TARGET else "[red]missed[/]"
        shown.add_row(str(line.servers), *figures, f"{line.ratio:.2f}", verdict)
    shown.add_row("SQLite, 1", "", "", f"{sqlite.rate:.1f}", f"{sqlite.p99:.1f}", "", "")
    return shown


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.servers", description=__doc__)
    options.add_argument("--quick", action="store_true", help="one short round: is it alive?")
    options.add_argument("--output", type=Path, default=Path("build/bench/servers.json"))
    chosen = options.parse_args()
    rounds, seconds = (1, 3.0) if chosen.quick else (ROUNDS, SECONDS)
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(shared_buffers="256MB"))
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url, file = server.create_database(DATABASE), f"sqlite:///{folder}/bench.db"
        for each in (url, file):
            set_up(each, datetime.now(UTC)).dispose()
        lines = measure(server, url, rounds, seconds)
        sqlite = _median([ours(file, 1, seconds) for _ in range(rounds)])
    console.print(table(lines, sqlite))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    written = {"servers": [asdict(line) for line in lines], "sqlite": asdict(sqlite)}
    chosen.output.write_text(json.dumps(written, indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


if __name__ == "__main__":
    main()
