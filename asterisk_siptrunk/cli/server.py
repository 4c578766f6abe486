"""`siptrunk server`."""

import click

from asterisk_siptrunk.bootstrap import servers
from asterisk_siptrunk.call.server import ServerRecord
from asterisk_siptrunk.cli.complete import server_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, form_option, name_argument, yes_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_rows
from asterisk_siptrunk.errors import NotFound

_COLUMNS = (
    *("name", "state", "seen_at", "program", "share", "link", "link_since", "link_detail"),
    *("journal_behind", "calls", "generation", "follows", "error"),
)
_IN_TABLE = tuple(key for key in _COLUMNS if key != "link_detail")


@click.group()
def command() -> None:
    """The servers, each an Asterisk with its service."""


@command.command("list")
@form_option
@pass_desk
def list_(desk: Desk, form: Form) -> None:
    """List servers, and what each service told of itself last.

    SHARE is the percentage of each trunk's channels that it may use alone, LINK its connection to
    Asterisk's manager interface, JOURNAL BEHIND the bytes of the call journal that are not recorded
    yet. FOLLOWS says whether it has the configuration of the newest 'config apply'.

    Example: siptrunk server list
    """
    with desk.reading() as connection:
        rows = [_row(one) for one in servers.every(connection)]
    show_rows(rows, _COLUMNS, form, desk.zone, in_table=_IN_TABLE)


@command.command()
@name_argument(server_names)
@yes_option
@pass_desk
def remove(desk: Desk, name: str, *, yes: bool) -> None:
    """Forget a server that is gone for good.

    Its calls end with its last sign of life, and no channel is kept free for it any more.

    Example: siptrunk server remove pbx2
    """
    with desk.reading() as connection:
        if name not in {one.name for one in servers.every(connection)}:
            raise NotFound(f"There is no server {name!r}; 'siptrunk server list' shows them.")
    confirm(f"Remove server {name}?", yes=yes)
    with desk.changing() as (connection, by):
        servers.remove(connection, by, name)
    say(f"Server {name} removed.")


def _row(one: ServerRecord) -> Row:
    vitals = one.vitals
    return {
        "name": one.name,
        "state": one.state,
        "seen_at": one.seen_at,
        "program": vitals.program,
        "share": vitals.share,
        "link": vitals.link,
        "link_since": vitals.link_since,
        "link_detail": vitals.link_detail,
        "journal_behind": vitals.journal_behind,
        "calls": one.calls,
        "generation": one.config_generation,
        "follows": one.follows,
        "error": one.config_error,
    }
