"""`siptrunk security`."""

from dataclasses import asdict
from datetime import datetime

import click

from asterisk_siptrunk.bootstrap import security, trunks
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, show_rows
from asterisk_siptrunk.cli.values import MOMENT

_ONE_SCREEN = 50
_MOST = 100_000
_COLUMNS = ("count", "source", "account", "trunk", "kind", "first_at", "last_at", "server")


@click.group()
def command() -> None:
    """Who tries to get in: wrong passwords, unknown names, forbidden addresses."""


@command.command("list")
@click.option("--since", type=MOMENT, help="Seen then or later; counted by whole hours.")
@click.option("--trunk", shell_complete=trunk_names, help="Only on this trunk's account.")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=_ONE_SCREEN,
    show_default=True,
    help="How many at most, the most frequent.",
)
@form_option
@pass_desk
def list_(desk: Desk, since: datetime | None, trunk: str | None, limit: int, form: Form) -> None:
    """List what was tried, from where, and how often.

    ChallengeResponseFailed is a wrong password, InvalidAccountID a name that nobody has (Asterisk
    tells of it from the fifth one on), FailedACL an address that a trunk is not open to. What came
    from more than a thousand sources in an hour stands together as '(others)'. Kept for 90 days.

    \b
    Examples:
      siptrunk security list --since today
      siptrunk security list --trunk acme-paris --format csv
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.reading() as connection:
        if trunk is not None:
            trunks.get(connection, trunk)
        found = security.listed(connection, since, trunk, limit)
    rows = [{key: asdict(one)[key] for key in _COLUMNS} for one in found]
    show_rows(rows, _COLUMNS, form, desk.zone)
