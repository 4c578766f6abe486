"""Who changed what, and when: written in the same transaction as the change."""

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
