"""Sessions of browsers. What a cookie holds is kept as its digest alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from asterisk_siptrunk.account.model import IDLE, LONGEST, Account, Session
from asterisk_siptrunk.database.accounts import ACCOUNT_COLUMNS, account_from_row
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import account, customer, session
from asterisk_siptrunk.errors import NotFound

SEEN_EVERY = timedelta(minutes=5)
"""How exactly it is kept when a session was last used: a page must not cost a write each."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One of an account's sessions, for the list that its owner sees."""

    id: int
    opened_at: datetime
    seen_at: datetime
    address: str
    user_agent: str


def open_one(  # noqa: PLR0913 - what a session is known by
    connection: Connection,
    by: By,
    found: Account,
    *,
    digest: str,
    address: str,
    user_agent: str,
) -> None:
    """Keep a session, and forget those that are over."""
    now = by.at
    over = (session.c.seen_at < now - IDLE) | (session.c.opened_at < now - LONGEST)
    connection.execute(delete(session).where(over))
    moments = {"opened_at": now, "seen_at": now, "confirmed_at": now}
    values = {"account_id": found.id, "digest": digest, **moments}
    values |= {"address": address, "user_agent": user_agent[:200]}
    connection.execute(insert(session).values(values))
    note(connection, by, "account", found.login, f"logged in from {address or 'somewhere'}")


def find(connection: Connection, digest: str, now: datetime) -> Session | None:
    """The session of a cookie; None where it is over, closed, or its account is disabled."""
    query = (
        select(*ACCOUNT_COLUMNS)
        .add_columns(session.c.id.label("session_id"), session.c.opened_at)
        .add_columns(session.c.seen_at, session.c.confirmed_at)
        .select_from(session.join(account).outerjoin(customer))
        .where(session.c.digest == digest, account.c.disabled.is_(False))
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    found = Session(
        id=row.session_id,
        account=account_from_row(row),
        opened_at=row.opened_at,
        seen_at=row.seen_at,
        confirmed_at=row.confirmed_at,
    )
    return None if found.is_over(now) else found


def seen(connection: Connection, found: Session, now: datetime) -> None:
    """Note that a session is in use."""
    connection.execute(update(session).where(session.c.id == found.id).values(seen_at=now))


def confirmed(connection: Connection, found: Session, now: datetime) -> None:
    """Note that the password was given in it again."""
    connection.execute(update(session).where(session.c.id == found.id).values(confirmed_at=now))


def of_account(connection: Connection, found: Account) -> list[OpenSession]:
    """The sessions of an account, the latest first."""
    query = (
        select(session.c.id, session.c.opened_at, session.c.seen_at)
        .add_columns(session.c.address, session.c.user_agent)
        .where(session.c.account_id == found.id)
        .order_by(session.c.seen_at.desc())
    )
    return [OpenSession(*row) for row in connection.execute(query)]


def close_one(connection: Connection, by: By, found: Account, number: int) -> None:
    """Close one of an account's own sessions.

    Raises:
        NotFound: it has none of that number.
    """
    if number not in {one.id for one in of_account(connection, found)}:
        raise NotFound("This session is over already.")
    _close(connection, by, found, session.c.id == number)


def close_others(connection: Connection, by: By, kept: Session) -> int:
    """Close all sessions of an account but one; gives how many there were."""
    return _close(connection, by, kept.account, session.c.id != kept.id)


def _close(connection: Connection, by: By, found: Account, which: ColumnElement[bool]) -> int:
    own = session.c.account_id == found.id
    closed = connection.execute(delete(session).where(own, which)).rowcount
    if closed:
        note(connection, by, "account", found.login, f"sessions closed: {closed}")
    return closed
