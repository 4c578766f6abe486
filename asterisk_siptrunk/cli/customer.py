"""`siptrunk customer`."""

from collections import Counter

import click

from asterisk_siptrunk.bootstrap import customers, trunks
from asterisk_siptrunk.cli.complete import customer_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import (
    confirm,
    form_option,
    given,
    history_command,
    name_argument,
    nothing_to_set,
    yes_option,
)
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows
from asterisk_siptrunk.cli.values import EMAIL, LINE_OR_NONE

_COLUMNS = ("name", "title", "email", "trunks", "channels")

title_option = click.option("--title", type=LINE_OR_NONE, help="The name for people and bills.")
email_option = click.option("--email", type=EMAIL, help="Where notices go.")


@click.group()
def command() -> None:
    """Who holds trunks."""


@command.command()
@click.argument("name")
@title_option
@email_option
@pass_desk
def add(desk: Desk, name: str, title: str | None, email: str | None) -> None:
    """Take a customer in.

    Example: siptrunk customer add acme --title "Acme SA" --email voice@acme.example
    """
    with desk.changing() as (connection, by):
        customers.add(connection, by, name, title or "", email or "")
    say(
        f"Customer {name} added. Next: siptrunk trunk add NAME --customer {name} --channels N "
        "--number NUMBER"
    )


@command.command("list")
@form_option
@pass_desk
def list_(desk: Desk, form: Form) -> None:
    """List customers with what they hold.

    Example: siptrunk customer list --format json
    """
    show_rows(_rows(desk), _COLUMNS, form, desk.zone)


@command.command()
@name_argument(customer_names)
@form_option
@pass_desk
def show(desk: Desk, name: str, form: Form) -> None:
    """Show a customer and its trunks.

    Example: siptrunk customer show acme
    """
    with desk.reading() as connection:
        found = customers.get(connection, name)
        held = [trunk for trunk in trunks.every(connection) if trunk.customer == name]
    row: Row = {"name": found.name, "title": found.title, "email": found.email}
    lines: list[Row] = [
        {"name": one.name, "channels": one.channels, "status": one.status} for one in held
    ]
    show_row(row, form, desk.zone, trunks=lines)


@command.command("set")
@name_argument(customer_names)
@title_option
@email_option
@pass_desk
def set_(desk: Desk, /, name: str, **options: str | None) -> None:
    """Change a customer's title or e-mail address.

    Example: siptrunk customer set acme --email calls@acme.example
    """
    values = given(options)
    if not values:
        raise nothing_to_set()
    with desk.changing() as (connection, by):
        customers.change(connection, by, name, **values)
    say(f"Customer {name} changed.")


@command.command()
@name_argument(customer_names)
@yes_option
@pass_desk
def remove(desk: Desk, name: str, *, yes: bool) -> None:
    """Forget a customer who never had a trunk.

    Example: siptrunk customer remove acme
    """
    with desk.reading() as connection:
        customers.get(connection, name)
    confirm(f"Remove customer {name}?", yes=yes)
    with desk.changing() as (connection, by):
        customers.remove(connection, by, name)
    say(f"Customer {name} removed.")


command.add_command(history_command("customer", customer_names, "acme"))


def _rows(desk: Desk) -> list[Row]:
    with desk.reading() as connection:
        everyone = customers.every(connection)
        current = [trunk for trunk in trunks.every(connection) if not trunk.ended]
    held = Counter(trunk.customer for trunk in current)
    channels: Counter[str] = Counter()
    for trunk in current:
        channels[trunk.customer] += trunk.channels
    return [
        {
            "name": one.name,
            "title": one.title,
            "email": one.email,
            "trunks": held[one.name],
            "channels": channels[one.name],
        }
        for one in everyone
    ]
