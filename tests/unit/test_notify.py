"""What systemd hears, over a real socket of its kind."""

import asyncio
import os
import socket

import pytest

from asterisk_siptrunk.notify import ServiceManager


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A socket as systemd has it, and how it is named in the environment."""
    path = str(tmp_path / "notify")
    name, written = (path, path) if request.param == "path" else ("\0" + path, "@" + path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name)
        listening.settimeout(5)
        yield listening, written


def heard(listening):
    return listening.recv(4096).decode().split("\n")


def test_systemd_hears_of_readiness_life_and_end(manager):
    listening, name = manager

    async def live() -> None:
        environment = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "20000"}
        told = ServiceManager(lambda: "all\nwell", environment)
        told.ready()
        assert heard(listening) == ["READY=1", "STATUS=all well"]
        for _ in range(3):
            assert (await asyncio.to_thread(heard, listening))[0] == "WATCHDOG=1"
        told.stopping()
        while (last := heard(listening))[0] == "WATCHDOG=1":
            pass
        assert last[0] == "STOPPING=1"

    asyncio.run(live())


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": "2000", "WATCHDOG_PID": str(os.getpid() + 1)}, {"WATCHDOG_USEC": "x"}],
)
def test_no_watchdog_of_ours_is_fed(manager, environment):
    listening, name = manager

    async def live() -> None:
        ServiceManager(str, {"NOTIFY_SOCKET": name, **environment}).ready()
        await asyncio.sleep(0.02)

    asyncio.run(live())
    assert heard(listening)[0] == "READY=1"
    listening.settimeout(0)
    with pytest.raises(BlockingIOError):
        listening.recv(4096)


def test_a_manager_that_went_away_harms_nothing(tmp_path):
    async def live() -> None:
        for name in (str(tmp_path / "none"), "", "relative", "/" + "long" * 100):
            told = ServiceManager(str, {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "2000"})
            told.ready()
            told.stopping()

    asyncio.run(live())
