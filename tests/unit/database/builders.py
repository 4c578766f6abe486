"""A customer, a trunk, carriers and attempts, as most cases want them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, select, update

from asterisk_siptrunk.call import Attempt, Direction, Via
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.database import carriers, customers, trunks
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.trunk import Carrier, Trunk, TrunkKind
from asterisk_siptrunk.trunk.profiles import load_profile

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BY = By("alice", NOON)
MAIN, SECOND = "+33123456789", "+33123456790"
PROFILE = load_profile("generic")

_serial = count(1)


def trunk(name="acme-paris", **changes) -> Trunk:
    values: dict[str, Any] = {
        "channels": 3,
        "country": "FR",
        "kind": TrunkKind.REGISTERED,
    } | changes
    return Trunk(id=0, name=name, customer="acme", **values)


def carrier(name="one", **changes) -> Carrier:
    values: dict[str, Any] = {"server": "192.0.2.10", "country": "FR", "profile": PROFILE} | changes
    return Carrier(id=0, name=name, **values)


def provide(engine, *upstream: Carrier, **terms) -> None:
    """Store the customer, its trunk with two numbers, and the carriers."""
    with transaction(engine) as connection:
        customers.add(connection, BY, "acme", title="Acme SA")
        one = trunk(**terms)
        trunks.add(connection, BY, one, None)
        for e164 in (MAIN, SECOND):
            trunks.add_number(connection, BY, one.name, e164, main=e164 == MAIN)
        for each in upstream or (carrier(),):
            carriers.add(connection, BY, each)


def admission() -> Admission:
    return Admission("FR", lambda: 0.0, Via.SERVICE, CallMemory(), TermsMemory())


def outbound(dialled="0612345678", **changes) -> Attempt:
    attempt = Attempt(
        server="lab",
        uniqueid=f"lab-{next(_serial)}.1",
        direction=Direction.OUTBOUND,
        entry="acme-paris",
        dialled=dialled,
        at=NOON,
        caller=MAIN,
    )
    return replace(attempt, **changes)


def inbound(dialled=MAIN, **changes) -> Attempt:
    base = outbound(dialled, direction=Direction.INBOUND, entry="one", caller="+33987654321")
    return replace(base, **changes)


def ask(engine, one: Admission, attempt: Attempt):
    """What one call is told."""
    with transaction(engine) as connection:
        return one.admit(connection, attempt)


def end(engine, attempt: Attempt) -> None:
    """Hang up."""
    of_call = call.c.uniqueid == attempt.uniqueid
    ended = update(call).where(of_call).values(ended_at=attempt.at + timedelta(seconds=60))
    with transaction(engine) as connection:
        connection.execute(ended)


def open_calls(engine) -> int:
    with transaction(engine) as connection:
        query = select(func.count()).where(call.c.ended_at.is_(None))
        return connection.execute(query).scalar_one()
