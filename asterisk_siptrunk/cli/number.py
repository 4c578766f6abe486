"""`siptrunk number`."""

from typing import TYPE_CHECKING

import click

from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.billing.renewal import lines_added
from asterisk_siptrunk.bootstrap import subscriptions, trunks
from asterisk_siptrunk.cli.complete import number_names, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import charge_in_words
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    history_command,
    name_argument,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.destination import Kind, normalise
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.typed import phone_number

if TYPE_CHECKING:
    from sqlalchemy import Connection

_APPLY = "Asterisk knows of it after 'siptrunk config apply'."
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

    Where the trunk has a subscription, it is told from when on they are charged, and how much.

    \b
    Examples:
      siptrunk number add 01.23.45.67.89 --trunk acme-paris --main
      siptrunk number add +33123456780 +33123456781 --trunk acme-paris
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        found = trunks.in_force(connection, trunk)
        country = found.country
        wanted = [phone_number(text, country) for text in numbers]
        on = subscriptions.ground(connection, desk.zone)
        subscriptions.require_room(connection, by, trunk, len(wanted), on)
        before = subscriptions.standing(connection, found.id, desk.zone)
        for index, e164 in enumerate(wanted):
            trunks.add_number(connection, by, trunk, e164, main=main and index == 0)
        after = subscriptions.standing(connection, found.id, desk.zone)
    say(f"{', '.join(wanted)}: now of trunk {trunk}. {_APPLY}")
    if before is not None and after is not None:
        say(charge_in_words(lines_added(before, after, on.day_of(by.at), on), after.currency))
    if main or not found.numbers:
        say(f"{wanted[0]} is its main number.")
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
        name, main = _owner(connection, e164)
        owner = trunks.get(connection, name)
    row: Row = {
        "number": e164,
        "trunk": owner.name,
        "main": main,
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
    say(f"{e164} is its trunk's main number. {_APPLY}")


@command.command()
@name_argument(number_names, "number")
@yes_option
@pass_desk
def remove(desk: Desk, number: str, *, yes: bool) -> None:
    """Take a number away from its trunk: calls to it find nobody from then on.

    Example: siptrunk number remove +33123456789
    """
    e164 = _provider_number(desk, number)
    with desk.reading() as connection:
        _owner(connection, e164)
    confirm(f"Take {e164} away from its trunk?", yes=yes)
    with desk.changing() as (connection, by):
        owner, _ = _owner(connection, e164)
        successor = trunks.remove_number(connection, by, e164)
        trunk = trunks.get(connection, owner)
        agreed = subscriptions.standing(connection, trunk.id, desk.zone)
        today = subscriptions.ground(connection, desk.zone).day_of(by.at)
    say(f"{e164} taken away from trunk {owner}. {_APPLY}")
    if agreed is not None:
        paid_to = last_day(agreed.period_of(today).next)
        say(f"What it costs is charged to the end of the period, {paid_to}; nothing is given back.")
    if successor:
        say(f"{successor} is its main number now.")
    elif not trunk.numbers:
        warn(f"{owner} has no number any more: its outbound calls are refused.")


def _owner(connection: "Connection", e164: str) -> tuple[str, bool]:
    """The trunk that has a number, and whether it is its main one."""
    for number, trunk, main in trunks.numbers(connection):
        if number == e164:
            return trunk, main
    raise NotFound(f"No trunk has the number {e164}; 'siptrunk number list' shows them all.")


def _provider_number(desk: Desk, text: str) -> str:
    """A number that may be of any trunk: read as written in the provider's country."""
    return phone_number(text, desk.settings.provider.country)


def _warn_if_unallocated(e164: str, country: str) -> None:
    destination = normalise(e164, country)
    if destination is not None and destination.kind is Kind.UNALLOCATED:
        warn(f"{e164} is in a range that nobody was given, as far as the number plans tell.")


command.add_command(history_command("number", number_names, "0123456789", _provider_number))
