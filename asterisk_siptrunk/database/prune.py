"""Old months taken out of the call table, once they were exported.

PostgreSQL drops a partition whole where nothing of it stays. A month of the provider's begins
some hours before or after UTC's, so of one partition a part stays: where that is the smaller one,
it is copied to a partition that takes the place of the old one, else the rows that go are deleted.
SQLite has one table, and deletes. Either way admissions go on meanwhile.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    TableClause,
    column,
    delete,
    func,
    select,
    table,
    text,
)
from sqlalchemy.exc import OperationalError

from asterisk_siptrunk.billing.invoicing import DueInvoice, due_invoices
from asterisk_siptrunk.billing.period import LONGEST_PERIOD, local_day
from asterisk_siptrunk.call.month import LocalMonth, month_at
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import (
    audit,
    exports,
    findings,
    invoices,
    months,
    subscriptions,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.calls import begun_in
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.exports import Export
from asterisk_siptrunk.database.months import LOCK_WAIT, Month
from asterisk_siptrunk.database.tables import UtcDateTime, call
from asterisk_siptrunk.errors import DatabaseUnavailable, InvalidInput

SETTLED = timedelta(days=3)
"""After the end of a month: a journal that waited for its server over a weekend is read by then."""
SLICE = 1000
"""Rows deleted in one transaction: some 20 ms of SQLite's lock, and then as long a pause."""
LOCK_TRIES = 60
LOCK_PAUSE_SECONDS = 0.5
"""Between two attempts to have the call table alone; each keeps admissions waiting for 0.2 s at
most for every table that is locked."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A month to be pruned: the calls that it has, and their export."""

    month: LocalMonth
    rows: int
    export: Export


@dataclass(frozen=True, slots=True)
class Place:
    """A partition, or SQLite's table: how many of its rows go, and how many stay.

    Attributes:
        month: None where the place is no month's, and so is never dropped.
    """

    name: str
    month: Month | None
    going: int
    staying: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a prune drops: all calls begun before `before`; none is newer than `last_id`.

    Attributes:
        findings: how many of the watch's go with the calls that they rest on.
    """

    before: datetime
    months: tuple[Closed, ...]
    places: tuple[Place, ...]
    last_id: int
    findings: int

    @property
    def rows(self) -> int:
        """How many calls that are."""
        return sum(one.rows for one in self.months)


def make_plan(connection: Connection, before: LocalMonth, zone: ZoneInfo, now: datetime) -> Plan:
    """What is to go, so that no call before a month is left.

    Raises:
        InvalidInput: a month before it must not be dropped yet.
    """
    begin = before.period.since
    last_id = connection.execute(select(func.coalesce(func.max(call.c.id), 0))).scalar_one()
    counted = list(_months(connection, begin, zone))
    found = [(month, rows, exports.get(connection, month)) for month, rows in counted]
    objections = [
        objection
        for month, rows, export in found
        for objection in _objections(connection, month, rows, export, now)
    ]
    objections += _unbilled(connection, [month for month, _ in counted], zone)
    if objections:
        raise InvalidInput("Nothing was dropped. " + " ".join(objections))
    closed = tuple(Closed(month, rows, export) for month, rows, export in found if export)
    places = tuple(_places(connection, begin))
    return Plan(begin, closed, places, last_id, findings.count_old(connection, begin))


def _unbilled(
    connection: Connection, closed: Collection[LocalMonth], zone: ZoneInfo
) -> Iterator[str]:
    """A period that has lost a month's calls can be rated, and so invoiced, no more."""
    waiting = {
        one.subscription.trunk: one.over.first
        for one in reversed(list(_to_invoice(connection, closed, zone)))
        if any(_overlap(one.over.span(zone), month.period) for month in closed)
    }
    if waiting:
        name, first = min(waiting.items(), key=lambda each: each[1])
        others = f" (and of {len(waiting) - 1} more)" if len(waiting) > 1 else ""
        yield (
            f"The calls of trunk {name}{others} from {first} on are not invoiced yet: 'siptrunk "
            "billing run', once their period is over."
        )


def _to_invoice(
    connection: Connection, closed: Collection[LocalMonth], zone: ZoneInfo
) -> Iterator[DueInvoice]:
    """The invoices that are to come for periods that begin before the last month ends."""
    last = max((month.period.until for month in closed), default=None)
    if last is None:
        return
    day = local_day(last, zone) + LONGEST_PERIOD
    for agreed in subscriptions.every(connection, zone):
        yield from due_invoices(agreed, day, invoices.periods_of(connection, agreed.id))


def _overlap(one: Period, other: Period) -> bool:
    return one.since < other.until and other.since < one.until


def _months(
    connection: Connection, before: datetime, zone: ZoneInfo
) -> Iterator[tuple[LocalMonth, int]]:
    """The months that have calls, and how many, from the oldest on."""
    query = select(func.min(call.c.started_at)).where(call.c.started_at < before)
    first = connection.execute(query).scalar_one()
    while first is not None:
        month = month_at(first, zone)
        yield month, _count(connection, month.period)
        later = query.where(call.c.started_at >= month.period.until)
        first = connection.execute(later).scalar_one()


def _count(connection: Connection, period: Period, *also: ColumnElement[bool]) -> int:
    begun = begun_in(connection, period.since, period.until)
    query = select(func.count()).select_from(call).where(*begun, *also)
    return connection.execute(query).scalar_one()


def _objections(
    connection: Connection, month: LocalMonth, rows: int, export: Export | None, now: datetime
) -> Iterator[str]:
    name = month.name
    if now < month.period.until + SETTLED:
        yield f"{name} has not been over for {SETTLED.days} days."
        return
    if live := _count(connection, month.period, call.c.ended_at.is_(None)):
        yield f"{live} of the calls of {name} have no end yet."
    if export is None:
        yield f"{name} was not exported: 'siptrunk usage export' of the whole month."
    elif export.period != month.period:
        yield f"{name} was exported in another time zone: export it again."
    elif export.pruned_to is not None:
        # It was pruned before, perhaps in part: what there was then may go on to go.
        if late := _count(connection, month.period, call.c.id > export.pruned_to):
            yield f"{late} calls came to {name} since it was pruned: export it again."
    elif export.rows != rows:
        yield f"{name} had {export.rows} calls when it was exported, now {rows}: export it again."


def _places(connection: Connection, before: datetime) -> Iterator[Place]:
    if connection.dialect.name == "sqlite":
        yield _place(connection, "call", None, before)
        return
    yield _place(connection, "call_default", None, before)
    for held in months.held(connection):
        if held.first < before:
            yield _place(connection, held.month.partition, held.month, before)


def _place(connection: Connection, name: str, month: Month | None, before: datetime) -> Place:
    rows = _rows_at(name)
    query = select(func.count()).select_from(rows)
    going = connection.execute(query.where(rows.c.started_at < before)).scalar_one()
    staying = connection.execute(query.where(rows.c.started_at >= before)).scalar_one()
    return Place(name, month, going, staying)


def _rows_at(name: str) -> TableClause:
    """The rows of one partition, or of SQLite's table."""
    moments = (column(each, UtcDateTime) for each in ("started_at", "ended_at"))
    return table(name, column("id", BigInteger), *moments)


def carry_out(engine: Engine, plan: Plan, by: By) -> Iterator[int]:
    """Drop what the plan says; tells, piece by piece, how many calls are gone.

    Each piece is a transaction of its own: what is dropped stays so if a later one fails, and
    another prune goes on from there.

    Raises:
        DatabaseUnavailable: somebody reads the call table all the time.
        InvalidInput: calls came to a month meanwhile.
    """
    with transaction(engine) as connection:
        for one in plan.months:
            exports.begin_prune(connection, one.month, plan.last_id)
            audit.note(connection, by, "usage", one.month.name, _told(one))
        findings.forget_old(connection, plan.before)
    for place in plan.places:
        if not place.going:
            continue
        if place.month is None or place.going <= place.staying:
            yield from _delete(engine, plan, place)
        else:
            with transaction(engine) as connection:
                _replace(connection, plan, place, place.month)
            yield place.going


def _told(one: Closed) -> str:
    export = one.export
    return (
        f"pruned: {one.rows} calls, exported {export.at:%Y-%m-%d %H:%M:%S} UTC by {export.author}, "
        f"SHA-256 {export.digest}"
    )


def _delete(engine: Engine, plan: Plan, place: Place) -> Iterator[int]:
    """Delete in slices, and let others to the database between them."""
    rows = _rows_at(place.name)
    some = (
        select(rows.c.id)
        .where(
            rows.c.started_at < plan.before,
            rows.c.id <= plan.last_id,
            rows.c.ended_at.is_not(None),
        )
        .order_by(rows.c.started_at)
        .limit(SLICE)
    )
    statement = delete(rows).where(rows.c.id.in_(some))
    while True:
        began = time.monotonic()
        with transaction(engine) as connection:
            gone = connection.execute(statement).rowcount
        if not gone:
            return
        yield gone
        time.sleep(time.monotonic() - began)


def _replace(connection: Connection, plan: Plan, place: Place, month: Month) -> None:
    """Drop a partition; what stays of it takes its place."""
    name, kept = place.name, f"{place.name}_kept"
    # Nobody changes this month from here on; the others go on as ever.
    connection.execute(text(f"LOCK TABLE {name} IN SHARE MODE"))
    if _place(connection, name, month, plan.before) != place:
        raise InvalidInput(f"Calls came to {name} meanwhile, and it stays: export and prune again.")
    if place.staying:
        connection.execute(
            text(f"CREATE TABLE {kept} (LIKE call INCLUDING DEFAULTS INCLUDING INDEXES)")
        )
        copy = f"INSERT INTO {kept} SELECT * FROM {name} WHERE started_at >= :before"  # noqa: S608
        connection.execute(text(copy), {"before": plan.before})
    _have_alone(connection)
    connection.execute(text(f"ALTER TABLE call DETACH PARTITION {name}"))
    connection.execute(text(f"DROP TABLE {name}"))
    if place.staying:
        connection.execute(text(f"ALTER TABLE {kept} RENAME TO {name}"))
        months.attach(connection, month)


def _have_alone(connection: Connection) -> None:
    """Keep everybody from the call table for the moment that is left of this transaction."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    for _ in range(LOCK_TRIES):
        try:
            with connection.begin_nested():
                # In the order of an admission: its foreign keys have all of them locked.
                connection.execute(text("LOCK TABLE trunk, carrier, call IN ACCESS EXCLUSIVE MODE"))
        except OperationalError:
            time.sleep(LOCK_PAUSE_SECONDS)
        else:
            return
    raise DatabaseUnavailable(
        "Somebody reads the calls all the time, and no month can be dropped meanwhile: prune again "
        "once that export has ended."
    )
