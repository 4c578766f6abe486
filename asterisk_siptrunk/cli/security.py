"""`siptrunk security`."""

from dataclasses import asdict
from datetime import datetime

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import carriers, security, trunks
from asterisk_siptrunk.cli.complete import trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, show_rows, warn
from asterisk_siptrunk.cli.values import MOMENT, NETWORK, WholeNumber
from asterisk_siptrunk.generation.firewall import (
    INVITES_A_SECOND,
    MOST_INVITES_A_SECOND,
    Limits,
    unknown_carriers,
)
from asterisk_siptrunk.trunk import IPNetwork

_ONE_SCREEN = 50
_MOST = 100_000
_HIGHEST_PORT = 65_535
_COLUMNS = ("count", "source", "account", "trunk", "kind", "first_at", "last_at", "server")


@click.group()
def command() -> None:
    """Who tries to get in, and rules that keep a flood out."""


@command.command("list")
@click.option("--since", type=MOMENT, help="Seen then or later; counted by whole hours.")
@click.option("--trunk", shell_complete=trunk_names, help="Only on this trunk's account.")
@click.option(
    "--limit",
    type=WholeNumber(1, _MOST),
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


@command.command()
@click.option(
    "--invites",
    type=WholeNumber(1, MOST_INVITES_A_SECOND),
    default=INVITES_A_SECOND,
    show_default=True,
    help="How many a second from one address; a call that gives its password takes two.",
)
@click.option(
    "--exempt",
    type=NETWORK,
    multiple=True,
    help="Without a limit, as a proxy that all customers' calls come through (repeat it).",
)
@click.option(
    "--port",
    "ports",
    type=WholeNumber(1, _HIGHEST_PORT),
    multiple=True,
    help="Where Asterisk's own pjsip.conf has it listen for SIP (repeat it).",
)
@pass_desk
def firewall(
    desk: Desk, invites: int, exempt: tuple[IPNetwork, ...], ports: tuple[int, ...]
) -> None:
    """Write rules for nftables that keep a flood from Asterisk, and with it from other trunks.

    What one address may send is limited: UDP by the INVITEs a second, and ten times as many
    messages in all; TCP and TLS by new connections a second, and 2 kB a second for each INVITE.
    What is more is dropped and counted: nft list counters table inet siptrunk. Carriers whose
    addresses are known have no limit. The rules are a table of their own, replaced as a whole.

    \b
    Example:
      siptrunk security firewall >/etc/nftables-siptrunk.conf
      nft -f /etc/nftables-siptrunk.conf
    """  # noqa: D301 - see above
    with desk.reading() as connection:
        upstream = carriers.every(connection)
    rules = bootstrap.firewall(desk.settings, upstream, Limits(invites, exempt, ports))
    for name in unknown_carriers(upstream):
        warn(
            f"Carrier {name}: its addresses are not known, so it is limited like anyone. Give them "
            f"with 'siptrunk carrier set {name} --match'."
        )
    click.echo(rules, nl=False)
