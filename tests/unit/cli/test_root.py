"""What all commands share: help, completion, and how failures are told."""

import os
import signal
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import customers
from asterisk_siptrunk.cli import main
from asterisk_siptrunk.cli.root import INTERRUPTED, READER_GONE

PROGRAM = (sys.executable, "-c", "from asterisk_siptrunk.cli import main; main()")


def commands(group, context, path=()):
    """Every command below a group, as click finds them."""
    for name in group.list_commands(context):
        _, real, _ = group.resolve_command(context, [name])
        yield (*path, name), real
        if isinstance(real, click.Group):
            yield from commands(real, context, (*path, name))


ALL = list(commands(main, click.Context(main, info_name="siptrunk")))


@pytest.mark.parametrize(("path", "command"), ALL, ids=str)
def test_every_command_has_help_and_an_example(path, command):
    shown = CliRunner().invoke(main, [*path, "--help"]).output
    assert shown.startswith("Usage: ")
    assert command.help
    if not isinstance(command, click.Group):
        assert f"siptrunk {' '.join(path)}" in shown.split("Options:")[0].split("\n", 1)[1]


def test_help_begins_with_all_that_a_first_call_needs():
    shown = CliRunner().invoke(main, ["--help"]).output
    assert "--number 0123456789" in shown
    assert (
        shown.index("config install") < shown.index("config apply") < shown.index("siptrunk serve")
    )


def test_help_loads_nothing_heavy():
    script = (
        "import sys; from click.testing import CliRunner; from asterisk_siptrunk.cli import main;"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0;"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    heavy = {"sqlalchemy", "rich", "jinja2", "panoramisk", "phonenumbers", "alembic"}
    assert not heavy & set(done.stdout.split())


def complete(run, words):
    environment = {
        **run.environment,
        "_SIPTRUNK_COMPLETE": "bash_complete",
        "COMP_WORDS": f"siptrunk {words}",
        "COMP_CWORD": str(len(words.split(" "))),
    }
    done = CliRunner().invoke(main, env=environment, prog_name="siptrunk")
    return [line.partition(",")[2] for line in done.stdout.split()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cust", ["customer"]),
        ("trunk sus", ["suspend"]),
        ("trunk show ", ["acme-paris"]),
        ("trunk show b", []),
        ("trunk add x --customer ", ["acme"]),
        ("number show +331234567", ["+33123456789", "+33123456790"]),
        ("carrier show ", ["one"]),
        ("carrier add x --profile gen", ["generic", "generic-register"]),
        ("call list --trunk ", ["acme-paris"]),
        ("destination remove +", ["+979"]),
        ("destination block ris", ["risk:high"]),
        ("destination history ", ["provider", "acme-paris"]),
        ("trunk list --format ", ["table", "json", "csv"]),
    ],
)
def test_names_complete(acme, words, expected):
    assert complete(acme, words) == expected


def test_completion_is_silent_when_there_is_no_database(siptrunk, tmp_path):
    (tmp_path / "siptrunk.db").unlink()
    assert complete(siptrunk, "trunk show ") == []


def test_settings_are_taken_from_the_option_first(acme, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[nonsense]\n")
    assert "nonsense" in acme("--config", str(other), "trunk", "list", fails=1).stderr


def test_settings_that_were_named_and_are_not_there_are_an_error(siptrunk, tmp_path):
    missing = str(tmp_path / "nope.toml")
    told = siptrunk("--config", missing, "customer", "list", fails=1).stderr
    assert f"{missing} is not there: 'siptrunk --config {missing} init' makes it" in told
    siptrunk.environment["SIPTRUNK_CONFIG"] = missing
    assert "is not there" in siptrunk("customer", "list", fails=1).stderr
    siptrunk("--config", missing, "init", "--database-url", f"sqlite:///{tmp_path}/new.db")
    assert siptrunk("customer", "list").stdout


def test_the_default_settings_may_be_missing(siptrunk, tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "DEFAULT_FILE", tmp_path / "default.toml")
    siptrunk.environment["SIPTRUNK_DATABASE_URL"] = f"sqlite:///{tmp_path / 'siptrunk.db'}"
    siptrunk("--config", str(tmp_path / "default.toml"), "customer", "list")


def test_a_country_that_nobody_can_call_is_named_with_its_key(siptrunk):
    siptrunk.environment["SIPTRUNK_PROVIDER_COUNTRY"] = "ZZ"
    assert "[provider] country: " in siptrunk("customer", "list", fails=1).stderr


def test_settings_that_cannot_be_read_are_not_blamed_on_an_option(siptrunk, tmp_path):
    (tmp_path / "secrets.toml").mkdir()
    told = siptrunk("call", "list", "--since", "today", fails=1).stderr
    assert told.startswith(f"Error: {tmp_path / 'secrets.toml'}: cannot be read")


def test_a_database_that_was_not_set_up_says_what_to_do(siptrunk, tmp_path):
    (tmp_path / "siptrunk.db").write_bytes(b"")
    assert "run 'siptrunk init'" in siptrunk("trunk", "list", fails=1).stderr


def raising(error):
    def every(_connection):
        raise error

    return every


def test_a_defect_is_told_in_a_sentence_without_its_words(siptrunk, monkeypatch):
    monkeypatch.setattr(customers, "every", raising(ValueError("s3cret")))
    told = siptrunk("customer", "list", fails=70).stderr
    assert "ValueError" in told
    assert "--debug" in told
    assert "s3cret" not in told
    debugged = CliRunner().invoke(main, ["--debug", "customer", "list"], env=siptrunk.environment)
    assert isinstance(debugged.exception, ValueError)


def test_ctrl_c_is_quiet(siptrunk, monkeypatch):
    monkeypatch.setattr(customers, "every", raising(KeyboardInterrupt()))
    assert siptrunk("customer", "list", fails=INTERRUPTED).stderr == ""


def test_a_reader_that_goes_is_no_error(acme):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*PROGRAM, "destination", "list"],
        env={**os.environ, **acme.environment},
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
        text=True,
        # Python as a login shell starts it: SIGPIPE ignored, EPIPE an error.
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN),
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (READER_GONE, "")


def into(acme, words, redirection):
    """The command as a shell runs it, its output put elsewhere."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *PROGRAM, *words.split()],
        env={**os.environ, **acme.environment},
        capture_output=True,
        check=False,
        text=True,
    )


PERIOD = "usage export --from 2026-11-01 --to 2026-12-01"


@pytest.mark.parametrize(
    "words",
    [
        "--help",
        "trunk list",
        "trunk list --format json",
        "trunk list --format csv",
        PERIOD,
    ],
)
def test_an_output_that_is_full_is_told_and_no_defect(acme, words):
    done = into(acme, words, ">/dev/full")
    assert (done.returncode, done.stderr) == (1, "Error: cannot write: No space left on device.\n")


@pytest.mark.parametrize("words", ["trunk list", "trunk list --format json", PERIOD])
def test_an_output_that_is_closed_is_told_and_no_defect(acme, words):
    done = into(acme, words, ">&-")
    assert (done.returncode, done.stderr) == (1, "Error: cannot write: Bad file descriptor.\n")


def test_a_change_needs_no_output(acme):
    done = into(acme, "customer set acme --title Acme", ">&-")
    assert (done.returncode, done.stderr) == (0, "Customer acme changed.\n")


@pytest.mark.parametrize(
    "words", [("trunk", "show"), ("call", "show"), ("call", "list", "--number")]
)
def test_an_argument_that_is_no_text_is_told_and_no_defect(acme, words):
    assert "no text in UTF-8" in acme(*words, "\udcff", fails=1).stderr


def without_a_terminal(acme, *words):
    """The command as cron runs it."""
    return subprocess.run(
        [*PROGRAM, *words],
        env={**os.environ, **acme.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
        text=True,
    )


def test_a_question_without_a_terminal_names_the_option_that_answers_it(acme):
    asked = without_a_terminal(acme, "carrier", "remove", "one")
    assert asked.returncode == 1
    assert "There is no terminal to ask at: give --yes." in asked.stderr
    add = ("carrier", "add", "x", "--profile", "ovh", "--username", "us")
    asked = without_a_terminal(acme, *add)
    assert asked.returncode == 1
    assert "give --secret-file FILE, or '--secret-file -'" in asked.stderr
    assert "Warning" not in asked.stderr


def test_a_no_ends_a_command(acme):
    assert "Aborted" in acme("carrier", "remove", "one", stdin="n\n", fails=1).stderr
    acme("carrier", "remove", "one", stdin="y\n")


@pytest.mark.parametrize(
    "words",
    [
        "carrier remove no",
        "customer remove no",
        "trunk remove no",
        "trunk rotate-secret no",
        "number remove 0145678901",
        "destination remove be",
        "carrier set no --new-secret",
        "carrier add one --profile ovh --username us",
    ],
)
def test_what_does_not_exist_is_told_before_anything_is_asked(acme, words):
    told = acme(*words.split(), fails=1).stderr
    assert told.startswith(("Error: There is", "Error: No trunk has"))


def test_the_author_is_the_person_behind_sudo_else_the_account(siptrunk, monkeypatch):
    siptrunk("customer", "add", "one")
    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    siptrunk("customer", "add", "two")
    assert siptrunk.json("customer", "history", "one")[0]["author"] == "alice"
    assert siptrunk.json("customer", "history", "two")[0]["author"] not in {
        "alice",
        "somebody-else",
    }


def test_version(siptrunk):
    assert siptrunk("--version").stdout.startswith("siptrunk, version ")
