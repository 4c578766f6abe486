"""What a minute costs in a zone."""

from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing import tariff
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.tariff import Tariff
from asterisk_siptrunk.destination import Kind
from asterisk_siptrunk.destination.zones import Zone

MOBILE, PREMIUM, FIXED = (Zone("LV", kind) for kind in (Kind.MOBILE, Kind.PREMIUM, Kind.FIXED))
RE, SHORT, DE = Zone("RE", Kind.MOBILE), Zone("FR", Kind.SHORT), Zone("DE", Kind.FIXED)
SATELLITE = Zone("001", Kind.SATELLITE)


def made(*prices: str) -> Tariff:
    """From "+371 0.10" or "+371 0.10 0.05", with a fee."""
    rates = []
    for text in prices:
        target, price, fee = (*text.split(), "0")[:3]
        values = (Decimal(fee), Decimal(price), 60, 60, date(2026, 1, 1))
        rates.append(Rate(target, target, *values))
    return Tariff(rates, "FR")


def said(price) -> str:
    return "none" if price is None else f"{price.low} {price.high} {price.fee}"


CASES = [
    ([], MOBILE, "none"),
    (["+371 0.10"], MOBILE, "0.10 0.10 0"),
    (["+371 0.10"], DE, "none"),
    # all mobiles begin with 2: the wider price is of none of them
    (["+371 0.10", "+3712 0.30"], MOBILE, "0.30 0.30 0"),
    (["+371 0.10", "+37129 0.30"], MOBILE, "0.10 0.30 0"),
    (["+371 0.10", "+37190 3.00"], MOBILE, "0.10 0.10 0"),
    (["+3 0.50"], MOBILE, "0.50 0.50 0"),
    # names, from the narrowest
    (
        ["lv:mobile 0.1", "*:mobile 0.2", "lv 0.3", "international 0.4", "all 0.5"],
        MOBILE,
        "0.1 0.1 0",
    ),
    (["*:mobile 0.2", "lv 0.3", "international 0.4", "all 0.5"], MOBILE, "0.2 0.2 0"),
    (["lv 0.3", "international 0.4", "all 0.5"], MOBILE, "0.3 0.3 0"),
    (["international 0.4", "all 0.5"], MOBILE, "0.4 0.4 0"),
    (["international 0.4", "all 0.5"], RE, "0.5 0.5 0"),  # dialled under France's plan
    # a prefix before a name, which is left for what it does not cover
    (["lv 0.3", "+3712 0.1"], MOBILE, "0.1 0.1 0"),
    (["lv 0.3", "+37129 0.1"], MOBILE, "0.1 0.3 0"),
    (["fr:short 0.2"], SHORT, "0.2 0.2 0"),
    (["+33 0.1", "all 0.2"], SHORT, "0.2 0.2 0"),
    (["+881 6.00", "+870 8.00", "001 9.00"], SATELLITE, "6.00 9.00 0"),
    (["+371 0.10 0.05", "+37129 0.20 0.01"], MOBILE, "0.10 0.20 0.05"),
]


@pytest.mark.parametrize(("prices", "zone", "range_"), CASES, ids=range(len(CASES)))
def test_a_zone_has_the_prices_of_its_numbers(prices, zone, range_):
    table = made(*prices)
    assert said(table.of(zone)) == range_
    assert table.of(zone) is table.of(zone)  # worked out once


def test_several_zones_together():
    table = made("lv:mobile 0.10 0.02", "lv:premium 3.00")
    assert said(table.over([MOBILE, PREMIUM, FIXED])) == "0.10 3.00 0.02"
    assert table.over([FIXED]) is None


def test_of_very_many_prefixes_all_prices_are_told(monkeypatch):
    monkeypatch.setattr(tariff, "_MOST_EXACT", 1)
    assert said(made("+371 0.10", "+3712 0.30").of(MOBILE)) == "0.10 0.30 0"
