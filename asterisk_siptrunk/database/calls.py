"""Call records for people and for billing: lists, one call, exports."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select, tuple_

from asterisk_siptrunk.call import (
    CallRecord,
    Direction,
    Evidence,
    Verdict,
    Via,
    epoch_of,
    reason_of,
)
from asterisk_siptrunk.call.verify import Period, Times, UsageRow
from asterisk_siptrunk.database import months
from asterisk_siptrunk.database.tables import call, carrier, customer, registration, trunk
from asterisk_siptrunk.errors import NotFound

# Rows fetched at once where a whole month is read: memory stays flat.
_ROWS_AT_ONCE = 1000

# A database's integer of 64 bits holds them all; more digits are no number of ours.
_DIGITS_OF_AN_ID = 18

_RECORDS = (
    select(call, trunk.c.name.label("trunk"), carrier.c.name.label("carrier"))
    .outerjoin(trunk, trunk.c.id == call.c.trunk_id)
    .outerjoin(carrier, carrier.c.id == call.c.carrier_id)
)


Place = tuple[datetime, int]
"""Where a call stands in their order: its start, and its number."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted; None and False ask for nothing.

    Attributes:
        since, until: of the start, half-open: since <= started_at < until.
        number: how the caller's or the callee's ends, as it came in or as it was read.
    """

    trunk: str | None = None
    verdict: Verdict | None = None
    since: datetime | None = None
    until: datetime | None = None
    number: str | None = None
    live: bool = False


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
    # By their start and not by their number: of that there is an index for each trunk.
    newest = call.c.started_at.desc(), call.c.id.desc()
    query = _RECORDS.where(*_conditions(connection, wanted)).order_by(*newest).limit(limit)
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


def find(connection: Connection, number: int) -> CallRecord | None:
    """The call of that number; None where there is none."""
    row = connection.execute(_RECORDS.where(call.c.id == number)).first()
    return _record(row) if row else None


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


def registrations(connection: Connection, name: str | None = None) -> list[Registration]:
    """The last known registration of each trunk's PBX, or of one's, at each server."""
    query = (
        select(trunk.c.name, *registration.c[1:])
        .join(trunk, trunk.c.id == registration.c.trunk_id)
        .order_by(trunk.c.name, registration.c.server)
    )
    if name is not None:
        query = query.where(trunk.c.name == name)
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
    yield from begun_in(connection, wanted.since, wanted.until)
    if wanted.live:
        yield call.c.ended_at.is_(None)
    if wanted.trunk is not None:
        of_name = select(trunk.c.id).where(trunk.c.name == wanted.trunk)
        yield call.c.trunk_id == of_name.scalar_subquery()
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
