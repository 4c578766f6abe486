"""The manager connection refused, cut, silent, slow, flooded: admission does not need it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from tests.asterisk.conftest import Faulty
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.traffic import Traffic

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

ON = "nothing: calls are decided as ever"
EVENT = b"Event: VarSet\r\nPrivilege: dialplan,all\r\nChannel: x\r\nVariable: y\r\nValue: z\r\n\r\n"
LONG_ANSWER = b"Action: ListCommands\r\n\r\n"
FLOOD = 10_000


def refused(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault(), exchange.ami.refusing():
        traffic.calm(2.0)


@contextmanager
def until_it_listens_anew(exchange: Faulty, seconds: float) -> Iterator[None]:
    """Wait, at the end, for a new connection of the listener: other questions have their own."""
    said = len(exchange.provider.daemon_log)
    yield
    exchange.provider.until(
        lambda: "AMI: connected" in exchange.provider.daemon_log[said:],
        seconds,
        "a new connection",
    )


def cut_in_an_event(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault(), until_it_listens_anew(exchange, 3):
        exchange.ami.cut_in_an_event()


def silent(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault(), until_it_listens_anew(exchange, 10):
        exchange.ami.go_silent()


def slow(exchange: Faulty, traffic: Traffic) -> None:
    """What Asterisk writes is not taken, until one side loses patience."""
    with traffic.fault(), exchange.ami.slow(), until_it_listens_anew(exchange, 10):
        exchange.ami.ask(LONG_ANSWER * 3000)


def flooded(exchange: Faulty, traffic: Traffic) -> None:
    with traffic.fault():
        sent = exchange.ami.flood(EVENT, FLOOD, 3.0)
    assert sent > 2.5 * FLOOD


@pytest.mark.parametrize(
    ("inject", "seconds", "fault"),
    [
        pytest.param(
            refused,
            6.5,
            Fault("AMI refused", ON, "log, doctor; ends from the journal"),
            id="refused",
        ),
        pytest.param(
            cut_in_an_event,
            5.5,
            Fault("AMI cut in the middle of an event", ON, "log: connected again"),
            id="cut",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            silent,
            13,
            Fault("AMI half-open and silent", ON, "log, within 7 s"),
            id="silent",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            slow,
            13,
            Fault("AMI read too slowly", ON, "log: connected again"),
            id="slow",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            flooded,
            8,
            Fault("AMI flood, 10,000 events/s", ON, "processor time"),
            id="flood",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_traffic_goes_on_without_ami(
    exchange: Faulty,
    inject: Callable[[Faulty, Traffic], None],
    seconds: float,
    fault: Fault,
    request: pytest.FixtureRequest,
):
    told = exchange.under(partial(inject, exchange), seconds)
    hold_to_promises(exchange.provider, told, fault, request.node)


@contextmanager
def another_secret(exchange: Faulty) -> Iterator[None]:
    """Asterisk is told another secret than the service has."""
    asterisk = exchange.provider.asterisk
    file = asterisk.etc / "siptrunk" / "manager.conf"
    right = file.read_text()
    file.write_text(right.replace("secret", "secret=of-somebody-else\n;", 1))
    asterisk.cli("manager reload")
    try:
        yield
    finally:
        file.write_text(right)
        asterisk.cli("manager reload")


def test_a_wrong_secret_is_told_at_once_and_not_hammered(
    exchange: Faulty, request: pytest.FixtureRequest
):
    with exchange.traffic(10) as traffic:
        traffic.calm(1.0)
        said, before = len(exchange.provider.daemon_log), exchange.ami.attempts
        with traffic.fault(), another_secret(exchange):
            exchange.ami.cut()
            exchange.provider.until(
                lambda: "refuses the manager user" in exchange.provider.daemon_log[said:],
                3.0,  # Asterisk itself lets a second pass before it says no
                "the log to say so",
            )
            traffic.calm(4.5)
            attempts = exchange.ami.attempts - before
        told = traffic.finish()
    # One is made at once, one 1 to 2 s after it, one 2 to 4 s after that.
    assert 2 <= attempts <= 4
    fault = Fault("AMI secret wrong", ON, "log, doctor; ends from the journal")
    hold_to_promises(exchange.provider, told, fault, request.node)
