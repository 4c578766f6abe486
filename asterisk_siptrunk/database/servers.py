"""Signs of life of the servers, and what follows where one gives none."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, fields
from datetime import datetime
from itertools import islice

from sqlalchemy import (
    ColumnElement,
    Connection,
    case,
    delete,
    func,
    insert,
    select,
    type_coerce,
    update,
)

from asterisk_siptrunk.call import Evidence, Verdict, epoch_of
from asterisk_siptrunk.call.lease import WHOLE
from asterisk_siptrunk.call.server import Pulse, ServerRecord, ServerState, Vitals
from asterisk_siptrunk.database import audit
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.tables import UtcDateTime, call, provider, registration, server
from asterisk_siptrunk.errors import InvalidInput, NotFound

_MOST_NAMED = 500  # names in one statement


def beat(
    connection: Connection, name: str, vitals: Vitals, alive: Collection[str], at: datetime
) -> Pulse:
    """Give a sign of life; `alive` are the UniqueIDs of this server's calls, as far as it knows.

    Where it was taken for lost, its calls that live on hold their channels again from now on.
    """
    # Locked before it is read: whoever takes this server for lost in the same moment is seen.
    mine = select(server).where(server.c.name == name).with_for_update()
    own = connection.execute(mine).one_or_none()
    others = (server.c.name != name, server.c.lost_at.is_(None))
    values = asdict(vitals) | {
        "beat_at": at,
        "seen_at": _now(),
        "stopped_at": None,
        "lost_at": None,
    }
    if own is None:
        fresh = {"beat": 1, "config_generation": "", "config_error": ""}
        # Asterisk has whatever was applied before this server was known: nothing is asked of it.
        values |= fresh | {"config_applied": _config_wanted(connection)}
        connection.execute(insert(server).values(name=name, **values))
    else:
        values["beat"] = own.beat + 1
        connection.execute(update(server).where(server.c.name == name).values(values))
    if own is not None and own.lost_at is not None:
        _reopen(connection, name, alive)
        _keep_free(connection)
    wanted = _config_wanted(connection)
    return Pulse(
        others=dict(connection.execute(select(server.c.name, server.c.beat).where(*others)).all()),
        was_lost=own is not None and own.lost_at is not None,
        last_at=None if own is None else own.beat_at,
        config_wanted=wanted,
        config_applied=wanted if own is None else own.config_applied,
    )


def stop(connection: Connection, name: str, at: datetime) -> None:
    """Note that a server's service was stopped in order; its calls go on."""
    connection.execute(update(server).where(server.c.name == name).values(stopped_at=at))


def declare_lost(connection: Connection, name: str, seen: int, at: datetime) -> int | None:
    """Take a server for lost, and its calls with it: their channels are free.

    They end, by estimate, at its last sign of life; `seen` is the number of that.

    Returns:
        How many calls there were; None where it has given another sign, or was declared already.
    """
    here = (server.c.name == name, server.c.beat == seen, server.c.lost_at.is_(None))
    if not connection.execute(update(server).where(*here).values(lost_at=at)).rowcount:
        return None
    last = select(server.c.beat_at).where(server.c.name == name).scalar_subquery()
    closed = connection.execute(
        update(call)
        .where(call.c.server == name, call.c.ended_at.is_(None))
        .values(
            # No earlier than what is known of it.
            ended_at=case(
                (call.c.answered_at > last, call.c.answered_at),
                (call.c.started_at > last, call.c.started_at),
                else_=last,
            ),
            evidence=Evidence.RECONCILED,
        )
    )
    _keep_free(connection)
    return closed.rowcount


def every(connection: Connection) -> Iterator[ServerRecord]:
    """All servers that ever gave a sign of life, by name."""
    held = (
        select(func.count())
        .where(call.c.server == server.c.name, call.c.ended_at.is_(None))
        .scalar_subquery()
    )
    asked = select(
        server,
        _now().label("now"),
        held.label("calls"),
        (server.c.config_applied >= provider.c.config_wanted).label("follows"),
    ).join_from(server, provider, provider.c.id == 1)
    for row in connection.execute(asked.order_by(server.c.name)):
        yield ServerRecord(
            name=row.name,
            beat=row.beat,
            beat_at=row.beat_at,
            seen_at=row.seen_at,
            silent_for=row.now - row.seen_at,
            stopped_at=row.stopped_at,
            lost_at=row.lost_at,
            vitals=Vitals(**{field.name: getattr(row, field.name) for field in fields(Vitals)}),
            config_applied=row.config_applied,
            config_generation=row.config_generation,
            config_error=row.config_error,
            follows=bool(row.follows),
            calls=row.calls,
        )


def remove(connection: Connection, by: By, name: str) -> None:
    """Forget a server that is gone for good: nothing is kept free for it any more.

    Raises:
        NotFound: there is no such server.
        InvalidInput: it lives.
    """
    row = next((one for one in every(connection) if one.name == name), None)
    if row is None:
        raise NotFound(f"There is no server {name!r}; 'siptrunk server list' shows them.")
    if row.state is ServerState.SERVING:
        raise InvalidInput(f"Server {name!r} gives signs of life: stop its service first.")
    if row.lost_at is None:
        declare_lost(connection, name, row.beat, by.at)
    connection.execute(delete(registration).where(registration.c.server == name))
    connection.execute(delete(server).where(server.c.name == name))
    _keep_free(connection)
    audit.note(connection, by, "server", name, "removed")


def _now() -> ColumnElement[datetime]:
    """What time it is by the database's clock."""
    return type_coerce(func.now(), UtcDateTime())


def _config_wanted(connection: Connection) -> int:
    return int(connection.execute(select(provider.c.config_wanted)).scalar_one())


def _reopen(connection: Connection, name: str, alive: Collection[str]) -> None:
    left = iter(alive)
    while some := list(islice(left, _MOST_NAMED)):
        connection.execute(
            update(call)
            .where(
                call.c.server == name,
                call.c.uniqueid.in_(some),
                call.c.epoch.in_([epoch_of(uniqueid) for uniqueid in some]),
                call.c.verdict == Verdict.ADMITTED,
                call.c.evidence == Evidence.RECONCILED,
            )
            .values(ended_at=None, hangup_cause=None, evidence=None)
        )


def _keep_free(connection: Connection) -> None:
    """Have admissions leave free what lost servers may use alone.

    One that goes by the whole limit alone takes itself for the only one: nothing could be left.
    """
    lost = select(func.coalesce(func.sum(server.c.share), 0)).where(
        server.c.lost_at.is_not(None), server.c.share < WHOLE
    )
    connection.execute(update(provider).values(kept=lost.scalar_subquery()))
