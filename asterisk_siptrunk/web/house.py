"""What every page and operation works with: settings, database, clock, and who changes things."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import By
from asterisk_siptrunk.settings import Settings
from asterisk_siptrunk.web.busy_days import BusyDays
from asterisk_siptrunk.web.errand import Errand
from asterisk_siptrunk.web.turnstile import Turnstile

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


class House:
    """One for the whole application; `clock` gives the moment in UTC."""

    def __init__(self, settings: Settings, engine: "Engine", clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.engine = engine
        self.now = clock
        self.turnstile = Turnstile(self)
        self.busy_days = BusyDays()
        self.billing: Errand[Any] = Errand("billing run")

    @cached_property
    def zone(self) -> ZoneInfo:
        """The provider's time zone: periods and invoices go by it."""
        return self.settings.provider.zone

    @property
    def today(self) -> date:
        """The day that it is for the provider."""
        return self.now().astimezone(self.zone).date()

    @contextmanager
    def reading(self) -> Iterator["Connection"]:
        """One view of the database.

        Raises:
            DatabaseUnavailable: it cannot be had.
        """
        with bootstrap.reading(self.engine) as connection:
            yield connection

    @contextmanager
    def changing(self, author: str) -> Iterator[tuple["Connection", By]]:
        """One change of the database, signed: all of it or nothing.

        Nothing slow may be done in it: on SQLite calls wait for their turn meanwhile, on PostgreSQL
        those of the trunk that is changed.

        Raises:
            DatabaseUnavailable: it cannot be had.
        """
        with bootstrap.transaction(self.engine) as connection:
            bootstrap.be_brief(connection)
            yield connection, By(author, self.now())
