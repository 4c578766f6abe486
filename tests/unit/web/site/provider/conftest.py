"""The house of two customers, with carriers and calls."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import insert, select

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.rule import Level
from asterisk_siptrunk.anomaly.rule_file import shipped_rules
from asterisk_siptrunk.call import Reason, Verdict
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import carriers, findings, servers
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call, carrier, trunk
from asterisk_siptrunk.trunk import Carrier
from asterisk_siptrunk.trunk.profiles import load_profile

_serial = count(1)


@pytest.fixture
def upstream(house, clock):
    """Two carriers, first and second."""
    with transaction(house.engine) as connection:
        for name, priority in (("first", 10), ("second", 20)):
            new = Carrier(0, name, load_profile("generic"), "192.0.2.10", "FR", priority=priority)
            carriers.add(connection, By("setup", clock.now), new)


@pytest.fixture
def put_call(house, clock, upstream):  # noqa: ARG001 - it makes the carriers
    """Writes a call of acme-paris that began so many seconds ago, by a carrier."""

    def put(seconds: float = 60, via: str | None = "first", **values: Any) -> int:
        serial = next(_serial)
        with transaction(house.engine) as connection:
            trunk_id = connection.execute(
                select(trunk.c.id).where(trunk.c.name == "acme-paris")
            ).scalar_one()
            carrier_id = connection.execute(
                select(carrier.c.id).where(carrier.c.name == via)
            ).scalar_one_or_none()
            row = {
                "server": "lab",
                "uniqueid": f"lab-{int(clock.now.timestamp())}.{serial}",
                "sip_call_id": "",
                "trunk_id": trunk_id,
                "carrier_id": carrier_id,
                "direction": "outbound",
                "caller": "+33123456789",
                "presented": "",
                "withheld": False,
                "dialled": "0612345678",
                "callee": "+33612345678",
                "zone": "fr:mobile",
                "verdict": Verdict.ADMITTED,
                "reason": Reason.ADMITTED,
                "facts": "",
                "via": "service",
                "user_agent": "",
                "codec": "",
                "started_at": clock.now - timedelta(seconds=seconds),
                **values,
            }
            written = insert(call).values(row).returning(call.c.id)
            return int(connection.execute(written).scalar_one())

    return put


@pytest.fixture
def answered(put_call, clock):
    """A call of 30 s that rang after 2."""

    def put(seconds: float = 60, **values: Any) -> int:
        began = clock.now - timedelta(seconds=seconds)
        return put_call(  # type: ignore[no-any-return]
            seconds,
            ringing_at=began + timedelta(seconds=2),
            answered_at=began + timedelta(seconds=5),
            ended_at=began + timedelta(seconds=35),
            hangup_cause=16,
            **values,
        )

    return put


@pytest.fixture
def serving(house, clock):
    """The server that the settings name gives signs of life."""
    vitals = Vitals("0.1.0", clock.now, 100, "up", clock.now, journal_behind=7)
    with transaction(house.engine) as connection:
        servers.beat(connection, "asterisk", vitals, (), clock.now)


@pytest.fixture
def a_finding(house, clock):
    """Keeps a critical finding of acme-paris; gives its number."""

    def keep(*evidence: int, trunk: str = "acme-paris") -> int:
        found = Finding(
            rule=shipped_rules()[0],
            level=Level.CRITICAL,
            trunk=trunk,
            key="",
            zone="",
            at=clock.now.timestamp(),
            amount=50,
            usual=None,
            basis="",
            evidence=evidence,
        )
        with transaction(house.engine) as connection:
            return findings.store(connection, clock.now, found)

    return keep
