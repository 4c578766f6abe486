"""A provider in the middle of a day: something to see on every page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import accounts, carriers, customers, servers, watching
from asterisk_siptrunk.database.tables import registration
from tests.unit.database.builders import carrier
from tests.unit.database.shop import BUSINESS, Shop, add_call, give_number
from tests.unit.database.watching import found
from tests.unit.web.conftest import PASSWORD_HASH, login_of

if TYPE_CHECKING:
    from sqlalchemy import Engine

TRUNK, NUMBER = "acme-lyon", "+33123456789"
_REFUSALS = (
    ("channels-full", "5 of 5 channels are in use.", 4),
    ("destination-blocked", "", 3),
    ("suspended", "", 2),
)


def settle(engine: Engine) -> None:
    """Fill a database that is set up."""
    now = datetime.now(UTC)
    shop = Shop.opened(engine, now=now - timedelta(days=40))
    give_people(shop)
    with shop.changing() as connection:
        carriers.add(connection, shop.by, carrier("telco"))
        customers.add(connection, shop.by, "bolt", title="Bolt SA")
    shop.subscribe(5)
    give_number(engine, NUMBER, shop.now)
    shop.raised(8)
    shop.now = now
    shop.turn()
    shop.prove()
    shop.bill()
    shop.order(12)
    live(engine, now)
    suspect(shop)


def give_people(shop: Shop) -> None:
    """One account of each role."""
    with shop.changing() as connection:
        for role in Role:
            customer = "" if role.of_provider else "acme"
            accounts.add(
                connection,
                shop.by,
                login=login_of(role, customer),
                name="Ada",
                role=role,
                customer=customer,
                password_hash=PASSWORD_HASH,
            )


def live(engine: Engine, now: datetime) -> None:
    """A server, the customer's PBX, and calls of three days: ended, refused, in progress."""
    hour = timedelta(hours=1)
    for count in range(60):
        add_call(engine, now - hour * count * 1.2 - hour / 4, 30 + count, carrier_id=1)
    for count in range(9):
        refused = {"verdict": "refused", "answered_at": None, "reason": _REFUSALS[count % 3][0]}
        at = now - hour * count
        add_call(engine, at, 0, **refused, facts=_REFUSALS[count % 3][1])
    for _ in range(3):
        add_call(engine, now - timedelta(seconds=40), None, carrier_id=1)
    with engine.begin() as connection:
        vitals = Vitals("0.1.0", now - hour, 100, "up", now - hour, journal_behind=0)
        servers.beat(connection, "lab", vitals, (), now)
        connection.execute(
            insert(registration).values(
                trunk_id=1,
                server="lab",
                registered=True,
                contact="sip:192.0.2.7:5060",
                user_agent="FPBX-17",
                changed_at=now - hour,
            )
        )


def suspect(shop: Shop) -> None:
    """An anomaly, and what it stopped."""
    for _ in range(3):
        add_call(shop.engine, shop.now, 20, callee="+37190012345", zone="lv:premium")
    with shop.changing() as connection:
        watching.follow(connection, shop.by, BUSINESS, found(trunk=TRUNK, at=shop.now.timestamp()))
