"""Notices that wait until they have arrived.

Whoever changes something tells of it in the same transaction: both are kept, or neither. Then the
servers share the work: a claim moves a notice's time ahead by `CLAIM`, so that no other one takes
it, and if its server dies meanwhile it is due again after that. So each arrives once at least.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, insert, select, update

from asterisk_siptrunk.database import audit
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.tables import notice
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.notice.kind import Fact, NoticeKind, facts_of, kind_of
from asterisk_siptrunk.notice.model import Notice, Target, Way

CLAIM = timedelta(minutes=5)
"""What a server has to deliver what it took; clocks of servers may differ by this, less what a
delivery takes at most."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A notice that we are to deliver now; `tries` counts this one, too."""

    notice: Notice
    tries: int


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """How a notice stands.

    Attributes:
        target: an e-mail address, or whose systems a webhook goes to.
        next_at: when it is tried again, if `said_at` does not say that it arrived.
        error: why it did not arrive the last time.
    """

    id: int
    at: datetime
    kind: str
    way: str
    target: str
    tries: int
    next_at: datetime
    said_at: datetime | None
    error: str


LONGEST = timedelta(hours=1)
"""A notice that has waited for longer is overdue: something keeps it from arriving."""


@dataclass(frozen=True, slots=True)
class Overdue:
    """Notices that have waited for long: how many, and why the last one of them did not arrive."""

    count: int
    error: str


_RECORD = (
    *(notice.c.id, notice.c.at, notice.c.kind, notice.c.way, notice.c.target),
    *(notice.c.tries, notice.c.next_at, notice.c.said_at, notice.c.error),
)
_WAITS = notice.c.said_at.is_(None)


def tell(
    connection: Connection,
    at: datetime,
    kind: NoticeKind,
    facts: Mapping[str, Fact | Decimal | date],
    targets: Iterable[Target],
) -> None:
    """Have each target told; `targets` are what `Ways.to` gives for a customer.

    Raises:
        ValueError: the facts are not those of the kind.
    """
    told = {"kind": kind, "facts": json.dumps(facts_of(kind, facts)), "at": at}
    fresh = {"tries": 0, "next_at": at, "error": ""}
    rows = [{"way": one.way, "target": one.address, **told, **fresh} for one in targets]
    if rows:
        connection.execute(insert(notice), rows)


def claim(connection: Connection, way: Way, now: datetime) -> Claimed | None:
    """Take what is due first; whoever takes it has `CLAIM` to deliver it. None: nothing is due.

    What a newer program tells of is left to that one.
    """
    due = (_WAITS, notice.c.next_at <= now, notice.c.way == way)
    known = notice.c.kind.in_([*NoticeKind])
    query = (
        select(notice.c.id, notice.c.kind, notice.c.target, notice.c.facts, notice.c.at)
        .add_columns(notice.c.tries)
        .where(*due, known)
        .order_by(notice.c.next_at, notice.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)  # SQLite needs none: one transaction writes at a time
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    tries = row.tries + 1
    values = {"tries": tries, "next_at": now + CLAIM}
    connection.execute(update(notice).where(notice.c.id == row.id).values(values))
    target, facts = Target(way, row.target), json.loads(row.facts)
    return Claimed(Notice(row.id, kind_of(row.kind), target, facts, row.at), tries)


def delivered(connection: Connection, number: int, at: datetime) -> None:
    """Note that a notice has arrived; the first time counts."""
    values = {"said_at": at, "error": ""}
    connection.execute(update(notice).where(notice.c.id == number, _WAITS).values(values))


def failed(connection: Connection, number: int, error: str, next_at: datetime) -> None:
    """Note that a notice did not arrive, why, and when it is tried again."""
    values = {"error": error, "next_at": next_at}
    connection.execute(update(notice).where(notice.c.id == number, _WAITS).values(values))


def listed(connection: Connection, limit: int, *, arrived: bool = False) -> list[NoticeRecord]:
    """The newest notices that wait, newest first, and on demand those that have arrived, too."""
    query = select(*_RECORD).order_by(notice.c.id.desc()).limit(limit)
    return [
        NoticeRecord(*row)
        for row in connection.execute(query if arrived else query.where(_WAITS)).all()
    ]


def overdue(connection: Connection, before: datetime) -> Overdue | None:
    """What happened before then and is not told yet; None for nothing."""
    old = (_WAITS, notice.c.at < before)
    count = connection.execute(select(func.count()).where(*old)).scalar_one()
    if not count:
        return None
    tried = select(notice.c.error).where(*old).order_by((notice.c.error == ""), notice.c.id.desc())
    return Overdue(count, connection.execute(tried.limit(1)).scalar_one())


def retry(connection: Connection, by: By, number: int, mail_to: str | None = None) -> None:
    """Have a notice tried at once; `mail_to` is another address for a mail.

    Raises:
        NotFound: there is no such notice.
        InvalidInput: it has arrived, or it is no mail.
    """
    query = select(notice.c.way, notice.c.said_at).where(notice.c.id == number).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no notice {number}; 'siptrunk notice list --all' shows them all.")
    if row.said_at is not None:
        raise InvalidInput(f"Notice {number} has arrived: there is nothing to try again.")
    if mail_to is not None and row.way != Way.MAIL:
        raise InvalidInput(f"Notice {number} is no mail: [webhook] url says where it goes.")
    values = {"next_at": by.at} | ({} if mail_to is None else {"target": mail_to})
    connection.execute(update(notice).where(notice.c.id == number).values(values))
    change = "to be tried at once" if mail_to is None else f"to be sent to {mail_to}"
    audit.note(connection, by, "notice", str(number), change)
