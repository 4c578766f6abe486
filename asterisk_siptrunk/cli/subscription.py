"""`siptrunk subscription`."""

from datetime import UTC, datetime

import click

from asterisk_siptrunk.billing.outlook import outlook
from asterisk_siptrunk.billing.renewal import lines_added
from asterisk_siptrunk.billing.subscription import (
    Change,
    Ground,
    OrderKind,
    Subscription,
    held_as_one,
)
from asterisk_siptrunk.bootstrap import customers, subscriptions
from asterisk_siptrunk.cli.complete import customer_names, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import (
    charge_in_words,
    day,
    for_programs_only,
    line_rows,
    money,
    more_or_less,
    span,
)
from asterisk_siptrunk.cli.options import confirm, form_option, name_argument, yes_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows

_COLUMNS = (
    *("trunk", "customer", "offer", "plan", "channels", "next_channels", "next_period"),
    *("next_price", "currency", "began", "ends"),
)
_FOR_PEOPLE = tuple(key for key in _COLUMNS if key != "currency")


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
        if customer is not None:
            customers.get(connection, customer)
        on = subscriptions.ground(connection, desk.zone)
        found = subscriptions.every(connection, desk.zone)
    rows = [_line(one, on) for one in found if customer in {None, one.customer}]
    show_rows(rows, _COLUMNS, form, desk.zone, _FOR_PEOPLE)


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
    ahead = outlook(found, datetime.now(UTC), on)
    begins = ahead.following.lines if ahead and ahead.following else ()
    show_row(
        {**_line(found, on), "period": found.period.value},
        form,
        desk.zone,
        changes=[_change(one, found, on) for one in found.changes],
        options=[
            {"name": one.name, **span(one.since, one.until)} for one in held_as_one(found.options)
        ],
        next_lines=line_rows(begins, found.currency),
    )


def _change(one: Change, of: Subscription, on: Ground) -> Row:
    """With the day from which it counts: a cut's is that of the next period."""
    ordered = on.day_of(one.at)
    counts = of.period_of(ordered).next if one.kind is OrderKind.CUT else ordered
    return {
        "at": one.at,
        "what": one.kind.value,
        "channels": more_or_less(one.asked),
        "counts_from": day(counts),
    }


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
    """Give a subscription an option; says from when on, and what it costs.

    The next invoice charges the days left of this period, and then the option of the next one.

    Example: siptrunk subscription add-option acme-paris fax
    """
    with desk.changing() as (connection, by):
        on = subscriptions.ground(connection, desk.zone)
        before = subscriptions.get(connection, trunk, desk.zone)
        subscriptions.add_option(connection, by, trunk, option, on)
        after = subscriptions.get(connection, trunk, desk.zone)
        added = lines_added(before, after, on.day_of(by.at), on)
    say(f"The subscription of trunk {trunk} has the option {option}.")
    say(charge_in_words(added, after.currency))


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


def _line(one: Subscription, on: Ground) -> Row:
    ahead = outlook(one, datetime.now(UTC), on)
    has, following = (ahead.has, ahead.following) if ahead else (None, None)
    return {
        "trunk": one.trunk,
        "customer": one.customer,
        "offer": one.offer,
        "plan": one.plan,
        "channels": has.usable if has else None,
        "next_channels": following.start.usable if following else None,
        "next_period": day(has.period.next) if has else None,
        "next_price": money(following.net, one.currency) if following else None,
        "currency": for_programs_only(one.currency),
        "began": day(one.began),
        "ends": day(one.ends),
    }
