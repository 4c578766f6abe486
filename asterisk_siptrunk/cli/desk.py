"""What a command works with: the settings, the database, and who is asking."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property, update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import By
from asterisk_siptrunk.settings import Settings, settings_file

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

P = ParamSpec("P")
R = TypeVar("R")


class Desk:
    """Settings and database of one run; each is opened when it is first asked for."""

    def __init__(self, file: Path | None) -> None:
        self.file = file or settings_file()

    @cached_property
    def settings(self) -> Settings:
        """The settings."""
        return bootstrap.load_settings(self.file)

    @cached_property
    def engine(self) -> "Engine":
        """The usage database.

        Raises:
            DatabaseUnavailable: it cannot be reached, or belongs to a newer program.
        """
        engine = bootstrap.engine(self.settings, patient=True)
        bootstrap.schema.refuse_newer(engine)
        return engine

    @property
    def zone(self) -> ZoneInfo:
        """What people see and give times in."""
        return self.settings.provider.zone

    @property
    def today(self) -> date:
        """The day that it is for the provider."""
        return datetime.now(self.zone).date()

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """One view of the database."""
        with bootstrap.reading(self.engine) as connection:
            yield connection

    @contextmanager
    def changing(self) -> Iterator[tuple["Connection", By]]:
        """One change of the database, signed: all of it or nothing."""
        with bootstrap.transaction(self.engine) as connection:
            yield connection, bootstrap.signature()

    def close(self) -> None:
        """Give the database's connections back."""
        if "engine" in self.__dict__:
            self.engine.dispose()


def desk_of(context: click.Context) -> Desk:
    """The desk of a run, made on first use.

    Completion asks for it too, where click has parsed the options and called nothing.
    """
    root = context.find_root()
    if not isinstance(root.obj, Desk):
        root.obj = Desk(root.params.get("config"))
        root.call_on_close(root.obj.close)
    return root.obj


def pass_desk(function: Callable[Concatenate[Desk, P], R]) -> Callable[P, R]:
    """Give a command the desk as its first argument."""

    def with_desk(*arguments: P.args, **options: P.kwargs) -> R:
        return function(desk_of(click.get_current_context()), *arguments, **options)

    return update_wrapper(with_desk, function)
