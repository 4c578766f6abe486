"""The watch's place in the database: who watches, what follows a finding, what is usual."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.anomaly.sighting import Seen
from asterisk_siptrunk.call import Direction, Reason, Verdict
from asterisk_siptrunk.database import customers, findings, notices, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.call_row import destination_of
from asterisk_siptrunk.database.tables import call, ending, server, trunk, watch, watch_profile
from asterisk_siptrunk.destination import Kind, Target
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput
from asterisk_siptrunk.notice.kind import Fact, NoticeKind
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource, Trunk

AUTHOR = "watch"
"""Who stands in the history for what the watch does."""
_NOTHING = "nothing"
_ENDINGS_KEPT = timedelta(days=1)
_SCOPES = {
    Action.BLOCK_ZONE: SuspensionScope.DESTINATION,
    Action.BLOCK_CALLER: SuspensionScope.CALLER,
    Action.BLOCK_INTERNATIONAL: SuspensionScope.INTERNATIONAL,
    Action.BLOCK_OUTBOUND: SuspensionScope.OUTBOUND,
    Action.BLOCK_ALL: SuspensionScope.ALL,
}
_MAY_END = frozenset(Kind) - {Kind.EMERGENCY}
AnyRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Watched:
    """Who watches since when, and until when what was found is known."""

    server: str
    since: datetime
    seen_to: datetime


@dataclass(frozen=True, slots=True)
class Followed:
    """What followed a finding.

    Attributes:
        number: of the finding.
        stopped: the part that is suspended, or "nothing".
        ending: how many running calls are to be ended.
    """

    number: int
    stopped: str
    ending: int = 0


# --- who watches ---


def claim(connection: Connection, name: str, at: datetime) -> Watched | None:
    """Become the one server that watches, or stay it; None while another one does that lives.

    What was found is known until now where nobody watched before.
    """
    row = connection.execute(select(watch).with_for_update()).one_or_none()
    if row is None:
        fresh = Watched(name, at, at)
        connection.execute(
            insert(watch).values(id=1, server=name, since=fresh.since, seen_to=fresh.seen_to)
        )
        return fresh
    if row.server == name:
        return Watched(name, row.since, row.seen_to)
    if _lives(connection, row.server):
        return None
    connection.execute(update(watch).values(server=name, since=at))
    return Watched(name, at, row.seen_to)


def note_seen(connection: Connection, name: str, at: datetime) -> None:
    """Say that what was found until then is known."""
    connection.execute(update(watch).where(watch.c.server == name).values(seen_to=at))


def _lives(connection: Connection, name: str) -> bool:
    alive = (server.c.name == name, server.c.lost_at.is_(None), server.c.stopped_at.is_(None))
    return connection.execute(select(server.c.name).where(*alive)).first() is not None


# --- what follows ---


def follow(connection: Connection, by: By, business: Business, found: Finding) -> Followed:
    """Keep a finding, and do what its rule says."""
    at = datetime.fromtimestamp(found.at, UTC)
    number = findings.store(connection, at, found)
    if found.action is Action.NOTE:
        return Followed(number, _NOTHING)
    owner = trunks.get(connection, found.trunk) if found.trunk else None
    part = None if owner is None else _suspended(connection, by, owner, found, number)
    count = 0
    if owner is not None and part is not None and found.rule.end_calls:
        count = _end_calls(connection, by, owner, part, number)
    stopped = _NOTHING if part is None else part.part
    _tell(connection, by, business, owner, found, number, stopped)
    return Followed(number, stopped, count)


def _suspended(
    connection: Connection, by: By, owner: Trunk, found: Finding, number: int
) -> Suspension | None:
    """Suspend what the finding asks for; None where it asks for nothing that can be."""
    part = part_of(found, by.at, number)
    if part is None:
        return None
    try:
        stands: int | None = suspensions.suspend(connection, by, owner.name, part)
    except AlreadyExists:  # for another finding; calls that match are ended all the same
        stands = suspensions.standing(connection, by.at, owner.name, part)
    except InvalidInput:  # the trunk has ended
        return None
    if stands is not None:
        findings.tie(connection, number, stands)
    return part


def part_of(found: Finding, at: datetime, number: int = 0) -> Suspension | None:
    """What a finding suspends at that time; None where it asks for nothing that can be."""
    scope = _SCOPES.get(found.action)
    if scope is None:
        return None
    target = {
        SuspensionScope.DESTINATION: found.zone,
        SuspensionScope.CALLER: found.key,
    }.get(scope, "")
    reason = f"finding {number}: {found.sentence}"
    expiry = found.rule.expiry
    ends = None if expiry is None else at + timedelta(seconds=expiry)
    try:
        if scope is SuspensionScope.DESTINATION:
            Target.parse(target)
        return Suspension(scope, reason, SuspensionSource.ANOMALY, target, ends)
    except InvalidInput:  # a call to what nobody can read has no zone
        return None


def _end_calls(connection: Connection, by: By, owner: Trunk, part: Suspension, number: int) -> int:
    """Have the trunk's running calls ended that the suspension would stop."""
    asked = set(connection.execute(select(ending.c.call_id)).scalars())
    rows = [
        {
            "call_id": row.id,
            "server": row.server,
            "uniqueid": row.uniqueid,
            "finding_id": number,
            "at": by.at,
        }
        for row in _running(connection, owner.id)
        if row.id not in asked and is_in(part, row, owner.country)
    ]
    if rows:
        connection.execute(insert(ending), rows)
    return len(rows)


def _running(connection: Connection, trunk_id: int) -> Iterable[AnyRow]:
    """Never an emergency call, nor one of unknown zone or kind, which might be one."""
    rows = connection.execute(
        select(call).where(
            call.c.trunk_id == trunk_id,
            call.c.ended_at.is_(None),
            call.c.verdict == Verdict.ADMITTED,
            call.c.reason != Reason.EMERGENCY,
        )
    )
    return (row for row in rows if row.zone.partition(":")[2] in _MAY_END)


def is_in(part: Suspension, row: AnyRow | Seen, home: str) -> bool:
    """Whether a call, by its row or as the watch sees it, is in a part of the service."""
    is_outbound: bool = row.direction == Direction.OUTBOUND
    match part.scope:
        case SuspensionScope.DESTINATION:
            return is_outbound and Target.parse(part.target).matches(destination_of(row), home)
        case SuspensionScope.CALLER:
            return bool(part.target in {row.caller, row.presented})
        case SuspensionScope.INTERNATIONAL:
            return is_outbound and not destination_of(row).is_domestic(home)
        case SuspensionScope.OUTBOUND:
            return is_outbound
        case SuspensionScope.INBOUND:
            return not is_outbound
        case SuspensionScope.ALL:
            return True


def _tell(  # noqa: PLR0913, PLR0917 - who is told what of which
    connection: Connection,
    by: By,
    business: Business,
    owner: Trunk | None,
    found: Finding,
    number: int,
    stopped: str,
) -> None:
    facts: dict[str, Fact] = {
        "trunk": found.trunk,
        "finding": number,
        "level": found.level.name.lower(),
        "rule": found.rule.name,
        "sentence": found.sentence,
        "stopped": stopped,
    }
    if owner is not None:
        customer = customers.get(connection, owner.customer)
        business.tell(connection, by, customer, NoticeKind.ANOMALY, **facts)
        return
    targets = business.ways.to("")
    notices.tell(connection, by.at, NoticeKind.ANOMALY, {"customer": "", **facts}, targets)


# --- running calls to be ended ---


def to_end(connection: Connection, name: str) -> list[str]:
    """The UniqueIDs of a server's running calls that are to be ended."""
    query = (
        select(ending.c.uniqueid)
        .join(call, call.c.id == ending.c.call_id)
        .where(ending.c.server == name, call.c.ended_at.is_(None))
        .order_by(ending.c.call_id)
    )
    return list(connection.execute(query).scalars())


def forget_ended(connection: Connection, at: datetime) -> None:
    """Forget the wishes of a day ago."""
    connection.execute(delete(ending).where(ending.c.at < at - _ENDINGS_KEPT))


# --- what is usual ---


def keep_profiles(
    connection: Connection, at: datetime, learned: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Keep what is usual for these trunks at that time."""
    ids = dict(connection.execute(select(trunk.c.name, trunk.c.id)).all())
    rows = [
        {"trunk_id": ids[name], "as_of": at, "profile": json.dumps(packed)}
        for name, packed in learned
        if name in ids
    ]
    if rows:
        connection.execute(insert(watch_profile), rows)


def forget_profiles(connection: Connection, before: datetime) -> None:
    """Forget all but the newest that are older than that, and those after them."""
    newest = select(func.max(watch_profile.c.as_of)).where(watch_profile.c.as_of <= before)
    connection.execute(
        delete(watch_profile).where(watch_profile.c.as_of < newest.scalar_subquery())
    )


def profiles_as_of(connection: Connection, before: datetime) -> datetime | None:
    """The time of the newest profiles that are as old as that; None where there are none."""
    query = select(func.max(watch_profile.c.as_of)).where(watch_profile.c.as_of <= before)
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def profiles(connection: Connection, as_of: datetime) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What was usual for each trunk then."""
    query = (
        select(trunk.c.name, watch_profile.c.profile)
        .join(trunk, trunk.c.id == watch_profile.c.trunk_id)
        .where(watch_profile.c.as_of == as_of)
    )
    for row in connection.execute(query):
        yield row.name, json.loads(row.profile)
