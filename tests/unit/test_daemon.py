"""The daemon as a process, as systemd sees it: over a real socket, frozen and ended for real."""

import signal
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest
from sqlalchemy import make_url

from asterisk_siptrunk.daemon import END_SECONDS
from tests.lab.proxy import Proxy
from tests.lab.service import Service

WATCHDOG_SECONDS = 1.0


@pytest.fixture
def supervised(sqlite_url, tmp_path) -> Iterator[tuple[Service, socket.socket]]:
    """A service, and the socket of the systemd that started it."""
    environment = {
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6)),
    }
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(environment["NOTIFY_SOCKET"])
        manager.settimeout(10)
        with Service(tmp_path, sqlite_url, environment=environment) as service:
            yield service, manager


def heard(manager: socket.socket) -> str:
    return manager.recv(4096).decode()


def silence(manager: socket.socket) -> None:
    """Take what was sent, and make sure that nothing follows for twice the watchdog's time."""
    manager.settimeout(0)
    try:
        while True:
            manager.recv(4096)
    except BlockingIOError:
        pass
    manager.settimeout(2 * WATCHDOG_SECONDS)
    with pytest.raises(TimeoutError):
        manager.recv(4096)
    manager.settimeout(10)


def test_systemd_is_told_of_readiness_life_and_end_and_hears_nothing_of_a_frozen_one(
    supervised,
):
    service, manager = supervised
    assert heard(manager).startswith("READY=1\nSTATUS=Admitting calls; manager interface ")
    assert "SIPTRUNK_NEXT" not in service.ask("lab-1.1", agi_arg_4="1")  # calls are taken by then
    beats = []
    for _ in range(4):
        assert heard(manager).startswith("WATCHDOG=1\n")
        beats.append(time.monotonic())
    gaps = [later - earlier for earlier, later in pairwise(beats)]
    assert max(gaps) < WATCHDOG_SECONDS

    service.process.signal(signal.SIGSTOP)
    silence(manager)
    service.process.signal(signal.SIGCONT)
    assert heard(manager).startswith("WATCHDOG=1\n")

    service.process.signal(signal.SIGTERM)
    while (last := heard(manager)).startswith("WATCHDOG=1\n"):
        pass
    assert last.startswith("STOPPING=1\n")
    assert service.process.wait(10) == 0


def test_a_database_that_is_away_stands_in_the_status_and_the_watchdog_is_fed(supervised, tmp_path):
    _, manager = supervised
    (tmp_path / "siptrunk.db").rename(tmp_path / "elsewhere.db")
    while "database away" not in (told := heard(manager)):
        pass
    assert told.startswith("WATCHDOG=1\n")
    (tmp_path / "elsewhere.db").rename(tmp_path / "siptrunk.db")
    while "database there" not in heard(manager):
        pass


@pytest.mark.postgresql
def test_a_database_that_never_answers_does_not_keep_it_from_ending(one_postgresql, tmp_path):
    """It is frozen, or behind a proxy of its own: the connection stands, and is silent."""
    url = make_url(one_postgresql)
    assert url.port is not None
    with Proxy(url.port) as proxy:
        behind = url.set(port=proxy.port).render_as_string(hide_password=False)
        with Service(tmp_path, behind) as service, proxy.swallowing():
            assert "SIPTRUNK_NEXT" not in service.ask("lab-1.1")
            assert service.process is not None
            service.process.signal(signal.SIGTERM)
            assert service.process.wait(2 * END_SECONDS + 3) == 0
