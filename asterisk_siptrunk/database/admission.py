"""Admission: check and take in one transaction.

The trunk's row is locked first (SQLite's BEGIN IMMEDIATE locks the whole file; PostgreSQL's
SELECT ... FOR NO KEY UPDATE that row), then the open calls are counted, then the call's own row is
written. So of two calls that ask at once for the last channel exactly one gets it, whichever
process or server they came in by. The same call asking twice gets its first answer.

Nothing here catches a database that is away: whoever asks hears of it. `alone` is what the service
goes on by then.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, select, update

from asterisk_siptrunk.call import (
    Admit,
    Attempt,
    Chance,
    Direction,
    Load,
    Pace,
    Refuse,
    Terms,
    Verdict,
    Via,
    Way,
    decide,
    decide_unknown,
    full,
    order,
    reason_of,
    with_room,
)
from asterisk_siptrunk.call.lease import WHOLE
from asterisk_siptrunk.call.memory import CallMemory, Held
from asterisk_siptrunk.database.call_row import (
    LONGEST_NUMBER,
    Ruling,
    destination_of,
    held_by,
    insert_once,
    put_on,
    rule,
    take_over,
)
from asterisk_siptrunk.database.engine import identity
from asterisk_siptrunk.database.identity import THIS_CALL, this_call
from asterisk_siptrunk.database.prepared import Prepared
from asterisk_siptrunk.database.tables import call, carrier, number, provider, trunk
from asterisk_siptrunk.database.terms import TermsMemory, in_service
from asterisk_siptrunk.destination import normalise
from asterisk_siptrunk.trunk import Carrier, Trunk

# Not FOR UPDATE: that would wait for whoever writes calls of this trunk (its row is their foreign
# key), and they, who write calls of several trunks and carriers at once, for us.
_TRUNK = select(
    trunk.c.id,
    trunk.c.name,
    trunk.c.version,
    trunk.c.pace_tokens,
    trunk.c.pace_at,
).with_for_update(of=trunk, key_share=True)
_SHARED = Prepared(select(provider.c.version, provider.c.kept), opens=True)
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
_OPEN = Prepared(select(call.c.id).where(*THIS_CALL, call.c.ended_at.is_(None)))


class Admission:
    """Decides on calls against one database; each method wants a transaction of its own.

    `country` is the provider's, for calls that belong to no trunk; `via` says in the rows who
    decided. What is admitted is told to `calls`, and what it is decided by is kept in `terms`: both
    are there to go on by while the database is away.
    """

    def __init__(
        self, country: str, chance: Chance, via: Via, calls: CallMemory, terms: TermsMemory
    ) -> None:
        self._country = country
        self._chance = chance
        self._via = via
        self._calls = calls
        self._terms = terms

    def admit(self, connection: Connection, attempt: Attempt) -> Ruling:
        """Admit or refuse a call, and write its row."""
        ruling = self._admit(connection, attempt)
        remember(self._calls, attempt, ruling)
        return ruling

    def _admit(self, connection: Connection, attempt: Attempt) -> Ruling:
        # This first, and the lock by itself: see `Prepared`.
        shared = _shared(connection)
        memory = self._terms.of(identity(connection.engine))
        everyone = memory.carriers(connection, shared.version)
        asked = readable(attempt, everyone, self._country)
        row = _lock_trunk(connection, asked)
        if row is None:
            decision = decide_unknown(asked, self._country, in_service(everyone), self._chance)
            return self._store(
                connection, attempt, rule(attempt, None, decision, everyone), everyone
            )
        terms = memory.terms(connection, row.id, row.name, (row.version, shared.version))
        pace = _pace(attempt, terms.trunk, row)
        load = _load(connection, terms, pace, shared.kept)
        decision = decide(asked, terms, load, self._chance)
        if pace is not None and isinstance(decision, Admit):
            kept = pace.less_one()
            values = {"trunk": row.id, "tokens": kept.tokens, "at": kept.at}
            _KEEP_PACE.change(connection, values)
        return self._store(connection, attempt, rule(attempt, terms, decision, everyone), everyone)

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
        held = held_by(row)
        memory = self._terms.of(identity(connection.engine))
        shared = _shared(connection)
        everyone = memory.carriers(connection, shared.version)
        left = untried(held, everyone)
        if not held.emergency:
            left = with_room(left, _carrier_load(connection, left, shared.kept))
        if not left:
            return None
        held, way = held.put_to(order(left, self._chance)[0])
        put_on(connection, server, uniqueid, held)
        self._calls.take(uniqueid, held)
        return way

    def _store(
        self,
        connection: Connection,
        attempt: Attempt,
        ruling: Ruling,
        everyone: Iterable[Carrier],
    ) -> Ruling:
        if insert_once(connection, attempt, ruling, self._via):
            return ruling
        again = _first_answer(connection, attempt, ruling, everyone)
        if again is not None:
            return again
        take_over(connection, attempt, ruling, self._via)
        return ruling


def readable(attempt: Attempt, everyone: Iterable[Carrier], country: str) -> Attempt:
    """The attempt, an inbound number in E.164: carriers write it in their country's way."""
    if attempt.direction is Direction.OUTBOUND:
        return attempt
    of_carrier = next((one.country for one in everyone if one.name == attempt.entry), None)
    callee = normalise(attempt.dialled, of_carrier or country)
    return attempt if callee is None else replace(attempt, dialled=callee.number)


def untried(held: Held, everyone: tuple[Carrier, ...]) -> tuple[Carrier, ...]:
    """The carriers in service that a call was not put to yet."""
    tried = held.tried | {held.carrier}
    return tuple(one for one in in_service(everyone) if one.id not in tried)


def remember(calls: CallMemory, attempt: Attempt, ruling: Ruling) -> None:
    """Keep in memory what a call was told."""
    held = ruling.held(attempt.direction)
    if held is None:
        calls.end(attempt.uniqueid)
    else:
        calls.take(attempt.uniqueid, held)


class _Shared(NamedTuple):
    """What the provider's row tells each admission."""

    version: int
    kept: int


class _TrunkRow(NamedTuple):
    """What the lock on a trunk's row brings along."""

    id: int
    name: str
    version: int
    pace_tokens: float | None
    pace_at: float | None


def _shared(connection: Connection) -> _Shared:
    (row,) = _SHARED.run(connection, {})
    return _Shared(*row)


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


def _load(connection: Connection, terms: Terms, pace: Pace | None, kept: int) -> Load:
    in_use = dict(_IN_USE.run(connection, {"trunk": terms.trunk.id}))
    return Load(
        outbound=in_use.get(Direction.OUTBOUND, 0),
        inbound=in_use.get(Direction.INBOUND, 0),
        elsewhere=terms.trunk.channels * kept // WHOLE,
        tokens=None if pace is None else pace.tokens,
        carriers=_carrier_load(connection, terms.carriers, kept),
    )


def _carrier_load(connection: Connection, carriers: Iterable[Carrier], kept: int) -> dict[int, int]:
    """Channels of each carrier with a limit that are in use or kept for servers out of reach.

    On PostgreSQL its row is locked first.
    """
    limits = {one.id: one.channels for one in carriers if one.channels is not None}
    if not limits:
        return {}
    # In the order of their ids, so that two admissions never wait for each other.
    lock = select(carrier.c.id).where(carrier.c.id.in_(limits)).order_by(carrier.c.id)
    connection.execute(lock.with_for_update(key_share=True))
    counted = connection.execute(
        select(call.c.carrier_id, func.count())
        .where(call.c.carrier_id.in_(limits), call.c.ended_at.is_(None))
        .group_by(call.c.carrier_id)
    )
    in_use = {carrier_id: count for carrier_id, count in counted}  # noqa: C416 - rows of two
    return {one: in_use.get(one, 0) + limit * kept // WHOLE for one, limit in limits.items()}


def _first_answer(
    connection: Connection, attempt: Attempt, now: Ruling, everyone: Iterable[Carrier]
) -> Ruling | None:
    """What this call was told when it asked before; None where it now asks for another number."""
    of_call = this_call(attempt.server, attempt.uniqueid)
    row = connection.execute(select(call).where(*THIS_CALL), of_call).one()
    asked = attempt.direction, attempt.dialled[:LONGEST_NUMBER]
    if (row.direction, row.dialled) != asked:
        return None
    reason = reason_of(row.reason)
    if row.verdict == Verdict.REFUSED:
        return Ruling(Refuse(reason, facts=row.facts), now.terms, None)
    chosen = next((one for one in everyone if one.id == row.carrier_id), None)
    carriers = () if chosen is None else (chosen,)
    decision = Admit(reason, destination_of(row), row.caller, carriers, row.facts)
    return Ruling(decision, now.terms, chosen)
