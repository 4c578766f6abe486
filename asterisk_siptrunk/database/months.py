"""The months of the call table, which PostgreSQL keeps as partitions; SQLite keeps one table.

A partition holds the rows whose UniqueIDs name a second of one month in UTC. It is made ahead,
since rows of a month that has none go to the default partition: no call waits for its month, and
none is lost for want of it. Clocks are put right, and a UniqueID can name any time, so what began
in a month by its record may be kept in another one: readers ask each partition what it holds.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy import union_all as together

from asterisk_siptrunk.database.tables import call

AHEAD = 2
"""Months that are made before they begin: a daemon that is away for that long harms nothing."""
LOCK_WAIT = "200ms"
"""Admissions that come meanwhile wait for whoever waits for a lock, this long at most."""
_NAME = re.compile(r"call_(\d{4})_(\d{2})", re.ASCII)
# Of PostgreSQL's advisory locks, which are numbers: two daemons make one month once.
_MAKING = 0x51B_CA11


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month in UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        """The month that a moment is in."""
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    @property
    def next(self) -> "Month":
        """The one after it."""
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def partition(self) -> str:
        """The name of its partition."""
        return f"call_{self.year:04}_{self.number:02}"

    @property
    def epochs(self) -> tuple[int, int]:
        """Its first second since 1970, and the one after its last."""
        return _epoch(self), _epoch(self.next)


def _epoch(month: Month) -> int:
    return int(datetime(month.year, month.number, 1, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Held:
    """A partition that has rows, and when the first and the last of them began."""

    month: Month
    first: datetime
    last: datetime


def make_ahead(connection: Connection, now: datetime) -> list[Month]:
    """Make the partitions of this month and the next ones where they are missing.

    Rows that already went to the default partition come along. Nobody is kept waiting for long:
    where a lock is not had soon, nothing is made.

    Raises:
        OperationalError: that was so.
    """
    if connection.dialect.name != "postgresql":
        return []
    missing = _missing(connection, now)
    if missing:
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
        connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))
        missing = _missing(connection, now)  # another one may have made them meanwhile
        for month in missing:
            _make(connection, month)
    return missing


def _missing(connection: Connection, now: datetime) -> list[Month]:
    wanted = [Month.of(now)]
    for _ in range(AHEAD):
        wanted.append(wanted[-1].next)
    made = set(every(connection))
    return [month for month in wanted if month not in made]


def _make(connection: Connection, month: Month) -> None:
    # Made beside the call table and attached to it: CREATE TABLE ... PARTITION OF would have all
    # admissions wait for it, ATTACH only those who are at the default partition.
    name, (since, until) = month.partition, month.epochs
    early = f"DELETE FROM call_default WHERE epoch >= {since} AND epoch < {until} RETURNING *"  # noqa: S608 - numbers of ours
    for statement in (
        "LOCK TABLE call_default IN ACCESS EXCLUSIVE MODE",
        f"CREATE TABLE {name} (LIKE call INCLUDING DEFAULTS)",
        f"WITH early AS ({early}) INSERT INTO {name} SELECT * FROM early",  # noqa: S608 - as above
    ):
        connection.execute(text(statement))
    attach(connection, month)


def attach(connection: Connection, month: Month) -> None:
    """Make the table that has a month's name its partition."""
    since, until = month.epochs
    bounds = f"FOR VALUES FROM ({since}) TO ({until})"
    connection.execute(text(f"ALTER TABLE call ATTACH PARTITION {month.partition} {bounds}"))


def every(connection: Connection) -> list[Month]:
    """The months that have a partition, oldest first; none on SQLite."""
    if connection.dialect.name != "postgresql":
        return []
    rows = connection.execute(
        text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'call'::regclass")
    )
    found = (_NAME.fullmatch(name) for (name,) in rows)
    return sorted(Month(int(each[1]), int(each[2])) for each in found if each)


def held(connection: Connection) -> list[Held]:
    """The months whose partitions have rows, oldest first; none on SQLite."""
    return [Held(*row) for row in _spans(connection, every(connection)) if row[1] is not None]


def of_period(
    connection: Connection, since: datetime | None, until: datetime | None
) -> Iterator[ColumnElement[bool]]:
    """Conditions that keep a query of calls begun in a period from months that have none of them.

    What is in the default partition is asked for always.
    """
    elsewhere = [
        month
        for month, first, last in _spans(connection, every(connection))
        if first is None or (until and first >= until) or (since and last < since)
    ]
    for begin, end in _joined(elsewhere):
        yield or_(call.c.epoch < begin, call.c.epoch >= end)


def _spans(
    connection: Connection, months: Sequence[Month]
) -> list[tuple[Month, datetime, datetime]]:
    """When the first and the last row of each month's partition began, None where it has none.

    The ends of an index tell: it costs the same with a hundred million rows in a month. Asked by
    the call table, since who may read that need have no right to a partition of its own.
    """
    if not months:
        return []
    start = call.c.started_at
    ends: list[Any] = [
        select(literal_column(str(at)), func.min(start), func.max(start)).where(_kept_in(month))
        for at, month in enumerate(months)
    ]
    found = sorted(connection.execute(together(*ends)), key=lambda row: row[0])
    return [(months[at], first, last) for at, first, last in found]


def _kept_in(month: Month) -> ColumnElement[bool]:
    # Written out: the planner is to see that one partition alone is asked.
    since, until = month.epochs
    return literal_column(f"epoch >= {since} AND epoch < {until}", Boolean)


def _joined(months: Sequence[Month]) -> list[tuple[int, int]]:
    """The spans of epochs of months, those that follow each other as one."""
    spans: list[tuple[int, int]] = []
    for month in months:
        since, until = month.epochs
        if spans and spans[-1][1] == since:
            spans[-1] = spans[-1][0], until
        else:
            spans.append((since, until))
    return spans
