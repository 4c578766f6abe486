"""Who changed what, and when: written in the same transaction as the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, true

from asterisk_siptrunk.database.tables import audit


@dataclass(frozen=True, slots=True)
class By:
    """Who makes a change, and when (UTC)."""

    author: str
    at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change of one thing: `change` says it in words."""

    at: datetime
    author: str
    noun: str
    name: str
    change: str


def note(connection: Connection, by: By, noun: str, name: str, change: str) -> None:
    """Keep a change."""
    connection.execute(
        insert(audit).values(at=by.at, author=by.author, noun=noun, name=name, change=change)
    )


def history(connection: Connection, noun: str, name: str | None = None) -> list[AuditEntry]:
    """All that was ever changed of one thing, or of all things of a noun, newest first."""
    query = (
        select(audit.c.at, audit.c.author, audit.c.noun, audit.c.name, audit.c.change)
        .where(audit.c.noun == noun, true() if name is None else audit.c.name == name)
        .order_by(audit.c.id.desc())
    )
    return [AuditEntry(*row) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which changes are wanted; None asks for nothing. `since` and `until` are half-open."""

    noun: str | None = None
    name: str | None = None
    author: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def piece(
    connection: Connection, wanted: AuditFilter, before: int | None, limit: int
) -> Sequence[tuple[int, AuditEntry]]:
    """So many changes, the newest first, from before an id on; each with its id."""
    query = (
        select(audit.c.id, audit.c.at, audit.c.author, audit.c.noun, audit.c.name, audit.c.change)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    for column in (audit.c.noun, audit.c.name, audit.c.author):
        value = getattr(wanted, column.name)
        if value is not None:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(audit.c.at < wanted.until)
    if before is not None:
        query = query.where(audit.c.id < before)
    return [(row.id, AuditEntry(*row[1:])) for row in connection.execute(query)]
