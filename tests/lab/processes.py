"""Child processes that never outlive us, and free ports on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GRACE_SECONDS = 5.0
"""How long a child may take over an orderly end before it is killed."""


def dying_with_us(
    argv: Sequence[str], death_signal: signal.Signals = signal.SIGKILL
) -> tuple[str, ...]:
    """Wrap a command so that the kernel signals it when the thread that started it ends.

    `setpriv` rather than a `preexec_fn`: Python code between fork and exec can deadlock in a
    program with threads. It must stand *inside* any change of user, which clears the request.
    """
    return ("setpriv", "--pdeathsig", death_signal.name.removeprefix("SIG"), *argv)


class Running:
    """What lives as long as a `with` block; closed also where it failed to begin."""

    def begin(self) -> None:
        """Begin; nothing where it runs as soon as it is made."""

    def close(self) -> None:
        """End it, and take away what it left; harmless where it never began."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Child(Running):
    """One child process in its own session, stopped by its own pid only.

    A context manager: leaving the block stops the child (`stop_signal`, then SIGKILL after
    `grace` seconds). Its output goes to the file `output`, appended.
    """

    def __init__(  # noqa: PLR0913 - a process simply has this many facets
        self,
        argv: Sequence[str],
        *,
        output: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = GRACE_SECONDS,
    ) -> None:
        self.argv = tuple(argv)
        self.output = output
        self._stop_signal = stop_signal
        self._grace = grace
        with output.open("ab") as sink:
            # Its own session: Ctrl-C reaches us alone, and we stop children in order.
            self._popen = subprocess.Popen(
                dying_with_us(self.argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The child's process id (the program's own: no shell stands between)."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the child is still alive."""
        return self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """The exit status, negative for a signal; None while running."""
        return self._popen.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status; `subprocess.TimeoutExpired` when late."""
        return self._popen.wait(timeout)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, SIGSTOP and SIGCONT included, if the child is still there."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def kill(self) -> None:
        """End the child at once (SIGKILL) and reap it."""
        self.signal(signal.SIGKILL)
        self._popen.wait()

    def stop(self) -> None:
        """End the child in order, by force after the grace time. Harmless when it has ended."""
        if not self.running:
            return
        self.signal(self._stop_signal)
        self.signal(signal.SIGCONT)  # a stopped process takes no signal but this one
        try:
            self._popen.wait(self._grace)
        except subprocess.TimeoutExpired:
            self.kill()

    def output_text(self) -> str:
        """What the child has written so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def close(self) -> None:
        """End it."""
        self.stop()


def free_ports(count: int, kind: Literal["udp", "tcp"] = "udp") -> list[int]:
    """Return `count` distinct ports that nobody holds right now, at whatever address.

    At one address is not enough: SIPp's control socket takes all of them, and other programs of a
    test hold ports of 127.0.0.2 or 127.0.0.3. They are all held at once while being chosen, so they
    differ from each other; they are free again on return, so start what uses them soon.
    """
    socket_type = socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM
    with contextlib.ExitStack() as held:
        ports = []
        for _ in range(count):
            probe = held.enter_context(socket.socket(socket.AF_INET, socket_type))
            probe.bind(("0.0.0.0", 0))
            ports.append(int(probe.getsockname()[1]))
        return ports


def has_ipv6() -> bool:
    """Whether this machine has IPv6's loopback address, ::1."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        probe.bind(("::1", 0))
        return True
    return False


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, that a process has used so far (its ended children excluded)."""
    # The command name, in parentheses, may hold spaces: count from its end.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def which(*names: str, extra: str = "/usr/sbin:/usr/local/sbin:/sbin") -> str | None:
    """Find the first of these programs on PATH or in the system folders beside it."""
    path = f"{os.environ.get('PATH', os.defpath)}:{extra}"
    return next((found for name in names if (found := shutil.which(name, path=path))), None)
