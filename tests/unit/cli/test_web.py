"""`siptrunk web`: who may log in; serving itself is tried in tests/unit/web."""

import pytest

from asterisk_siptrunk.account.password import is_right
from asterisk_siptrunk.account.second import new_secret
from asterisk_siptrunk.database import accounts
from asterisk_siptrunk.database.engine import open_engine, transaction
from tests.conftest import SETUP
from tests.unit.cli.doctoring import ill

ROOT, BOB = "root@provider.example", "bob@acme.example"
PASSWORD = "seven wet bicycles"


@pytest.fixture
def keys(sqlite_url):
    """What lets an account in, as it is kept."""

    def ask(login):
        engine = open_engine(sqlite_url)
        with transaction(engine) as connection:
            found = accounts.try_login(connection, login, SETUP.at)
        engine.dispose()
        return found

    return ask


@pytest.fixture
def peopled(siptrunk):
    siptrunk("customer", "add", "acme")
    siptrunk("web", "create-admin", "--login", ROOT, "--password-stdin", stdin=f"{PASSWORD}\n")
    siptrunk(*ADD_BOB, "--password-stdin", stdin=PASSWORD)
    return siptrunk


ADD_BOB = ("web", "add-user", BOB, "--role", "customer-user", "--customer", "acme")


def test_no_port_is_told(siptrunk):
    told = siptrunk("web", "serve", fails=1).stderr
    assert "[web] port is 0: say where to serve" in told
    assert "payment_secret in secrets.toml is empty" in told


def test_who_may_log_in(peopled, keys):
    assert peopled.json("web", "users") == [
        {
            "login": BOB,
            "name": "",
            "role": "customer-user",
            "customer": "acme",
            "second_factor": False,
            "disabled": False,
        },
        {
            "login": ROOT,
            "name": "",
            "role": "provider-admin",
            "customer": "",
            "second_factor": False,
            "disabled": False,
        },
    ]
    assert [row["login"] for row in peopled.json("web", "users", "--customer", "acme")] == [BOB]
    assert is_right(PASSWORD, keys(ROOT).password)


def test_a_first_start_asks_for_all_and_twice_for_the_password(siptrunk, keys):
    typed = f"{ROOT.upper()}\n{PASSWORD}\n{PASSWORD}\n"
    done = siptrunk("web", "create-admin", stdin=typed)
    assert f"{ROOT} may log in as provider-admin." in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    assert is_right(PASSWORD, keys(ROOT).password)


def test_a_password_that_was_not_the_same_twice(siptrunk):
    typed = f"{PASSWORD}\nanother one\n{PASSWORD}\n{PASSWORD}\n"
    done = siptrunk("web", "create-admin", "--login", ROOT, stdin=typed)
    assert "do not match" in done.stderr + done.stdout


def test_a_generated_password_is_shown_once(siptrunk, keys):
    done = siptrunk("web", "create-admin", "--login", ROOT, "--generate")
    password = done.stdout.split()[-1]
    assert is_right(password, keys(ROOT).password)
    assert password not in done.stderr
    assert "shown once" in done.stderr
    new = siptrunk("web", "password", ROOT, "--generate").stdout.split()[-1]
    assert is_right(new, keys(ROOT).password)
    assert new != password


@pytest.mark.parametrize(
    ("words", "stdin", "fails", "said"),
    [
        (("--login", "root", "--generate"), None, 2, "is no e-mail address"),
        (("--login", ROOT, "--password-stdin"), "short\n", 1, "12 to 256 characters"),
        (("--login", ROOT, "--password-stdin", "--generate"), None, 2, "not both"),
    ],
)
def test_who_is_not_let_in(siptrunk, words, stdin, fails, said):
    assert said in siptrunk("web", "create-admin", *words, stdin=stdin, fails=fails).stderr
    assert siptrunk.json("web", "users") == []


def test_without_a_terminal_the_ways_are_told(siptrunk, monkeypatch):
    import getpass  # noqa: PLC0415 - as click finds it
    import warnings  # noqa: PLC0415

    def no_terminal(*_words, **_how):
        warnings.warn("no terminal", getpass.GetPassWarning, stacklevel=1)

    monkeypatch.setattr("click.prompt", no_terminal)
    told = siptrunk("web", "create-admin", "--login", ROOT, fails=1).stderr
    assert "give --password-stdin and the password on stdin, or --generate" in told


def test_a_customer_must_be_there_and_suit_the_role(peopled):
    other = ("web", "add-user", "x@y.example", "--generate", "--role")
    assert "belongs to a customer" in peopled(*other, "customer-admin", fails=1).stderr
    told = peopled(*other, "provider-support", "--customer", "acme", fails=1).stderr
    assert "belongs to no customer" in told
    assert (
        "no customer nope" in peopled(*other, "customer-user", "--customer", "nope", fails=1).stderr
    )
    assert "has an account already" in peopled(*ADD_BOB, "--generate", fails=1).stderr


def test_roles_names_and_access_are_changed(peopled):
    peopled("web", "set-user", BOB, "--role", "customer-admin", "--name", "Bob")
    peopled("web", "set-user", BOB, "--disable")
    row = peopled.json("web", "users", "--customer", "acme")[0]
    assert (row["name"], row["role"], row["disabled"]) == ("Bob", "customer-admin", True)
    peopled("web", "set-user", BOB, "--enable")
    told = peopled.json("web", "history", BOB)
    assert [entry["change"] for entry in told] == [
        "disabled: no",
        "disabled: yes",
        "role: customer-admin, name: Bob",
        "added as customer-user of acme",
    ]
    assert {entry["author"] for entry in told} == {"alice"}


def test_changes_that_are_none_or_cannot_be(peopled):
    assert "Nothing to set" in peopled("web", "set-user", BOB, fails=2).stderr
    told = peopled("web", "set-user", ROOT, "--disable", fails=1).stderr
    assert "the last administrator of the provider" in told
    assert "Nobody logs in as x" in peopled("web", "set-user", "x", "--enable", fails=1).stderr
    assert "Nobody logs in as x" in peopled("web", "password", "x", "--generate", fails=1).stderr


def test_a_lost_authenticator(peopled, sqlite_url):
    told = peopled("web", "second-off", BOB, "--yes", fails=1).stderr
    assert f"{BOB} has no second factor." in told
    engine = open_engine(sqlite_url)
    with transaction(engine) as connection:
        accounts.set_second(connection, SETUP, BOB, new_secret(), 0)
    engine.dispose()
    peopled("web", "second-off", BOB, stdin="n\n", fails=1)
    assert peopled.json("web", "users", "--customer", "acme")[0]["second_factor"]
    peopled("web", "second-off", BOB, "--yes")
    assert not peopled.json("web", "users", "--customer", "acme")[0]["second_factor"]


def test_doctor_misses_an_administrator_where_pages_are_served(well, tmp_path):
    secrets = tmp_path / "secrets.toml"
    secrets.write_text(f'{secrets.read_text()}payment_secret = "d"\n')
    well.environment["SIPTRUNK_WEB_PORT"] = "8080"
    state, found = ill(well)["people"]
    assert (state, "nobody may log in to run the service" in found) == ("warn", True)
    well("web", "create-admin", "--login", ROOT, "--generate")
    assert "people" not in ill(well)
