"""The clock of Asterisk and of the service set, and both changes of summer time."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.lab.clock import Clock
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.provider import Provider
from tests.lab.traffic import Exchange

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

HOUR = 3600
SUMMER_BEGINS = datetime(2027, 3, 28, 1, tzinfo=UTC).timestamp()
SUMMER_ENDS = datetime(2027, 10, 31, 1, tzinfo=UTC).timestamp()


class Clocked(Exchange):
    """An exchange whose Asterisk, service and commands go by a clock of their own."""

    def __init__(self, provider: Provider, clock: Clock) -> None:
        super().__init__(provider)
        self._clock = clock

    def set(self, ahead: float) -> None:
        self._clock.step(ahead)
        self.clock_ahead = self._clock.ahead


@pytest.fixture(scope="module")
def exchange() -> Iterator[Clocked]:
    with Provider() as provider:
        clock = Clock(provider.asterisk.directory)
        provider.asterisk.environment |= clock.environment | {"TZ": "Europe/Paris"}
        provider.environment |= clock.environment | {"TZ": "Europe/Paris"}
        provider.asterisk.restart()
        with Clocked(provider, clock) as made:
            made.describe()
            provider.serve()
            yield made


@pytest.mark.parametrize(
    ("by", "fault"),
    [
        pytest.param(
            HOUR,
            Fault(
                "clock set forward by an hour",
                "Asterisk itself may end calls: none had voice for an hour",
                "`usage verify` counts those calls apart",
            ),
            id="forward",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            -HOUR,
            Fault(
                "clock set back by an hour", "nothing", "`usage verify` counts those calls apart"
            ),
            id="back",
        ),
    ],
)
def test_a_clock_that_is_set_makes_no_call_longer_or_shorter(
    exchange: Clocked, by: int, fault: Fault, request: pytest.FixtureRequest
):
    with exchange.traffic(6.5) as traffic:
        traffic.calm(1.5)
        with traffic.fault():
            exchange.set(exchange.clock_ahead + by)
        told = traffic.finish()
    # Asterisk counts its own timeouts by that clock: voice was last heard an hour ago.
    hold_to_promises(exchange.provider, told, fault, request.node, asterisk_cut=by > 0)


@pytest.mark.soak
@pytest.mark.parametrize("change", [SUMMER_BEGINS, SUMMER_ENDS])
def test_summer_time_comes_and_goes_unnoticed(
    exchange: Clocked, change: float, request: pytest.FixtureRequest
):
    exchange.set(change - 4 - time.time())
    with exchange.traffic(6) as traffic:
        with traffic.fault():
            traffic.calm(change - time.time() - exchange.clock_ahead)
        told = traffic.finish()
    # Disks go by this machine's clock, and a proof reads the journals written since it begins.
    os.utime(exchange.provider.asterisk.cdr_custom / "siptrunk.csv", (change + 60, change + 60))
    fault = Fault("change of summer time", "nothing", "nothing")
    hold_to_promises(exchange.provider, told, fault, request.node)
