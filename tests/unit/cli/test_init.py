"""`siptrunk init`."""

import re
import socket
import stat
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import make_url

from asterisk_siptrunk.cli.init import _SETTINGS
from asterisk_siptrunk.settings import _TABLES, Settings, load
from tests.unit.cli.conftest import Siptrunk

MADE = ("ami_listen", "ami_apply", "ami_end", "webhook_secret", "payment_secret")


@pytest.fixture
def place(tmp_path):
    return tmp_path / "etc"


@pytest.fixture
def fresh(place):
    return Siptrunk({"SIPTRUNK_CONFIG": str(place / "siptrunk.toml")})


@pytest.fixture
def url(tmp_path):
    return ("--database-url", f"sqlite:///{tmp_path / 'var' / 'siptrunk.db'}")


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_database_s_place_is_the_same_from_wherever_one_looks(fresh):
    told = fresh("init", "--database-url", "sqlite:///rel.db", fails=2).stderr
    assert "with four slashes" in " ".join(told.split())


def test_init_makes_settings_secrets_and_database(fresh, place, url, tmp_path):
    done = fresh("init", *url, "--country", "gb", "--timezone", "Europe/London", "--server", "pbx1")
    settings = load(place / "siptrunk.toml", {})
    assert (settings.provider.country, settings.provider.timezone) == ("GB", "Europe/London")
    assert settings.asterisk.server == "pbx1"
    assert mode(place / "siptrunk.toml") == 0o640
    assert mode(place / "secrets.toml") == 0o600
    made = {getattr(settings.secrets, key) for key in MADE}
    assert len(made | {""}) == len(MADE) + 1
    assert not any(secret in done.stdout + done.stderr for secret in made)
    assert (tmp_path / "var" / "siptrunk.db").exists()
    assert "siptrunk customer add" in done.stderr
    assert "siptrunk config install" in done.stderr
    assert "--number NUMBER" in done.stderr
    assert len(fresh.json("destination", "list")) == 5


def test_init_again_keeps_everything(fresh, place, url):
    fresh("init", *url)
    fresh("customer", "add", "acme")
    fresh("destination", "allow", "+979")
    before = {file.name: file.read_bytes() for file in place.iterdir()}
    done = fresh("init", *url)
    assert "is up to date" in done.stderr
    assert {file.name: file.read_bytes() for file in place.iterdir()} == before
    assert len(fresh.json("customer", "list")) == 1
    actions = {row["target"]: row["action"] for row in fresh.json("destination", "list")}
    assert actions["+979"] == "allow"


def test_init_again_with_other_values_says_that_they_do_not_hold(fresh, url):
    fresh("init", *url)
    assert "--country: " in fresh("init", *url, "--country", "BE", fails=1).stderr


def test_init_again_names_the_line_to_change(fresh, place, url, monkeypatch):
    fresh("init", *url)
    other = ("--database-url", "sqlite:////elsewhere/siptrunk.db")
    told = fresh("init", *other, fails=1).stderr
    lines = (place / "siptrunk.toml").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, start=1) if line.startswith("url = "))
    assert f"--database-url: {place / 'siptrunk.toml'}, line {number}, says otherwise" in told
    monkeypatch.setenv("SIPTRUNK_ASTERISK_SERVER", "pbx9")
    told = fresh("init", "--server", "pbx1", fails=1).stderr
    assert "--server: the environment's SIPTRUNK_ASTERISK_SERVER says otherwise" in told


def test_a_database_that_cannot_be_reached_leaves_nothing_behind(fresh, place):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = fresh(
        "init", "--database-url", f"postgresql+psycopg://us@127.0.0.1:{port}/siptrunk", fails=1
    )
    assert "cannot be used" in told.stderr
    assert "See that PostgreSQL runs there" in told.stderr
    assert not place.exists()


@pytest.mark.postgresql
def test_a_database_that_does_not_exist_is_to_be_made_first(fresh, place, postgresql):
    wrong = make_url(postgresql.create_database("init_one")).set(database="nothing")
    told = fresh("init", "--database-url", wrong.render_as_string(), fails=1).stderr
    assert "does not exist: make it first, as in 'createdb" in told
    assert not place.exists()
    fresh("init", "--database-url", wrong.set(database="init_one").render_as_string())


def test_a_password_is_no_argument(fresh, place):
    url = "postgresql+psycopg://us:s3cret@127.0.0.1/siptrunk"
    told = fresh("init", "--database-url", url, fails=2).stderr
    assert "~/.pgpass" in told
    assert "s3cret" not in told
    assert not place.exists()


def test_help_shows_the_forms_of_the_url(fresh):
    shown = fresh("init", "--help").stdout
    for said in ("sqlite:////", "postgresql+psycopg://user@host:5432/name", "PGPASSWORD"):
        assert said in shown


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--country", "ZZ"),
        ("--timezone", "Europe/Pariss"),
        ("--timezone", "../etc/passwd"),
        ("--server", "two words"),
        ("--database-url", "mysql://host/name"),
    ],
)
def test_values_that_cannot_be_leave_nothing_behind(fresh, place, option, value):
    fresh("init", option, value, fails=2)
    assert not place.exists()


def test_a_place_that_cannot_be_written_says_so(url, tmp_path):
    (tmp_path / "file").touch()
    run = Siptrunk({"SIPTRUNK_CONFIG": str(tmp_path / "file" / "siptrunk.toml")})
    assert "cannot be written" in run("init", *url, fails=1).stderr


def test_the_file_s_comments_show_the_true_defaults(tmp_path):
    values = {"country": '"FR"', "timezone": '"Europe/Paris"', "server": '"asterisk"'}
    default = Settings(tmp_path / "siptrunk.toml")
    text = _SETTINGS.format(**values, database_url=f'"{default.database.url}"')
    (tmp_path / "siptrunk.toml").write_text(re.sub(r"(?m)^# (?=\w+ = )", "", text))
    assert load(tmp_path / "siptrunk.toml", {}) == default
    shown = tomllib.loads((tmp_path / "siptrunk.toml").read_text())
    assert set(shown) == set(_TABLES)
    for table in ("asterisk", "mail", "webhook", "web", "billing"):
        assert set(shown[table]) == {field.name for field in fields(_TABLES[table])}
