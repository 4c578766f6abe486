"""`siptrunk serve` alone, as a process of its own: what it does needs no Asterisk beside it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from tests.lab.processes import Child, Running, free_ports
from tests.lab.provider import READY_SECONDS, SIPTRUNK
from tests.unit.asterisk.headers import fastagi_header

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ANSWER_SECONDS = 10.0
POLL_SECONDS = 0.02


class Service(Running):
    """One daemon on a database that is set up; nobody answers at its manager interface.

    `settings` are more lines of siptrunk.toml, `environment` more of its environment.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        settings: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.agi_port, ami_port = free_ports(2, "tcp")
        self.journal = folder / "siptrunk.csv"
        file = folder / "siptrunk.toml"
        file.write_text(
            f'[database]\nurl = "{database_url}"\n[agi]\nport = {self.agi_port}\n'
            f'[ami]\nport = {ami_port}\n[asterisk]\nserver = "lab"\njournal = "{self.journal}"\n'
            f"{settings}"
        )
        self.environment = {
            **os.environ,
            "SIPTRUNK_CONFIG": str(file),
            **(environment or {}),
        }
        self.process: Child | None = None

    def begin(self) -> None:
        """Start it, and wait until it takes calls."""
        self.process = Child(
            [str(SIPTRUNK), "serve"], output=self.folder / "serve.log", env=self.environment
        )
        self.until(self._takes_calls)

    def _takes_calls(self) -> bool:
        if self.process is None or not self.process.running:
            raise RuntimeError(f"siptrunk serve ended:\n{self.log}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.agi_port), 1).close()
            return True
        return False

    def close(self) -> None:
        """End it in order."""
        if self.process is not None:
            self.process.stop()

    @property
    def log(self) -> str:
        """What it said."""
        file = self.folder / "serve.log"
        return file.read_text(errors="replace") if file.exists() else ""

    def until(
        self, condition: Callable[[], object], seconds: float = READY_SECONDS, what: str = "it"
    ) -> None:
        """Wait for a condition that can only be asked for."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.log[-3000:]}")
            time.sleep(POLL_SECONDS)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command on the same settings, whatever comes of it."""
        return subprocess.run(
            [str(SIPTRUNK), *words],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def read(self, *words: str) -> Any:
        """What a listing gives to programs."""
        done = self.run(*words, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ask(self, uniqueid: str, **header: str) -> str:
        """Ask for a call as the dialplan does, and confirm the answer; "" where there is none."""
        now = {"agi_arg_4": str(int(time.time()))}
        asked = fastagi_header(agi_uniqueid=uniqueid, **(now | header))
        with socket.create_connection(("127.0.0.1", self.agi_port), ANSWER_SECONDS) as line:
            line.sendall(asked)
            answer = line.makefile("rb").readline()
            line.sendall(b"200 result=1\n")
            return answer.decode()
