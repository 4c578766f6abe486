"""A call's row as its admission writes it, and reads it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

from asterisk_siptrunk.anomaly.sighting import Seen
from asterisk_siptrunk.call import (
    Admit,
    Attempt,
    Decision,
    Direction,
    Evidence,
    Reason,
    Refuse,
    Terms,
    Verdict,
    Via,
    epoch_of,
)
from asterisk_siptrunk.call.memory import Held
from asterisk_siptrunk.database.identity import IDENTITY, THIS_CALL, this_call
from asterisk_siptrunk.database.prepared import Prepared, stored
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.destination import Destination, Kind
from asterisk_siptrunk.trunk import Carrier

AnyRow = Row[*tuple[Any, ...]]
LONGEST_NUMBER = 40
_LONGEST_CALL_ID = 256
_LONGEST_AGENT = 128

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
_TAKE_OVER = Prepared(
    update(call)
    .where(*THIS_CALL)
    .values({name: bindparam(name) for name in _WRITTEN if name not in IDENTITY})
)


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision on a call.

    Attributes:
        terms: the trunk's, None where the call belongs to no trunk.
        carrier: the one whose channel the call takes: it is put there first, or came in by it;
            None for a refused call that goes out.
    """

    decision: Decision
    terms: Terms | None
    carrier: Carrier | None

    def held(self, direction: Direction) -> Held | None:
        """What the call holds; nothing where it was refused."""
        if isinstance(self.decision, Refuse):
            return None
        return Held(
            trunk=self.terms.trunk.id if self.terms else None,
            direction=direction,
            carrier=self.carrier.id if self.carrier else None,
            callee=self.decision.callee,
            caller=self.decision.caller,
            emergency=self.decision.reason is Reason.EMERGENCY,
        )


def rule(
    attempt: Attempt, terms: Terms | None, decision: Decision, everyone: Iterable[Carrier]
) -> Ruling:
    """The ruling that a decision makes; `everyone` are all carriers."""
    if attempt.direction is Direction.INBOUND:
        came_by = next((one for one in everyone if one.name == attempt.entry), None)
        return Ruling(decision, terms, came_by)
    carriers = decision.carriers if isinstance(decision, Admit) else ()
    return Ruling(decision, terms, carriers[0] if carriers else None)


def insert_once(connection: Connection, attempt: Attempt, ruling: Ruling, via: Via) -> bool:
    """Write the row of a call; False where there is one already."""
    return bool(_INSERT_ONCE.change(connection, _values(connection, attempt, ruling, via)))


def take_over(connection: Connection, attempt: Attempt, ruling: Ruling, via: Via) -> None:
    """Let a channel's row stand for the call that it makes now, and for what it was told.

    A phone of this server may be sent on, and its channel, the same one, asks for another number:
    one channel holds one channel, and the last call of it is what it carries.
    """
    values = _values(connection, attempt, ruling, via)
    of_call = this_call(attempt.server, attempt.uniqueid)
    _TAKE_OVER.change(connection, {**values, **of_call})


def put_on(connection: Connection, server: str, uniqueid: str, held: Held) -> None:
    """Note the carrier that a call is put to now."""
    values = {"carrier_id": held.carrier, "tried": " ".join(map(str, sorted(held.tried)))}
    statement = update(call).where(*THIS_CALL).values(values)
    connection.execute(statement, this_call(server, uniqueid))


def _values(connection: Connection, attempt: Attempt, ruling: Ruling, via: Via) -> dict[str, Any]:
    at = stored(connection, attempt.at)
    refused = isinstance(ruling.decision, Refuse)
    # A refused call is born ended: it never holds a channel.
    return _row(attempt, ruling) | {
        "via": via,
        "started_at": at,
        "ended_at": at if refused else None,
    }


def _row(attempt: Attempt, ruling: Ruling) -> dict[str, Any]:
    decision, trunk = ruling.decision, ruling.terms.trunk if ruling.terms else None
    refused = isinstance(decision, Refuse)
    callee = decision.callee
    return {
        "server": attempt.server,
        "uniqueid": attempt.uniqueid,
        "epoch": epoch_of(attempt.uniqueid),
        "sip_call_id": attempt.sip_call_id[:_LONGEST_CALL_ID],
        "trunk_id": trunk.id if trunk else None,
        "carrier_id": ruling.carrier.id if ruling.carrier else None,
        "direction": attempt.direction,
        "caller": decision.caller[:LONGEST_NUMBER] if isinstance(decision, Admit) else "",
        "presented": attempt.caller[:LONGEST_NUMBER],
        "withheld": attempt.withheld,
        "dialled": attempt.dialled[:LONGEST_NUMBER],
        "callee": callee.number if callee else "",
        "zone": callee.zone if callee else "",
        "verdict": Verdict.REFUSED if refused else Verdict.ADMITTED,
        "reason": decision.reason,
        "facts": decision.facts,
        "user_agent": attempt.user_agent[:_LONGEST_AGENT],
        "tried": "",
        "codec": "",
        "hangup_cause": int(decision.reason.cause) if decision.reason.cause else None,
        "evidence": Evidence.ADMISSION if refused else None,
    }


def destination_of(row: AnyRow | Seen) -> Destination:
    """Where a call goes, by its row or as the watch sees it."""
    country, _, kind = row.zone.partition(":")
    # A call that nobody decided on, and whose number cannot be read, has no zone.
    return Destination(row.callee, country.upper(), Kind(kind or Kind.UNALLOCATED))


def held_by(row: AnyRow) -> Held:
    """What the call of an open row holds."""
    return Held(
        trunk=row.trunk_id,
        direction=Direction(row.direction),
        carrier=row.carrier_id,
        callee=destination_of(row),
        caller=row.caller,
        emergency=row.reason == Reason.EMERGENCY,
        tried=frozenset(map(int, row.tried.split())),
    )
