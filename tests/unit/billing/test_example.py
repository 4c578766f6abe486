"""The example that ships: what it comes to, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.catalogue_file import read_catalogue
from asterisk_siptrunk.billing.example import example_catalogue, example_rates
from asterisk_siptrunk.billing.packs import best_mix
from asterisk_siptrunk.billing.rate_file import read_rates, write_rates
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.destination import normalise

DAY = date(2026, 11, 23)
CATALOGUE = read_catalogue(example_catalogue(), "the example")
RATES = list(read_rates(example_rates().splitlines(keepends=True), "the example", DAY))


@pytest.mark.parametrize(
    ("channels", "packs", "price"),
    [
        pytest.param(5, {5: 1}, "18.00", id="18, 2x7.50+4=19"),
        pytest.param(6, {5: 1, 1: 1}, "22.00", id="18+4=22, 3x7.50=22.50"),
        pytest.param(8, {5: 1, 2: 1, 1: 1}, "29.50", id="18+7.50+4=29.50"),
        pytest.param(9, {10: 1}, "32.00", id="32, 18+2x7.50=33"),
        pytest.param(12, {10: 1, 2: 1}, "39.50", id="32+7.50=39.50"),
        pytest.param(85, {100: 1}, "250.00", id="250, 140+60+32+18=250: one pack"),
    ],
)
def test_packs(channels, packs, price):
    mix = best_mix(CATALOGUE.offer("trunk").packs, channels)
    assert {pack.channels: times for pack, times in mix.packs} == packs
    assert mix.price == Decimal(price)


@pytest.mark.parametrize(
    ("number", "name"),
    [
        ("0145678901", "France fixed"),
        ("0612345678", "France mobile"),
        ("0899123456", "France surcharged"),
        ("1063", "France short numbers"),
        ("3949", "France free numbers"),
        ("0262123456", "Réunion and Mayotte"),
        ("0032470123456", "Belgium mobile"),
        ("0037120000000", "World mobile"),
        ("0037160000000", "World"),
        ("0088213123456", "Satellites and networks of no country"),
        ("0012125550123", "United States"),
    ],
)
def test_rates(number, name):
    destination = normalise(number, "FR")
    assert destination is not None
    rate = RateTable(RATES, "FR").find(destination.number, destination.zone, DAY)
    assert rate is not None
    assert rate.name == name


def test_the_deck_is_the_one_that_its_offers_name():
    assert {offer.deck for offer in CATALOGUE.offers.values()} == {"world"}
    assert "".join(write_rates(RATES)) == example_rates()
