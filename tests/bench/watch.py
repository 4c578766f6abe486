"""`python -m tests.bench.watch`: what the watch over abnormal use adds to an admission.

Ten thousand trunks in one SQLite file, each of which has called. Calls come at a steady pace, each
admitted and ended in one process as the daemon does it, in rounds with the watch in its thread
beside them and without, in turn. What differs is the watch's: time that a call waits longer, and
time of a processor, whichever thread takes it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic, perf_counter, process_time
from typing import TYPE_CHECKING

from asterisk_siptrunk.anomaly import shipped_rules
from asterisk_siptrunk.call import Attempt, Direction, Ended
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.watch_over import WatchOver, WatchTerms
from tests.bench.setting import MOBILE, NUMBER, admission, set_up
from tests.unit.database.shop import BUSINESS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

TRUNKS = 10_000
ROUNDS = 5
SECONDS = 10.0
PACE = 100
"""Calls a second."""
LOOKS, MANY = 50, 1000


@dataclass(frozen=True)
class Figure:
    """Of a call, in microseconds: how long it waits for its verdict, and what it takes in all."""

    waits: float
    p99: float
    takes: float


class Calls:
    """Calls that are admitted and end, one after the other."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._admission = admission()
        self._numbers = count()

    def call(self) -> float:
        """One; gives the seconds until its verdict."""
        number, now = next(self._numbers), datetime.now(UTC)
        trunk = number % TRUNKS
        attempt = Attempt(
            server="lab",
            uniqueid=f"lab-{int(now.timestamp())}.{number}",
            direction=Direction.OUTBOUND,
            entry=f"t{trunk}",
            dialled=MOBILE,
            at=now,
            caller=NUMBER.format(trunk),
        )
        began = perf_counter()
        with transaction(self._engine) as connection:
            self._admission.admit(connection, attempt)
        took = perf_counter() - began
        with transaction(self._engine) as connection:
            usage.apply(connection, "lab", [Ended(attempt.uniqueid, now, 16)])
        return took

    def at_pace(self, seconds: float) -> Figure:
        """So many a second."""
        worked, begins, waits = process_time(), monotonic(), []
        for number in range(round(PACE * seconds)):
            time.sleep(max(0.0, begins + number / PACE - monotonic()))
            waits.append(self.call() * 1e6)
        takes = (process_time() - worked) / len(waits) * 1e6
        return Figure(statistics.median(waits), statistics.quantiles(waits, n=100)[98], takes)


def run(rounds: int) -> dict[str, object]:
    """Rounds without the watch and with it; medians."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder)}/siptrunk.db"
        engine = set_up(url, datetime.now(UTC), TRUNKS)
        calls = Calls(engine)
        for _ in range(TRUNKS):
            calls.call()
        found: dict[bool, list[Figure]] = {False: [], True: []}
        for _ in range(rounds):
            found[False].append(calls.at_pace(SECONDS))
            found[True].append(_watched(url, calls))
        alone = _alone(url, calls)
        engine.dispose()
    without, beside = (_median(found[each]) for each in (False, True))
    return {
        "without": vars(without),
        "with the watch": vars(beside),
        "adds": {"waits": beside.waits - without.waits, "takes": beside.takes - without.takes},
        "the watch alone": alone,
    }


def _watch(url: str) -> WatchOver:
    terms = WatchTerms("lab", "FR", "", shipped_rules(), BUSINESS)
    watch = WatchOver(terms, open_engine(url, patient=True), None, lambda: datetime.now(UTC))
    watch.look()  # a start is measured by `tests.bench.rebuild`
    return watch


def _watched(url: str, calls: Calls) -> Figure:
    watch = _watch(url)
    watch.start()
    figure = calls.at_pace(SECONDS)
    watch.stop(60.0)
    return figure


def _alone(url: str, calls: Calls) -> dict[str, float]:
    """Of the processor: a look that sees nothing new, a call of many seen at once, keeping."""
    watch = _watch(url)
    current = watch._watching
    assert current is not None
    looks = [_worked(watch.look) for _ in range(LOOKS)]
    idle = statistics.mean(looks)
    for _ in range(MANY):
        calls.call()
    many = _worked(watch.look)
    keeping = _worked(lambda: watch._keep_state(current, datetime.now(UTC)))
    return {
        "idle look ms": round(idle * 1e3, 2),
        "call us": round((many - idle) / MANY * 1e6, 1),
        "keeping s": round(keeping, 2),
    }


def _worked(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def _median(figures: list[Figure]) -> Figure:
    each = (
        statistics.median(getattr(one, name) for one in figures)
        for name in ("waits", "p99", "takes")
    )
    return Figure(*each)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    print(json.dumps(run(parser.parse_args().rounds)))
