"""Admission: check and take in one transaction.

The trunk's row is locked first (SQLite's BEGIN IMMEDIATE locks the whole file; PostgreSQL's
SELECT ... FOR UPDATE that row), then the open calls are counted, then the call's own row is
written. So of two calls that ask at once for the last channel exactly one gets it, whichever
process or server they came in by. The same call asking twice gets its first answer.

Nothing here catches a database that is away: the caller hears of it, the AGI session ends
without a verdict, and the dialplan goes on by its own rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from asterisk_siptrunk.call import (
    Admit,
    Attempt,
    Chance,
    Decision,
    Direction,
    Evidence,
    Load,
    Pace,
    Reason,
    Refuse,
    Terms,
    Verdict,
    Via,
    Way,
    decide,
    decide_unknown,
    epoch_of,
    full,
    order,
    reason_of,
    with_room,
)
from asterisk_siptrunk.database.engine import identity
from asterisk_siptrunk.database.identity import IDENTITY, THIS_CALL, this_call
from asterisk_siptrunk.database.prepared import Prepared, stored
from asterisk_siptrunk.database.tables import call, carrier, number, provider, trunk
from asterisk_siptrunk.database.terms import TermsMemory, in_service
from asterisk_siptrunk.destination import Destination, Kind, normalise
from asterisk_siptrunk.trunk import Carrier, Trunk

AnyRow = Row[*tuple[Any, ...]]

_LONGEST_NUMBER = 40
_LONGEST_CALL_ID = 256
_LONGEST_AGENT = 128


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision that has been stored.

    Attributes:
        terms: the trunk's, None where the call belongs to no trunk.
        carrier: the one to put the call to first; None for inbound calls and refused ones.
    """

    decision: Decision
    terms: Terms | None
    carrier: Carrier | None


_TRUNK = select(
    trunk.c.id,
    trunk.c.name,
    trunk.c.version,
    trunk.c.pace_tokens,
    trunk.c.pace_at,
).with_for_update(of=trunk)
_SHARED_VERSION = Prepared(select(provider.c.version))
_TRUNK_BY_NAME = Prepared(_TRUNK.where(trunk.c.name == bindparam("entry")))
_TRUNK_BY_NUMBER = Prepared(
    _TRUNK.join(number, number.c.trunk_id == trunk.c.id).where(
        number.c.e164 == bindparam("dialled")
    )
)
_IN_USE = Prepared(
    select(call.c.direction, func.count())
    .where(call.c.trunk_id == bindparam("trunk"), call.c.ended_at.is_(None))
    .group_by(call.c.direction)
)
_KEEP_PACE = Prepared(
    update(trunk)
    .where(trunk.c.id == bindparam("trunk"))
    .values(pace_tokens=bindparam("tokens"), pace_at=bindparam("at"))
)


_WRITTEN = (
    "server",
    "uniqueid",
    "epoch",
    "sip_call_id",
    "trunk_id",
    "carrier_id",
    "tried",
    "direction",
    "caller",
    "presented",
    "withheld",
    "dialled",
    "callee",
    "zone",
    "verdict",
    "reason",
    "facts",
    "via",
    "user_agent",
    "codec",
    "started_at",
    "ended_at",
    "hangup_cause",
    "evidence",
)
_VALUES: dict[str, Any] = {name: bindparam(name) for name in _WRITTEN}
_INSERT_ONCE = Prepared(
    {
        "sqlite": sqlite.insert(call).values(_VALUES).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(call).values(_VALUES).on_conflict_do_nothing(),
    }
)


_OPEN = Prepared(select(call.c.id).where(*THIS_CALL, call.c.ended_at.is_(None)))
_TAKE_OVER = Prepared(
    update(call)
    .where(*THIS_CALL)
    .values({name: bindparam(name) for name in _WRITTEN if name not in IDENTITY})
)


class Admission:
    """Decides on calls against one database; each method wants a transaction of its own.

    `country` is the provider's, for calls that belong to no trunk; `via` says in the rows who
    decided.
    """

    def __init__(self, country: str, chance: Chance, via: Via) -> None:
        self._country = country
        self._chance = chance
        self._via = via
        self._memory = TermsMemory()

    def admit(self, connection: Connection, attempt: Attempt) -> Ruling:
        """Admit or refuse a call, and write its row."""
        shared = _shared_version(connection)
        memory = self._memory.of(identity(connection.engine))
        everyone = memory.carriers(connection, shared)
        asked = self._readable(attempt, everyone)
        row = _lock_trunk(connection, asked)
        if row is None:
            decision = decide_unknown(asked, self._country, in_service(everyone), self._chance)
            return self._store(connection, attempt, None, decision, everyone)
        terms = memory.terms(connection, row.id, row.name, (row.version, shared))
        pace = _pace(attempt, terms.trunk, row)
        decision = decide(asked, terms, _load(connection, terms, pace), self._chance)
        if pace is not None and isinstance(decision, Admit):
            kept = pace.less_one()
            values = {"trunk": row.id, "tokens": kept.tokens, "at": kept.at}
            _KEEP_PACE.change(connection, values)
        return self._store(connection, attempt, terms, decision, everyone)

    def is_open(self, connection: Connection, server: str, uniqueid: str) -> bool:
        """Whether this call has a row without an end."""
        return bool(_OPEN.run(connection, this_call(server, uniqueid)))

    def reroute(self, connection: Connection, server: str, uniqueid: str) -> Way | None:
        """Put an admitted call that its carrier failed to the next one; None if there is none.

        A carrier's limit holds here too, except for emergency calls.
        """
        query = select(call).where(*THIS_CALL, call.c.ended_at.is_(None)).with_for_update()
        row = connection.execute(query, this_call(server, uniqueid)).one_or_none()
        if row is None or row.carrier_id is None:
            return None
        tried = {*map(int, row.tried.split()), row.carrier_id}
        memory = self._memory.of(identity(connection.engine))
        everyone = memory.carriers(connection, _shared_version(connection))
        left = tuple(one for one in in_service(everyone) if one.id not in tried)
        if row.reason != Reason.EMERGENCY:
            left = with_room(left, _carrier_load(connection, left))
        if not left:
            return None
        chosen = order(left, self._chance)[0]
        values = {"carrier_id": chosen.id, "tried": " ".join(map(str, sorted(tried)))}
        connection.execute(
            update(call).where(*THIS_CALL).values(values), this_call(server, uniqueid)
        )
        return Way(chosen, _destination(row), row.caller)

    def _readable(self, attempt: Attempt, everyone: Iterable[Carrier]) -> Attempt:
        """The attempt, an inbound number in E.164: carriers write it in their country's way."""
        if attempt.direction is Direction.OUTBOUND:
            return attempt
        country = next((one.country for one in everyone if one.name == attempt.entry), None)
        callee = normalise(attempt.dialled, country or self._country)
        return attempt if callee is None else replace(attempt, dialled=callee.number)

    def _store(
        self,
        connection: Connection,
        attempt: Attempt,
        terms: Terms | None,
        decision: Decision,
        everyone: Iterable[Carrier],
    ) -> Ruling:
        chosen = _carrier_of(attempt, decision, everyone)
        values = _row(attempt, terms, decision) | {
            "via": self._via,
            "carrier_id": chosen.id if chosen else None,
            "started_at": stored(connection, attempt.at),
        }
        if isinstance(decision, Refuse):
            # A refused call is born ended: it never holds a channel.
            values["ended_at"] = values["started_at"]
        if _INSERT_ONCE.change(connection, values):
            return Ruling(decision, terms, chosen)
        again = _first_answer(connection, attempt, terms, everyone)
        if again is not None:
            return again
        _take_over(connection, values)
        return Ruling(decision, terms, chosen)


class _TrunkRow(NamedTuple):
    """What the lock on a trunk's row brings along."""

    id: int
    name: str
    version: int
    pace_tokens: float | None
    pace_at: float | None


def _shared_version(connection: Connection) -> int:
    ((version,),) = _SHARED_VERSION.run(connection, {})
    return int(version)


def _lock_trunk(connection: Connection, attempt: Attempt) -> _TrunkRow | None:
    if attempt.direction is Direction.OUTBOUND:
        rows = _TRUNK_BY_NAME.run(connection, {"entry": attempt.entry})
    else:
        rows = _TRUNK_BY_NUMBER.run(connection, {"dialled": attempt.dialled})
    return _TrunkRow(*rows[0]) if rows else None


def _pace(attempt: Attempt, of_trunk: Trunk, row: _TrunkRow) -> Pace | None:
    if of_trunk.calls_per_second is None:
        return None
    now = attempt.at.timestamp()
    if row.pace_tokens is None or row.pace_at is None:
        return full(of_trunk.calls_per_second, now)
    return Pace(row.pace_tokens, row.pace_at).refilled(of_trunk.calls_per_second, now)


def _load(connection: Connection, terms: Terms, pace: Pace | None) -> Load:
    in_use = dict(_IN_USE.run(connection, {"trunk": terms.trunk.id}))
    return Load(
        outbound=in_use.get(Direction.OUTBOUND, 0),
        inbound=in_use.get(Direction.INBOUND, 0),
        tokens=None if pace is None else pace.tokens,
        carriers=_carrier_load(connection, terms.carriers),
    )


def _carrier_load(connection: Connection, carriers: Iterable[Carrier]) -> dict[int, int]:
    """Open calls of each carrier that has a limit; on PostgreSQL its row is locked first."""
    limited = sorted(one.id for one in carriers if one.channels is not None)
    if not limited:
        return {}
    # In the order of their ids, so that two admissions never wait for each other.
    lock = select(carrier.c.id).where(carrier.c.id.in_(limited)).order_by(carrier.c.id)
    connection.execute(lock.with_for_update())
    counted = connection.execute(
        select(call.c.carrier_id, func.count())
        .where(call.c.carrier_id.in_(limited), call.c.ended_at.is_(None))
        .group_by(call.c.carrier_id)
    )
    return {carrier_id: count for carrier_id, count in counted}  # noqa: C416 - rows of two


def _carrier_of(
    attempt: Attempt, decision: Decision, everyone: Iterable[Carrier]
) -> Carrier | None:
    """The carrier whose channel the call takes: where it goes, or where it came from."""
    if attempt.direction is Direction.INBOUND:
        return next((one for one in everyone if one.name == attempt.entry), None)
    if isinstance(decision, Admit) and decision.carriers:
        return decision.carriers[0]
    return None


def _row(attempt: Attempt, terms: Terms | None, decision: Decision) -> dict[str, Any]:
    refused = isinstance(decision, Refuse)
    callee = decision.callee
    return {
        "server": attempt.server,
        "uniqueid": attempt.uniqueid,
        "epoch": epoch_of(attempt.uniqueid),
        "sip_call_id": attempt.sip_call_id[:_LONGEST_CALL_ID],
        "trunk_id": terms.trunk.id if terms else None,
        "direction": attempt.direction,
        "caller": decision.caller[:_LONGEST_NUMBER] if isinstance(decision, Admit) else "",
        "presented": attempt.caller[:_LONGEST_NUMBER],
        "withheld": attempt.withheld,
        "dialled": attempt.dialled[:_LONGEST_NUMBER],
        "callee": callee.number if callee else "",
        "zone": callee.zone if callee else "",
        "verdict": Verdict.REFUSED if refused else Verdict.ADMITTED,
        "reason": decision.reason,
        "facts": decision.facts,
        "user_agent": attempt.user_agent[:_LONGEST_AGENT],
        "tried": "",
        "codec": "",
        "ended_at": None,
        "hangup_cause": int(decision.reason.cause) if decision.reason.cause else None,
        "evidence": Evidence.ADMISSION if refused else None,
    }


def _first_answer(
    connection: Connection, attempt: Attempt, terms: Terms | None, everyone: Iterable[Carrier]
) -> Ruling | None:
    """What this call was told when it asked before; None where it now asks for another number."""
    of_call = this_call(attempt.server, attempt.uniqueid)
    row = connection.execute(select(call).where(*THIS_CALL), of_call).one()
    asked = attempt.direction, attempt.dialled[:_LONGEST_NUMBER]
    if (row.direction, row.dialled) != asked:
        return None
    reason = reason_of(row.reason)
    if row.verdict == Verdict.REFUSED:
        return Ruling(Refuse(reason, facts=row.facts), terms, None)
    chosen = next((one for one in everyone if one.id == row.carrier_id), None)
    carriers = () if chosen is None else (chosen,)
    return Ruling(Admit(reason, _destination(row), row.caller, carriers, row.facts), terms, chosen)


def _destination(row: AnyRow) -> Destination:
    country, _, kind = row.zone.partition(":")
    return Destination(row.callee, country.upper(), Kind(kind))


def _take_over(connection: Connection, values: Mapping[str, Any]) -> None:
    """Let a channel's row stand for the call that it makes now.

    A phone of this server may be sent on, and its channel, the same one, asks for another number:
    one channel holds one channel, and the last call of it is what it carries.
    """
    of_call = this_call(values["server"], values["uniqueid"])
    _TAKE_OVER.change(connection, {**values, **of_call})
