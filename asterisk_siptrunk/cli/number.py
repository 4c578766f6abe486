"""`siptrunk number`."""

import click

from asterisk_siptrunk.bootstrap import trunks
from asterisk_siptrunk.cli.complete import number_names, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    history_command,
    name_argument,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.values import phone_number
from asterisk_siptrunk.destination import Kind, normalise
from asterisk_siptrunk.errors import NotFound

_COLUMNS = ("number", "trunk", "main")


@click.group()
def command() -> None:
    """Telephone numbers, each on one trunk."""


@command.command()
@click.argument("numbers", metavar="NUMBER...", nargs=-1, required=True)
@click.option("--trunk", required=True, shell_complete=trunk_names, help="Whose they become.")
@click.option("--main", is_flag=True, help="Make the first of them the trunk's main number.")
@pass_desk
def add(desk: Desk, numbers: tuple[str, ...], trunk: str, *, main: bool) -> None:
    """Give numbers to a trunk, written as in its country or as E.164.

    \b
    Examples:
      siptrunk number add 01.23.45.67.89 --trunk acme-paris --main
      siptrunk number add +33123456780 +33123456781 --trunk acme-paris
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        country = trunks.get(connection, trunk).country
        wanted = [phone_number(text, country) for text in numbers]
        for index, e164 in enumerate(wanted):
            trunks.add_number(connection, by, trunk, e164, main=main and index == 0)
    say(f"{', '.join(wanted)}: now of trunk {trunk}.")
    for e164 in wanted:
        _warn_if_unallocated(e164, country)


@command.command("list")
@click.option("--trunk", shell_complete=trunk_names, help="Only those of this trunk.")
@form_option
@pass_desk
def list_(desk: Desk, trunk: str | None, form: Form) -> None:
    """List numbers and whose they are.

    Example: siptrunk number list --trunk acme-paris
    """
    with desk.reading() as connection:
        if trunk is not None:
            trunks.get(connection, trunk)
        found = trunks.numbers(connection)
    rows: list[Row] = [
        {"number": e164, "trunk": owner, "main": main}
        for e164, owner, main in found
        if trunk in {None, owner}
    ]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command()
@name_argument(number_names, "number")
@form_option
@pass_desk
def show(desk: Desk, number: str, form: Form) -> None:
    """Show whose a number is.

    Example: siptrunk number show 0123456789
    """
    e164 = _provider_number(desk, number)
    with desk.reading() as connection:
        found = next((each for each in trunks.numbers(connection) if each[0] == e164), None)
        if found is None:
            raise NotFound(f"No trunk has the number {e164}; 'siptrunk number list' shows all.")
        owner = trunks.get(connection, found[1])
    row: Row = {
        "number": e164,
        "trunk": owner.name,
        "main": found[2],
        "customer": owner.customer,
        "status": owner.status,
    }
    show_row(row, form, desk.zone)


@command.command("set")
@name_argument(number_names, "number")
@click.option("--main", is_flag=True, required=True, help="Make it its trunk's main number.")
@pass_desk
def set_(desk: Desk, number: str, *, main: bool) -> None:
    """Make a number the one that stands in for callers who are not the trunk's.

    Example: siptrunk number set 0123456789 --main
    """
    del main  # the only thing there is to set
    e164 = _provider_number(desk, number)
    with desk.changing() as (connection, by):
        trunks.set_main_number(connection, by, e164)
    say(f"{e164} is its trunk's main number.")


@command.command()
@name_argument(number_names, "number")
@yes_option
@pass_desk
def remove(desk: Desk, number: str, *, yes: bool) -> None:
    """Take a number away from its trunk: calls to it find nobody from then on.

    Example: siptrunk number remove +33123456789
    """
    e164 = _provider_number(desk, number)
    confirm(f"Take {e164} away from its trunk?", yes=yes)
    with desk.changing() as (connection, by):
        trunks.remove_number(connection, by, e164)
    say(f"{e164} taken away.")


def _provider_number(desk: Desk, text: str) -> str:
    """A number that may be of any trunk: read as written in the provider's country."""
    return phone_number(text, desk.settings.provider.country)


def _warn_if_unallocated(e164: str, country: str) -> None:
    destination = normalise(e164, country)
    if destination is not None and destination.kind is Kind.UNALLOCATED:
        warn(f"{e164} is in a range that nobody was given, as far as the number plans tell.")


command.add_command(history_command("number", number_names, _provider_number))
