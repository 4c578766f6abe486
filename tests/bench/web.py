"""`python -m tests.bench.web`: what the management interface costs, on SQLite with a million calls.

How long the server takes for home and its like, with every other call that of one trunk; and what
share of a core 200 open pages cost that follow the channels in use: while nothing changes, and
while the number on every page changes each second. The server is `siptrunk web serve`, a process
of its own; its processor time is read from /proc, and whoever asks it is not counted in. It takes
some three minutes, 1 GB of disk and a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from sqlalchemy import select, text, update

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.account.secret import digest, new_session
from asterisk_siptrunk.database import accounts, customers, sessions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call, customer, trunk
from asterisk_siptrunk.web.guard import COOKIE
from tests.bench.setting import TRUNKS, set_up
from tests.lab.processes import Child, cpu_seconds, free_ports
from tests.lab.provider import SIPTRUNK

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

CALLS = 1_000_000
DAYS = 30
PAGES = 200
REQUESTS = 40
SECONDS = 30
TARGET_MS, TARGET_SHARE = 50.0, 0.05
START_SECONDS = 20.0

console = Console(highlight=False)

# Spread evenly over the days, one in five refused; every other one is the first trunk's.
_CALLS = """
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :calls)
INSERT INTO call (server, uniqueid, epoch, sip_call_id, trunk_id, direction, caller, presented,
  withheld, dialled, callee, zone, verdict, reason, facts, via, user_agent, codec, started_at,
  answered_at, ended_at, hangup_cause, evidence)
SELECT 'lab', 'lab-' || at || '.' || n, at, n || '@pbx',
  CASE WHEN n % 2 = 0 THEN 1 ELSE 1 + n / 2 % :trunks END, 'outbound', '+33123456789', '0123456789',
  0, '0612345678', '+336' || (10000000 + n % 9999999), 'fr:mobile',
  CASE WHEN n % 5 > 0 THEN 'admitted' ELSE 'refused' END,
  CASE WHEN n % 5 > 0 THEN 'admitted' ELSE 'channels-full' END,
  '3 of 20 channels in use (3 outbound, 0 inbound)', 'service', 'FPBX-16.0.40(18.9.0)', 'alaw',
  strftime('%Y-%m-%d %H:%M:%S', at, 'unixepoch') || '.000000',
  CASE WHEN n % 5 > 1 THEN strftime('%Y-%m-%d %H:%M:%S', at + 5, 'unixepoch') || '.500000' END,
  strftime('%Y-%m-%d %H:%M:%S', at + n % 5 * 40, 'unixepoch') || '.250000', 16, 'ami'
FROM (SELECT n, CAST(:since + n * :step AS INTEGER) AS at FROM numbers)
"""


@dataclass(frozen=True)
class Figure:
    """Milliseconds for a page.

    Attributes:
        processor: that the server took of a core for each, which does not depend on who else works.
        median, slowest: from a request to its whole answer, over a connection that is open.
    """

    what: str
    processor: float
    median: float
    slowest: float


@dataclass(frozen=True)
class Share:
    """What part of a core the server took, and how many events all pages were told a second."""

    what: str
    share: float
    events: float


def fill(engine: Engine, count: int, now: datetime) -> list[str]:
    """Calls, a customer for each trunk, and somebody of each logged in: gives their cookies."""
    since = now - timedelta(days=DAYS)
    values: dict[str, float] = {"calls": count, "trunks": TRUNKS, "since": int(since.timestamp())}
    values["step"] = (DAYS * 86_400 - 300) / count
    with transaction(engine) as connection:
        connection.execute(text(_CALLS), values)
        return [_log_in(connection, number, now) for number in range(TRUNKS)]


def _log_in(connection: Connection, number: int, now: datetime) -> str:
    by, name, cookie = By("bench", now), f"c{number}", new_session()
    customers.add(connection, by, name)
    owner = select(customer.c.id).where(customer.c.name == name).scalar_subquery()
    own = trunk.c.name == f"t{number}"
    connection.execute(update(trunk).where(own).values(customer_id=owner))
    account = accounts.add(
        connection,
        by,
        login=f"{name}@bench.example",
        name=name,
        role=Role.CUSTOMER_ADMIN,
        customer=name,
        password_hash="",
    )
    sessions.open_one(connection, by, account, digest=digest(cookie), address="", user_agent="")
    return cookie


def serve(folder: Path, url: str, port: int) -> Child:
    """Start the server, and wait until it answers."""
    settings = folder / "siptrunk.toml"
    settings.write_text(f'[database]\nurl = "{url}"\n[web]\nport = {port}\n')
    argv = [str(SIPTRUNK), "--config", str(settings), "web", "serve"]
    child = Child(argv, output=folder / "web.log", env=dict(os.environ))
    deadline = perf_counter() + START_SECONDS
    while perf_counter() < deadline:
        try:
            HTTPConnection("127.0.0.1", port, timeout=1).request("GET", "/healthz")
        except OSError:
            sleep(0.1)
        else:
            return child
    raise SystemExit((folder / "web.log").read_text())


class Visitor:
    """Somebody who asks the server of process `pid` for pages."""

    def __init__(self, port: int, pid: int, cookie: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._pid = pid
        self._headers = {"Cookie": f"{COOKIE}={cookie}"}

    def time(self, what: str, path: str, requests: int = REQUESTS) -> Figure:
        """Ask for a page again and again."""
        used = cpu_seconds(self._pid)
        took = [self._ask(path) for _ in range(requests)]
        processor = 1000 * (cpu_seconds(self._pid) - used) / requests
        return Figure(what, processor, 1000 * statistics.median(took), 1000 * max(took))

    def _ask(self, path: str) -> float:
        began = perf_counter()
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        return perf_counter() - began


def pages(port: int, pid: int, cookies: list[str]) -> list[Figure]:
    """All pages that are timed."""
    busy, ordinary = (Visitor(port, pid, cookie) for cookie in cookies[:2])
    ordinary.time("", "/customers/c1", 2)  # it warms up
    chart = "/trunks/t0/occupancy"
    return [
        ordinary.time("home of an ordinary customer", "/customers/c1"),
        busy.time("home of the busiest customer", "/customers/c0"),
        busy.time("calls of its trunk", "/trunks/t0/calls"),
        busy.time("calls to a number of its trunk", "/trunks/t0/calls?number=7777"),
        busy.time("chart of its trunk, at first", chart, 1),
        busy.time("chart of its trunk, then", chart),
    ]


class Listeners:
    """Open pages."""

    def __init__(self, port: int, cookies: list[str]) -> None:
        self._port = port
        self._cookies = cookies
        self.events = 0
        self.all_told = asyncio.Event()

    async def listen(self, number: int) -> None:
        """Follow one customer's numbers."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        lines = [f"GET /live/customers/c{number} HTTP/1.1", "Host: bench"]
        cookie = f"Cookie: {COOKIE}={self._cookies[number]}"
        writer.write("\r\n".join([*lines, cookie, "", ""]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.partition(b"\r\n")[0], head
        while line := await reader.readline():
            self.events += line.startswith(b"event: values")
            if self.events == PAGES:
                self.all_told.set()


def toggle(engine: Engine, ids: list[int], *, is_open: bool) -> None:
    """Have a call of each trunk go on, or end."""
    ended = None if is_open else datetime.now(UTC)
    with transaction(engine) as connection:
        connection.execute(update(call).where(call.c.id.in_(ids)).values(ended_at=ended))


async def shares(port: int, pid: int, cookies: list[str], engine: Engine) -> list[Share]:
    """The server's processor time without and with open pages."""
    with engine.connect() as connection:
        newest = select(call.c.id).order_by(call.c.id.desc()).limit(50 * TRUNKS).subquery()
        one_each = select(call.c.id).where(call.c.id.in_(select(newest)))
        ids = list(connection.execute(one_each.group_by(call.c.trunk_id)).scalars())
    listeners = Listeners(port, cookies)
    found = [await _share("nobody listens", pid, listeners)]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listeners.listen(number)) for number in range(PAGES)]
        await listeners.all_told.wait()
        found.append(await _share(f"{PAGES} pages, nothing changes", pid, listeners))
        changing = asyncio.create_task(_change(engine, ids))
        found.append(await _share(f"{PAGES} pages, all change each second", pid, listeners))
        changing.cancel()
        for task in tasks:
            task.cancel()
    return found


async def _share(what: str, pid: int, listeners: Listeners) -> Share:
    await asyncio.sleep(2)
    used, events, began = cpu_seconds(pid), listeners.events, perf_counter()
    await asyncio.sleep(SECONDS)
    took = perf_counter() - began
    return Share(what, (cpu_seconds(pid) - used) / took, (listeners.events - events) / took)


async def _change(engine: Engine, ids: list[int]) -> None:
    is_open = True
    while True:
        await asyncio.to_thread(toggle, engine, ids, is_open=is_open)
        is_open = not is_open
        await asyncio.sleep(1)


def show(figures: list[Figure], found: list[Share], count: int) -> None:
    """The two tables, and whether the targets are met."""
    times = Table(title=f"{count:,} calls in {DAYS} days, half of them of one trunk")
    for column in ("page", "processor, ms", "median, ms", "slowest, ms"):
        times.add_column(column, justify="left" if column == "page" else "right")
    for one in figures:
        cells = (f"{value:.1f}" for value in (one.processor, one.median, one.slowest))
        times.add_row(one.what, *cells)
    console.print(times)
    costs = Table(title=f"the server alone, {SECONDS} s each")
    for column in ("open pages", "of a core", "events/s"):
        costs.add_column(column, justify="left" if column == "open pages" else "right")
    for each in found:
        costs.add_row(each.what, f"{each.share:.1%}", f"{each.events:.0f}")
    console.print(costs)
    fast = all(one.median < TARGET_MS for one in figures[:2])
    console.print(f"Target, home under {TARGET_MS:.0f} ms: {'met' if fast else 'missed'}")
    cheap = all(each.share < TARGET_SHARE for each in found)
    console.print(f"Target, {PAGES} open pages under 5%: {'met' if cheap else 'missed'}")


def main() -> None:
    """Fill, measure, print the tables, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.web", description=__doc__)
    options.add_argument("--calls", type=int, default=CALLS)
    options.add_argument("--output", type=Path, default=Path("build/bench/web.json"))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="siptrunk-bench-") as folder:
        url, (port,) = f"sqlite:///{folder}/siptrunk.db", free_ports(1, "tcp")
        now = datetime.now(UTC)
        engine = set_up(url, now)
        cookies = fill(engine, chosen.calls, now)
        with serve(Path(folder), url, port) as server:
            figures = pages(port, server.pid, cookies)
            found = asyncio.run(shares(port, server.pid, cookies, engine))
        engine.dispose()
    show(figures, found, chosen.calls)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "calls": chosen.calls,
        "pages": [asdict(one) for one in figures],
        "listening": [asdict(each) for each in found],
    }
    chosen.output.write_text(json.dumps(written, indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


if __name__ == "__main__":
    main()
