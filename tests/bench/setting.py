"""A provider's database as the benches of the database alone want it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk_siptrunk.call import Via
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.database import carriers, customers, months, provider, schema, trunks
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.trunk import Carrier, Trunk, TrunkKind
from asterisk_siptrunk.trunk.profiles import load_profile

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Engine

TRUNKS = 200
CHANNELS = 20
NUMBER, MOBILE = "+3312{:07}", "0612345678"


def admission() -> Admission:
    """Admission as the daemon has it, with a memory of its own."""
    return Admission("FR", lambda: 0.0, Via.SERVICE, CallMemory(), TermsMemory())


def set_up(url: str, now: datetime, count: int = TRUNKS) -> Engine:
    """Make a database as `siptrunk init` does, with trunks and a carrier."""
    schema.make_place(url)
    engine = open_engine(url, patient=True)
    schema.upgrade(engine)
    by = By("bench", now)
    upstream = Carrier(
        id=0, name="telco", server="192.0.2.10", country="FR", profile=load_profile("generic")
    )
    with transaction(engine) as connection:
        provider.begin(connection)
        customers.add(connection, by, "bench", title="Bench")
        carriers.add(connection, by, upstream)
        for number in range(count):
            one = Trunk(0, f"t{number}", "bench", TrunkKind.REGISTERED, CHANNELS, country="FR")
            trunks.add(connection, by, one, None)
            trunks.add_number(connection, by, one.name, NUMBER.format(number), main=True)
        months.make_ahead(connection, now)
    return engine
