"""`siptrunk billing run` killed at any moment and run again comes to what one run comes to.

The process is a real one, and SIGKILL gives it no chance. It is forked from a server that has
loaded the program, so that what is killed is the work and not Python's start.
"""

import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select, text

from asterisk_siptrunk.call import epoch_of
from asterisk_siptrunk.cli import main
from asterisk_siptrunk.database import rating, subscriptions
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import call, metadata
from tests.conftest import set_up
from tests.unit.database.shop import CATALOGUE, PARIS, Shop

KILLS_EACH = 5
TRUNKS = 20
CALLS = 100
"""Of each trunk in each month."""
PIECE = 20
"""Calls that are rated in one transaction: so several are, for each period."""
FIRST_DAY, DAY = "2025-03-01", "2025-06-20"
# When something was done differs from run to run; `turns_at` follows from the day of the run.
_MOMENTS = {"at", "next_at", "settled_at", "closed_at", "lifted_at", "created_at", "turns_at"}
_WEBHOOK = "http://127.0.0.1:9/told"

_context = get_context("forkserver")
_context.set_forkserver_preload([__name__, "asterisk_siptrunk.cli.billing"])
_databases = count(1)


def work(config: str, url: str) -> None:
    """What the process does: the command, and nothing else."""
    rating.PIECE = PIECE
    os.environ |= {
        "SIPTRUNK_CONFIG": config,
        "SIPTRUNK_DATABASE_URL": url,
        "SIPTRUNK_WEBHOOK_URL": _WEBHOOK,
        "SUDO_USER": "alice",
    }
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = nowhere
        main(["billing", "run", "--date", DAY], prog_name="siptrunk")


def run(config: Path, url: str, kill_after: float | None = None) -> bool:
    """One run; whether it ended by itself, and not by SIGKILL after so many seconds."""
    process = _context.Process(target=work, args=(str(config), url))
    process.start()
    process.join(kill_after)
    process.kill()
    process.join()
    code = process.exitcode
    process.close()
    assert code in {0, -9}
    return code == 0


# --- a provider with much to do ---


def fill(engine) -> None:
    """Subscriptions since January, billed on the first of March, and not since then."""
    catalogue = replace(CATALOGUE, valid_from=date(2025, 1, 1))
    shop = Shop.opened(engine, catalogue=catalogue, now=datetime(2025, 1, 2, tzinfo=UTC))
    shop.prove("lab")
    for place in range(TRUNKS):
        begin(shop, place, f"trunk-{place}")
    with transaction(engine) as connection:
        rows = [row for place in range(TRUNKS) for row in calls_of(place + 1)]
        connection.execute(insert(call), rows)
    shop.at(FIRST_DAY).bill()
    for place, number in enumerate(shop.numbers()):
        if place % 2 and shop.invoice(number).settled_at is None:
            shop.settle(number)
    shop.first(3, "never-paid")


def begin(shop: Shop, place: int, name: str) -> None:
    plan = "office" if place % 3 else None
    shop.at(f"2025-01-{2 + place:02}").subscribe(2 + place % 7, name, plan=plan)
    shop.at("2025-02-10").raised(12, name)
    shop.at("2025-02-20").order(6 + place % 3, name)
    if place % 9 == 0:
        with shop.changing() as connection:
            ground = subscriptions.ground(connection, PARIS)
            subscriptions.end(connection, replace(shop.by, at=shop.now), name, ground)


def calls_of(trunk_id: int) -> Iterator[dict[str, Any]]:
    random = Random(trunk_id)
    begun = datetime(2025, 1, 25, tzinfo=UTC)
    unsaid = ("sip_call_id", "caller", "presented", "dialled", "facts", "user_agent", "codec")
    for number in range(CALLS * 4):
        at = begun + timedelta(days=random.uniform(0, 140))
        latvia = random.random() < 0.2
        uniqueid = f"lab-{int(at.timestamp())}.{trunk_id * 1000 + number}"
        yield {
            **dict.fromkeys(unsaid, ""),
            "server": "lab",
            "uniqueid": uniqueid,
            "epoch": epoch_of(uniqueid),
            "trunk_id": trunk_id,
            "direction": "outbound",
            "withheld": False,
            "callee": "+37129123456" if latvia else "+33612345678",
            "zone": "lv:mobile" if latvia else "fr:mobile",
            "verdict": "admitted",
            "reason": "admitted",
            "via": "service",
            "started_at": at,
            "answered_at": at,
            "ended_at": at + timedelta(seconds=random.randint(1, 600)),
        }


def left(url: str) -> dict[str, list[dict[str, Any]]]:
    """All that the database says, without the moments of the runs themselves."""
    engine = open_engine(url)
    with reading(engine) as connection:
        found = {
            name: [
                {key: value for key, value in row.items() if key not in _MOMENTS}
                for row in connection.execute(
                    select(table).order_by(*table.primary_key.columns)
                ).mappings()
            ]
            for name, table in metadata.tables.items()
            if name != "call"
        }
    engine.dispose()
    return renumbered(found)


def renumbered(found: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same with each `id`, and what refers to it, as its place in its table.

    PostgreSQL gives the next id to a transaction that a kill then undoes, and never gives it again.
    """
    places = {
        name: {row["id"]: place for place, row in enumerate(rows, 1)}
        for name, rows in found.items()
        if rows and "id" in rows[0]
    }
    for name, rows in found.items():
        for column in metadata.tables[name].columns:
            targets = [at.column.table.name for at in column.foreign_keys if at.column.name == "id"]
            [owner] = targets or [name if column.name == "id" else ""]
            if owner in places:
                for row in rows:
                    row[column.name] = places[owner].get(row[column.name])
    return found


# --- each kind of database, and copies of one ---


class SqliteCopies:
    """Copies of a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.original = f"sqlite:///{folder / 'original.db'}"
        set_up(self.original)

    def copy(self) -> str:
        name = f"copy-{next(_databases)}.db"
        return f"sqlite:///{shutil.copy(self._folder / 'original.db', self._folder / name)}"


class PostgresCopies:
    """Databases made of another one."""

    def __init__(self, server) -> None:
        self._server = server
        self._name = f"killed_{next(_databases)}"
        self.original = server.create_database(self._name)
        set_up(self.original)

    def copy(self) -> str:
        name = f"killed_{next(_databases)}"
        engine = create_engine(self._server.url(), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {self._name}"))
        engine.dispose()
        return str(self._server.url(name))


KINDS = [
    pytest.param("sqlite", 50, id="sqlite"),
    pytest.param("postgresql", 10, id="postgresql", marks=pytest.mark.postgresql),
]


@pytest.mark.timeout(400)  # fifty runs, and as many again: two minutes on a busy machine
@pytest.mark.parametrize(("kind", "kills"), KINDS)
def test_runs_that_are_killed_come_to_what_one_run_comes_to(request, tmp_path, kind, kills):
    if kind == "sqlite":
        copies: SqliteCopies | PostgresCopies = SqliteCopies(tmp_path)
    else:
        copies = PostgresCopies(request.getfixturevalue("postgresql"))
    engine = open_engine(copies.original)
    fill(engine)
    engine.dispose()
    config = tmp_path / "siptrunk.toml"
    config.write_text("")
    run(config, copies.copy())  # the first one loads what the others have loaded
    undisturbed = copies.copy()
    began = time.monotonic()
    assert run(config, undisturbed)
    length = time.monotonic() - began
    expected = left(undisturbed)
    assert_much_was_done(left(copies.original), expected)
    random, met = Random(20261124), 0
    while met < kills:
        url = copies.copy()
        met += killed(config, url, moments(random, length))
        assert run(config, url)
        assert left(url) == expected


def assert_much_was_done(before, after) -> None:
    """Each kind of step has something to do, or the kills would meet nothing."""
    for name, fewest in (("invoice", 50), ("rated_call", 3000), ("notice", 60), ("suspension", 5)):
        assert len(after[name]) >= len(before[name]) + fewest, name
    states = {row["state"] for row in after["channel_order"]}
    assert states == {"paid", "accepted", "expired"}
    assert {row["ended"] for row in after["trunk"]} == {True, False}
    numbers = [row["number"] for row in after["invoice"]]
    assert len(set(numbers)) == len(numbers)


def moments(random: Random, length: float) -> list[float]:
    """How long each run lasts until it is killed: together they are spread over one run's length.

    What is begun anew each time is not got further with: so a little more than the length.
    """
    places = sorted(random.uniform(0, 1.1 * length) for _ in range(KILLS_EACH))
    return [later - sooner for sooner, later in zip([0.0, *places], places, strict=False)]


def killed(config: Path, url: str, delays: list[float]) -> int:
    """How many of the kills met the process at work."""
    for met, delay in enumerate(delays):
        if run(config, url, delay):
            return met
    return len(delays)
