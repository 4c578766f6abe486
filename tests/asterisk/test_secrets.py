"""Secrets are nowhere but where they must be, and files are closed to who need not read them."""

import contextlib
import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from tests.lab.postgresql import PostgresServer
from tests.lab.processes import Child
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippAnswerer, place_calls, register

CARRIER_HOST, PBX_HOST = "127.0.0.8", "127.0.0.9"
MAIN, MOBILE = "+33123456789", "0612345678"
CARRIER_SECRET, DATABASE_SECRET = "carrier-s3cret-7r", "database-s3cret-9x"

# The service as it says most.
_AT_DEBUG = """
import logging
set_up = logging.basicConfig
logging.basicConfig = lambda **how: set_up(**(how | {"level": logging.DEBUG}))
from asterisk_siptrunk.cli import main
main(["--debug", "serve"])
"""


@dataclass
class Heard:
    """All that was said and could be overheard."""

    provider: Provider
    secrets: dict[str, str]
    commands: list[str] = field(default_factory=list)
    processes: set[bytes] = field(default_factory=set)

    def run(self, *arguments: str, given: str = "") -> str:
        """Run a command at its most talkative, and keep what it said."""
        done = self.provider.run("--debug", *arguments, given=given)
        self.commands.append(done.stdout + done.stderr)
        return done.stdout

    def leaked(self, text: str) -> set[str]:
        """The names of the secrets that stand in a text."""
        return {name for name, secret in self.secrets.items() if secret in text}


@contextlib.contextmanager
def watched_processes(seen: set[bytes]) -> Iterator[None]:
    """Keep the command line of every process that lives meanwhile, as any account may read it."""
    over = Event()

    def watch() -> None:
        while not over.wait(0.1):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(process.read_bytes())

    with ThreadPoolExecutor(1) as beside:
        watching = beside.submit(watch)
        try:
            yield
        finally:
            over.set()
            watching.result()


@pytest.fixture(scope="module")
def heard(postgresql: PostgresServer) -> Iterator[Heard]:
    """A day in a provider's life, each step at its most talkative."""
    url = postgresql.create_database("secrets").replace("@", f":{DATABASE_SECRET}@", 1)
    with (
        SippAnswerer("uas_registrar", host=CARRIER_HOST) as carrier,
        Provider(database_url=url) as provider,
    ):
        kept = tomllib.loads((provider.folder / "secrets.toml").read_text())
        known = {f"{key} of the manager": value for key, value in kept.items()}
        known |= {"carrier": CARRIER_SECRET, "database": DATABASE_SECRET}
        one = Heard(provider, known)
        with watched_processes(one.processes):
            _live(one, carrier)
        yield one


def _live(one: Heard, carrier: SippAnswerer) -> None:
    provider = one.provider
    one.run("customer", "add", "acme")
    provider.do("trunk", "add", "acme", "--customer", "acme", "--channels", "5", "--number", MAIN)
    one.run(
        *("carrier", "add", "line", "--profile", "generic-register", "--server", carrier.address),
        *("--username", "line", "--secret-file", "-", "--qualify", "0"),
        given=CARRIER_SECRET,
    )
    one.secrets["trunk"] = provider.read("trunk", "rotate-secret", "acme", "--yes")["secret"]
    for command in (
        *(("config", "plan", "--all"), ("config", "render"), ("config", "apply", "--yes")),
        *(("carrier", "show", "line"), ("carrier", "history", "line"), ("carrier", "list")),
        *(("trunk", "show", "acme"), ("trunk", "history", "acme"), ("customer", "add", "acme")),
        ("trunk", "pbx-settings", "acme"),
    ):
        one.run(*command)
    provider.daemon = Child(
        [sys.executable, "-c", _AT_DEBUG],
        output=provider.folder / "serve.log",
        env=provider.environment,
    )
    provider.until(provider._listens, 15, "the service to listen")
    target, secret = provider.asterisk.sip_address, one.secrets["trunk"]
    assert register(target, "trunk-acme", secret, 5080, host=PBX_HOST).status == 200
    register(target, "trunk-acme", "another", 5080, host=PBX_HOST)
    provider.until(carrier.calls, 20, "our registration at the carrier")
    call = Call(MAIN, MOBILE, "trunk-acme", secret)
    assert place_calls(target, [call], host=PBX_HOST, hold_ms=100).statuses == [200]
    provider.until_idle()
    one.run("doctor")
    one.run("call", "list")
    provider.environment["SIPTRUNK_DATABASE_URL"] = (
        f"postgresql+psycopg://siptrunk:{DATABASE_SECRET}@127.0.0.1:1/none"
    )
    one.run("call", "list")
    one.run("serve")
    del provider.environment["SIPTRUNK_DATABASE_URL"]
    provider.stop_serving()


pytestmark = [pytest.mark.asterisk, pytest.mark.postgresql]


def test_commands_say_none_of_them(heard: Heard):
    """Beside the two that make a trunk's secret, and show it once."""
    assert [heard.leaked(said) for said in heard.commands] == [set()] * len(heard.commands)


def test_the_service_says_none_of_them(heard: Heard):
    assert "DEBUG" in heard.provider.daemon_log
    assert heard.leaked(heard.provider.daemon_log) == set()


def test_asterisk_says_none_of_them(heard: Heard):
    said = heard.provider.asterisk.log_text() + heard.provider.asterisk.console_text()
    assert "AGI" in said
    assert heard.leaked(said) == set()


def test_no_process_has_one_on_its_command_line(heard: Heard):
    lines = b"\n".join(heard.processes).decode(errors="replace")
    assert "siptrunk\0--debug\0carrier\0add" in lines
    assert heard.leaked(lines) == set()


def test_the_journal_holds_none_of_them(heard: Heard):
    journal = (heard.provider.asterisk.cdr_custom / "siptrunk.csv").read_text()
    assert MAIN in journal
    assert heard.leaked(journal) == set()


# --- files ---


@pytest.fixture
def lax_umask() -> Iterator[None]:
    """An account that takes nothing away from what a program makes."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("lax_umask")
def test_what_is_written_is_closed_to_others(tmp_path: Path):
    provider = Provider()
    made = tmp_path / "made"
    with provider:
        environment = provider.environment | {"SIPTRUNK_CONFIG": str(made / "siptrunk.toml")}
        _describe(provider, tmp_path, environment)
        provider.serve()
        found = {
            **_modes(provider.folder, r"secrets\.toml|siptrunk\.db.*"),
            **_modes(provider.asterisk.etc / "siptrunk", r".*"),
            **_modes(made, r".*"),
            **_modes(tmp_path / "rendered", r".*"),
            **_modes(tmp_path, r"usage\.csv"),
        }
    names = {path.name for path in found}
    assert {"siptrunk.db", "siptrunk.db-wal", "siptrunk.db-shm"} <= names
    assert {"siptrunk.toml", "secrets.toml", "pjsip_carriers.conf", "usage.csv"} <= names
    # Accounts that may not read the secrets may still run the command: they pass this folder.
    assert found.pop(made) == 0o755
    assert {str(path): oct(mode) for path, mode in found.items() if mode & 0o007} == {}


def _describe(provider: Provider, folder: Path, environment: dict[str, str]) -> None:
    provider.do("customer", "add", "acme")
    provider.do("trunk", "add", "acme", "--customer", "acme", "--channels", "5", "--number", MAIN)
    provider.do("config", "apply", "--yes")
    provider.do("config", "render", "--output", str(folder / "rendered"))
    provider.do(
        *("usage", "export", "--from", "2026-01-01", "--to", "2026-02-01"),
        *("--output", str(folder / "usage.csv")),
    )
    before, provider.environment = provider.environment, environment
    provider.do("init", "--database-url", f"sqlite:///{folder}/made/usage/calls.db")
    provider.environment = before


def _modes(folder: Path, name: str) -> dict[Path, int]:
    there = [folder, *folder.rglob("*")] if name == ".*" else list(folder.iterdir())
    wanted = [path for path in there if re.fullmatch(name, path.name)]
    assert wanted, folder
    return {path: stat.S_IMODE(path.stat().st_mode) for path in wanted}
