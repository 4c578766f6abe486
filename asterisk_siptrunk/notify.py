"""What systemd is told of the daemon: that it takes calls, that it is alive, that it ends.

The protocol of sd_notify(3): datagrams to the socket that $NOTIFY_SOCKET names. Where there is
none, nobody is told.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

FEEDS_IN_A_TIMEOUT = 2
"""How often the watchdog is fed in its time: once would be late whenever the loop is busy."""

log = logging.getLogger(__name__)


class ServiceManager:
    """The systemd that started us, to be used in the event loop.

    `status` gives a sentence for `systemctl status`.
    """

    def __init__(
        self, status: Callable[[], str], environment: Mapping[str, str] | None = None
    ) -> None:
        environment = os.environ if environment is None else environment
        self._status = status
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self._pause = _watchdog_seconds(environment) / FEEDS_IN_A_TIMEOUT

    def ready(self) -> None:
        """Say that calls are taken; from now on the event loop feeds the watchdog."""
        self._tell("READY=1", f"STATUS={self._status()}")
        if self._address and self._pause:
            self._feed()

    def stopping(self) -> None:
        """Say that an end in order has begun."""
        self._tell("STOPPING=1", "STATUS=Ending: calls that ask are still answered.")

    def _feed(self) -> None:
        self._tell("WATCHDOG=1", f"STATUS={self._status()}")
        # By the loop itself and not by a task or a thread: what stops calls must stop this.
        asyncio.get_running_loop().call_later(self._pause, self._feed)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # Not worth a call: a manager that is busy, or gone, hears the next one.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(0)
            out.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)


def _address(given: str) -> str:
    """A path, or a name in the abstract namespace, which is written with an '@' before it."""
    if given.startswith("@"):
        return f"\0{given[1:]}"
    if given and not given.startswith("/"):
        log.warning("$NOTIFY_SOCKET is no address of systemd's; nobody is told how we fare.")
        return ""
    return given


def _watchdog_seconds(environment: Mapping[str, str]) -> float:
    """How long systemd waits for a sign of life; 0 where it does not."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(microseconds) / 1e6 if for_us and microseconds.isdecimal() else 0.0
