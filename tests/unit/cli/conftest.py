"""The command, run in this process on a fresh database of the test's own."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.cli import main
from asterisk_siptrunk.database import rollout, servers
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.tables import server
from asterisk_siptrunk.generation.store import Store
from tests.conftest import SETUP
from tests.unit.cli.doctoring import answering, give_sign
from tests.unit.cli.fake_asterisk import FakeAsterisk

AUTHOR = {"SUDO_USER": "alice"}


@dataclass(frozen=True)
class Outcome:
    """What a run said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        """The JSON that it wrote."""
        return json.loads(self.stdout)


class Siptrunk:
    """`siptrunk("trunk", "list")`; a run that is to fail says `fails=STATUS`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *words: str, stdin: str | None = None, fails: int = 0) -> Outcome:
        done = CliRunner().invoke(
            main, words, input=stdin, env=self.environment, prog_name="siptrunk"
        )
        outcome = Outcome(done.exit_code, done.stdout, done.stderr)
        assert outcome.code == fails, f"{words}: {done.stdout}\n{done.stderr}\n{done.exception!r}"
        assert "Traceback" not in done.output
        return outcome

    def json(self, *words: str) -> Any:
        """What a listing gives to programs."""
        return self(*words, "--format", "json").data


@pytest.fixture(autouse=True)
def _author(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in AUTHOR.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SIPTRUNK_DEBUG", raising=False)


def on(database: Path) -> Siptrunk:
    """The command on a database, its settings beside it."""
    file = database.with_suffix(".toml")
    file.write_text(f'[database]\nurl = "sqlite:///{database}"\n')
    return Siptrunk({"SIPTRUNK_CONFIG": str(file)})


@pytest.fixture
def siptrunk(sqlite_url: str) -> Siptrunk:
    """The command on a database as `siptrunk init` leaves it."""
    return on(Path(sqlite_url.removeprefix("sqlite:///")))


@pytest.fixture(scope="session")
def described(fresh_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of `acme`, to be copied."""
    database = Path(shutil.copy(fresh_sqlite, tmp_path_factory.mktemp("acme") / "siptrunk.db"))
    siptrunk = on(database)
    siptrunk.environment |= AUTHOR
    siptrunk("customer", "add", "acme", "--title", "Acme SA")
    siptrunk(
        *("trunk", "add", "acme-paris", "--customer", "acme", "--channels", "3"),
        *("--number", "0123456789", "--number", "0123456790"),
    )
    siptrunk(
        *("carrier", "add", "one", "--profile", "generic", "--server", "192.0.2.10"),
        *("--username", "us", "--secret-file", "-"),
        stdin="carrier-secret\n",
    )
    return database


@pytest.fixture
def acme(siptrunk: Siptrunk, described: Path, tmp_path: Path) -> Siptrunk:
    """The same with a customer, a trunk of three channels and two numbers, and a carrier."""
    shutil.copy(described, tmp_path / "siptrunk.db")
    return siptrunk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that holds 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "small", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this account may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


OWN_FILES = {
    "asterisk.conf": "[options]\nsystemname = asterisk\n",
    "modules.conf": "[modules]\nautoload = yes\n",
    "manager.conf": "[general]\nenabled = yes\n",
}


@pytest.fixture
def asterisk(siptrunk: Siptrunk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeAsterisk:
    """An Asterisk beside the database of `siptrunk`, with its own files in `etc/`."""
    (tmp_path / "etc").mkdir()
    for name, text in OWN_FILES.items():
        (tmp_path / "etc" / name).write_text(text)
    siptrunk.environment |= {
        "SIPTRUNK_ASTERISK_CONFIG_DIR": str(tmp_path / "etc"),
        "SIPTRUNK_ASTERISK_GROUP": "",
        "SIPTRUNK_ASTERISK_BINARY": "",
    }
    fake = FakeAsterisk(Store(tmp_path / "etc"))
    monkeypatch.setattr(bootstrap, "control", lambda _settings: fake)
    monkeypatch.setattr(bootstrap, "system_name", lambda _settings: "asterisk")
    return fake


class Fleet:
    """The other servers of a provider, as their rows stand for them."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)

    def beat(self, name: str, **vitals):
        said = {"program": "0.1.0", "share": 50, "link": "up", **vitals}
        told = Vitals(started_at=SETUP.at, link_since=SETUP.at, **said)
        with transaction(self.engine) as connection:
            return servers.beat(connection, name, told, (), SETUP.at)

    def go_silent(self, name: str) -> None:
        with transaction(self.engine) as connection:
            seen = next(each.seen_at for each in servers.every(connection) if each.name == name)
            values = {"seen_at": seen - timedelta(seconds=9)}
            connection.execute(update(server).where(server.c.name == name).values(values))

    def lose(self, name: str) -> None:
        with transaction(self.engine) as connection:
            servers.declare_lost(connection, name, 1, SETUP.at)

    def stop(self, name: str) -> None:
        with transaction(self.engine) as connection:
            servers.stop(connection, name, SETUP.at)

    def want(self, name: str) -> None:
        with transaction(self.engine) as connection:
            rollout.want(connection, name, "there")

    def follow(self, name: str) -> None:
        pulse = self.beat(name)
        with transaction(self.engine) as connection:
            rollout.followed(connection, name, pulse.config_wanted, "there")

    def fail(self, name: str, why: str) -> None:
        pulse = self.beat(name)
        with transaction(self.engine) as connection:
            rollout.failed(connection, name, pulse.config_wanted, why)


@pytest.fixture
def fleet(sqlite_url: str) -> Iterator[Fleet]:
    """Other servers that share the database of `siptrunk`."""
    made = Fleet(sqlite_url)
    yield made
    made.engine.dispose()


@pytest.fixture
def well(acme: Siptrunk, asterisk: FakeAsterisk, tmp_path: Path) -> Iterator[Siptrunk]:
    """A provider that lacks nothing."""
    (tmp_path / "siptrunk.toml").chmod(0o640)
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('ami_listen = "a"\nami_apply = "b"\nami_end = "c"\n')
    secrets.chmod(0o600)
    (tmp_path / "journal.csv").touch()
    with answering() as port:
        acme.environment |= {
            "SIPTRUNK_AGI_PORT": str(port),
            "SIPTRUNK_ASTERISK_ADDRESS": "sip.example.com",
            "SIPTRUNK_ASTERISK_JOURNAL": str(tmp_path / "journal.csv"),
        }
        acme("config", "install", "--yes")
        acme("config", "apply", "--yes")
        give_sign(tmp_path / "siptrunk.db", share=0)
        yield acme
    assert asterisk.reloads
