"""What the daemon does for the database now and then, beside its calls."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from asterisk_siptrunk.database import months, orders, subscriptions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError

AUTHOR = "service"
"""Who stands in the history for what comes due by itself."""
LOOK_SECONDS = 5.0
"""Between two looks for what is due: a cut takes effect so long after its period began, at most.
Each costs two questions to an index."""
DAY_SECONDS = 24 * 3600.0
AGAIN_SECONDS = 600.0
"""Until months that could not be made are tried again: calls have months of time."""

log = logging.getLogger(__name__)


async def keep_months_ahead(database: DatabaseThread, clock: Callable[[], datetime]) -> None:
    """Have the partitions of the next months made, now and every day, until cancelled."""
    while True:
        done = await _make(database, clock())
        await asyncio.sleep(DAY_SECONDS if done else AGAIN_SECONDS)


async def _make(database: DatabaseThread, now: datetime) -> bool:
    try:
        made = await database.submit(lambda connection: months.make_ahead(connection, now))
    except (DatabaseUnavailable, SQLAlchemyError) as error:
        log.warning("partitions of the next months not made, tried again: %s", error)
        return False
    if made:
        log.info("partitions made: %s", ", ".join(month.partition for month in made))
    return True


class Periods:
    """Has periods begin, and orders expire, as they come due.

    Each period by itself, so that its locks are short: calls come in between, and what is wrong
    with one subscription keeps no other one back. Whichever server comes first does it.
    """

    def __init__(
        self, database: DatabaseThread, business: Business, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._business = business
        self._clock = clock
        self._failing: set[int] = set()

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Do what is due; a database that is away, which others tell of, is asked again later."""
        by = By(AUTHOR, self._clock())
        try:
            for one in await self._database.submit(lambda connection: _due(connection, by)):
                await self._turn(one, by)
        except (DatabaseUnavailable, SQLAlchemyError) as error:
            log.debug("what is due waits: %s", error)

    async def _turn(self, one: int, by: By) -> None:
        try:
            name = await self._database.submit(
                lambda connection: subscriptions.turn_one(connection, by, self._business, one)
            )
        except (DatabaseUnavailable, SQLAlchemyError):
            raise
        except Exception as error:  # a defect here must not end the service of calls
            self._say_failing(one, error)
        else:
            self._failing.discard(one)
            if name is not None:
                log.info("trunk %s: a new period has begun", name)

    def _say_failing(self, one: int, error: Exception) -> None:
        """Say it once, and not at each look."""
        if one not in self._failing:
            self._failing.add(one)
            defect = None if isinstance(error, SiptrunkError) else error
            log.error("the period of subscription %d cannot begin: %s", one, error, exc_info=defect)


def _due(connection: Connection, by: By) -> list[int]:
    """Close the orders that were not paid in time; gives the subscriptions to turn, by id."""
    for reference in orders.expire(connection, by):
        log.info("order %s was not paid in time, and has expired", reference)
    return subscriptions.due(connection, by.at)
