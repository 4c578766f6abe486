"""Answers that are told again to whoever asks the same again: draft-ietf-httpapi-idempotency-key.

An answer is kept in the transaction of what it tells of: both are there, or neither. So what was
refused may be asked again, and what was done is done once, however often its answer gets lost.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from asterisk_siptrunk.database.tables import answered
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be done once.

    Attributes:
        key: what the client calls it; another token's is another.
        fingerprint: a digest of all that it asks.
    """

    token: int
    key: str
    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    status: int
    body: str


def claim(connection: Connection, asked: Asked) -> Answer | None:
    """Keep others from doing the same until this transaction ends; gives what was answered before.

    Raises:
        AlreadyExists: it is being done in this moment.
        InvalidInput: the key was given to another request.
    """
    if not _lock(connection, asked):
        raise AlreadyExists("The same request is under way: ask again when it has been answered.")
    mine = (answered.c.token_id == asked.token, answered.c.key == asked.key)
    query = select(answered.c.fingerprint, answered.c.status, answered.c.body)
    fresh = answered.c.at > asked.at - KEPT
    row = connection.execute(query.where(*mine, fresh)).one_or_none()
    if row is None:
        connection.execute(delete(answered).where(*mine))
        return None
    if row.fingerprint != asked.fingerprint:
        raise InvalidInput(
            "This Idempotency-Key was given to another request: each one needs a key of its own."
        )
    return Answer(row.status, row.body)


def _lock(connection: Connection, asked: Asked) -> bool:
    """SQLite has one transaction that writes at a time: whoever comes second sees the answer."""
    if connection.dialect.name == "sqlite":
        return True
    word = f"siptrunk answer {asked.token} {asked.key}"
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(word, 0))
    return bool(connection.execute(select(lock)).scalar_one())


def keep(connection: Connection, asked: Asked, answer: Answer) -> None:
    """Keep what was answered."""
    connection.execute(
        insert(answered).values(
            token_id=asked.token,
            key=asked.key,
            fingerprint=asked.fingerprint,
            status=answer.status,
            body=answer.body,
            at=asked.at,
        )
    )


def forget(connection: Connection, now: datetime) -> None:
    """Forget answers that nobody asks for any more."""
    connection.execute(delete(answered).where(answered.c.at <= now - KEPT))
