"""Rows of calls as pages need them: each as a case wants it, the rest as most have it."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert

from asterisk_siptrunk.database import carriers, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.trunk import Carrier
from asterisk_siptrunk.trunk.profiles import load_profile
from asterisk_siptrunk.web.house import House

_serial = count(1)


def add_carrier(house: House, name: str = "secretcarrier") -> int:
    """A carrier whose name no customer may see."""
    upstream = Carrier(0, name, load_profile("generic"), "192.0.2.10", "FR")
    with transaction(house.engine) as connection:
        carriers.add(connection, By("setup", house.now()), upstream)
        return next(one.id for one in carriers.every(connection) if one.name == name)


def add_call(house: House, began: datetime, trunk: str = "acme-paris", **changes: Any) -> int:
    """Write a call that was answered after 5 s and hung up after 65; gives its number."""
    with reading(house.engine) as connection:
        trunk_id = trunks.get(connection, trunk).id
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


def add_live(house: House, began: datetime, trunk: str = "acme-paris", **changes: Any) -> int:
    """One that goes on."""
    going_on = {"ended_at": None, "evidence": None, "hangup_cause": None}
    return add_call(house, began, trunk, **{**going_on, **changes})


def add_refused(
    house: House, began: datetime, reason: str = "channels-full", **changes: Any
) -> int:
    """One that was refused."""
    never = {"ringing_at": None, "answered_at": None, "ended_at": began, "evidence": "admission"}
    return add_call(house, began, verdict="refused", reason=reason, **{**never, **changes})
