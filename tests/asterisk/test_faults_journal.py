"""The call journal rotated, copied and emptied, torn, doubled, or an hour long.

The service is stopped meanwhile: the journal is the only witness of what it has to tell.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asterisk_siptrunk.asterisk.variables import JOURNAL_FIELDS
from tests.asterisk.conftest import Faulty
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.traffic import Told

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

ON = "nothing"
HOUR_AT_TWENTY = 72_000


def journal_of(exchange: Faulty) -> Path:
    return exchange.provider.asterisk.cdr_custom / "siptrunk.csv"


def rotated(journal: Path) -> None:
    """As logrotate does by default; by date, so that none has to make room."""
    journal.rename(f"{journal}-{time.time_ns()}")


def copied_and_emptied(journal: Path) -> None:
    """As logrotate does with `copytruncate`."""
    shutil.copy(journal, f"{journal}-{time.time_ns()}")
    with journal.open("rb+") as file:
        file.truncate()


def torn(journal: Path) -> None:
    """Half a line at the end, as a crash or a full disk leaves it; whole ones follow."""
    half = journal.read_bytes().splitlines()[-1]
    with journal.open("ab") as file:
        file.write(half[: len(half) // 2])


def doubled(journal: Path) -> None:
    lines = journal.read_bytes().splitlines(keepends=True)
    with journal.open("ab") as file:
        file.writelines(lines[-40:])


def with_the_service_stopped(exchange: Faulty, spoil: Callable[[Path], None]) -> Told:
    """Traffic with the service stopped for some seconds; in their middle the journal is spoilt."""
    with exchange.traffic(8.0) as traffic:
        traffic.calm(2.5)  # the first lines are read, so that there is a place to go on from
        with traffic.fault():
            exchange.provider.stop_serving()
            traffic.calm(1.0)
            spoil(journal_of(exchange))
            traffic.calm(1.0)
        exchange.provider.serve()
        return traffic.finish()


@pytest.mark.parametrize(
    ("spoil", "fault"),
    [
        pytest.param(
            rotated, Fault("journal rotated while nobody reads it", ON, "nothing"), id="rotated"
        ),
        pytest.param(
            copied_and_emptied,
            Fault("journal copied, and truncated", ON, "log"),
            id="copied",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            doubled,
            Fault("journal with doubled lines", ON, "nothing"),
            id="doubled",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_no_call_is_lost_or_counted_twice_by_the_journal(
    exchange: Faulty,
    spoil: Callable[[Path], None],
    fault: Fault,
    request: pytest.FixtureRequest,
):
    told = with_the_service_stopped(exchange, spoil)
    hold_to_promises(exchange.provider, told, fault, request.node)


@pytest.mark.soak
def test_half_a_line_hides_no_whole_one(exchange: Faulty, request: pytest.FixtureRequest):
    journal = journal_of(exchange)
    told = with_the_service_stopped(exchange, torn)
    # The half itself is told of by `usage verify`: it may have been a call.
    fault = Fault("half a line in the journal", ON, "log; `usage verify` fails")
    hold_to_promises(exchange.provider, told, fault, request.node, bad_lines=1)
    journal.rename(journal.with_suffix(".torn"))  # no other test's proof is to stumble over it


def past_calls(journal: Path, count: int) -> Iterator[bytes]:
    """So many lines of refused calls of the past hour, after a real one."""
    real = next(line for line in journal.read_text().splitlines() if "away" not in line)
    values = dict(zip(JOURNAL_FIELDS, real[1:-1].split('","'), strict=True))
    began = datetime.now(UTC) - timedelta(hours=1)
    for number in range(count):
        at = began + timedelta(hours=1) * number / count
        moment = f"{at.timestamp():.6f}"
        unique = {"uniqueid": f"lab-{int(at.timestamp())}.9{number}", "answer": ""}
        times = {"start": moment, "end": moment, "disposition": "BUSY", "userfield": "away-full"}
        yield ('"' + '","'.join((values | unique | times).values()) + '"\n').encode()


@pytest.mark.soak
def test_a_backlog_is_caught_up_with_while_calls_go_on(
    exchange: Faulty, request: pytest.FixtureRequest
):
    provider, journal = exchange.provider, journal_of(exchange)
    count, rows, seconds = HOUR_AT_TWENTY, len(provider.calls()), 45
    with exchange.traffic(seconds) as traffic:
        traffic.calm(1.0)
        with traffic.fault():
            provider.stop_serving()
            with journal.open("ab") as file:
                file.writelines(past_calls(journal, count))
        began = time.monotonic()
        provider.serve()
        provider.until(lambda: len(provider.calls()) >= rows + count, seconds, "the backlog's rows")
        caught_up = time.monotonic() - began
        told = traffic.finish()
    fault = Fault(
        f"a backlog of {count:,} lines in the journal",
        ON,
        f"caught up with after {caught_up:.0f} s",
    )
    hold_to_promises(provider, told, fault, request.node)
