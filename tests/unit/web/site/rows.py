"""Rows of calls and findings of acme's trunk, as the service would have written them."""

import json
from datetime import timedelta

from sqlalchemy import insert, select

from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call, finding, trunk
from tests.unit.cli.records import record


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
