"""Attempts on the service's borders, counted by hour: written by the daemon, read by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.database.tables import UtcDateTime
from asterisk_siptrunk.database.tables import security_event as table

MOST_ROWS = 1000
"""Rows of one server in one hour: the rest is counted together. A flood that never ends and comes
from everywhere fills 24,000 rows a day, 3 MB."""
KEPT = timedelta(days=90)
"""What is older goes when something new is written."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """All that one source tried of one kind on one account."""

    server: str
    source: str
    account: str
    trunk: str
    kind: str
    count: int
    first_at: datetime
    last_at: datetime


def record(connection: Connection, server: str, counts: Sequence[SecurityCount]) -> None:
    """Add counts to those of their hour."""
    for count in counts:
        if not _add(connection, server, count):
            _insert(connection, server, count)
    oldest = max(count.hour for count in counts) - KEPT
    connection.execute(delete(table).where(table.c.hour < oldest))


def _add(connection: Connection, server: str, count: SecurityCount) -> bool:
    first, last = table.c.first_at, table.c.last_at
    began, ended = (literal(at, UtcDateTime) for at in (count.first_at, count.last_at))
    done = connection.execute(
        update(table)
        .where(
            *(table.c.hour == count.hour, table.c.server == server, table.c.kind == count.kind),
            *(table.c.source == count.source, table.c.account == count.account),
        )
        .values(
            count=table.c.count + count.count,
            first_at=case((first < began, first), else_=began),
            last_at=case((last > ended, last), else_=ended),
        )
    )
    return done.rowcount > 0


def _insert(connection: Connection, server: str, count: SecurityCount) -> None:
    of_hour = (table.c.hour == count.hour, table.c.server == server)
    rows = connection.execute(select(func.count()).select_from(table).where(*of_hour)).scalar_one()
    if rows >= MOST_ROWS:
        count = count.folded()
        if _add(connection, server, count):
            return
    connection.execute(
        insert(table).values(
            hour=count.hour,
            server=server,
            source=count.source,
            account=count.account,
            trunk=count.trunk,
            kind=count.kind,
            count=count.count,
            first_at=count.first_at,
            last_at=count.last_at,
        )
    )


def listed(
    connection: Connection, since: datetime | None, trunk: str | None, limit: int
) -> list[Attempts]:
    """Who tried what, the most frequent first; `since` counts whole hours."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(table.c.last_at >= since)
    if trunk is not None:
        conditions.append(table.c.trunk == trunk)
    of = (table.c.server, table.c.source, table.c.account, table.c.trunk, table.c.kind)
    total = func.sum(table.c.count)
    query = (
        select(*of, total, func.min(table.c.first_at), func.max(table.c.last_at))
        .where(*conditions)
        .group_by(*of)
        .order_by(total.desc(), *of)
        .limit(limit)
    )
    return [Attempts(*row) for row in connection.execute(query)]
