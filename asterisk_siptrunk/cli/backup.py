"""`siptrunk backup`."""

from pathlib import Path

import click

from asterisk_siptrunk.bootstrap import backup
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import ordinary_file
from asterisk_siptrunk.cli.output import say
from asterisk_siptrunk.cli.progress import measured, size_of
from asterisk_siptrunk.errors import InvalidInput

_SQLITE = b"SQLite format 3\x00"


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), callback=ordinary_file)
@pass_desk
def command(desk: Desk, file: Path) -> None:
    """Write the database to FILE as it stands now, while it is in use.

    SQLite only: PostgreSQL has pg_dump. The copy is checked before it takes its name, and whoever
    makes it alone may read it: it holds who called whom, and the secrets of carriers.

    Example: siptrunk backup /var/backups/siptrunk.db
    """
    _require_place(file)
    url = desk.settings.database.url
    with measured("Copying", size_of(backup.place_of(url))) as done:
        backup.back_up(url, file, done)
    say(f"{file} written, and checked.")


def _require_place(file: Path) -> None:
    """Let a backup take the place of an earlier one, and of nothing else.

    Raises:
        InvalidInput: another file has that name, or it cannot be looked at.
    """
    try:
        with file.open("rb") as there:
            is_earlier = there.read(len(_SQLITE)) == _SQLITE
    except FileNotFoundError:
        return
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from None
    if not is_earlier:
        raise InvalidInput(f"{file} is there, and is no earlier backup: give another name.")
