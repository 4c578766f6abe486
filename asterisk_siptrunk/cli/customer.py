"""`siptrunk customer`."""

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

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
from asterisk_siptrunk.cli.values import COUNTRY, EMAIL, LINE_OR_NONE, TAX, TAX_ID, tax_rate

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = ("name", "title", "email", "trunks", "channels")

_DETAILS = (
    click.option("--title", type=LINE_OR_NONE, help="The name for people and bills."),
    click.option("--email", type=EMAIL, help="Where notices go."),
    click.option(
        "--address", type=LINE_OR_NONE, multiple=True, help="A line of it, as on a letter; repeat."
    ),
    click.option(
        "--country", type=COUNTRY, help="Of the address (FR); the provider's own by default."
    ),
    click.option("--tax-id", type=TAX_ID, help="Its VAT number, as invoices name it."),
    click.option(
        "--tax",
        "tax_percent",
        type=TAX,
        help="The tax rate of its invoices in percent, or 'default' for the provider's.",
    ),
)


def _detail_options(command: C) -> C:
    for option in reversed(_DETAILS):
        command = option(command)
    return command


def _details(options: Mapping[str, Any]) -> dict[str, str | Decimal | None]:
    values = given(options)
    if lines := values.pop("address"):
        values["address"] = "\n".join(line for line in lines if line.strip())
    if "tax_percent" in values:
        values["tax_percent"] = tax_rate(values["tax_percent"])
    return values


@click.group()
def command() -> None:
    """Who holds trunks."""


@command.command()
@click.argument("name")
@_detail_options
@pass_desk
def add(desk: Desk, /, name: str, **options: Any) -> None:  # noqa: ANN401 - _detail_options
    """Take a customer in.

    \b
    Examples:
      siptrunk customer add acme --title "Acme SA" --email voice@acme.example
      siptrunk customer add beta --address "Rue Haute 1" --address "1000 Bruxelles" --country BE
          --tax-id BE0123456749 --tax 0
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        customers.add(connection, by, name, **_details(options))
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
    row: Row = {
        "name": found.name,
        "title": found.title,
        "email": found.email,
        "address": ", ".join(found.address.splitlines()),
        "country": found.country,
        "tax_id": found.tax_id,
        "tax": "default" if found.tax_percent is None else f"{found.tax_percent.normalize():f}",
    }
    lines: list[Row] = [
        {"name": one.name, "channels": one.channels, "status": one.status} for one in held
    ]
    show_row(row, form, desk.zone, trunks=lines)


@command.command("set")
@name_argument(customer_names)
@_detail_options
@pass_desk
def set_(desk: Desk, /, name: str, **options: Any) -> None:  # noqa: ANN401 - _detail_options
    """Change what invoices and notices say of a customer; those that were written stay.

    Example: siptrunk customer set acme --email calls@acme.example
    """
    values = _details(options)
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
