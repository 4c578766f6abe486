"""What the witnesses tell of calls, noted on the rows of one server."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from asterisk_siptrunk.call import (
    Answered,
    CallChange,
    Contact,
    Direction,
    Ended,
    Evidence,
    LiveChannel,
    OpenCall,
    Reason,
    RegistrationChange,
    Ringing,
    Spoken,
    Verdict,
    Via,
    reason_of,
)
from asterisk_siptrunk.call.memory import Held
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database.call_row import LONGEST_NUMBER, held_by
from asterisk_siptrunk.database.identity import THIS_CALL, this_call
from asterisk_siptrunk.database.prepared import Prepared, stored
from asterisk_siptrunk.database.tables import call, carrier, journal_position, registration, trunk
from asterisk_siptrunk.destination import normalise

_AWAY_REASONS = frozenset(
    {Reason.AWAY_ADMITTED, Reason.AWAY_REFUSED, Reason.AWAY_FULL, Reason.EMERGENCY}
)

_IS_OPEN = call.c.ended_at.is_(None)
_RINGING = Prepared(
    update(call)
    .where(*THIS_CALL, _IS_OPEN, call.c.ringing_at.is_(None))
    .values(ringing_at=bindparam("at"))
)
_ANSWERED = Prepared(
    update(call)
    .where(*THIS_CALL, _IS_OPEN, call.c.answered_at.is_(None))
    .values(answered_at=bindparam("at"))
)
_SPOKEN = Prepared(
    update(call)
    .where(*THIS_CALL, call.c.verdict == Verdict.ADMITTED.value)
    .values(codec=bindparam("codec"))
)
_ENDED = Prepared(
    update(call)
    .where(*THIS_CALL, _IS_OPEN | (call.c.evidence == Evidence.RECONCILED.value))
    .values(
        ended_at=bindparam("at"),
        hangup_cause=bindparam("cause"),
        evidence=Evidence.AMI.value,
    )
)
# What the journal says of a call during which the clock was set is wrong, and may have come first.
_ENDED_STEADY = Prepared(
    update(call)
    .where(*THIS_CALL, _IS_OPEN | (call.c.evidence != Evidence.AMI.value))
    .values(
        ended_at=bindparam("at"),
        hangup_cause=bindparam("cause"),
        evidence=Evidence.STEADY.value,
    )
)
# The journal tells no cause, and may be read before the event comes.
_CAUSE = Prepared(
    update(call)
    .where(*THIS_CALL, call.c.evidence == Evidence.JOURNAL.value, call.c.hangup_cause.is_(None))
    .values(hangup_cause=bindparam("cause"))
)
_KNOWN = Prepared(select(call.c.evidence, call.c.via, call.c.dialled).where(*THIS_CALL))
# Asterisk's event and its journal tell of an answer within milliseconds of each other.
_CLOSE = timedelta(seconds=0.5)
_ANSWERED_EARLIER = Prepared(
    update(call)
    .where(
        *THIS_CALL,
        call.c.answered_at.is_(None) | (call.c.answered_at > bindparam("later")),
        call.c.verdict == Verdict.ADMITTED.value,
    )
    .values(answered_at=bindparam("at"))
)


def apply(connection: Connection, server: str, changes: Sequence[CallChange]) -> int:
    """Note changes in their order, see `UsageStore.apply`; gives how many rows that ended."""
    ended = 0
    for change in changes:
        of_call = this_call(server, change.uniqueid)
        match change:
            case Spoken(codec=codec):
                _SPOKEN.change(connection, {**of_call, "codec": codec})
            case Ended(at=at, cause=cause, clock_was_set=clock_was_set):
                values = {"at": stored(connection, at), "cause": cause}
                by_clock = _ENDED_STEADY if clock_was_set else _ENDED
                if by_clock.change(connection, of_call | values):
                    ended += 1
                else:
                    _CAUSE.change(connection, {**of_call, "cause": cause})
            case Ringing(at=at):
                _RINGING.change(connection, {**of_call, "at": stored(connection, at)})
            case Answered(at=at):
                _ANSWERED.change(connection, {**of_call, "at": stored(connection, at)})
    return ended


def open_calls(connection: Connection, server: str) -> list[tuple[OpenCall, Held]]:
    """All rows of a server that have no end, and what each of these calls holds."""
    return [
        (OpenCall(row.uniqueid, row.started_at, row.answered_at is not None), held_by(row))
        for row in connection.execute(select(call).where(call.c.server == server, _IS_OPEN))
    ]


def close_gone(connection: Connection, server: str, ends: Mapping[str, datetime]) -> int:
    """Close rows whose channel is gone, each with its estimated end; gives how many were open."""
    closed = 0
    for uniqueid, at in ends.items():
        closed += connection.execute(
            update(call)
            .where(*THIS_CALL, _IS_OPEN)
            .values(ended_at=at, evidence=Evidence.RECONCILED),
            this_call(server, uniqueid),
        ).rowcount
    return closed


def adopt(
    connection: Connection, server: str, channels: Iterable[LiveChannel], at: datetime
) -> None:
    """Have an open row for each of these living calls; see `UsageStore.adopt`."""
    ids = _Ids(connection)
    for channel in channels:
        row = _row_of(connection, server, channel.uniqueid)
        if row is None:
            connection.execute(insert(call).values(_adopted(server, channel, at, ids)))
        elif row.verdict == Verdict.ADMITTED and row.ended_at is not None:
            connection.execute(
                update(call)
                .where(*THIS_CALL)
                .values(ended_at=None, hangup_cause=None, evidence=None),
                this_call(server, channel.uniqueid),
            )


def position(connection: Connection, server: str) -> JournalPosition | None:
    """How far the journal of a server was recorded."""
    query = select(journal_position.c.inode, journal_position.c.offset)
    row = connection.execute(query.where(journal_position.c.server == server)).one_or_none()
    return JournalPosition(*row) if row else None


def record_journal(
    connection: Connection, server: str, calls: Iterable[JournalCall], position: JournalPosition
) -> int:
    """Record what the journal says, and how far it was read; see `UsageStore.record_journal`.

    Returns:
        How many calls ended by it: that had no row, no end, or one that was only estimated.
    """
    ended = 0
    ids = _Ids(connection)
    for one in calls:
        known = _KNOWN.run(connection, this_call(server, one.uniqueid))
        if not known:
            connection.execute(insert(call).values(_journalled(server, one, ids)))
            ended += 1
            continue
        evidence, via, dialled = known[0]
        if via == Via.AWAY and not dialled:
            _complete(connection, server, one, ids)
        if evidence == Evidence.AMI:
            _correct_answer(connection, server, one)
        elif evidence not in {Evidence.ADMISSION, Evidence.STEADY}:
            _set_exact_times(connection, server, one, ids)
            ended += evidence != Evidence.JOURNAL
        elif evidence == Evidence.ADMISSION and one.reason in _AWAY_REASONS:
            # Our refusal came too late to be heard: the dialplan decided, and this is what it did.
            _overrule(connection, server, one, ids)
    connection.execute(delete(journal_position).where(journal_position.c.server == server))
    connection.execute(
        insert(journal_position).values(server=server, inode=position.inode, offset=position.offset)
    )
    return ended


def _complete(connection: Connection, server: str, one: JournalCall, ids: "_Ids") -> None:
    """Say what a call was that had only been seen alive: the dialplan noted it in the journal."""
    told = _journalled(server, one, ids)
    kept = ("verdict", "reason", "carrier_id", "caller", "presented", "dialled", "callee", "zone")
    connection.execute(
        update(call).where(*THIS_CALL).values({key: told[key] for key in kept}),
        this_call(server, one.uniqueid),
    )


def _correct_answer(connection: Connection, server: str, one: JournalCall) -> None:
    """Put the answer right where nobody listened when it came, and a later look told of it."""
    if one.answered_at is None:
        return
    values = this_call(server, one.uniqueid) | {
        "at": stored(connection, one.answered_at),
        "later": stored(connection, one.answered_at + _CLOSE),
    }
    _ANSWERED_EARLIER.change(connection, values)


def _set_exact_times(connection: Connection, server: str, one: JournalCall, ids: "_Ids") -> None:
    row = _row_of(connection, server, one.uniqueid)
    values = _exact_times(row, one)
    if row.via == Via.AWAY and row.answered_at is None and one.answered_at is not None:
        # Its lines came in two readings, and this one tells who carried it.
        values["carrier_id"] = ids.carrier(one.carrier)
    connection.execute(
        update(call).where(*THIS_CALL).values(values), this_call(server, one.uniqueid)
    )


def _overrule(connection: Connection, server: str, one: JournalCall, ids: "_Ids") -> None:
    told = _journalled(server, one, ids)
    kept = ("verdict", "reason", "via", "answered_at", "ended_at", "hangup_cause", "evidence")
    connection.execute(
        update(call).where(*THIS_CALL).values({key: told[key] for key in kept}),
        this_call(server, one.uniqueid),
    )


def registered(connection: Connection, server: str) -> list[Contact]:
    """The PBXs that are registered at a server, as far as is known."""
    rows = connection.execute(
        select(trunk.c.name, registration.c.contact, registration.c.user_agent)
        .join(trunk, trunk.c.id == registration.c.trunk_id)
        .where(registration.c.server == server, registration.c.registered)
    )
    return [Contact(*row) for row in rows]


def note_registrations(
    connection: Connection, server: str, changes: Iterable[RegistrationChange]
) -> None:
    """Note whether PBXs are registered at a server; see `UsageStore.registrations`."""
    for change in changes:
        _note_registration(connection, server, change)


def _note_registration(connection: Connection, server: str, change: RegistrationChange) -> None:
    here = (registration.c.trunk_id == trunk.c.id) & (registration.c.server == server)
    row = connection.execute(
        select(trunk.c.id, registration)
        .outerjoin(registration, here)
        .where(trunk.c.name == change.trunk)
    ).one_or_none()
    if row is None:
        return
    stays = row.registered and change.registered and row.contact == change.contact
    values = {
        "registered": change.registered,
        "contact": change.contact if change.registered else "",
        "user_agent": change.user_agent,
        "changed_at": row.changed_at if stays else change.at,
    }
    if row.trunk_id is None:
        connection.execute(insert(registration).values(**values, trunk_id=row.id, server=server))
    elif not _is_known(row, change):
        where = (registration.c.trunk_id == row.id, registration.c.server == server)
        connection.execute(update(registration).where(*where).values(values))


def _is_known(row: Any, change: RegistrationChange) -> bool:  # noqa: ANN401 - a row
    """Whether it says what stands there, or that a PBX went from where it is no more."""
    elsewhere = row.contact != change.contact
    if change.registered:
        same_name = change.user_agent in {"", row.user_agent}
        return bool(row.registered and not elsewhere and same_name)
    return not row.registered or bool(change.contact and elsewhere)


class _Ids:
    """Keys of trunks and carriers by their names, each looked up once in a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, str], Any] = {}

    def trunk(self, name: str) -> int | None:
        return self._find(trunk, name)

    def country(self, name: str) -> str:
        """A trunk's country, "" where there is no such trunk."""
        query = select(trunk.c.country).where(trunk.c.name == name)
        return self._connection.execute(query).scalar_one_or_none() or ""

    def carrier(self, name: str) -> int | None:
        return self._find(carrier, name)

    def _find(self, table: Any, name: str) -> int | None:  # noqa: ANN401 - one of two tables
        key = (table.name, name)
        if key not in self._known:
            query = select(table.c.id).where(table.c.name == name)
            self._known[key] = self._connection.execute(query).scalar_one_or_none()
        return self._known[key]  # type: ignore[no-any-return] # an id, or None


def _row_of(connection: Connection, server: str, uniqueid: str) -> Any:  # noqa: ANN401 - a row
    query = select(call).where(*THIS_CALL)
    return connection.execute(query, this_call(server, uniqueid)).one_or_none()


def _adopted(server: str, channel: LiveChannel, at: datetime, ids: _Ids) -> dict[str, Any]:
    started = at - channel.age
    return _bare_row(server, channel.uniqueid, channel.direction) | {
        **_callee(channel.dialled, ids.country(channel.trunk)),
        "trunk_id": ids.trunk(channel.trunk),
        "carrier_id": ids.carrier(channel.carrier),
        "presented": channel.caller[:LONGEST_NUMBER],
        "caller": channel.caller[:LONGEST_NUMBER],
        "verdict": Verdict.ADMITTED,
        "reason": Reason.AWAY_ADMITTED,
        "facts": "seen alive in Asterisk without a record of ours",
        "started_at": started,
        # When it was answered nobody saw; the journal will tell once it ends.
        "answered_at": at if channel.up else None,
    }


def _journalled(server: str, one: JournalCall, ids: _Ids) -> dict[str, Any]:
    reason = _reason(one)
    return _bare_row(server, one.uniqueid, one.direction) | {
        **_callee(one.dialled, ids.country(one.trunk)),
        "trunk_id": ids.trunk(one.trunk),
        "carrier_id": ids.carrier(one.carrier),
        "presented": one.caller[:LONGEST_NUMBER],
        "caller": one.caller[:LONGEST_NUMBER],
        "verdict": Verdict.REFUSED if reason.cause else Verdict.ADMITTED,
        "reason": reason,
        "facts": "read in Asterisk's call journal",
        "started_at": one.started_at,
        "answered_at": one.answered_at,
        "ended_at": one.ended_at,
        "hangup_cause": int(reason.cause) if reason.cause else None,
        "evidence": Evidence.JOURNAL,
    }


def _bare_row(server: str, uniqueid: str, direction: Direction) -> dict[str, Any]:
    return {
        "server": server,
        "uniqueid": uniqueid,
        "sip_call_id": "",
        "direction": direction,
        "withheld": False,
        "via": Via.AWAY,
        "user_agent": "",
        "codec": "",
    }


def _callee(dialled: str, country: str) -> dict[str, str]:
    callee = normalise(dialled, country) if country else None
    return {
        "dialled": dialled[:LONGEST_NUMBER],
        "callee": callee.number if callee else "",
        "zone": callee.zone if callee else "",
    }


def _reason(one: JournalCall) -> Reason:
    """The reason that the dialplan noted; the field comes from the network's side, so only ours."""
    if one.reason in _AWAY_REASONS:
        return reason_of(one.reason)
    return Reason.AWAY_ADMITTED if one.carrier or one.answered_at else Reason.AWAY_REFUSED


def _exact_times(row: Any, one: JournalCall) -> dict[str, Any]:  # noqa: ANN401 - a row
    """The journal's times; where it was read before, the span of both readings."""
    if row.evidence != Evidence.JOURNAL:
        return {
            "answered_at": one.answered_at,
            "ended_at": one.ended_at,
            "evidence": Evidence.JOURNAL,
        }
    answers = [at for at in (row.answered_at, one.answered_at) if at is not None]
    return {
        "started_at": min(row.started_at, one.started_at),
        "answered_at": min(answers, default=None),
        "ended_at": max(row.ended_at, one.ended_at),
    }
