"""A whole provider for tests, demo and bench: a real Asterisk with siptrunk set up beside it.

Everything goes through the `siptrunk` command, as an admin would do it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asterisk_siptrunk.database.calls import CallFilter, every
from asterisk_siptrunk.database.engine import open_engine, reading
from asterisk_siptrunk.database.usage import position
from tests.lab.asterisk import AsteriskServer
from tests.lab.certificate import self_signed
from tests.lab.processes import Child, Running, free_ports, has_ipv6

if TYPE_CHECKING:
    from collections.abc import Callable

    from asterisk_siptrunk.call import CallRecord

SIPTRUNK = Path(sys.executable).with_name("siptrunk")
COMMAND_SECONDS = 60.0
READY_SECONDS = 15.0
POLL_SECONDS = 0.02


_SETTINGS = """\
[provider]
country = "FR"
timezone = "Europe/Paris"

[database]
url = "{database_url}"

[agi]
port = {agi_port}
process = {process}

[ami]
port = {ami_port}

[asterisk]
server = "{server}"
config_dir = "{config_dir}"
journal = "{journal}"
group = ""
binary = "{binary}"
root = "{root}"
dedicated = {dedicated}
"""

_LAB_TRANSPORTS = "sip_port = 0\n"
_OWN_TRANSPORTS = """\
address = "127.0.0.1"
bind = {bind}
sip_port = {sip_port}
tls_port = {tls_port}
tls_certificate = "{certificate}"
tls_key = "{certificate}"
"""


class CommandFailed(Exception):
    """A `siptrunk` command that should have worked did not; its words are in the message."""


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Provider(Running):
    """One provider: `with Provider() as provider: ...` ends all that it started."""

    def __init__(  # noqa: PLR0913 - a provider simply has this many facets
        self,
        *,
        database_url: str = "",
        server: str = "lab",
        by_process: bool = False,
        dedicated: bool = False,
        own_transports: bool = False,
        keep_in: Path | None = None,
    ) -> None:
        """Set the folders up; `by_process`: admission is an AGI process, not the daemon's.

        `server` is its name, where several share a database. `dedicated` is the setting of that
        name. With `own_transports` the rendered files open the transports, TLS and IPv6 too, and
        not the lab's. With `keep_in` the provider's files are there, and stay when all has ended.
        """
        self.server = server
        self._by_process = by_process
        self._dedicated = dedicated
        self._keep = keep_in is not None
        self.folder = _emptied(keep_in) if keep_in else Path(tempfile.mkdtemp(prefix="siptrunk-"))
        self.asterisk = AsteriskServer(systemname=server, outside=by_process)
        self.agi_port, self.tls_port = free_ports(2, "tcp")
        self._own_transports = own_transports
        self.daemon: Child | None = None
        self.settings_file = self.folder / "siptrunk.toml"
        self.environment = {**os.environ, "SIPTRUNK_CONFIG": str(self.settings_file)}
        url = database_url or f"sqlite:///{self.folder}/siptrunk.db"
        self.settings_file.write_text(self._settings(url))
        self.engine = open_engine(url)

    def _settings(self, database_url: str) -> str:
        return _SETTINGS.format(
            database_url=database_url,
            server=self.server,
            agi_port=self.agi_port,
            ami_port=self.asterisk.ami_port,
            config_dir=self.asterisk.etc,
            journal=self.asterisk.cdr_custom / "siptrunk.csv",
            binary="" if self._by_process else self.asterisk.program.path,
            root=self.asterisk.place.root or "",
            process=str(self._by_process).lower(),
            dedicated=str(self._dedicated).lower(),
        ) + (self._open_transports() if self._own_transports else _LAB_TRANSPORTS)

    def _open_transports(self) -> str:
        """Take the lab's transport away, and give the settings that open the product's own."""
        self.asterisk.write("pjsip.conf", "; all of it is included\n")
        certificate = self.asterisk.write("keys/sip.pem", self_signed())
        return _OWN_TRANSPORTS.format(
            bind='["127.0.0.1", "::1"]' if has_ipv6() else '["127.0.0.1"]',
            sip_port=self.asterisk.sip_port,
            tls_port=self.tls_port,
            certificate=self.asterisk.place.short(certificate),
        )

    # --- the command ---

    def run(
        self, *arguments: str, given: str = "", show: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run `siptrunk ARGUMENTS`, whatever comes of it."""
        return subprocess.run(
            [str(SIPTRUNK), *arguments],
            env=self.environment,
            input=given,
            stdout=None if show else subprocess.PIPE,
            stderr=None if show else subprocess.PIPE,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def do(self, *arguments: str, given: str = "") -> str:
        """Run a command that must work; gives what it printed, or what it said of what it did."""
        done = self.run(*arguments, given=given)
        if done.returncode:
            raise CommandFailed(f"siptrunk {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout or done.stderr

    def read(self, *arguments: str) -> Any:
        """Run a command that lists; gives what its JSON says."""
        return json.loads(self.do(*arguments, "--format", "json"))

    # --- life ---

    def begin(self) -> None:
        """Start Asterisk with siptrunk installed beside it; nothing is described yet."""
        self.do("init")
        self.do("config", "install", "--yes")
        self.asterisk.start()

    def close(self) -> None:
        """End the daemon and Asterisk, and remove their folders."""
        self.stop_serving()
        self.engine.dispose()
        if self._keep:
            for name in ("etc", "log"):
                shutil.copytree(self.asterisk.directory / name, self.folder / "asterisk" / name)
        self.asterisk.close()
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def serve(self) -> None:
        """Start `siptrunk serve`, and wait until it takes calls and listens to Asterisk."""
        self.start_serving()
        self.until(self._listens, READY_SECONDS, "siptrunk serve to listen to Asterisk")

    def start_serving(self) -> None:
        """Start `siptrunk serve`, and wait until it takes calls."""
        self.daemon = Child(
            [str(SIPTRUNK), "serve"], output=self.folder / "serve.log", env=self.environment
        )
        self.until(self._takes_calls, READY_SECONDS, "siptrunk serve to take calls")

    def stop_serving(self) -> None:
        """End the daemon in order."""
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    @property
    def daemon_log(self) -> str:
        """What the daemon said."""
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "serve.log").read_text()
        return ""

    def _takes_calls(self) -> bool:
        if self.daemon is not None and not self.daemon.running:
            raise CommandFailed(f"siptrunk serve ended:\n{self.daemon_log}")
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.agi_port), 1).close()
            return True
        return False

    def _listens(self) -> bool:
        return "siptrunk-listen" in self.asterisk.cli("manager show connected")

    def until(
        self, condition: Callable[[], object], seconds: float = 10.0, what: str = "it"
    ) -> None:
        """Wait for a condition of other programs, which can only be asked for.

        Raises:
            TimeoutError: it did not come true in time.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds:.0f} s for {what}\n{self.daemon_log[-3000:]}")
            time.sleep(POLL_SECONDS)

    # --- what is often asked ---

    def calls(self) -> list[CallRecord]:
        """Every call in the usage database, in the order of their start."""
        return self._records(CallFilter())

    def live(self) -> list[CallRecord]:
        """The calls that hold a channel now."""
        return self._records(CallFilter(live=True))

    def until_idle(self, seconds: float = 10.0) -> None:
        """Wait until no call holds a channel."""
        self.until(lambda: not self.live(), seconds, "all channels to be free")

    def has_read_journal(self) -> bool:
        """Whether the service has recorded all that Asterisk's journal holds by now."""
        status = (self.asterisk.cdr_custom / "siptrunk.csv").stat()
        with reading(self.engine) as connection:
            read = position(connection, "lab")
        return read is not None and (read.inode, read.offset) == (status.st_ino, status.st_size)

    def _records(self, wanted: CallFilter) -> list[CallRecord]:
        with reading(self.engine) as connection:
            return list(every(connection, wanted))
