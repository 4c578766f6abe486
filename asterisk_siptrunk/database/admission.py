"""Admission: check and take in one transaction.

The trunk's row is locked first (SQLite's BEGIN IMMEDIATE locks the whole file; PostgreSQL's
SELECT ... FOR UPDATE that row), then the open calls are counted, then the call's own row is
written. So of two calls that ask at once for the last channel exactly one gets it, whichever
process or server they came in by. The same call asking twice gets its first answer.

Nothing here catches a database that is away: the caller hears of it, the AGI session ends
without a verdict, and the dialplan goes on by its own rules.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

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
    decide,
    decide_unknown,
    full,
    order,
    reason_of,
    with_room,
)
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


@dataclass(frozen=True, slots=True)
class Rerouted:
    """The next way for a call: the carrier, the number to call, the number to present."""

    carrier: Carrier
    callee: Destination
    caller: str


_VERSION = select(provider.c.version)
_LOCKED = select(
    trunk.c.id, trunk.c.name, trunk.c.version, trunk.c.pace_tokens, trunk.c.pace_at
).with_for_update(of=trunk)
_IN_USE = (
    select(call.c.direction, func.count())
    .where(call.c.trunk_id == bindparam("trunk"), call.c.ended_at.is_(None))
    .group_by(call.c.direction)
)
_IDENTITY = (call.c.server, call.c.uniqueid)
_INSERT_ONCE = {
    "sqlite": sqlite.insert(call).on_conflict_do_nothing(_IDENTITY).returning(call.c.id),
    "postgresql": postgresql.insert(call)
    .on_conflict_do_nothing(index_elements=_IDENTITY)
    .returning(call.c.id),
}


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
        shared = connection.execute(_VERSION).scalar_one()
        everyone = self._memory.carriers(connection, shared)
        asked = self._readable(attempt, everyone)
        row = _lock_trunk(connection, asked)
        if row is None:
            decision = decide_unknown(asked, self._country, in_service(everyone), self._chance)
            return self._store(connection, attempt, None, decision, everyone)
        terms = self._memory.terms(connection, row.id, row.name, (row.version, shared))
        pace = _pace(attempt, terms.trunk, row)
        load = _load(connection, terms, pace)
        decision = decide(asked, terms, load, self._chance)
        if pace is not None and isinstance(decision, Admit):
            _keep_pace(connection, terms.trunk.id, pace.less_one())
        return self._store(connection, attempt, terms, decision, everyone)

    def reroute(self, connection: Connection, server: str, uniqueid: str) -> Rerouted | None:
        """Put an admitted call that its carrier failed to the next one; None if there is none.

        A carrier's limit holds here too, except for emergency calls.
        """
        of_call = (call.c.server == server) & (call.c.uniqueid == uniqueid)
        query = select(call).where(of_call, call.c.ended_at.is_(None)).with_for_update()
        row = connection.execute(query).one_or_none()
        if row is None or row.carrier_id is None:
            return None
        tried = {*map(int, row.tried.split()), row.carrier_id}
        everyone = self._memory.carriers(connection, connection.execute(_VERSION).scalar_one())
        left = tuple(one for one in in_service(everyone) if one.id not in tried)
        if row.reason != Reason.EMERGENCY:
            left = with_room(left, _carrier_load(connection, left))
        if not left:
            return None
        chosen = order(left, self._chance)[0]
        values = {"carrier_id": chosen.id, "tried": " ".join(map(str, sorted(tried)))}
        connection.execute(update(call).where(call.c.id == row.id).values(values))
        return Rerouted(chosen, _destination(row), row.caller)

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
        }
        insert = _INSERT_ONCE[connection.dialect.name]
        if connection.execute(insert, values).one_or_none() is None:
            return _first_answer(connection, attempt, terms, everyone)
        return Ruling(decision, terms, chosen)


def _lock_trunk(connection: Connection, attempt: Attempt) -> AnyRow | None:
    if attempt.direction is Direction.OUTBOUND:
        query = _LOCKED.where(trunk.c.name == attempt.entry)
    else:
        query = _LOCKED.join(number, number.c.trunk_id == trunk.c.id).where(
            number.c.e164 == attempt.dialled
        )
    return connection.execute(query).one_or_none()


def _pace(attempt: Attempt, of_trunk: Trunk, row: AnyRow) -> Pace | None:
    if of_trunk.calls_per_second is None:
        return None
    if row.pace_at is None:
        return full(of_trunk.calls_per_second, attempt.at)
    return Pace(row.pace_tokens, row.pace_at).refilled(of_trunk.calls_per_second, attempt.at)


def _keep_pace(connection: Connection, trunk_id: int, pace: Pace) -> None:
    values = {"pace_tokens": pace.tokens, "pace_at": pace.at}
    connection.execute(update(trunk).where(trunk.c.id == trunk_id).values(values))


def _load(connection: Connection, terms: Terms, pace: Pace | None) -> Load:
    rows = connection.execute(_IN_USE, {"trunk": terms.trunk.id})
    in_use: dict[str, int] = {direction: count for direction, count in rows}  # noqa: C416 - rows of two
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
        "codec": "",
        "started_at": attempt.at,
        # A refused call is born ended: it never holds a channel.
        "ended_at": attempt.at if refused else None,
        "hangup_cause": decision.reason.cause if refused else None,
        "evidence": Evidence.ADMISSION if refused else None,
    }


def _first_answer(
    connection: Connection, attempt: Attempt, terms: Terms | None, everyone: Iterable[Carrier]
) -> Ruling:
    """What this call was told when it asked before."""
    query = select(call).where(call.c.server == attempt.server, call.c.uniqueid == attempt.uniqueid)
    row = connection.execute(query).one()
    reason = reason_of(row.reason)
    if row.verdict == Verdict.REFUSED:
        return Ruling(Refuse(reason, facts=row.facts), terms, None)
    chosen = next((one for one in everyone if one.id == row.carrier_id), None)
    carriers = () if chosen is None else (chosen,)
    return Ruling(Admit(reason, _destination(row), row.caller, carriers, row.facts), terms, chosen)


def _destination(row: AnyRow) -> Destination:
    country, _, kind = row.zone.partition(":")
    return Destination(row.callee, country.upper(), Kind(kind))
