"""A real PostgreSQL of our own, on a loopback port, gone at the end of the block."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path

from tests.lab import sandbox
from tests.lab.processes import Child, Running, free_ports

USER = "postgres"
START_SECONDS = 20.0
POLL_SECONDS = 0.02
TOOL_SECONDS = 60.0

_SETTINGS = {
    # Nothing here must survive the machine: a crash of the *server* still loses nothing.
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm may be missing in a private root
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class PostgresServer(Running):
    """One database server, as a context manager: a cluster made, started, and removed at the end.

    `settings` are PostgreSQL's own, beside or instead of the lab's. It listens on 127.0.0.1 only
    and trusts every local connection. `stop()` and `start()` play an outage; the data stays.
    """

    def __init__(self, **settings: str) -> None:
        self._settings = _SETTINGS | settings
        self.program = sandbox.postgres()
        self.place = self.program.place
        self.directory = self.place.workspace("postgres")
        (self.port,) = free_ports(1, "tcp")
        self._binaries = Path(self.program.path).parent
        # By its short name: its user may not pass through the folders above a private root.
        self._data = self.place.short(self.directory / "data")
        self._child: Child | None = None

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """Create a database and return its URL."""
        self._tool("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return self.url(name)

    def pgbench(self, script: str, database: str, clients: int, seconds: int) -> list[float]:
        """Have clients run a script of pgbench's for so long; the seconds that each run took."""
        folder = self.directory / "pgbench"
        folder.mkdir()
        file, log = folder / "script.sql", folder / "log"
        file.write_text(script)
        place = ("-h", "127.0.0.1", "-p", str(self.port), "-U", USER)
        work = ("-n", "-f", self.place.short(file), "-c", str(clients), "-T", str(seconds))
        notes = ("-l", f"--log-prefix={self.place.short(log)}")
        try:
            self._tool("pgbench", *place, *work, *notes, database, seconds=seconds, user=None)
            lines = [line for each in folder.glob("log.*") for line in each.open()]
        finally:
            shutil.rmtree(folder)
        return [int(line.split()[2]) / 1e6 for line in lines]

    @property
    def pid(self) -> int | None:
        """The server's process id; None when it does not run."""
        return self._child.pid if self._child is not None and self._child.running else None

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        settings = [word for pair in self._settings.items() for word in ("-c", "=".join(pair))]
        places = ("-c", f"unix_socket_directories={self.place.short(self.directory)}")
        command = self.program.command(
            *("-D", self._data, "-p", str(self.port), *places, *settings), user=USER
        )
        # SIGINT asks for the "fast" stop: connections are cut, data is written out.
        self._child = Child(
            command, output=self.directory / "log", stop_signal=signal.SIGINT, grace=10
        )
        self._wait_ready()

    def stop(self) -> None:
        """Stop the server at once but in order: connections are cut. Harmless when stopped."""
        if self._child is not None:
            self._child.stop()

    def close(self) -> None:
        """Stop the server and remove its data."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log_text(self) -> str:
        """The server's log."""
        return (self.directory / "log").read_text(errors="replace")

    def begin(self) -> None:
        """Make the cluster, and start it."""
        self._initialise()
        self.start()

    def _initialise(self) -> None:
        self.directory.chmod(0o777)  # the server runs as another user when we are root
        self._tool(
            *("initdb", "-D", self._data, "-U", USER, "-A", "trust", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )

    def _tool(self, name: str, *argv: str, user: str | None = USER, seconds: float = 0.0) -> None:
        program = str(self._binaries / name)
        done = self.place.run(program, *argv, user=user, timeout=seconds + TOOL_SECONDS)
        if done.returncode != 0:
            raise RuntimeError(f"{name} failed: {done.stdout}{done.stderr}")

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        ready = (str(self._binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port))
        while self.place.run(*ready, user=USER).returncode != 0:
            if self.pid is None:
                raise RuntimeError(f"PostgreSQL ended while starting:\n{self.log_text()}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"PostgreSQL not ready after {START_SECONDS:.0f} s")
            time.sleep(POLL_SECONDS)
