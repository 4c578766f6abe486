"""Parts of trunks' service that are stopped, and how they are released."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, true, update

from asterisk_siptrunk.database import findings, trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import finding, suspension, trunk
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource

_STANDS = suspension.c.lifted_at.is_(None)
_RECORDS = select(suspension, trunk.c.name.label("trunk")).join(
    trunk, trunk.c.id == suspension.c.trunk_id
)


@dataclass(frozen=True, slots=True)
class SuspensionRecord:
    """A suspension as it is kept; `findings` are what the watch holds against that part."""

    id: int
    trunk: str
    suspension: Suspension
    author: str
    created_at: datetime
    lifted_at: datetime | None
    findings: tuple[int, ...]


def suspend(connection: Connection, by: By, name: str, new: Suspension) -> int:
    """Stop a part of a trunk's service, from the next admission on; gives its number.

    Raises:
        NotFound: there is none of that name.
        AlreadyExists: that part is suspended.
        InvalidInput: it has ended, or the suspension would be over already.
    """
    found = trunks.in_force(connection, name)
    if not new.holds(by.at):
        raise InvalidInput(f"{new.expires_at:%Y-%m-%d %H:%M %Z} has passed: give a later end.")
    if any(one.holds(by.at) and _same(one, new) for one in found.suspensions):
        raise AlreadyExists(f"Trunk {name} is suspended already ({new.part}).")
    values = {
        "scope": new.scope,
        "target": new.target,
        "source": new.source,
        "reason": new.reason,
        "expires_at": new.expires_at,
    }
    signed = {"author": by.author, "created_at": by.at}
    made = connection.execute(insert(suspension).values(trunk_id=found.id, **values, **signed))
    trunks.touch(connection, found.id)
    until = "" if new.expires_at is None else f" until {new.expires_at:%Y-%m-%d %H:%M %Z}"
    note(connection, by, "trunk", name, f"suspended ({new.part}){until}: {new.reason}")
    return int((made.inserted_primary_key or (0,))[0])


def standing(connection: Connection, at: datetime, name: str, part: Suspension) -> int | None:
    """The number of the suspension of that part that stands, by the same source, if one does."""
    same = [
        one.id
        for one in listed(connection, name)
        if one.suspension.holds(at) and _same(one.suspension, part)
    ]
    return same[0] if same else None


def resume(  # noqa: PLR0913 - each narrows what is lifted
    connection: Connection,
    by: By,
    name: str,
    scope: SuspensionScope | None = None,
    source: SuspensionSource | None = None,
    *,
    target: str = "",
    reason: str = "",
) -> int:
    """Lift a trunk's suspensions: all, or those of a scope, a target, a source.

    Returns:
        How many there were.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: it has ended.
    """
    found = trunks.in_force(connection, name)
    meant: ColumnElement[bool] = suspension.c.trunk_id == found.id
    if scope is not None:
        meant &= suspension.c.scope == scope
    if source is not None:
        meant &= suspension.c.source == source
    if target:
        meant &= suspension.c.target == target
    return _lift(connection, by, _load(connection, meant & _STANDS), reason)


def lift(connection: Connection, by: By, number: int, reason: str = "") -> SuspensionRecord:
    """Lift one suspension by its number; gives it as it was.

    Raises:
        NotFound: there is none of that number.
        InvalidInput: it is lifted already, or its trunk has ended.
    """
    record = get(connection, number)
    if record.lifted_at is not None:
        raise InvalidInput(f"Suspension {number} of trunk {record.trunk} is lifted already.")
    trunks.in_force(connection, record.trunk)
    _lift(connection, by, [record], reason)
    return record


def release(connection: Connection, by: By, number: int, reason: str) -> None:
    """Have pass again what was suspended for a finding, and forgive what it rests on.

    Raises:
        NotFound: there is no such finding.
        InvalidInput: it is released already, or its trunk has ended.
    """
    found = findings.get(connection, number)
    if found.state is findings.FindingState.RELEASED:
        raise InvalidInput(f"Finding {number} is released already, by {found.author}.")
    standing = [one for one in of_finding(connection, number) if one.lifted_at is None]
    for name in {one.trunk for one in standing}:
        trunks.in_force(connection, name)
    _lift(connection, by, standing, reason)
    if not standing:
        findings.release(connection, by, (number,), reason)


def expire(connection: Connection, by: By) -> list[SuspensionRecord]:
    """Close the suspensions whose time is over: they stop no call any more as it is."""
    over = _load(connection, _STANDS & (suspension.c.expires_at <= by.at))
    _close(connection, by, over)
    for one in over:
        note(connection, by, "trunk", one.trunk, f"no longer suspended ({one.suspension.part})")
    return over


def listed(
    connection: Connection, trunk_name: str | None = None, *, lifted: bool = False
) -> list[SuspensionRecord]:
    """Suspensions, newest first: those that stand, and on demand those that are over, too.

    Raises:
        NotFound: there is no such trunk.
    """
    meant: ColumnElement[bool] = true() if lifted else _STANDS
    if trunk_name is not None:
        meant &= suspension.c.trunk_id == trunks.get(connection, trunk_name).id
    return _load(connection, meant)[::-1]


def get(connection: Connection, number: int) -> SuspensionRecord:
    """Find a suspension, one that is over too.

    Raises:
        NotFound: there is none of that number.
    """
    found = find(connection, number)
    if found is None:
        raise NotFound(
            f"There is no suspension {number}; 'siptrunk suspension list' shows those that stand."
        )
    return found


def find(connection: Connection, number: int) -> SuspensionRecord | None:
    """The suspension of that number; None where there is none."""
    return next(iter(_load(connection, suspension.c.id == number)), None)


def of_finding(connection: Connection, number: int) -> list[SuspensionRecord]:
    """What was suspended for a finding, oldest first."""
    tied = select(finding.c.suspension_id).where(finding.c.id == number)
    return _load(connection, suspension.c.id.in_(tied))


def piece(  # noqa: PLR0913 - each narrows it
    connection: Connection,
    of: str | None,
    name: str | None,
    before: int | None,
    limit: int,
    *,
    lifted: bool,
) -> list[SuspensionRecord]:
    """As `listed`: so many, from before a number on, of a customer, of a trunk."""
    wanted = select(suspension.c.id).order_by(suspension.c.id.desc()).limit(limit)
    if not lifted:
        wanted = wanted.where(_STANDS)
    if of is not None:
        wanted = wanted.where(suspension.c.trunk_id.in_(trunks.ids_of(of)))
    if name is not None:
        wanted = wanted.where(suspension.c.trunk_id == trunks.get(connection, name).id)
    if before is not None:
        wanted = wanted.where(suspension.c.id < before)
    return _load(connection, suspension.c.id.in_(wanted))[::-1]


def _same(one: Suspension, other: Suspension) -> bool:
    return (one.scope, one.target, one.source) == (other.scope, other.target, other.source)


def _lift(connection: Connection, by: By, records: Sequence[SuspensionRecord], reason: str) -> int:
    _close(connection, by, records)
    why = f": {reason}" if reason else ""
    for one in records:
        note(connection, by, "trunk", one.trunk, f"resumed ({one.suspension.part}){why}")
    found = [number for one in records for number in one.findings]
    findings.release(connection, by, found, reason)
    return len(records)


def _close(connection: Connection, by: By, records: Sequence[SuspensionRecord]) -> None:
    for one in records:
        where = suspension.c.id == one.id
        connection.execute(update(suspension).where(where).values(lifted_at=by.at))
    for name in sorted({one.trunk for one in records}):
        trunks.touch(connection, trunks.get(connection, name).id)


def _load(connection: Connection, where: ColumnElement[bool]) -> list[SuspensionRecord]:
    rows = connection.execute(_RECORDS.where(where).order_by(suspension.c.id)).all()
    tied = findings.tied_to(connection, select(suspension.c.id).where(where))
    return [_record(row, tuple(tied.get(row.id, ()))) for row in rows]


def _record(row: Row[*tuple[Any, ...]], tied: tuple[int, ...]) -> SuspensionRecord:
    return SuspensionRecord(
        id=row.id,
        trunk=row.trunk,
        suspension=trunks.suspension_from_row(row),
        author=row.author,
        created_at=row.created_at,
        lifted_at=row.lifted_at,
        findings=tied,
    )
