"""Options and arguments that several commands share, and the command that all nouns have."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from asterisk_siptrunk.bootstrap import audit
from asterisk_siptrunk.cli.complete import Completer
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.output import Form, Row, show_rows
from asterisk_siptrunk.errors import InvalidInput, NotFound

C = TypeVar("C", bound=Callable[..., Any])
F = TypeVar("F", Path, Path | None)

form_option = click.option(
    "--format",
    "form",
    type=click.Choice(Form, case_sensitive=False),
    default="table",
    show_default=True,
    help="How to write the result.",
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")

HISTORY_COLUMNS = ("at", "author", "change")


def name_argument(completer: Completer, name: str = "name") -> Callable[[C], C]:
    """The name of the thing that a command is about."""
    return click.argument(name, metavar=name.upper(), shell_complete=completer, callback=_something)


def _something(_context: click.Context, _argument: click.Parameter, name: str) -> str:
    if not name.strip():
        raise click.BadParameter(f"there is none called {name!r}.")
    return name


def ordinary_file(_context: click.Context, _option: click.Parameter, file: F) -> F:
    """Refuse a device or a pipe: what is written takes its place by rename, /dev/null's too.

    Raises:
        InvalidInput: it is one.
    """
    if file is not None and file.exists() and not file.is_file():
        raise InvalidInput(f"{file} is no ordinary file; give the name of one.")
    return file


def confirm(question: str, *, yes: bool) -> None:
    """Ask before what cannot be taken back; a no ends the command."""
    if yes:
        return
    try:
        agreed = click.confirm(question, err=True)
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():  # Ctrl-C or Ctrl-D: a no
            raise
        click.echo(err=True)  # the question has no end of its own
        raise InvalidInput("There is no terminal to ask at: give --yes.") from None
    if not agreed:
        raise click.Abort


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given: the others are None."""
    return {key: value for key, value in options.items() if value is not None}


def nothing_to_set() -> click.UsageError:
    """What `set` says to no options at all."""
    return click.UsageError("Nothing to set: give at least one option, see --help.")


def as_typed(_desk: Desk, name: str) -> str:
    """The name that the history knows something by, where that is what people type."""
    return name


def history_command(  # noqa: PLR0913 - what differs from noun to noun
    noun: str,
    completer: Completer,
    example: str,
    known_as: Callable[[Desk, str], str] = as_typed,
    *,
    whose: str = "",
    group: str = "",
) -> click.Command:
    """`history NAME`: who changed what, and when; also of what was removed since.

    `example` is a name to show; `whose` says what NAME is where that is not the noun itself, and
    `group` where the command stands where that is not below the noun.
    """

    @click.command("history", short_help="Who changed it, and when.")
    @name_argument(completer)
    @form_option
    @pass_desk
    def history(desk: Desk, name: str, form: Form) -> None:
        name = known_as(desk, name)
        with desk.reading() as connection:
            entries = audit.history(connection, noun, name)
        if not entries:
            raise NotFound(f"Nothing was ever changed of {noun} {name}.")
        rows: list[Row] = [{"at": e.at, "author": e.author, "change": e.change} for e in entries]
        show_rows(rows, HISTORY_COLUMNS, form, desk.zone)

    history.help = (
        f"Show every change of a {noun}, newest first, and who made it.\n\n{whose}\n\n"
        f"Example: siptrunk {group or noun} history {example}"
    )
    return history
