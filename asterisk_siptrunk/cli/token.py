"""`siptrunk token`."""

from datetime import timedelta

import click

from asterisk_siptrunk.account.model import MOST_TOKEN_DAYS, ApiToken
from asterisk_siptrunk.account.scope import Scope
from asterisk_siptrunk.account.secret import digest, new_token
from asterisk_siptrunk.bootstrap import tokens
from asterisk_siptrunk.cli.complete import customer_names, token_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option, history_command
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.values import PERSON, WholeNumber

_LARGEST_ID = 2**63 - 1
_COLUMNS = (
    *("id", "name", "customer", "scopes", "created_at", "expires_at"),
    *("used_at", "revoked_at", "author"),
)
_IN_TABLE = tuple(key for key in _COLUMNS if key not in {"created_at", "author"})


@click.group()
def command() -> None:
    """What programs show to use the API."""


@command.command()
@click.argument("name", type=PERSON)
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(Scope, case_sensitive=False),
    multiple=True,
    required=True,
    help="What for, see above; repeat.",
)
@click.option(
    "--customer", default="", shell_complete=customer_names, help="Whose things it reaches."
)
@click.option(
    "--days",
    type=WholeNumber(1, MOST_TOKEN_DAYS),
    default=365,
    show_default=True,
    help="How long it is let in.",
)
@form_option
@pass_desk
def add(  # noqa: PLR0913 - what a token is
    desk: Desk, name: str, *, scopes: tuple[Scope, ...], customer: str, days: int, form: Form
) -> None:
    """Make a token and show it, this once; without --customer it reaches everything.

    \b
    Scopes:
      read        trunks, calls, registrations, findings, offers
      billing     invoices, quotes and orders: read them, and order
      manage      destinations, credentials, suspensions, terms of trunks
      payments    tell of payments; not for a customer
      run         what is the provider's own; not for a customer

    \b
    Examples:
      siptrunk token add "acme's CRM" --customer acme --scope read --days 90
      siptrunk token add bank --scope payments
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    token = new_token()
    with desk.changing() as (connection, by):
        tokens.add(
            connection,
            by,
            name=name,
            customer=customer,
            scopes=scopes,
            expires_at=by.at + timedelta(days=days),
            digest=digest(token),
        )
    row: Row = {"name": name, "customer": customer, "token": token}
    show_row(row, form, desk.zone)
    warn("this token is shown once; whoever has it can use it until it ends or is revoked.")


@command.command("list")
@click.option("--customer", shell_complete=customer_names, help="Only those of this customer.")
@form_option
@pass_desk
def list_(desk: Desk, customer: str | None, form: Form) -> None:
    """List tokens, the newest first; what they are stays hidden.

    Example: siptrunk token list --customer acme
    """
    with desk.reading() as connection:
        rows = [_row(one) for one in tokens.listed(connection, customer)]
    show_rows(rows, _COLUMNS, form, desk.zone, in_table=_IN_TABLE)


@command.command()
@click.argument("number", metavar="ID", type=click.IntRange(1, _LARGEST_ID))
@pass_desk
def revoke(desk: Desk, number: int) -> None:
    """Let a token in no more, from the next request on.

    Example: siptrunk token revoke 3
    """
    with desk.changing() as (connection, by):
        found = tokens.revoke(connection, by, number)
    say(f"Token {found.name} is revoked.")


command.add_command(history_command("token", token_names, "bank"))


def _row(one: ApiToken) -> Row:
    return {
        "id": one.id,
        "name": one.name,
        "customer": one.customer,
        "scopes": tuple(sorted(one.scopes)),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
        "used_at": one.used_at,
        "revoked_at": one.revoked_at,
        "author": one.author,
    }
