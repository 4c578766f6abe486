"""What the watch over abnormal use found, and what became of it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    select,
    true,
    update,
)

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.rule import Action, Level
from asterisk_siptrunk.database import trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import ending, finding, suspension, trunk
from asterisk_siptrunk.errors import InvalidInput, NotFound


class FindingState(StrEnum):
    """What people did with it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RELEASED = "released"
    """What was stopped for it passes again, and its evidence is forgiven."""


@dataclass(frozen=True, slots=True)
class FindingRecord:
    """A finding as it is kept.

    Attributes:
        trunk: None for all trunks together.
        amount, usual: in the unit of what the rule measures; `basis` is what `usual` rests on.
        window: seconds.
        author: who acknowledged or released it, and `remark` why.
    """

    id: int
    at: datetime
    trunk: str | None
    rule: str
    version: int
    level: str
    key: str
    amount: int
    usual: int | None
    basis: str
    window: int
    sentence: str
    evidence: tuple[int, ...]
    action: Action
    dry_run: bool
    state: FindingState
    author: str
    remark: str
    changed_at: datetime | None


_APART = {"trunk_id", "evidence", "suspension_id"}
_COLUMNS = [column for column in finding.c if column.name not in _APART]
_RECORDS = select(*_COLUMNS, finding.c.evidence, trunk.c.name.label("trunk")).outerjoin(
    trunk, trunk.c.id == finding.c.trunk_id
)


def store(connection: Connection, at: datetime, found: Finding) -> int:
    """Keep a finding of that moment; gives its number."""
    owner = trunks.get(connection, found.trunk).id if found.trunk else None
    values = {
        "at": at,
        "trunk_id": owner,
        "rule": found.rule.name,
        "version": found.rule.version,
        "level": found.level.name.lower(),
        "key": found.key,
        "amount": found.amount,
        "usual": found.usual,
        "basis": found.basis,
        "window": int(found.rule.count.window),
        "sentence": found.sentence,
        "evidence": json.dumps(found.evidence),
        "action": found.action,
        "dry_run": found.rule.dry_run,
        "state": FindingState.OPEN,
    }
    result = connection.execute(insert(finding).values(values))
    return int((result.inserted_primary_key or (0,))[0])


def tie(connection: Connection, number: int, suspension_id: int) -> None:
    """Have a finding be evidence for a suspension: who lifts that forgives it."""
    values = {"suspension_id": suspension_id}
    connection.execute(update(finding).where(finding.c.id == number).values(values))


def tied_to(connection: Connection, suspensions: Select[tuple[int]]) -> dict[int, list[int]]:
    """The findings that are evidence for suspensions, by the number of each."""
    query = (
        select(finding.c.suspension_id, finding.c.id)
        .where(finding.c.suspension_id.in_(suspensions))
        .order_by(finding.c.id)
    )
    found: dict[int, list[int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.suspension_id, []).append(row.id)
    return found


def get(connection: Connection, number: int) -> FindingRecord:
    """Find a finding.

    Raises:
        NotFound: there is none of that number.
    """
    found = find(connection, number)
    if found is None:
        raise NotFound(f"There is no finding {number}; 'siptrunk anomaly list --all' shows them.")
    return found


def find(connection: Connection, number: int) -> FindingRecord | None:
    """The finding of that number; None where there is none."""
    row = connection.execute(_RECORDS.where(finding.c.id == number)).one_or_none()
    return _record(row) if row else None


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings are wanted; None asks for nothing.

    Attributes:
        customer: whose trunks they are of.
        before: those with a smaller number.
        done: those that were acknowledged or released, too.
    """

    trunk: str | None = None
    since: datetime | None = None
    level: Level | None = None
    done: bool = False
    rule: str | None = None
    customer: str | None = None
    before: int | None = None


def listed(connection: Connection, wanted: FindingFilter, limit: int) -> list[FindingRecord]:
    """The newest findings first.

    Raises:
        NotFound: there is no such trunk.
    """
    where: ColumnElement[bool] = true()
    if not wanted.done:
        where &= finding.c.state == FindingState.OPEN
    if wanted.trunk is not None:
        where &= finding.c.trunk_id == trunks.get(connection, wanted.trunk).id
    if wanted.since is not None:
        where &= finding.c.at >= wanted.since
    if wanted.level is not None:
        where &= finding.c.level == wanted.level.name.lower()
    if wanted.rule is not None:
        where &= finding.c.rule == wanted.rule
    if wanted.customer is not None:
        where &= finding.c.trunk_id.in_(trunks.ids_of(wanted.customer))
    if wanted.before is not None:
        where &= finding.c.id < wanted.before
    query = _RECORDS.where(where).order_by(finding.c.id.desc()).limit(limit)
    return [_record(row) for row in connection.execute(query)]


def open_of(connection: Connection, trunk_ids: Collection[int]) -> dict[int, int]:
    """How many findings nobody has seen to yet, by the trunk's id; rules on trial left out."""
    query = (
        select(finding.c.trunk_id, func.count())
        .where(
            finding.c.trunk_id.in_(trunk_ids),
            finding.c.state == FindingState.OPEN,
            finding.c.dry_run.is_(False),
        )
        .group_by(finding.c.trunk_id)
    )
    return {trunk_id: count for trunk_id, count in connection.execute(query)}  # noqa: C416 - rows


def open_by_level(connection: Connection) -> dict[str, int]:
    """How many findings nobody has seen to yet, by their level; rules on trial left out."""
    query = (
        select(finding.c.level, func.count())
        .where(finding.c.state == FindingState.OPEN, finding.c.dry_run.is_(False))
        .group_by(finding.c.level)
    )
    return {level: count for level, count in connection.execute(query)}  # noqa: C416 - rows of two


def acknowledge(connection: Connection, by: By, number: int, remark: str) -> None:
    """Note that somebody has seen to it; what was stopped for it stays so.

    Raises:
        NotFound: there is none of that number.
        InvalidInput: somebody has, already.
    """
    found = get(connection, number)
    if found.state is not FindingState.OPEN:
        raise InvalidInput(f"Finding {number} is {found.state} already, by {found.author}.")
    _close(connection, by, (number,), FindingState.ACKNOWLEDGED, remark)


def release(connection: Connection, by: By, numbers: Collection[int], remark: str) -> None:
    """Note that what was stopped for these passes again: their evidence is forgiven."""
    _close(connection, by, sorted(numbers), FindingState.RELEASED, remark)


def released_since(connection: Connection, since: datetime) -> list[FindingRecord]:
    """Findings that were released then or later, in that order."""
    where = (finding.c.state == FindingState.RELEASED) & (finding.c.changed_at >= since)
    query = _RECORDS.where(where).order_by(finding.c.changed_at, finding.c.id)
    return [_record(row) for row in connection.execute(query)]


FindingKey = tuple[str, str, str]
"""A trunk's name ("" for all together), a rule's, and the key that it spoke of."""


def acted_on(connection: Connection, since: datetime) -> set[FindingKey]:
    """Of which trunks, rules and keys something was found then or later that stopped calls."""
    stops = [action for action in Action if action.stops]
    query = _RECORDS.where(finding.c.at >= since, finding.c.action.in_(stops))
    return {(row.trunk or "", row.rule, row.key) for row in connection.execute(query)}


def count_old(connection: Connection, before: datetime) -> int:
    """How many `forget_old` would forget."""
    query = select(func.count()).select_from(finding).where(_is_old(before))
    return connection.execute(query).scalar_one()


def forget_old(connection: Connection, before: datetime) -> None:
    """Forget what was found before then, and that nobody needs: see `_is_old`."""
    connection.execute(delete(finding).where(_is_old(before)))


def _is_old(before: datetime) -> ColumnElement[bool]:
    """Found before then, and neither open nor evidence for what stands or is being ended."""
    stands = select(suspension.c.id).where(suspension.c.lifted_at.is_(None))
    tied = finding.c.suspension_id
    return (
        (finding.c.at < before)
        & (finding.c.state != FindingState.OPEN)
        & (tied.is_(None) | tied.not_in(stands))
        & finding.c.id.not_in(select(ending.c.finding_id))
    )


def _close(
    connection: Connection, by: By, numbers: Sequence[int], state: FindingState, remark: str
) -> None:
    for number in numbers:
        values = {"state": state, "author": by.author, "remark": remark, "changed_at": by.at}
        connection.execute(update(finding).where(finding.c.id == number).values(values))
        why = f": {remark}" if remark else ""
        note(connection, by, "anomaly", str(number), f"{state}{why}")


def _record(row: Row[*tuple[Any, ...]]) -> FindingRecord:
    values = dict(row._mapping)  # noqa: SLF001 - a row's public mapping
    values["evidence"] = tuple(json.loads(values["evidence"]))
    values["action"] = Action(values["action"])
    values["state"] = FindingState(values["state"])
    return FindingRecord(**values)
