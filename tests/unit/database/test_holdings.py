"""Customers with what they hold."""

from decimal import Decimal

import pytest

from asterisk_siptrunk.database import customers, holdings, trunks
from asterisk_siptrunk.database.engine import reading, transaction
from tests.unit.database.builders import BY, admission, ask, outbound, provide, trunk
from tests.unit.database.shop import Shop


def found(engine, text="", after=None, limit=10):
    with reading(engine) as connection:
        return holdings.search(connection, text, after, limit)


def test_what_one_holds(engine):
    provide(engine)
    with transaction(engine) as connection:
        ended = trunks.add(connection, BY, trunk("acme-old", channels=40), None)
        trunks.change(connection, BY, ended.name, ended=True)
        customers.add(connection, BY, "bolt")
    ask(engine, admission(), outbound())
    acme, bolt = found(engine)
    assert (acme.trunks, acme.channels, acme.in_use, acme.unpaid) == (1, 3, 1, {})
    assert (bolt.name, bolt.trunks, bolt.channels, bolt.in_use) == ("bolt", 0, 0, 0)


def test_what_is_unpaid(engine):
    shop = Shop.opened(engine)
    shop.subscribe()
    shop.prove()
    shop.at("2026-12-12").bill()
    (acme,) = found(engine)
    assert acme.unpaid == {"EUR": Decimal("21.60")}  # five channels: 18.00 and a fifth of tax


def test_piece_by_piece(engine):
    with transaction(engine) as connection:
        for name in ("aa", "bb", "cc"):
            customers.add(connection, BY, name)
    assert [one.name for one in found(engine, limit=2)] == ["aa", "bb"]
    assert [one.name for one in found(engine, after="bb")] == ["cc"]


@pytest.mark.parametrize(
    ("text", "is_found"),
    [("ACME", True), ("me sa", True), ("e-par", True), ("0123456789", True), ("_", False)],
)
def test_by_what_it_is_found(engine, text, is_found):
    provide(engine)
    assert bool(found(engine, text)) is is_found
