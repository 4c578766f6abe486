"""`make soak`: half an hour of calls at 50 a second, with a fault every 20 s, and the proof.

Rounds of 20 s: traffic at 50 calls/s, and in its middle a fault drawn by lot from those that a
server survives. Each round is held to the promises by itself; in the end `usage verify` goes over
all of it. SOAK_MINUTES sets how long, SOAK_SEED repeats a draw.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.asterisk import test_faults_ami as ami
from tests.asterisk import test_faults_asterisk as asterisk
from tests.asterisk import test_faults_daemon as daemon
from tests.asterisk import test_faults_journal as journal
from tests.asterisk import test_faults_sqlite as sqlite
from tests.asterisk.conftest import Faulty, small_disk
from tests.lab.promises import broken_promises
from tests.lab.provider import Provider
from tests.lab.proxy import Proxy
from tests.lab.traffic import FIFTY_A_SECOND, Kind, Told, Traffic

Fault = Callable[[Faulty, Traffic], None]
RESULT = Path("build/soak/latest.json")
ROUND_SECONDS = 20
FROZEN_SECONDS = 5.0
DATABASE_SECONDS = 5.0


# --- faults ---


def database(fault_of: Callable[[Path], AbstractContextManager[None]]) -> Fault:
    """A fault of the database's file, for some seconds."""

    def inject(exchange: Faulty, traffic: Traffic) -> None:
        with traffic.fault(), fault_of(exchange.disk):
            traffic.calm(DATABASE_SECONDS)

    return inject


def frozen(exchange: Faulty, traffic: Traffic) -> None:
    daemon.frozen(exchange, traffic, FROZEN_SECONDS)


def rotated(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        journal.rotated(journal.journal_of(exchange))


def applied(exchange: Faulty, traffic: Traffic) -> None:
    """A change, put in force and taken back."""
    with traffic.fault():
        for policy in ("open", "domestic"):
            exchange.provider.do("trunk", "set", "wide", "--away-policy", policy)
            exchange.provider.do("config", "apply", "--yes")


FAULTS: dict[str, Fault] = {
    "service killed": daemon.killed,
    "service restarted": daemon.restarted,
    "service frozen": frozen,
    "Asterisk killed": asterisk.killed,
    "AMI refused": ami.refused,
    "AMI cut": ami.cut_in_an_event,
    "AMI silent": ami.silent,
    "AMI slow": ami.slow,
    "AMI flood": ami.flooded,
    "database locked": database(sqlite.locked),
    "disk full": database(sqlite.full),
    "database read-only": database(sqlite.read_only),
    "database lost": database(sqlite.lost),
    "journal rotated": rotated,
    "configuration applied": applied,
}


def drawn(draw: random.Random) -> Iterator[str]:
    """The faults by lot, each as often as any other."""
    while True:
        yield from draw.sample(list(FAULTS), len(FAULTS))


# --- the run ---


@dataclass
class Soaked:
    """What came of it."""

    seed: int
    minutes: float
    began_at: str
    calls: int = 0
    admitted: int = 0
    refused: int = 0
    emergencies: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    proof: dict[str, object] = field(default_factory=dict)

    def count(self, told: Told) -> None:
        """Add a round."""
        self.calls += len(told.placed)
        self.admitted += sum(one.answered_at is not None for one in told.carried)
        self.refused += sum(one.status == 503 for one in told.placed)
        self.emergencies += sum(one.kind is Kind.EMERGENCY for one in told.placed)

    @property
    def held(self) -> bool:
        """Whether every promise was kept, and usage is proven complete."""
        return not self.broken and bool(self.proof.get("complete"))

    @property
    def line(self) -> str:
        """It all, in a line."""
        return (
            f"{self.minutes:g} minutes, seed {self.seed}: {self.calls:,} calls, "
            f"{self.faults.total()} faults, {len(self.broken)} promises broken; "
            f"{self.proof.get('verdict', 'no proof')}"
        )


@contextmanager
def exchange_at_work():
    """The exchange of the fault tests, in a folder of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="siptrunk-soak-") as folder,
        small_disk(Path(folder) / "disk", 512) as disk,
        Provider(database_url=f"sqlite:///{disk}/siptrunk.db") as provider,
        Proxy(provider.asterisk.ami_port) as ami,
        Faulty(provider, ami, disk) as exchange,
    ):
        provider.environment["SIPTRUNK_AMI_PORT"] = str(ami.port)
        exchange.describe()
        provider.serve()
        yield exchange


def soak(minutes: float, seed: int) -> Soaked:
    """Run it; progress goes to stdout, a line a round."""
    draw = random.Random(seed)
    result = Soaked(seed, minutes, datetime.now(UTC).isoformat(timespec="seconds"))
    rounds = max(1, round(minutes * 60 / ROUND_SECONDS))
    with exchange_at_work() as exchange:
        for number, fault in enumerate(itertools.islice(drawn(draw), rounds), 1):
            found = one_round(exchange, fault, draw, result)
            result.broken += [f"round {number}, {fault}: {one}" for one in found]
            print(f"{number}/{rounds} {fault}: {found or 'held'}", flush=True)
        result.proof = proof(exchange, result)
    return result


def one_round(exchange: Faulty, fault: str, draw: random.Random, result: Soaked) -> list[str]:
    """Traffic with one fault in it; what was not as promised."""
    result.faults[fault] += 1
    with exchange.traffic(ROUND_SECONDS, FIFTY_A_SECOND) as traffic:
        traffic.calm(draw.uniform(1.0, 4.0))
        FAULTS[fault](exchange, traffic)
        told = traffic.finish()
    result.count(told)
    return broken_promises(told, asterisk_died=FAULTS[fault] is asterisk.killed)


def proof(exchange: Faulty, result: Soaked) -> dict[str, object]:
    """What `usage verify` says of all of it."""
    until = datetime.now(UTC) + timedelta(days=1)
    period = ("--from", result.began_at, "--to", until.isoformat())
    done = exchange.provider.run("usage", "verify", *period, "--format", "json")
    said: dict[str, object] = json.loads(done.stdout)
    return {key: value for key, value in said.items() if key != "differences"}


def main() -> int:
    """Run it, and write down what came of it; 1 where a promise was broken."""
    minutes = float(os.environ.get("SOAK_MINUTES", "30"))
    seed = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 1_000_000)
    print(f"Soak of {minutes:g} minutes; to draw the same faults: SOAK_SEED={seed}", flush=True)
    result = soak(minutes, seed)
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(vars(result), indent=2) + "\n")
    print(result.line, f"Written to {RESULT}", sep="\n")
    return not result.held


if __name__ == "__main__":
    sys.exit(main())
