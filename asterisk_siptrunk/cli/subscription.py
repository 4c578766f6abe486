"""`siptrunk subscription`."""

from datetime import UTC, date, datetime
from decimal import Decimal

import click

from asterisk_siptrunk.billing.line import Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.renewal import fixed_lines
from asterisk_siptrunk.billing.subscription import Ground, Subscription, holding, start_of
from asterisk_siptrunk.bootstrap import subscriptions
from asterisk_siptrunk.cli.complete import customer_names, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import day, line_rows
from asterisk_siptrunk.cli.options import confirm, form_option, name_argument, yes_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows

_COLUMNS = (
    *("trunk", "customer", "offer", "plan", "channels", "next_channels", "next_period"),
    *("next_price", "began", "ends"),
)


@click.group()
def command() -> None:
    """What trunks are subscribed to, and what comes next."""


@command.command("list")
@click.option("--customer", shell_complete=customer_names, help="Only those of this customer.")
@form_option
@pass_desk
def list_(desk: Desk, customer: str | None, form: Form) -> None:
    """List subscriptions with their channels now, and in the next period.

    Example: siptrunk subscription list --customer acme
    """
    with desk.reading() as connection:
        on = subscriptions.ground(connection, desk.zone)
        found = subscriptions.every(connection, desk.zone)
    rows = [_line(one, on) for one in found if customer in {None, one.customer}]
    show_rows(rows, _COLUMNS, form, desk.zone)


@command.command()
@name_argument(trunk_names, "trunk")
@form_option
@pass_desk
def show(desk: Desk, trunk: str, form: Form) -> None:
    """Show a trunk's subscription: its channels, what was ordered, what the next period costs.

    Example: siptrunk subscription show acme-paris
    """
    with desk.reading() as connection:
        on = subscriptions.ground(connection, desk.zone)
        found = subscriptions.get(connection, trunk, desk.zone)
    begins: list[Row] = []
    if found.ends is None:
        start = start_of(found, _next_first(found, on), on)
        begins = line_rows(fixed_lines(found, start), found.currency)
    show_row(
        {**_line(found, on), "period": found.period.value},
        form,
        desk.zone,
        changes=[
            {"at": one.at, "what": one.kind.value, "channels": f"{one.asked:+d}"}
            for one in found.changes
        ],
        options=[
            {"name": one.name, "since": day(one.since), "until": day(one.until)}
            for one in found.options
        ],
        next_lines=begins,
    )


@command.command()
@name_argument(trunk_names, "trunk")
@yes_option
@pass_desk
def end(desk: Desk, trunk: str, *, yes: bool) -> None:
    """End a subscription with its period: its calls are admitted, and charged, until then.

    What was paid for the period is not given back. The trunk ends with it: every call but
    emergencies is refused, its records stay. Until then 'siptrunk subscription withdraw' takes it
    back.

    Example: siptrunk subscription end acme-paris
    """
    with desk.reading() as connection:
        subscriptions.get(connection, trunk, desk.zone)
    confirm(f"End the subscription of trunk {trunk} with its period?", yes=yes)
    with desk.changing() as (connection, by):
        ends = subscriptions.end(connection, by, trunk, subscriptions.ground(connection, desk.zone))
    say(f"The subscription of trunk {trunk} ends on {ends}.")


@command.command()
@name_argument(trunk_names, "trunk")
@pass_desk
def withdraw(desk: Desk, trunk: str) -> None:
    """Have a subscription go on that was to end.

    Example: siptrunk subscription withdraw acme-paris
    """
    with desk.changing() as (connection, by):
        subscriptions.withdraw_end(connection, by, trunk, desk.zone)
    say(f"The subscription of trunk {trunk} goes on.")


@command.command("add-option")
@name_argument(trunk_names, "trunk")
@click.argument("option")
@pass_desk
def add_option(desk: Desk, trunk: str, option: str) -> None:
    """Give a subscription an option; the next invoice charges the days left of this period.

    Example: siptrunk subscription add-option acme-paris fax
    """
    with desk.changing() as (connection, by):
        on = subscriptions.ground(connection, desk.zone)
        subscriptions.add_option(connection, by, trunk, option, on)
    say(f"The subscription of trunk {trunk} has the option {option}.")


@command.command("remove-option")
@name_argument(trunk_names, "trunk")
@click.argument("option")
@pass_desk
def remove_option(desk: Desk, trunk: str, option: str) -> None:
    """Take an option away from the next period on.

    Example: siptrunk subscription remove-option acme-paris fax
    """
    with desk.changing() as (connection, by):
        on = subscriptions.ground(connection, desk.zone)
        until = subscriptions.remove_option(connection, by, trunk, option, on)
    say(f"The option {option} of trunk {trunk} ends on {until}.")


def _next_first(one: Subscription, on: Ground) -> date:
    return holding(one, datetime.now(UTC), on).period.next


def _line(one: Subscription, on: Ground) -> Row:
    now = datetime.now(UTC)
    row: Row = {
        "trunk": one.trunk,
        "customer": one.customer,
        "offer": one.offer,
        "plan": one.plan or "",
        "channels": None,
        "next_channels": None,
        "next_period": "",
        "next_price": "",
        "began": day(one.began),
        "ends": day(one.ends),
    }
    if one.ends is not None and one.ends <= on.day_of(now):
        return row  # Today's catalogue need not have its offer any more.
    has = holding(one, now, on)
    row = {**row, "channels": has.usable, "next_period": day(has.period.next)}
    if one.ends is None:
        start = start_of(one, has.period.next, on)
        net = Totals.of(fixed_lines(one, start), Decimal(0), one.currency).net
        return {**row, "next_channels": start.usable, "next_price": shown(net, one.currency)}
    return row
