"""Sessions of browsers. What a cookie holds is kept as its digest alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from asterisk_siptrunk.account.model import IDLE, LONGEST, Account, Session
from asterisk_siptrunk.database.accounts import ACCOUNT_COLUMNS, account_from_row
from asterisk_siptrunk.database.tables import account, customer, session

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
    found: Account,
    *,
    digest: str,
    address: str,
    user_agent: str,
    now: datetime,
) -> None:
    """Keep a session, and forget those that are over."""
    over = (session.c.seen_at < now - IDLE) | (session.c.opened_at < now - LONGEST)
    connection.execute(delete(session).where(over))
    moments = {"opened_at": now, "seen_at": now, "confirmed_at": now}
    values = {"account_id": found.id, "digest": digest, **moments}
    values |= {"address": address, "user_agent": user_agent[:200]}
    connection.execute(insert(session).values(values))


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


def close(connection: Connection, digest: str) -> None:
    """Log out."""
    connection.execute(delete(session).where(session.c.digest == digest))


def of_account(connection: Connection, found: Account) -> list[OpenSession]:
    """The sessions of an account, the latest first."""
    query = (
        select(session.c.id, session.c.opened_at, session.c.seen_at)
        .add_columns(session.c.address, session.c.user_agent)
        .where(session.c.account_id == found.id)
        .order_by(session.c.seen_at.desc())
    )
    return [OpenSession(*row) for row in connection.execute(query)]


def close_one(connection: Connection, found: Account, number: int) -> None:
    """Close one of an account's own sessions; any other number closes none."""
    own = (session.c.id == number, session.c.account_id == found.id)
    connection.execute(delete(session).where(*own))
