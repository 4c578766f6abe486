"""The calls of a subscription's period, rated and kept: what its invoice and a bill's details need.

A period is gone through in the order in which inclusions are used up, piece by piece. Only what
differs from the rows of an earlier time is written, each piece in a transaction of its own. So it
may be killed at any point and begun again: what the calls and the rates say is what is there in
the end, and a second time writes nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from asterisk_siptrunk.billing.catalogue import Inclusion
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.rating import MINUTE, BillableCall, RatedCall, Rater, RateTable
from asterisk_siptrunk.billing.usage import RateUse, UsageTotals
from asterisk_siptrunk.call import Direction, Reason, Verdict
from asterisk_siptrunk.call.verify import Period, Times
from asterisk_siptrunk.database import exports, months
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call, rate, rated_call, subscription
from asterisk_siptrunk.destination import Kind
from asterisk_siptrunk.errors import InvalidInput

PIECE = 1000
"""Calls read, rated and written at once: admissions wait for some 10 ms of SQLite's lock, and it
is free for longer than that before the next piece."""

_RATE = ("target", "name", "fee", "price", "first", "step", "valid_from", "valid_until")
_KEPT = ("subscription_id", "period", "rate", "seconds", "included", "cost")
_BILLABLE = and_(
    call.c.direction == Direction.OUTBOUND,
    call.c.verdict == Verdict.ADMITTED,
    call.c.reason != Reason.EMERGENCY,
    # One that passed while the service was away has another reason.
    call.c.zone.not_like(f"%:{Kind.EMERGENCY}"),
    call.c.answered_at.is_not(None),
    call.c.ended_at.is_not(None),
)


@dataclass(frozen=True, slots=True)
class PeriodUsage:
    """What is to be rated: the calls of a trunk in a period of its subscription.

    Attributes:
        zone: the provider's time zone.
        table: the rates of its deck; `load_deck` reads them.
        channels: that the inclusions of its plan are counted for.
        agreed_at: when the first order was paid; calls before it, on that day, were none of it.
    """

    subscription_id: int
    trunk_id: int
    period: BillingPeriod
    zone: ZoneInfo
    table: RateTable
    inclusions: Sequence[Inclusion] = ()
    channels: int = 0
    agreed_at: datetime | None = None

    @property
    def span(self) -> Period:
        """From its first moment, or what was agreed then, until before that of the next."""
        whole = self.period.span(self.zone)
        return Period(max(whole.since, self.agreed_at or whole.since), whole.until)


@dataclass(slots=True)
class Rating:
    """What a rating came to, and how it differs from what was kept of an earlier one.

    Attributes:
        totals: as rated now.
        before: as kept, by the name of the rate; it is not kept what of a cost was a fee.
        added, altered, removed: calls that had no cost, have another one, or have none any more.
        open: calls that had not ended: the period is not complete.
        elsewhere: calls that were rated with another period, and so are in this one's sums not:
            as after a change of the provider's time zone.
    """

    open: int
    totals: UsageTotals = field(default_factory=UsageTotals)
    before: dict[str, RateUse] = field(default_factory=dict)
    added: int = 0
    altered: int = 0
    removed: int = 0
    elsewhere: int = 0

    @property
    def differs(self) -> bool:
        """Whether something would be written, or was."""
        return bool(self.added or self.altered or self.removed)


def load_deck(connection: Connection, deck: str, period: BillingPeriod) -> list[Rate]:
    """The rates of a deck that hold on some day of a period."""
    query = select(*(rate.c[name] for name in _RATE)).where(
        rate.c.deck == deck,
        rate.c.valid_from < period.next,
        or_(rate.c.valid_until.is_(None), rate.c.valid_until > period.first),
    )
    return [Rate(*row) for row in connection.execute(query)]


def whole_deck(connection: Connection, deck: str) -> list[Rate]:
    """The rates of a deck, of all days."""
    query = select(*(rate.c[name] for name in _RATE)).where(rate.c.deck == deck)
    return [Rate(*row) for row in connection.execute(query)]


def count(connection: Connection, usage: PeriodUsage, most: int | None = None) -> int:
    """How many calls `compute` will go through, for whoever waits; counted up to `most`."""
    query = _calls(connection, usage).where(call.c.started_at >= usage.span.since).limit(most)
    return connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()


def kept(connection: Connection, subscription_id: int, period: BillingPeriod) -> tuple[int, int]:
    """How many calls of a period are kept, and what they cost together."""
    query = select(func.count(), func.coalesce(func.sum(rated_call.c.cost), 0)).where(
        rated_call.c.subscription_id == subscription_id, rated_call.c.period == period.first
    )
    calls, cost = connection.execute(query).one()
    return calls, int(cost)


def compute(engine: Engine, usage: PeriodUsage, progress: Callable[[int], None]) -> Rating:
    """Rate the calls of a period and write nothing; `progress` hears of calls as they are done.

    Raises:
        InvalidInput: calls of the period were pruned.
    """
    rating = _begin(engine, usage)
    for piece in _pieces(engine, usage, rating):
        progress(piece.calls)
    return rating


def store(
    engine: Engine,
    usage: PeriodUsage,
    guard: Callable[[Connection], None],
    progress: Callable[[int], None],
) -> Rating:
    """Rate the calls of a period and keep what each costs.

    `guard` is asked in each transaction before it writes, and raises where the period must not be
    changed any more.

    Raises:
        InvalidInput: calls of the period were pruned.
    """
    rating = _begin(engine, usage)
    for piece in _pieces(engine, usage, rating):
        if piece.written or piece.removed:
            with transaction(engine) as connection:
                guard(connection)
                _write(connection, piece)
        progress(piece.calls)
    return rating


def _begin(engine: Engine, usage: PeriodUsage) -> Rating:
    with reading(engine) as connection:
        if pruned := exports.pruned(connection, usage.span):
            raise InvalidInput(
                f"Calls of {', '.join(pruned)} were pruned, and the period from "
                f"{usage.period.first} cannot be rated again; what was rated stays."
            )
        # Counted before they are read: what has ended meanwhile may be in no piece, and is told.
        return Rating(open=_open(connection, usage))


def _open(connection: Connection, usage: PeriodUsage) -> int:
    query = select(func.count()).where(
        *_begun(connection, usage),
        call.c.started_at >= usage.span.since,
        call.c.direction == Direction.OUTBOUND,
        call.c.verdict == Verdict.ADMITTED,
        call.c.ended_at.is_(None),
    )
    return connection.execute(query).scalar_one()


def _begun(connection: Connection, usage: PeriodUsage) -> tuple[ColumnElement[bool], ...]:
    """Calls of the trunk before the period's end, and in no month that has none of the period."""
    span = usage.span
    places = months.of_period(connection, span.since, span.until)
    return call.c.trunk_id == usage.trunk_id, call.c.started_at < span.until, *places


@dataclass(slots=True)
class _Piece:
    """Some calls that follow each other: rows to be written, and calls to have none any more."""

    calls: int
    written: list[dict[str, Any]] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)


def _pieces(engine: Engine, usage: PeriodUsage, rating: Rating) -> Iterator[_Piece]:
    """Rate piece by piece, count what comes out, and give what it changes."""
    comparison = _Comparison(usage, rating)
    for rows in _read(engine, usage):
        piece = _Piece(len(rows))
        for row in rows:
            comparison.compare(row, piece)
        yield piece


@dataclass(frozen=True, slots=True)
class CallPrice:
    """What a call was rated with.

    Attributes:
        seconds: as charged, without those that are `included` in the plan's price.
        cost: without tax, exactly as far as a price can say it.
    """

    rate: str
    seconds: int
    included: int
    cost: Decimal
    currency: str


def price_of(connection: Connection, call_id: int) -> CallPrice | None:
    """What one call costs; None where it was not rated."""
    kept = (rated_call.c.rate, rated_call.c.seconds, rated_call.c.included, rated_call.c.cost)
    row = connection.execute(
        select(*kept, subscription.c.currency)
        .join(subscription, subscription.c.id == rated_call.c.subscription_id)
        .where(rated_call.c.call_id == call_id)
    ).one_or_none()
    if row is None:
        return None
    millionths = Decimal(row.cost) / MINUTE
    return CallPrice(row.rate, row.seconds, row.included, millionths.scaleb(-6), row.currency)


def _read(engine: Engine, usage: PeriodUsage) -> Iterator[Sequence[Row[*tuple[Any, ...]]]]:
    """All calls in their order; nothing is kept open between two pieces."""
    with reading(engine) as connection:
        query = _calls(connection, usage).order_by(call.c.started_at, call.c.id).limit(PIECE)
    at, last = usage.span.since, 0
    while True:
        with reading(engine) as connection:
            rows = connection.execute(query.where(*_after(at, last))).all()
        if not rows:
            return
        yield rows
        at, last = rows[-1].started_at, rows[-1].id


def _after(started_at: datetime, call_id: int) -> tuple[ColumnElement[bool], ...]:
    later = or_(call.c.started_at > started_at, call.c.id > call_id)
    # The first condition leads through the index, the second leaves out what was read.
    return call.c.started_at >= started_at, later


def _calls(connection: Connection, usage: PeriodUsage) -> Select[*tuple[Any, ...]]:
    """Calls that are to be rated, or were, with what was kept of them; none is too late.

    From when on is left to the query's user: of two lower bounds SQLite would search by the first,
    and go through the whole period for each piece.
    """
    return (
        select(
            *(call.c.id, call.c.callee, call.c.zone),
            *(call.c.started_at, call.c.answered_at, call.c.ended_at),
            *(rated_call.c[name] for name in _KEPT),
            _BILLABLE.label("billable"),
        )
        .outerjoin(rated_call, rated_call.c.call_id == call.c.id)
        .where(*_begun(connection, usage), or_(_BILLABLE, rated_call.c.call_id.is_not(None)))
    )


class _Comparison:
    """Rates each call of a period, and finds what is to be done about its row."""

    def __init__(self, usage: PeriodUsage, rating: Rating) -> None:
        self._rater = Rater(usage.table, usage.inclusions, usage.channels, usage.zone)
        self._place = usage.subscription_id, usage.period.first
        self._rating = rating

    def compare(self, row: Row[*tuple[Any, ...]], piece: _Piece) -> None:
        """Take the next call."""
        if row.rate is not None and (row.subscription_id, row.period) != self._place:
            self._rating.elsewhere += 1
            return
        before, after = self._before(row), self._after(row)
        if after is None:
            self._remove(row, piece)
        elif after != before:
            self._rating.added += before is None
            self._rating.altered += before is not None
            values = dict(zip(_KEPT, (*self._place, *after), strict=True))
            piece.written.append({"call_id": row.id, **values})

    def _remove(self, row: Row[*tuple[Any, ...]], piece: _Piece) -> None:
        if row.rate is not None:
            self._rating.removed += 1
            piece.removed.append(row.id)

    def _before(self, row: Row[*tuple[Any, ...]]) -> tuple[str, int, int, int] | None:
        if row.rate is None:
            return None
        kept = row.rate, row.seconds, row.included, row.cost
        self._rating.before.setdefault(row.rate, RateUse()).add(RatedCall(row.id, *kept, fee=0))
        return kept

    def _after(self, row: Row[*tuple[Any, ...]]) -> tuple[str, int, int, int] | None:
        if not row.billable:
            return None
        times = Times(row.started_at, row.answered_at, row.ended_at)
        one = BillableCall(row.id, row.callee, row.zone, row.started_at, times.billable)
        outcome = self._rater.rate(one)
        self._rating.totals.add(outcome)
        if not isinstance(outcome, RatedCall):
            return None
        return outcome.rate, outcome.seconds, outcome.included, outcome.cost


def _write(connection: Connection, piece: _Piece) -> None:
    if piece.removed:
        connection.execute(delete(rated_call).where(rated_call.c.call_id.in_(piece.removed)))
    if piece.written:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        statement = insert(rated_call)
        new = {name: statement.excluded[name] for name in _KEPT}
        connection.execute(
            statement.on_conflict_do_update(index_elements=["call_id"], set_=new), piece.written
        )
