"""`siptrunk suspension`."""

from collections.abc import Iterable

import click

from asterisk_siptrunk.bootstrap import suspensions
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_rows
from asterisk_siptrunk.cli.values import LINE_OR_NONE

_LARGEST_ID = 2**63 - 1
_COLUMNS = (
    *("id", "trunk", "scope", "target", "reason", "source", "author"),
    *("created_at", "expires_at", "lifted_at", "findings"),
)
_STANDING = tuple(key for key in _COLUMNS if key not in {"lifted_at", "source"})
_OF_TRUNK = ("id", "scope", "target", "reason", "source", "created_at", "expires_at", "findings")


@click.group()
def command() -> None:
    """What is stopped, of all trunks; 'trunk suspend' and 'anomaly' stop."""


@command.command("list")
@click.option("--trunk", shell_complete=trunk_names, help="Only those of this trunk.")
@click.option("--all", "lifted", is_flag=True, help="Those that are over, too.")
@form_option
@pass_desk
def list_(desk: Desk, trunk: str | None, form: Form, *, lifted: bool) -> None:
    """List suspensions, newest first.

    \b
    Examples:
      siptrunk suspension list
      siptrunk suspension list --trunk acme-paris --all --format csv
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.reading() as connection:
        found = suspensions.listed(connection, trunk, lifted=lifted)
    show_rows(_rows(found), _COLUMNS, form, desk.zone, _COLUMNS if lifted else _STANDING)


@command.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, _LARGEST_ID))
@click.option("--reason", type=LINE_OR_NONE, default="", help="Why; the history keeps it.")
@pass_desk
def lift(desk: Desk, number: int, reason: str) -> None:
    """Lift one suspension, from the next call on.

    Example: siptrunk suspension lift 17 --reason "the customer changed its password"
    """
    with desk.changing() as (connection, by):
        lifted = suspensions.lift(connection, by, number, reason)
    say(f"Trunk {lifted.trunk}: no longer suspended ({lifted.suspension.part}).")


def suspension_rows(found: Iterable[suspensions.SuspensionRecord]) -> list[Row]:
    """The suspensions of one trunk, oldest first."""
    rows = _rows(found)
    return [{key: row[key] for key in _OF_TRUNK} for row in reversed(rows)]


def _rows(found: Iterable[suspensions.SuspensionRecord]) -> list[Row]:
    return [
        {
            "id": one.id,
            "trunk": one.trunk,
            "scope": one.suspension.scope,
            "target": one.suspension.target,
            "reason": one.suspension.reason,
            "source": one.suspension.source,
            "author": one.author,
            "created_at": one.created_at,
            "expires_at": one.suspension.expires_at,
            "lifted_at": one.lifted_at,
            "findings": tuple(map(str, one.findings)),
        }
        for one in found
    ]
