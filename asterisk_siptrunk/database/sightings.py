"""Calls as the watch sees them: those of the past in order, and what is new of those of now."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, func, select, type_coerce

from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.billing.period import local_day
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.call import Direction, Verdict, reason_of
from asterisk_siptrunk.database import rating, subscriptions, trunks
from asterisk_siptrunk.database.calls import begun_in
from asterisk_siptrunk.database.tables import Epoch, call, provider, trunk

MARGIN = 1000
"""Numbers of calls that are looked at again: on PostgreSQL a lower one may be stored later."""
_TOGETHER = 500
_ROWS_AT_ONCE = 5000
_MOST_PRICES = 100_000
_QUARTER = 900
"""Seconds: no zone's days begin at anything but quarters of an hour UTC."""

_SEEN = (
    *(call.c.id, call.c.trunk_id, call.c.direction, call.c.caller, call.c.presented),
    *(call.c.callee, call.c.zone, call.c.verdict, call.c.reason),
    *(
        type_coerce(each, Epoch).label(each.name)
        for each in (call.c.started_at, call.c.answered_at, call.c.ended_at)
    ),
)
_DIRECTIONS = {each.value: each for each in Direction}
_FIELDS = tuple(each.name for each in fields(Seen))
_OURS = call.c.trunk_id.is_not(None)
AnyRow = Row[*tuple[Any, ...]]
Waiting = tuple[float, Moment, int, Seen]


@dataclass(slots=True)
class Book:
    """What has to be known of trunks to see their calls: names, countries, prices.

    A price is that of the deck, whatever a plan's price includes: fraud is paid by somebody.
    """

    zone: ZoneInfo
    names: Mapping[int, str] = field(default_factory=dict)
    countries: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[int, RateTable] = field(default_factory=dict)
    _prices: dict[tuple[int, str, str, int], tuple[int, int]] = field(default_factory=dict)
    _last_day: tuple[int, date] = (-1, date.min)

    def price(self, trunk_id: int, callee: str, zone: str, at: float) -> tuple[int, int]:
        """The fee of a call out and the price of its minute, in millionths; 0 where none is."""
        table = self.tables.get(trunk_id)
        if table is None:
            return 0, 0
        day = self._day(at)
        key = id(table), callee, zone, day.toordinal()
        found = self._prices.get(key)
        if found is None:
            rate = table.find(callee, zone, day)
            prices = (0, 0) if rate is None else (rate.fee, rate.price)
            found = int(prices[0] * 10**PRICE_DIGITS), int(prices[1] * 10**PRICE_DIGITS)
            if len(self._prices) >= _MOST_PRICES:
                self._prices.clear()
            self._prices[key] = found
        return found

    def _day(self, at: float) -> date:
        """The provider's day that a moment is in; nearly free for moments that are near."""
        quarter = int(at) // _QUARTER
        if quarter != self._last_day[0]:
            self._last_day = quarter, local_day(datetime.fromtimestamp(at, UTC), self.zone)
        return self._last_day[1]

    def become(self, other: "Book") -> None:
        """Know what another one knows; who holds this one need not be told."""
        self.names, self.countries, self.tables = other.names, other.countries, other.tables
        self._prices.clear()


def standing(connection: Connection, at: datetime) -> tuple[object, ...]:
    """Another one whenever a trunk or what all share has changed, and each hour: rates and days."""
    of_trunks = connection.execute(select(func.count(), func.sum(trunk.c.version))).one()
    shared = connection.execute(select(provider.c.version)).scalar_one()
    return (*of_trunks, shared, at.replace(minute=0, second=0, microsecond=0))


def read_book(connection: Connection, zone: ZoneInfo, day: datetime, deck: str) -> Book:
    """What is known of all trunks; `deck` is the one of those without a subscription."""
    every = trunks.every(connection)
    on = subscriptions.ground(connection, zone)
    decks = {
        one.trunk: on.terms_of(one, max(one.began, on.day_of(day))).deck
        for one in subscriptions.every(connection, zone)
    }
    kept: dict[tuple[str, str], RateTable] = {}
    tables = {}
    for one in every:
        name = decks.get(one.name, deck)
        if name and (name, one.country) not in kept:
            kept[name, one.country] = RateTable(rating.whole_deck(connection, name), one.country)
        if name:
            tables[one.id] = kept[name, one.country]
    return Book(
        zone,
        names={one.id: one.name for one in every},
        countries={one.name: one.country for one in every},
        tables=tables,
    )


def history(
    connection: Connection,
    book: Book,
    since: datetime,
    until: datetime | None = None,
    trunk_id: int | None = None,
) -> Iterator[Seen]:
    """Calls that began in a span of time, in that order, after those that had not ended before.

    With `trunk_id` those of one trunk alone.
    """
    ours = _OURS if trunk_id is None else call.c.trunk_id == trunk_id
    still_open = select(*_SEEN).where(ours, call.c.ended_at.is_(None), call.c.started_at < since)
    within = select(*_SEEN).where(ours, *begun_in(connection, since, until))
    for query in (still_open, within):
        rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
            query.order_by(call.c.started_at, call.c.id)
        )
        yield from (_seen(row, book) for row in rows if row.trunk_id in book.names)


def in_order(calls: Iterable[Seen]) -> Iterator[Sighting]:
    """The moments of calls in their order; the calls come in that of their start."""
    waiting: list[Waiting] = []
    for seen in calls:
        while waiting and waiting[0][0] <= seen.started_at:
            yield _popped(waiting)
        yield Sighting(Moment.BEGUN, seen.started_at, seen)
        if seen.answered_at is not None:
            heapq.heappush(waiting, (seen.answered_at, Moment.ANSWERED, seen.id, seen))
        if seen.ended_at is not None:
            heapq.heappush(waiting, (seen.ended_at, Moment.ENDED, seen.id, seen))
    while waiting:
        yield _popped(waiting)


class CallFeed:
    """What is new of the calls since it was asked last."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self._open: dict[int, Seen] = {}
        self._known: set[int] = set()
        self._last = 0
        self._at = 0.0

    def begin(self, connection: Connection, calls: Iterable[Seen]) -> Iterator[Sighting]:
        """Take what there is already, in its order: it is not new any more."""
        self._last = connection.execute(select(func.coalesce(func.max(call.c.id), 0))).scalar_one()
        self._known = set(self._numbers(connection))
        for sighting in in_order(calls):
            seen = sighting.seen
            if sighting.moment is Moment.BEGUN:
                # On PostgreSQL it may be stored since the numbers were asked for.
                self._known.add(seen.id)
                if seen.ended_at is None:
                    self._open[seen.id] = seen
            self._at = sighting.at
            yield sighting

    def kept(self) -> Mapping[str, Any]:
        """What it has seen, as JSON can hold it."""
        running = [[getattr(seen, name) for name in _FIELDS] for seen in self._open.values()]
        return {"last": self._last, "at": self._at, "known": sorted(self._known), "open": running}

    def resume(self, kept: Mapping[str, Any]) -> None:
        """Go on where one was: what has come since is new."""
        self._last, self._at = kept["last"], kept["at"]
        self._known = set(kept["known"])
        self._open = {
            each[0]: _seen_again(dict(zip(_FIELDS, each, strict=True))) for each in kept["open"]
        }

    def look(self, connection: Connection, now: float) -> list[Sighting]:
        """What has begun, been answered or ended since."""
        standing = dict(
            connection.execute(
                select(call.c.id, call.c.answered_at).where(_OURS, call.c.ended_at.is_(None))
            ).all()
        )
        changed = {
            number
            for number, seen in self._open.items()
            if number not in standing or (seen.answered_at is None and standing[number] is not None)
        }
        numbers = self._numbers(connection)
        fresh = list(_rows(connection, [each for each in numbers if each not in self._known]))
        there = {row.id: row for row in _rows(connection, sorted(changed))}
        # From here on nothing is asked: a database that goes away leaves all to the next look.
        found = [*self._begun(fresh), *self._changed(changed, there, now)]
        found.sort(key=lambda each: (each.at, each.moment, each.seen.id))
        return [self._in_time(each) for each in found]

    def _in_time(self, sighting: Sighting) -> Sighting:
        """What was stored late is seen when it is seen: the watch's time goes forward."""
        if sighting.at < self._at:
            return replace(sighting, at=self._at)
        self._at = sighting.at
        return sighting

    def _numbers(self, connection: Connection) -> list[int]:
        query = select(call.c.id).where(call.c.id > self._last - MARGIN)
        return list(connection.execute(query).scalars())

    def _begun(self, fresh: Iterable[AnyRow]) -> Iterator[Sighting]:
        for row in fresh:
            self._known.add(row.id)
            self._last = max(self._last, row.id)
            if row.trunk_id in self.book.names:
                seen = _seen(row, self.book)
                yield from in_order((seen,))
                if seen.ended_at is None:
                    self._open[seen.id] = seen
        self._known = {each for each in self._known if each > self._last - MARGIN}

    def _changed(
        self, numbers: Iterable[int], there: Mapping[int, AnyRow], now: float
    ) -> Iterator[Sighting]:
        for number in numbers:
            before = self._open.pop(number)
            row = there.get(number)
            if row is None:  # pruned, or put out of the way: it is over
                yield Sighting(Moment.ENDED, now, replace(before, ended_at=now))
                continue
            seen = replace(before, answered_at=row.answered_at, ended_at=row.ended_at)
            if seen.ended_at is None:
                self._open[number] = seen
            moments = in_order((seen,))
            next(moments)  # that it began was seen
            yield from (
                each
                for each in moments
                if each.moment is Moment.ENDED or before.answered_at is None
            )


def _rows(connection: Connection, numbers: list[int]) -> Iterator[AnyRow]:
    left = iter(numbers)
    while some := list(islice(left, _TOGETHER)):
        yield from connection.execute(select(*_SEEN).where(call.c.id.in_(some)).order_by(call.c.id))


def _seen(row: AnyRow, book: Book) -> Seen:
    number, trunk_id, direction, caller, presented, callee, zone, verdict, reason, *times = row
    begun, answered, ended = times
    is_outbound = direction == Direction.OUTBOUND
    fee, price = book.price(trunk_id, callee, zone, begun) if is_outbound else (0, 0)
    return Seen(
        *(number, book.names[trunk_id], _DIRECTIONS[direction]),
        *(caller or presented, presented, callee, zone),
        *(verdict == Verdict.ADMITTED, reason_of(reason)),
        *(begun, answered, ended, fee, price),
    )


def _seen_again(values: dict[str, Any]) -> Seen:
    """A call that was kept."""
    direction, reason = Direction(values["direction"]), reason_of(values["reason"])
    return Seen(**(values | {"direction": direction, "reason": reason}))


def _popped(waiting: list[Waiting]) -> Sighting:
    at, moment, _, seen = heapq.heappop(waiting)
    return Sighting(moment, at, seen)
