"""Asterisk killed, restarted in order, and restarted gracefully, under traffic."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.asterisk.conftest import Faulty
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.traffic import Traffic

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

GONE = "calls in progress end with it; new ones pass once it is booted"


def killed(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        exchange.provider.asterisk.kill9()
        exchange.provider.asterisk.start()


def restarted(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        exchange.provider.asterisk.restart()


@pytest.mark.parametrize(
    ("inject", "fault"),
    [
        pytest.param(
            killed,
            Fault("Asterisk killed (-9)", GONE, "ends marked `reconciled` (estimates)"),
            id="killed",
        ),
        pytest.param(
            restarted,
            Fault("Asterisk restarted", GONE, "ends as the journal has them"),
            id="restarted",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_what_asterisk_took_along_is_recorded(
    exchange: Faulty,
    inject: Callable[[Faulty, Traffic], None],
    fault: Fault,
    request: pytest.FixtureRequest,
):
    told = exchange.under(partial(inject, exchange), 7)
    hold_to_promises(exchange.provider, told, fault, request.node, asterisk_died=True)


@pytest.mark.soak
def test_a_graceful_restart_takes_no_call_along(exchange: Faulty, request: pytest.FixtureRequest):
    """Asterisk takes no new call while it waits for the last one's end, then begins anew."""
    asterisk = exchange.provider.asterisk
    with exchange.traffic(9) as traffic:
        traffic.calm(1.5)
        with traffic.fault():
            asterisk.cli("core restart gracefully")
            exchange.provider.until(lambda: not asterisk.live_channels(), 10, "the last call's end")
            asterisk.wait_booted()
        told = traffic.finish()
    assert not [one.tag for one in told.placed if one.cut]
    fault = Fault(
        "`core restart gracefully`", "none new until it is booted; no call cut", "nothing"
    )
    hold_to_promises(exchange.provider, told, fault, request.node, asterisk_died=True)
