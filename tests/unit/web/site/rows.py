"""Rows of calls and findings as pages need them: each as a case wants it, the rest as most have."""

import json
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert, select

from asterisk_siptrunk.database import carriers, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call, finding, trunk
from asterisk_siptrunk.trunk import Carrier
from asterisk_siptrunk.trunk.profiles import load_profile
from asterisk_siptrunk.web.house import House
from tests.unit.cli.records import record

_serial = count(1)


def add_carrier(house: House, name: str = "secretcarrier") -> int:
    """A carrier whose name no customer may see."""
    upstream = Carrier(0, name, load_profile("generic"), "192.0.2.10", "FR")
    with transaction(house.engine) as connection:
        carriers.add(connection, By("setup", house.now()), upstream)
        return next(one.id for one in carriers.every(connection) if one.name == name)


def add_call(house: House, began: datetime, of_trunk: str = "acme-paris", **changes: Any) -> int:
    """Write a call that was answered after 5 s and hung up after 65; gives its number."""
    with reading(house.engine) as connection:
        trunk_id = trunks.get(connection, of_trunk).id
    number = next(_serial)
    values: dict[str, Any] = {
        "server": "lab",
        "uniqueid": f"lab-{int(began.timestamp())}.{number}",
        "sip_call_id": f"{number}@pbx",
        "trunk_id": trunk_id,
        "direction": "outbound",
        "caller": "+33123456789",
        "presented": "0123456789",
        "withheld": False,
        "dialled": "0612345678",
        "callee": "+33612345678",
        "zone": "fr:mobile",
        "verdict": "admitted",
        "reason": "admitted",
        "facts": "1 of 10 channels in use",
        "via": "service",
        "user_agent": "FPBX-16",
        "codec": "alaw",
        "started_at": began,
        "ringing_at": began + timedelta(seconds=2),
        "answered_at": began + timedelta(seconds=5),
        "ended_at": began + timedelta(seconds=65),
        "hangup_cause": 16,
        "evidence": "ami",
    } | changes
    with transaction(house.engine) as connection:
        done = connection.execute(insert(call).values(values).returning(call.c.id))
        return int(done.scalar_one())


def add_live(house: House, began: datetime, of_trunk: str = "acme-paris", **changes: Any) -> int:
    """One that goes on."""
    going_on = {"ended_at": None, "evidence": None, "hangup_cause": None}
    return add_call(house, began, of_trunk, **{**going_on, **changes})


def add_refused(
    house: House, began: datetime, reason: str = "channels-full", **changes: Any
) -> int:
    """One that was refused."""
    never = {"ringing_at": None, "answered_at": None, "ended_at": began, "evidence": "admission"}
    return add_call(house, began, verdict="refused", reason=reason, **{**never, **changes})


def call_of(house, reason="admitted", **values) -> int:
    """A call that begins now; gives its number."""
    verdict = "admitted" if reason == "admitted" else "refused"
    with transaction(house.engine) as connection:
        number = len(connection.execute(select(call.c.id)).all()) + 1
        row = record(number, carrier_id=None, started_at=house.now(), verdict=verdict)
        row |= {"reason": reason, "id": number, **values}
        connection.execute(insert(call).values(row))
    return number


def finding_of(house, trunk_name="acme-paris", ago=timedelta(0), **values) -> int:
    """What the watch found then; gives its number."""
    row = {
        "at": house.now() - ago,
        "rule": "new-cost",
        "version": 1,
        "level": "critical",
        "key": "lv:premium",
        "amount": 52_000_000,
        "usual": 0,
        "basis": "",
        "window": 600,
        "sentence": "Trunk acme-paris: calls for 52.00 to lv:premium within 10 minutes.",
        "evidence": json.dumps(values.pop("evidence", [])),
        "action": "block-zone",
        "dry_run": False,
        "state": "open",
        **values,
    }
    with transaction(house.engine) as connection:
        owner = select(trunk.c.id).where(trunk.c.name == trunk_name)
        row["trunk_id"] = connection.execute(owner).scalar_one()
        key = connection.execute(insert(finding).values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])
