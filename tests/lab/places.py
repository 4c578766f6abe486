"""Where a program runs: on this machine, or in the private root (a chroot)."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKSPACES = Path("srv/lab")
"""Where workspaces stand inside a private root."""


@dataclass(frozen=True)
class Place:
    """This machine (`root` None) or a private root.

    Absolute paths under `root` mean the same file outside and inside it: the root holds a link
    to itself under its own path. So a configuration rendered outside can be read inside.
    """

    root: Path | None = None

    def command(self, *argv: str, user: str | None = None) -> tuple[str, ...]:
        """The command that runs `argv` here, as `user` when we are root."""
        wants_user = user is not None and os.geteuid() == 0
        if self.root is None:
            return (*_as_user(user), *argv) if wants_user else argv
        identity = (f"--userspec={user}:{user}",) if wants_user else ()
        # A change of user clears the parent-death signal: ask for it again after.
        return ("chroot", *identity, str(self.root), "setpriv", "--pdeathsig", "KILL", *argv)

    def run(
        self, *argv: str, user: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a short command to its end; its output is in the result, whatever its status."""
        return subprocess.run(
            self.command(*argv, user=user),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )

    def glob(self, pattern: str) -> Iterator[Path]:
        """Paths inside the place (as seen from the inside) that match an absolute pattern."""
        base = self.root or Path("/")
        for found in sorted(base.glob(pattern.lstrip("/"))):
            yield Path("/") / found.relative_to(base)

    def short(self, path: Path) -> str:
        """The shortest name of `path` inside: a Unix socket's path must stay under 108 bytes."""
        if self.root is None:
            return str(path)
        return str(Path("/") / path.relative_to(self.root))

    def workspace(self, name: str) -> Path:
        """Make an empty folder, same path outside and inside, that names its owner's pid."""
        self.sweep()
        self._workspaces.mkdir(parents=True, exist_ok=True)
        prefix = f"{name}-{os.getpid()}-"
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=self._workspaces))
        folder.chmod(0o755)  # other users (postgres) pass through
        return folder

    def sweep(self) -> None:
        """Remove workspaces whose owners were killed before they could."""
        for folder in self._workspaces.glob("*-*-*"):
            pid = folder.name.split("-")[1]
            if not Path("/proc", pid).exists():
                shutil.rmtree(folder, ignore_errors=True)

    @property
    def _workspaces(self) -> Path:
        if self.root is None:
            return Path(tempfile.gettempdir()) / f"siptrunk-lab-{os.geteuid()}"
        return self.root / WORKSPACES


@dataclass(frozen=True)
class Program:
    """A program at a place: `path` as seen from the inside, `version` as it said itself."""

    place: Place
    path: str
    version: str

    def command(self, *argv: str, user: str | None = None) -> tuple[str, ...]:
        """The command line that runs this program with these arguments."""
        return self.place.command(self.path, *argv, user=user)


def _as_user(user: str | None) -> tuple[str, ...]:
    account = pwd.getpwnam(user or "nobody")
    return (
        "setpriv",
        f"--reuid={account.pw_uid}",
        f"--regid={account.pw_gid}",
        "--clear-groups",
        "--pdeathsig=KILL",
    )
