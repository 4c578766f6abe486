"""Call records for people and for billing: lists, one call, exports."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, and_, func, not_, or_, select, tuple_

from asterisk_siptrunk.call import (
    CallRecord,
    Direction,
    Evidence,
    Reason,
    Verdict,
    Via,
    epoch_of,
    reason_of,
)
from asterisk_siptrunk.call.occupancy import FULL, Use
from asterisk_siptrunk.call.sums import Outcome, Sums, sums_of
from asterisk_siptrunk.call.verify import Period, Times, UsageRow
from asterisk_siptrunk.database import months
from asterisk_siptrunk.database.tables import call, carrier, customer, registration, trunk
from asterisk_siptrunk.errors import NotFound

# Rows fetched at once where a whole month is read: memory stays flat.
_ROWS_AT_ONCE = 1000

# One search reads so many rows at most: a number that hardly occurs must not take a whole year's.
_SEARCHED_AT_ONCE = 20_000

# Calls that last longer are hardly ever made; each one that may be costs a row to look at.
_LONGEST = timedelta(days=1)

# A database's integer of 64 bits holds them all; more digits are no number of ours.
_DIGITS_OF_AN_ID = 18

_RECORDS = (
    select(call, trunk.c.name.label("trunk"), carrier.c.name.label("carrier"))
    .outerjoin(trunk, trunk.c.id == call.c.trunk_id)
    .outerjoin(carrier, carrier.c.id == call.c.carrier_id)
)
# By their start and not by their number: of that there is an index for each trunk.
_NEWEST = call.c.started_at.desc(), call.c.id.desc()


class Place(NamedTuple):
    """A call's place among all of them, which go by their start."""

    started_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; None and False ask for nothing.

    Attributes:
        since, until: of the start, half-open: since <= started_at < until.
        number: how the caller's or the callee's ends, as it came in or as it was read.
        reasons: any of these.
        answered: whether it was; `ended` and `live` are told apart likewise.
        before: only older ones than the call of this place.
    """

    trunk: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    number: str | None = None
    live: bool = False
    direction: Direction | None = None
    reasons: Collection[Reason] = ()
    answered: bool | None = None
    ended: bool = False
    before: Place | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the calls that were looked for, the newest first.

    Attributes:
        next: where to look for older ones; None where there are none.
    """

    records: list[CallRecord]
    next: Place | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many calls of a trunk went the same way.

    Attributes:
        answered: whether they were; `live`: whether they still go on.
        late: whether they began in the later of two times.
    """

    trunk_id: int
    verdict: Verdict
    reason: Reason
    answered: bool
    live: bool
    late: bool
    calls: int


@dataclass(frozen=True, slots=True)
class Registration:
    """Whether a trunk's PBX is registered at a server, from where, and what it calls itself."""

    trunk: str
    server: str
    registered: bool
    contact: str
    user_agent: str
    changed_at: datetime


def latest(
    connection: Connection, wanted: CallFilter, limit: int, before: Place | None = None
) -> list[CallRecord]:
    """The newest calls first, `limit` of them at most, from before a place on."""
    query = _RECORDS.where(*_conditions(connection, wanted)).order_by(*_NEWEST).limit(limit)
    if before is not None:
        query = query.where(*_before(connection, before))
    return [_record(row) for row in connection.execute(query)]


def _before(connection: Connection, place: Place) -> Iterator[ColumnElement[bool]]:
    at, number = place
    # The first is what an index has; the second tells calls of the same microsecond apart.
    yield from begun_in(connection, None, at + timedelta(microseconds=1))
    yield (call.c.started_at < at) | (call.c.id < number)


def latest_of(
    connection: Connection,
    names: Iterable[str],
    wanted: CallFilter,
    limit: int,
    before: Place | None = None,
) -> list[CallRecord]:
    """The same of several trunks together: each by its index, so that no table is read through."""
    of_each = [latest(connection, replace(wanted, trunk=name), limit, before) for name in names]
    newest = heapq.merge(*of_each, key=lambda one: (one.started_at, one.id), reverse=True)
    return list(islice(newest, limit))


def search(connection: Connection, wanted: CallFilter, limit: int) -> Piece:
    """The newest calls of a trunk first, `limit` of them at most, by a bounded effort.

    Where few calls are what was looked for there may be fewer in a piece, even none, and still be
    older ones: whoever wants more goes on from `Piece.next`.
    """
    traits = list(_traits(wanted))
    stop = _reach(connection, wanted) if traits else None
    if stop is not None:
        # In the place of the period's begin: of two lower bounds SQLite would search by the first.
        wanted = replace(wanted, since=stop.started_at)
        traits.append(not_(and_(call.c.started_at == stop.started_at, call.c.id < stop.id)))
    query = _RECORDS.where(*_of_place(connection, wanted), *traits)
    rows = connection.execute(query.order_by(*_NEWEST).limit(limit + 1))
    records = [_record(row) for row in rows]
    if len(records) > limit:
        last = records[limit - 1]
        return Piece(records[:limit], Place(last.started_at, last.id))
    return Piece(records, stop)


def sums(connection: Connection, wanted: CallFilter, limit: int) -> Sums:
    """What the newest calls of a search come to: those of a piece, and no more effort."""
    traits = list(_traits(wanted))
    stop = _reach(connection, wanted) if traits else None
    if stop is not None:
        wanted = replace(wanted, since=stop.started_at)
    columns = (call.c.verdict, call.c.answered_at, call.c.ended_at)
    query = select(*columns).where(*_of_place(connection, wanted), *traits)
    rows = connection.execute(query.order_by(*_NEWEST).limit(limit))
    return sums_of(Outcome(Verdict(row.verdict), row.answered_at, row.ended_at) for row in rows)


def counted(
    connection: Connection, trunk_ids: Collection[int], since: datetime, later: datetime
) -> list[Count]:
    """How the calls of trunks went that began since a time; `later` is another one after it."""
    kinds = (
        call.c.trunk_id,
        call.c.verdict,
        call.c.reason,
        call.c.answered_at.is_not(None).label("answered"),
        call.c.ended_at.is_(None).label("live"),
        (call.c.started_at >= later).label("late"),
    )
    query = (
        select(*kinds, func.count())
        .where(call.c.trunk_id.in_(trunk_ids), *begun_in(connection, since, None))
        .group_by(*kinds)
    )
    return [
        Count(trunk_id, Verdict(verdict), reason_of(reason), bool(answered), bool(live), late, n)
        for trunk_id, verdict, reason, answered, live, late, n in connection.execute(query)
    ]


def uses(connection: Connection, trunk_id: int, since: datetime, until: datetime) -> list[Use]:
    """The calls of a trunk that held a channel in a time, or were refused one.

    One that began more than `_LONGEST` before is not looked for.
    """
    columns = (call.c.started_at, call.c.ended_at, call.c.reason, call.c.callee)
    of_trunk = select(*columns).where(call.c.trunk_id == trunk_id)
    before = of_trunk.where(
        *begun_in(connection, since - _LONGEST, since),
        or_(call.c.ended_at.is_(None), call.c.ended_at > since),
    )
    within = of_trunk.where(*begun_in(connection, since, until))
    return [
        Use(row.started_at, row.ended_at, row.reason in FULL, row.callee)
        for query in (before, within)
        for row in connection.execute(query)
    ]


def _reach(connection: Connection, wanted: CallFilter) -> Place | None:
    """The oldest call that one search looks at; None where it comes to the end of all."""
    query = select(call.c.started_at, call.c.id).where(*_of_place(connection, wanted))
    furthest = query.order_by(*_NEWEST).offset(_SEARCHED_AT_ONCE - 1).limit(1)  # an index has it
    row = connection.execute(furthest).one_or_none()
    return None if row is None else Place(*row)


def every(connection: Connection, wanted: CallFilter) -> Iterator[CallRecord]:
    """All such calls in the order of their start, read piece by piece."""
    conditions = _conditions(connection, wanted)
    query = _RECORDS.where(*conditions).order_by(call.c.started_at, call.c.id)
    rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
    return (_record(row) for row in rows)


def usage_rows(connection: Connection, server: str, period: Period) -> Iterator[UsageRow]:
    """What a proof needs of each call of a server that began in a period, read piece by piece."""
    columns = (call.c.uniqueid, call.c.started_at, call.c.answered_at, call.c.ended_at)
    begun = begun_in(connection, period.since, period.until)
    query = select(*columns, call.c.evidence).where(call.c.server == server, *begun)
    for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query):
        times = Times(row.started_at, row.answered_at, row.ended_at)
        yield UsageRow(row.uniqueid, times, Evidence(row.evidence) if row.evidence else None)


def servers(connection: Connection, period: Period) -> dict[str, int]:
    """How many calls began in a period, by server, in the order of their names."""
    rows = connection.execute(
        select(call.c.server, func.count())
        .where(*begun_in(connection, period.since, period.until))
        .group_by(call.c.server)
        .order_by(call.c.server)
    )
    return {name: count for name, count in rows}  # noqa: C416 - rows of two


def begun_in(
    connection: Connection, since: datetime | None, until: datetime | None
) -> Iterator[ColumnElement[bool]]:
    """Conditions for calls that began in a half-open span of time; None leaves an end open."""
    if since is not None:
        yield call.c.started_at >= since
    if until is not None:
        yield call.c.started_at < until
    if since is not None or until is not None:
        yield from months.of_period(connection, since, until)


def get(connection: Connection, reference: str) -> CallRecord:
    """Find a call by our number of it, Asterisk's UniqueID, or the SIP Call-ID.

    Raises:
        NotFound: there is none.
    """
    for where in _called(reference):
        row = connection.execute(_RECORDS.where(*where).order_by(call.c.id.desc()).limit(1)).first()
        if row is not None:
            return _record(row)
    raise NotFound(
        f"There is no call {reference}: give its number from 'siptrunk call list', "
        "Asterisk's UniqueID or the SIP Call-ID."
    )


def by_number(connection: Connection, number: int) -> CallRecord | None:
    """The call of our own number; None where there is none."""
    row = connection.execute(_RECORDS.where(call.c.id == number)).first()
    return None if row is None else _record(row)


def of_ids(connection: Connection, ids: Collection[int]) -> dict[int, CallRecord]:
    """Calls by our numbers of them; those that were pruned are left out."""
    rows = connection.execute(_RECORDS.where(call.c.id.in_(ids)))
    return {row.id: _record(row) for row in rows}


def _called(reference: str) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """What a reference may be, the cheapest to look for first: a Call-ID has no index."""
    if reference.isascii() and reference.isdigit() and len(reference) <= _DIGITS_OF_AN_ID:
        yield (call.c.id == int(reference),)
    yield call.c.uniqueid == reference, call.c.epoch == epoch_of(reference)
    yield (call.c.sip_call_id == reference,)


def in_use(connection: Connection) -> dict[str, int]:
    """Channels in use by trunk, those with none left out."""
    rows = connection.execute(
        select(trunk.c.name, func.count())
        .join(trunk, trunk.c.id == call.c.trunk_id)
        .where(call.c.ended_at.is_(None))
        .group_by(trunk.c.name)
    )
    return {name: count for name, count in rows}  # noqa: C416 - rows of two


def in_use_of_carriers(connection: Connection) -> dict[str, int]:
    """Channels in use by carrier, those with none left out."""
    rows = connection.execute(
        select(carrier.c.name, func.count())
        .join(carrier, carrier.c.id == call.c.carrier_id)
        .where(call.c.ended_at.is_(None))
        .group_by(carrier.c.name)
    )
    return {name: count for name, count in rows}  # noqa: C416 - rows of two


def in_use_of_servers(connection: Connection) -> dict[str, int]:
    """Channels in use by server, those with none left out."""
    rows = connection.execute(
        select(call.c.server, func.count()).where(call.c.ended_at.is_(None)).group_by(call.c.server)
    )
    return {name: count for name, count in rows}  # noqa: C416 - rows of two


def registrations(
    connection: Connection, of_trunks: Collection[int] | None = None
) -> list[Registration]:
    """The last known registration of each trunk's PBX at each server; of all trunks, or of some."""
    query = (
        select(trunk.c.name, *registration.c[1:])
        .join(trunk, trunk.c.id == registration.c.trunk_id)
        .order_by(trunk.c.name, registration.c.server)
    )
    if of_trunks is not None:
        query = query.where(registration.c.trunk_id.in_(of_trunks))
    return [Registration(*row) for row in connection.execute(query)]


def registrations_piece(
    connection: Connection, of: str | None, after: tuple[str, str] | None, limit: int
) -> list[Registration]:
    """So many of them, from after a trunk and a server on; all of them, or a customer's."""
    key = trunk.c.name, registration.c.server
    query = (
        select(trunk.c.name, *registration.c[1:])
        .join(trunk, trunk.c.id == registration.c.trunk_id)
        .order_by(*key)
        .limit(limit)
    )
    if of is not None:
        query = query.join(customer).where(customer.c.name == of)
    if after is not None:
        query = query.where(tuple_(*key) > after)
    return [Registration(*row) for row in connection.execute(query)]


def _conditions(connection: Connection, wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    yield from _of_place(connection, wanted)
    yield from _traits(wanted)


def _of_place(connection: Connection, wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    """What an index finds: whose calls, and of which time."""
    until, before = wanted.until, wanted.before
    if before is not None:
        # The bound leads through the index, the condition leaves out what was shown.
        until = before.started_at + timedelta(microseconds=1)
        yield not_(and_(call.c.started_at == before.started_at, call.c.id >= before.id))
    yield from begun_in(connection, wanted.since, until)
    if wanted.live:
        yield call.c.ended_at.is_(None)
    if wanted.trunk is not None:
        of_name = select(trunk.c.id).where(trunk.c.name == wanted.trunk)
        yield call.c.trunk_id == of_name.scalar_subquery()


def _traits(wanted: CallFilter) -> Iterator[ColumnElement[bool]]:
    """What each call has to be looked at for."""
    if wanted.direction is not None:
        yield call.c.direction == wanted.direction
    if wanted.reasons:
        yield call.c.reason.in_(wanted.reasons)
    if wanted.ended:
        yield call.c.ended_at.is_not(None)
    if wanted.answered is not None:
        is_so = call.c.answered_at.is_not(None)
        yield is_so if wanted.answered else not_(is_so)
    if wanted.verdict is not None:
        yield call.c.verdict == wanted.verdict
    if wanted.number is not None:
        places = (call.c.caller, call.c.callee, call.c.presented, call.c.dialled)
        yield or_(*(place.endswith(wanted.number, autoescape=True) for place in places))


def _record(row: Row[*tuple[Any, ...]]) -> CallRecord:
    return CallRecord(
        id=row.id,
        server=row.server,
        uniqueid=row.uniqueid,
        sip_call_id=row.sip_call_id,
        trunk=row.trunk,
        carrier=row.carrier,
        direction=Direction(row.direction),
        caller=row.caller,
        presented=row.presented,
        withheld=row.withheld,
        dialled=row.dialled,
        callee=row.callee,
        zone=row.zone,
        verdict=Verdict(row.verdict),
        reason=reason_of(row.reason),
        facts=row.facts,
        via=Via(row.via),
        user_agent=row.user_agent,
        codec=row.codec,
        started_at=row.started_at,
        ringing_at=row.ringing_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        hangup_cause=row.hangup_cause,
        evidence=Evidence(row.evidence) if row.evidence else None,
    )
