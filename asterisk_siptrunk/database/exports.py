"""Which months were exported whole: what `usage prune` goes by."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from asterisk_siptrunk.call.month import LocalMonth
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.tables import exported_month


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: how many calls, the newest number among them, and SHA-256 of it all."""

    rows: int
    newest: int
    digest: str


@dataclass(frozen=True, slots=True)
class Export:
    """The last export of a whole month.

    Attributes:
        digest: SHA-256 of what was written.
        pruned_to: the newest call that may go since a prune of the month began, None where none
            did; that one did is not forgotten by later exports.
    """

    period: Period
    rows: int
    digest: str
    author: str
    at: datetime
    pruned_to: int | None


def mark(connection: Connection, by: By, month: LocalMonth, written: Written) -> None:
    """Note that a month was exported; what was noted of an earlier export goes."""
    earlier = get(connection, month)
    pruned_to = earlier.pruned_to if earlier else None
    connection.execute(delete(exported_month).where(exported_month.c.month == month.name))
    connection.execute(
        insert(exported_month).values(
            month=month.name,
            since=month.period.since,
            until=month.period.until,
            rows=written.rows,
            digest=written.digest,
            author=by.author,
            at=by.at,
            pruned_to=None if pruned_to is None else max(pruned_to, written.newest),
        )
    )


def get(connection: Connection, month: LocalMonth) -> Export | None:
    """The last export of a month, None where there was none."""
    query = select(exported_month).where(exported_month.c.month == month.name)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Export(
        Period(row.since, row.until), row.rows, row.digest, row.author, row.at, row.pruned_to
    )


def pruned(connection: Connection, period: Period) -> list[str]:
    """The months whose calls were dropped, all or some, that a period has a part of."""
    query = (
        select(exported_month.c.month)
        .where(
            exported_month.c.pruned_to.is_not(None),
            exported_month.c.since < period.until,
            exported_month.c.until > period.since,
        )
        .order_by(exported_month.c.month)
    )
    return list(connection.execute(query).scalars())


def begin_prune(connection: Connection, month: LocalMonth, newest: int) -> None:
    """Note that the calls of a month go, up to the newest of all that there are now."""
    this = exported_month.c.month == month.name
    connection.execute(update(exported_month).where(this).values(pruned_to=newest))
