"""The service killed, frozen, restarted: under traffic, and at each step of a call."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from asterisk_siptrunk.call import Evidence, Via
from tests.asterisk.conftest import Faulty
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.sipp import Call, SippAnswerer, SippCaller
from tests.lab.traffic import CARRIER_HOST, WIDE_HOST, WIDE_NUMBER, Traffic

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

ON = "calls go on, new ones by the dialplan's own rules"
FROZEN = Fault("service frozen (SIGSTOP)", f"{ON}, each 3 s late", "doctor: it does not answer")


def killed(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        assert exchange.provider.daemon is not None
        exchange.provider.daemon.kill()
        traffic.calm(0.5)
    exchange.provider.serve()


def restarted(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        exchange.provider.stop_serving()
    exchange.provider.serve()


def frozen(exchange: Faulty, traffic: Traffic, seconds: float) -> None:
    assert exchange.provider.daemon is not None
    with traffic.fault():
        exchange.provider.daemon.signal(signal.SIGSTOP)
        traffic.calm(seconds)
        exchange.provider.daemon.signal(signal.SIGCONT)


@pytest.mark.parametrize(
    ("inject", "seconds", "fault"),
    [
        pytest.param(killed, 6, Fault("service killed (-9)", ON, "supervisor's log"), id="killed"),
        pytest.param(
            restarted,
            6,
            Fault("service restarted", ON, "its log"),
            id="restarted",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            lambda exchange, traffic: frozen(exchange, traffic, 3.5), 8, FROZEN, id="frozen"
        ),
        pytest.param(
            lambda exchange, traffic: frozen(exchange, traffic, 20),
            26,
            FROZEN,
            id="frozen-20s",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_traffic_goes_on_with_the_service(
    exchange: Faulty,
    inject: Callable[[Faulty, Traffic], None],
    seconds: float,
    fault: Fault,
    request: pytest.FixtureRequest,
):
    told = exchange.under(partial(inject, exchange), seconds)
    hold_to_promises(exchange.provider, told, fault, request.node)


# --- at each step of one call ---

MOBILE = "0612345678"


@contextmanager
def one_call(exchange: Faulty, *, hold_ms: int = 1500, ring_ms: int = 50) -> Iterator[SippCaller]:
    carrier = SippAnswerer(port=exchange.carrier_port, host=CARRIER_HOST, ring_ms=ring_ms)
    caller = SippCaller(
        exchange.provider.asterisk.sip_address,
        [Call(WIDE_NUMBER, MOBILE)],
        host=WIDE_HOST,
        hold_ms=hold_ms,
    )
    with carrier, caller:
        yield caller


def kill(exchange: Faulty) -> None:
    assert exchange.provider.daemon is not None
    exchange.provider.daemon.kill()


def freeze(exchange: Faulty) -> None:
    assert exchange.provider.daemon is not None
    exchange.provider.daemon.signal(signal.SIGSTOP)


def asked(exchange: Faulty, _: SippCaller) -> None:
    """Killed while the call waits for its verdict."""
    exchange.provider.until(exchange.provider.asterisk.live_channels)
    kill(exchange)


def ringing(exchange: Faulty, caller: SippCaller) -> None:
    exchange.provider.until(lambda: 180 in caller.calls()[0].statuses if caller.calls() else False)
    kill(exchange)


def up(exchange: Faulty, _: SippCaller) -> None:
    exchange.provider.until(lambda: any(row.answered_at for row in exchange.provider.live()))
    kill(exchange)


def ending(exchange: Faulty, caller: SippCaller) -> None:
    """Killed with the hangup under way: sent by Asterisk, read by nobody."""
    up_at = exchange.provider
    up_at.until(lambda: any(row.answered_at for row in up_at.live()))
    freeze(exchange)
    caller.wait()
    kill(exchange)


@pytest.mark.parametrize(
    ("step", "ring_ms", "via"),
    [
        (asked, 50, Via.AWAY),
        (ringing, 1000, Via.SERVICE),
        (up, 50, Via.SERVICE),
        (ending, 50, Via.SERVICE),
    ],
)
def test_killed_at_any_step_of_a_call_it_goes_on_and_is_recorded(
    exchange: Faulty,
    step: Callable[[Faulty, SippCaller], None],
    ring_ms: int,
    via: Via,
):
    provider = exchange.provider
    before = len(provider.calls())
    if step is asked:
        freeze(exchange)
    with one_call(exchange, ring_ms=ring_ms) as caller:
        step(exchange, caller)
        provider.serve()
        assert caller.wait().statuses == [200]
    provider.until(lambda: len(provider.calls()) > before, what="the call's row")
    provider.until(provider.has_read_journal, what="the exact times")
    (row,) = provider.calls()[before:]
    assert row.via is via
    assert row.evidence in {Evidence.AMI, Evidence.JOURNAL}
    assert abs(row.billable.total_seconds() - 1.5) < 0.5
