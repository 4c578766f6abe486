"""A real Asterisk of our own: own folders, own ports, gone at the end of the block."""

from __future__ import annotations

import os
import re
import shutil
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab import sandbox
from tests.lab.places import Place
from tests.lab.processes import Child, Running, cpu_seconds, free_ports
from tests.lab.sipp import parse_message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.sipp import Message

BOOT_SECONDS = 30.0
"""Longest a start may take; it takes one to two seconds, ten thousand trunks four."""

POLL_SECONDS = 0.02
RTP_PORTS = 1000
"""Ports of the RTP range: two a channel, taken at its INVITE, so five hundred channels at once."""

_FOLDERS = {
    "astetcdir": "etc",
    "astvarlibdir": "lib",
    "astdbdir": "lib",
    "astkeydir": "lib",
    "astspooldir": "spool",
    "astlogdir": "log",
    "astrundir": "run",
    "astagidir": "agi-bin",
}

_SIP_MESSAGE = re.compile(
    r"^\[(?P<stamp>[-\d]+ [:.\d]+)\] .*<--- (?P<way>Transmitting|Received) SIP \w+ "
    r"\(\d+ bytes\) (?:to|from) (?P<over>\w+):\S+ --->\n(?P<text>(?:(?!\[\d{4}-).*\n)*)",
    re.MULTILINE,
)
"""One message in its full log: lines up to the next one that bears a date."""

MODULES = (Path(__file__).parent / "modules.txt").read_text().split()
"""What a trunk server needs, and what a dialplan may reasonably ask for. All of Debian's modules
take half as long again to start, and fill the log with the files they miss."""


class AsteriskServer(Running):
    """One Asterisk, as a context manager: started on entry, ended and removed on exit.

    `files` (name relative to `etc`, or a path with folders) are written before the first start,
    over the base configuration where they bear the same name. Later files are the caller's: write
    them under `etc`, then `cli("...")` or `restart()`.

    All paths are the host's, and mean the same file to Asterisk (see `Place`).
    """

    def __init__(
        self,
        files: Mapping[str, str] | None = None,
        *,
        systemname: str = "lab",
        autoload: bool = False,
        keep: bool = False,
        outside: bool = False,
    ) -> None:
        self.environment: dict[str, str] = {}
        """What it finds in its environment, beside ours, from its next start on."""
        self.program = sandbox.asterisk()
        # Outside its root it can start this machine's programs (an AGI process), by the root's own
        # loader and libraries.
        self._root = self.program.place.root if outside else None
        self.place = Place() if outside else self.program.place
        self.systemname = systemname
        self.directory = self.place.workspace("asterisk")
        self.sip_port, self.rtp_start = free_ports(1, "udp")[0], _rtp_range()
        (self.ami_port,) = free_ports(1, "tcp")
        self._autoload = autoload
        self._keep = keep
        self._child: Child | None = None
        self._write_base()
        for name, text in (files or {}).items():
            self.write(name, text)

    # --- where things are ---

    @property
    def etc(self) -> Path:
        """Its configuration folder."""
        return self.directory / "etc"

    @property
    def log(self) -> Path:
        """Its log folder; call journals are in `cdr-csv` and `cdr-custom` below it."""
        return self.directory / "log"

    @property
    def cdr_custom(self) -> Path:
        """The folder that cdr_custom writes to."""
        return self.log / "cdr-custom"

    @property
    def agi_bin(self) -> Path:
        """The folder of its AGI programs."""
        return self.directory / "agi-bin"

    def host_path(self, inside: str | Path) -> Path:
        """The host's path of a file that Asterisk names by an absolute path of its own."""
        root = self.place.root
        path = Path(inside)
        if root is None or path.is_relative_to(root):
            return path
        return root / path.relative_to("/")

    @property
    def sip_address(self) -> str:
        """`host:port` of its SIP transport."""
        return f"127.0.0.1:{self.sip_port}"

    # --- life ---

    @property
    def pid(self) -> int:
        """Its process id; `RuntimeError` when it was never started."""
        return self._running_child().pid

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._child is not None and self._child.running

    def start(self) -> None:
        """Start it and wait until it is fully booted."""
        # `-f`: in the foreground, so the child is Asterisk itself; `-g` would leave cores.
        command = self.place.command(
            *self._executable, "-C", str(self.etc / "asterisk.conf"), "-f", "-n"
        )
        self._child = Child(
            command,
            output=self.log / "console",
            env={**os.environ, **self.environment},
            cwd=self.directory,
        )
        self.wait_booted()

    @property
    def _executable(self) -> tuple[str, ...]:
        if self._root is None:
            return (self.program.path,)
        return (*sandbox.by_own_loader(self._root), f"{self._root}{self.program.path}")

    def wait_booted(self, timeout: float = BOOT_SECONDS) -> None:
        """Wait for "fully booted"; `TimeoutError` when late, `RuntimeError` when it died."""
        deadline = time.monotonic() + timeout
        while not self.cli("core waitfullybooted").startswith("Asterisk has fully booted"):
            if not self.running:
                raise RuntimeError(f"Asterisk ended while starting:\n{self.console_text()[-2000:]}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"Asterisk not booted after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End it in order: calls are hung up, call records written."""
        if self._child is not None:
            self._child.stop()

    def kill9(self) -> None:
        """End it as a crash would."""
        self._running_child().kill()

    def restart(self) -> None:
        """End it in order if it runs, and start it again on the same ports and files."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it and remove its folder."""
        self.stop()
        if not self._keep:
            shutil.rmtree(self.directory, ignore_errors=True)

    def begin(self) -> None:
        """Start it; see `start`."""
        self.start()

    # --- what it says ---

    def cli(self, command: str, timeout: float = 30.0) -> str:
        """What `asterisk -rx` answers; a server that is away is told in the answer, not raised."""
        configuration = str(self.etc / "asterisk.conf")
        done = self.place.run(
            *self._executable, "-C", configuration, "-rx", command, timeout=timeout
        )
        return done.stdout + done.stderr

    def live_channels(self) -> list[str]:
        """The names of the channels that exist now."""
        listing = self.cli("core show channels concise")
        return [line.partition("!")[0] for line in listing.splitlines() if "!" in line]

    def log_text(self) -> str:
        """Its full log: notices, warnings, errors, verbose and security lines."""
        full = self.log / "full"
        return full.read_text(errors="replace") if full.exists() else ""

    def sip_messages(self) -> list[Message]:
        """What its SIP logger wrote so far; it is on with `debug=yes` in `[global]` of PJSIP."""
        return [
            parse_message(
                found["text"],
                datetime.fromisoformat(found["stamp"]).timestamp(),
                sent=found["way"] == "Transmitting",
                over=found["over"],
            )
            for found in _SIP_MESSAGE.finditer(self.log_text())
        ]

    def console_text(self) -> str:
        """What it wrote to its standard output."""
        return self._child.output_text() if self._child else ""

    def cpu_seconds(self) -> float:
        """CPU time used since its start, user and system together."""
        return cpu_seconds(self.pid)

    def write(self, name: str, text: str) -> Path:
        """Write one configuration file under `etc`, folders included; returns its path."""
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def listen_everywhere(self) -> None:
        """Listen for SIP at all addresses, from the next start on."""
        self.write("pjsip.conf", _PJSIP.format(host="0.0.0.0", port=self.sip_port))

    def _running_child(self) -> Child:
        if self._child is None:
            raise RuntimeError("this Asterisk was never started")
        return self._child

    # --- base configuration ---

    def _write_base(self) -> None:
        for folder in {
            *_FOLDERS.values(),
            "lib/keys",
            "log/cdr-csv",
            "log/cdr-custom",
            "etc/manager.d",
        }:
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
        files = {
            "asterisk.conf": self._asterisk_conf(),
            "modules.conf": self._modules_conf(),
            "logger.conf": _LOGGER,
            "manager.conf": _MANAGER.format(port=self.ami_port),
            "pjsip.conf": _PJSIP.format(host="127.0.0.1", port=self.sip_port),
            "rtp.conf": _RTP.format(start=self.rtp_start, end=self.rtp_start + RTP_PORTS - 1),
            "indications.conf": _INDICATIONS,
            "cdr.conf": "[general]\nenable=yes\nunanswered=yes\n\n[csv]\nusegmtime=yes\n",
            "extensions.conf": "[general]\nstatic=yes\nwriteprotect=yes\n",
            # With no mapping at all these modules decline to load, and a reload finds nothing.
            "cdr_custom.conf": "[mappings]\nlab.csv => ${CDR(uniqueid)},${CDR(disposition)}\n",
            "cel_custom.conf": "[mappings]\nlab.csv => ${eventtype},${CHANNEL(uniqueid)}\n",
            # An Asterisk complains of a missing folder behind an #include, and of missing files.
            "manager.d/lab.conf": "; users are the product's to add\n",
            **dict.fromkeys(_EMPTY, ""),
        }
        for name, text in files.items():
            self.write(name, text)

    def _asterisk_conf(self) -> str:
        # The run folder by its short name: a Unix socket's path is at most 107 bytes long.
        folders = "".join(
            f"{key} => {self.place.short(self.directory / folder)}\n"
            for key, folder in _FOLDERS.items()
        )
        if self._root is not None:
            modules = sandbox.module_folder(self.program.place)
            folders += f"astmoddir => {self._root}{modules}\n"
            folders += f"astdatadir => {self._root}/usr/share/asterisk\n"
        return (
            f"[directories]\n{folders}\n[options]\nsystemname={self.systemname}\n"
            "live_dangerously=no\nverbose=3\nhideconnect=yes\ntimestamp=no\n"
        )

    def _modules_conf(self) -> str:
        if self._autoload:
            return "[modules]\nautoload=yes\n"
        folder = sandbox.module_folder(self.program.place)
        there = {path.stem for path in self.program.place.glob(f"{folder}/*.so")}
        lines = "".join(f"load={name}.so\n" for name in MODULES if name in there)
        return f"[modules]\nautoload=no\n{lines}"


def _rtp_range() -> int:
    """Choose where the RTP range starts: below the ephemeral ports, away from other servers'."""
    (seed,) = free_ports(1, "udp")
    return 10000 + seed % 20 * RTP_PORTS


_EMPTY = (
    *("acl.conf", "ccss.conf", "cel.conf", "codecs.conf", "dnsmgr.conf", "features.conf"),
    *("pjproject.conf", "res_stun_monitor.conf", "statsd.conf", "udptl.conf"),
)

_INDICATIONS = """\
[general]
country=us
[us]
description=US
ringcadence=2000,4000
dial=350+440
"""

_LOGGER = """\
[general]
dateformat=%F %T.%3q
[logfiles]
full => notice,warning,error,verbose(3),security
"""

_MANAGER = """\
[general]
enabled=yes
bindaddr=127.0.0.1
port={port}
timestampevents=yes

#include manager.d/*.conf
"""

_PJSIP = """\
[lab-udp]
type=transport
protocol=udp
bind={host}:{port}
"""

_RTP = """\
[general]
rtpstart={start}
rtpend={end}
"""
