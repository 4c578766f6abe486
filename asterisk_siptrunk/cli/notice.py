"""`siptrunk notice`."""

from dataclasses import asdict
from datetime import UTC, datetime

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import notices
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option
from asterisk_siptrunk.cli.output import Form, say, show_rows
from asterisk_siptrunk.cli.values import EMAIL, WholeNumber
from asterisk_siptrunk.notice.kind import NoticeKind, facts_of
from asterisk_siptrunk.notice.model import PROVIDER, Notice, Target, Way

_ONE_SCREEN = 50
_MOST = 100_000
_LARGEST_ID = 2**63 - 1
_COLUMNS = ("id", "at", "kind", "way", "target", "tries", "next_at", "said_at", "error")
_WAITING = tuple(key for key in _COLUMNS if key != "said_at")


@click.group()
def command() -> None:
    """What customers and your own systems are told, until it has arrived."""


@command.command("list")
@click.option("--all", "arrived", is_flag=True, help="Those that have arrived, too.")
@click.option(
    "--limit",
    type=click.IntRange(1, _MOST),
    default=_ONE_SCREEN,
    show_default=True,
    help="How many at most, the newest.",
)
@form_option
@pass_desk
def list_(desk: Desk, limit: int, form: Form, *, arrived: bool) -> None:
    """List the notices that wait, newest first, and why they did not arrive.

    A customer gets a mail at its own address where [mail] has a host, and your own systems hear of
    all customers where [webhook] has a url. A notice is tried again after a minute, then after
    twice as long each time, up to six hours, until it has arrived.

    \b
    Examples:
      siptrunk notice list
      siptrunk notice list --all --format csv
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.reading() as connection:
        found = notices.listed(connection, limit, arrived=arrived)
    show_rows(
        [asdict(one) for one in found], _COLUMNS, form, desk.zone, _COLUMNS if arrived else _WAITING
    )


@command.command()
@click.argument("number", metavar="ID", type=WholeNumber(1, _LARGEST_ID))
@click.option("--to", "address", type=EMAIL, help="Another address, for a mail.")
@pass_desk
def retry(desk: Desk, number: int, address: str | None) -> None:
    """Have a notice tried at once, by whichever server comes first.

    \b
    Examples:
      siptrunk notice retry 17
      siptrunk notice retry 17 --to bills@acme.example
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        notices.retry(connection, by, number, address or None)
    say(f"Notice {number} is tried within seconds, while 'siptrunk serve' runs somewhere.")


@command.command()
@click.option("--to", "address", type=EMAIL, help="Send a mail to this address.")
@click.option("--webhook", is_flag=True, help="Tell [webhook] url.")
@pass_desk
def test(desk: Desk, address: str | None, *, webhook: bool) -> None:
    """Send a test now, and say what became of it.

    \b
    Examples:
      siptrunk notice test --to me@example.com
      siptrunk notice test --webhook
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    if not (address or webhook):
        raise click.UsageError("Nothing to test: give --to ADDRESS, --webhook, or both.")
    courier = bootstrap.courier(desk.settings)
    if address:
        courier.carry(_test(Target(Way.MAIL, address)))
        say(f"The server took a mail to {address}.")
    if webhook:
        courier.carry(_test(Target(Way.WEBHOOK, PROVIDER)))
        say("The webhook was taken.")


def _test(target: Target) -> Notice:
    facts = facts_of(NoticeKind.TEST, {"author": bootstrap.signature().author})
    return Notice(0, NoticeKind.TEST, target, facts, datetime.now(UTC))
