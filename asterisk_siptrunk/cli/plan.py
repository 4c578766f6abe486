"""`siptrunk plan`."""

from datetime import date

import click

from asterisk_siptrunk.billing.terms import compared
from asterisk_siptrunk.cli.catalogue import (
    at_option,
    catalogue_on,
    in_words,
    row_of,
    say_what_follows,
)
from asterisk_siptrunk.cli.complete import plan_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option, name_argument
from asterisk_siptrunk.cli.output import Form, Row, TwoWays, show_row, show_rows

_COLUMNS = ("name", "title", "offer", "price", "channels", "numbers", "currency", "valid_from")


@click.group()
def command() -> None:
    """Channels tied to a telephone or access plan, each on top of an offer.

    They are part of the catalogue: see 'siptrunk offer load'.
    """


@command.command("list")
@at_option
@form_option
@pass_desk
def list_(desk: Desk, day: date | None, form: Form) -> None:
    """List the plans.

    Example: siptrunk plan list
    """
    catalogue = catalogue_on(desk, day)
    rows = [row_of(catalogue, plan, _COLUMNS) for plan in catalogue.plans.values()]
    show_rows(rows, _COLUMNS, form, desk.zone)
    say_what_follows(desk, catalogue)


@command.command()
@name_argument(plan_names)
@at_option
@form_option
@pass_desk
def show(desk: Desk, name: str, day: date | None, form: Form) -> None:
    """Show a plan: each term as its offer has it, as the plan has it, and which holds.

    Example: siptrunk plan show office
    """
    catalogue = catalogue_on(desk, day)
    plan = catalogue.plan(name)
    terms: list[Row] = [
        {
            "term": TwoWays(each.term.replace("_", " "), each.term),
            "offer": in_words(each.offer),
            "plan": in_words(each.plan),
            "holds": in_words(each.holds),
        }
        for each in compared(catalogue.offer(plan.offer), plan)
    ]
    inclusions: list[Row] = [
        {"name": one.name, "targets": one.targets, "minutes_a_channel": one.minutes or "all"}
        for one in plan.inclusions
    ]
    show_row(row_of(catalogue, plan, _COLUMNS), form, desk.zone, terms=terms, inclusions=inclusions)
    say_what_follows(desk, catalogue)
