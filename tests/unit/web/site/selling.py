"""A provider that sells to the two customers of the house: a catalogue of round prices."""

from dataclasses import replace
from datetime import date

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.database import catalogues
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.web.house import House
from tests.unit.database.shop import CATALOGUE, Shop, add_rate

SOLD = replace(CATALOGUE, valid_from=date(2025, 1, 1))
"""Packs of 1, 5 and 10 channels for 4, 18 and 32 EUR, without tax, which is 20 %."""


def open_shop(house: House, catalogue=SOLD) -> Shop:
    """With rates for French mobiles and Latvia; its clock is the house's."""
    shop = Shop(house.engine, bootstrap.business(house.settings), house.now())
    with transaction(house.engine) as connection:
        catalogues.load(connection, shop.by, catalogue, catalogue.valid_from)
        for target, price in (("fr:mobile", "0.06"), ("+3712", "0.12"), ("lv", "0.20")):
            add_rate(connection, target, price)
        add_rate(connection, "lv:premium", "3.50")
    return shop
