"""What the daemon does for the database now and then, beside its calls."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from asterisk_siptrunk.database import months
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.errors import DatabaseUnavailable

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
