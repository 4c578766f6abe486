"""`siptrunk call`."""

from datetime import datetime

import click

from asterisk_siptrunk.bootstrap import calls, trunks
from asterisk_siptrunk.call import Verdict
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, show_row, show_rows
from asterisk_siptrunk.cli.records import LIST_COLUMNS, line, timeline, whole
from asterisk_siptrunk.cli.values import MOMENT, WholeNumber

_ONE_SCREEN = 50
# All of them are in memory at once; 'usage export' is for more.
_MOST = 100_000


@click.group()
def command() -> None:
    """Calls, those going on and those of the past."""


@command.command("list")
@click.option("--live", is_flag=True, help="Only calls that hold a channel now.")
@click.option("--trunk", shell_complete=trunk_names, help="Only of this trunk.")
@click.option(
    "--verdict",
    type=click.Choice(Verdict, case_sensitive=False),
    help="Only those let through, or only those not.",
)
@click.option("--since", type=MOMENT, help="Begun at this time or later.")
@click.option("--until", type=MOMENT, help="Begun before this time.")
@click.option("--number", help="To or from a number that ends so.")
@click.option(
    "--limit",
    type=WholeNumber(1, _MOST),
    default=_ONE_SCREEN,
    show_default=True,
    help="How many at most, the newest.",
)
@form_option
@pass_desk
def list_(  # noqa: PLR0913 - one argument an option
    desk: Desk,
    /,
    *,
    live: bool,
    trunk: str | None,
    verdict: Verdict | None,
    since: datetime | None,
    until: datetime | None,
    number: str | None,
    limit: int,
    form: Form,
) -> None:
    """List calls, the newest first.

    \b
    Examples:
      siptrunk call list --live
      siptrunk call list --trunk acme-paris --verdict refused --since today
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    wanted = calls.CallFilter(trunk, verdict, since, until, number, live)
    with desk.reading() as connection:
        if trunk is not None:
            trunks.get(connection, trunk)
        found = calls.latest(connection, wanted, limit)
    show_rows([line(record) for record in found], LIST_COLUMNS, form, desk.zone)


@command.command()
@click.argument("reference", metavar="ID")
@form_option
@pass_desk
def show(desk: Desk, reference: str, form: Form) -> None:
    """Show all of a call, and its timeline.

    ID is its number in 'call list', Asterisk's UniqueID, or the SIP Call-ID.

    Example: siptrunk call show 1204
    """
    with desk.reading() as connection:
        record = calls.get(connection, reference)
    because = {"because": record.reason.sentence}
    show_row({**whole(record), **because}, form, desk.zone, timeline=timeline(record))
