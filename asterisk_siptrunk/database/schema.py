"""The database's schema: made, and brought up to date.

Alembic is imported here alone, and late: it takes a third of a second, which no call and no other
command should pay for.
"""

from pathlib import Path

from sqlalchemy import Engine, make_url

from asterisk_siptrunk.database.engine import reading, transaction, unavailable_if_broken
from asterisk_siptrunk.errors import DatabaseUnavailable

# Only its owner and Asterisk's group need the usage database: it tells who called whom.
_FILE_MODE = 0o660
_FOLDER_MODE = 0o770
_MIGRATIONS = Path(__file__).with_name("migrations")


def make_place(url: str) -> None:
    """Make the folder and the file of an SQLite database, closed to others, if they are missing.

    Raises:
        DatabaseUnavailable: they cannot be made.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database:
        return
    file = Path(parsed.database)
    try:
        if not file.parent.is_dir():
            file.parent.mkdir(mode=_FOLDER_MODE, parents=True)
            file.parent.chmod(_FOLDER_MODE)  # the umask may have taken the group's part
        if not file.exists():
            file.touch(mode=_FILE_MODE)
            file.chmod(_FILE_MODE)
    except OSError as error:
        raise DatabaseUnavailable(f"{file} cannot be made: {error.strerror}.") from None


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest step; does nothing where it is there.

    Raises:
        DatabaseUnavailable: the database cannot be reached, or is newer than this program.
    """
    from alembic import command  # noqa: PLC0415 - late on purpose, see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with unavailable_if_broken(engine), transaction(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseUnavailable(f"The schema cannot be brought up to date: {error}") from None


def is_current(engine: Engine) -> bool:
    """Whether the schema is at its newest step.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    from alembic.runtime.migration import MigrationContext  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    newest = ScriptDirectory(str(_MIGRATIONS)).get_current_head()
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest
