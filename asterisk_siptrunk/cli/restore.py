"""`siptrunk restore`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from asterisk_siptrunk.bootstrap import backup, schema
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, yes_option
from asterisk_siptrunk.cli.output import for_people, say, warn
from asterisk_siptrunk.cli.progress import measured, size_of


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@yes_option
@pass_desk
def command(desk: Desk, file: Path, *, yes: bool) -> None:
    """Put the backup FILE in the database's place; the service must be stopped.

    What stood there stays beside it. The service then reads Asterisk's journal on from where the
    backup stands, so that no call is lost that ended since; what was changed since of customers,
    trunks and rules is as it was in the backup.

    Example: siptrunk restore /var/backups/siptrunk.db
    """
    url = desk.settings.database.url
    place = backup.place_of(url)
    found = backup.content(file)
    newest = "" if found.last is None else f", the newest of {for_people(found.last, desk.zone)}"
    say(f"{file} is whole: {found.calls} calls{newest}.")
    confirm(f"Put it in the place of {place}?", yes=yes)
    now = datetime.now(UTC)
    with measured("Copying", size_of(file)) as done:
        old = backup.restore(url, file, f".before-{now:%Y%m%dT%H%M%SZ}", done)
    say(f"Restored.{f' What was there is {old} now.' if old else ''}")
    if found.standing is schema.Standing.OLDER:
        warn("The backup's schema is older than this program: run 'siptrunk init' first.")
    say("Next: start the service, then 'siptrunk config plan' and 'siptrunk usage verify'.")
