"""What the daemon does for the database now and then, beside its calls."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from asterisk_siptrunk.database import (
    answers,
    months,
    orders,
    rollout,
    subscriptions,
    suspensions,
    trunks,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.thread import DatabaseThread, T, Work
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError

AUTHOR = "service"
"""Who stands in the history for what comes due by itself."""
LOOK_SECONDS = 5.0
"""Between two looks for what is due: a cut takes effect so long after its period began, at most.
Each costs three questions to an index."""
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
    """Has periods begin, and orders, suspensions and old secrets expire, as they come due.

    Each period by itself, so that its locks are short: calls come in between, and what is wrong
    with one subscription keeps no other one back. Whichever server comes first does it.
    """

    def __init__(
        self, database: DatabaseThread, business: Business, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._business = business
        self._clock = clock
        self._failing: set[str] = set()

    async def run(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Do what is due; a database that is away, which others tell of, is asked again later."""
        by = By(AUTHOR, self._clock())
        try:
            for one in await self._do("what is due", lambda held: _due(held, by)) or ():
                await self._turn(one, by)
            await self._do("secrets", lambda held: _end_graces(held, by))
        except DatabaseUnavailable as error:
            log.debug("What is due waits: %s", error)

    async def _turn(self, one: int, by: By) -> None:
        name = await self._do(
            f"subscription {one}",
            lambda held: subscriptions.turn(held, by, self._business, one),
        )
        if name is not None:
            log.info("Trunk %s: a new period has begun.", name)

    async def _do(self, what: str, work: Work[T]) -> T | None:
        """Have it done; a defect here must not end the service of calls, and is said once."""
        try:
            done = await self._database.submit(work)
        except DatabaseUnavailable:
            raise
        except Exception as error:
            if what not in self._failing:
                defect = None if isinstance(error, SiptrunkError) else error
                log.error("Looking after %s fails: %s", what, error, exc_info=defect)  # noqa: TRY400
            self._failing.add(what)
            return None
        self._failing.discard(what)
        return done


def _due(connection: Connection, by: By) -> list[int]:
    """Close orders and suspensions whose time is over; gives the subscriptions to turn, by id."""
    answers.forget(connection, by.at)
    for reference in orders.expire(connection, by):
        log.info("Order %s was not paid in time, and has expired.", reference)
    for one in suspensions.expire(connection, by):
        log.info("Trunk %s: no longer suspended (%s).", one.trunk, one.suspension.part)
    return subscriptions.to_turn(connection, by.at)


def _end_graces(connection: Connection, by: By) -> None:
    """Have all servers forget the secrets whose time of grace is over."""
    if not trunks.graces_over(connection, by.at):
        return
    rollout.ask(connection)
    for name in trunks.end_graces(connection, by):
        log.info("Trunk %s: the secret before works no more.", name)
