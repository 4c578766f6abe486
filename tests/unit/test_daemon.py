"""The daemon as a process, as systemd sees it: over a real socket, frozen and ended for real."""

import signal
import socket
import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

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
