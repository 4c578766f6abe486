"""The database's schema: made, and brought up to date.

Alembic is imported here alone, and late: it takes a third of a second, which no call and no other
command should pay for.
"""

from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine, inspect, make_url, text

from asterisk_siptrunk.database.engine import (
    describe,
    reading,
    transaction,
    unavailable_if_broken,
)
from asterisk_siptrunk.errors import DatabaseUnavailable

# Only its owner and Asterisk's group need the usage database: it tells who called whom.
_FILE_MODE = 0o660
_FOLDER_MODE = 0o770
_MIGRATIONS = Path(__file__).with_name("migrations")
_VERSIONS = "alembic_version"


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

    refuse_newer(engine)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with unavailable_if_broken(engine), transaction(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise DatabaseUnavailable(f"The schema cannot be brought up to date: {error}") from None


class Standing(StrEnum):
    """How a database's schema stands to that of this program."""

    MISSING = "missing"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


def newest() -> str:
    """The newest step that this program knows."""
    # Each stands in a file that begins with its number: to ask alembic takes a third of a second.
    return max(file.name.partition("_")[0] for file in _MIGRATIONS.glob("versions/[0-9]*_*.py"))


def standing(engine: Engine) -> Standing:
    """Compare a database's schema with that of this program.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    return _compared(_step(engine))


def _compared(step: str) -> Standing:
    if not step:
        return Standing.MISSING
    if step == newest():
        return Standing.CURRENT
    return Standing.NEWER if step > newest() else Standing.OLDER


def refuse_newer(engine: Engine) -> None:
    """Refuse a database that a newer program has brought up to date: it may mean other things.

    Raises:
        DatabaseUnavailable: it is one, and what to do; or it cannot be reached.
    """
    step = _step(engine)
    if _compared(step) is Standing.NEWER:
        raise DatabaseUnavailable(
            f"The schema of {describe(engine)} is of step {step}, and this program knows those "
            f"up to {newest()}: a newer siptrunk has been there. Upgrade siptrunk here, too."
        )


def require_current(engine: Engine) -> None:
    """Refuse a database whose schema is not at the newest step.

    Raises:
        DatabaseUnavailable: it is not, and what to do; or it cannot be reached.
    """
    refuse_newer(engine)
    if standing(engine) is not Standing.CURRENT:
        raise DatabaseUnavailable(
            f"The schema of {describe(engine)} is missing, or not that of this program: run "
            "'siptrunk init'."
        )


def _step(engine: Engine) -> str:
    """The step that a database is at; "" where it is not set up."""
    with reading(engine) as connection:
        if not inspect(connection).has_table(_VERSIONS):
            return ""
        return connection.execute(text(f"SELECT version_num FROM {_VERSIONS}")).scalar() or ""  # noqa: S608 - ours
