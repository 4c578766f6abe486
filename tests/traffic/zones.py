"""Destinations that are called, numbers in them, and what a minute costs by the example deck."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from asterisk_siptrunk.billing.example import example_rates
from asterisk_siptrunk.billing.rate_file import read_rates
from asterisk_siptrunk.billing.rating import MINUTE, RateTable, charged_seconds
from asterisk_siptrunk.destination.model import plan_of

if TYPE_CHECKING:
    from random import Random

    from asterisk_siptrunk.billing.rate import Rate

HOME = "FR"
CURRENCY = 1_000_000
"""Millionths in one unit of it."""
_DAY = date(2026, 1, 1)

# What numbers of a zone begin with, and how many digits follow: each such number is in the zone.
_NUMBERS = {
    "fr:fixed": ("+331", 8),
    "fr:mobile": ("+3361", 7),
    "fr:voip": ("+339", 8),
    "fr:free": ("+33800", 6),
    "fr:shared_cost": ("+33806", 6),
    "fr:premium": ("+33899", 6),
    "re:mobile": ("+262692", 6),
    "ae:mobile": ("+97150", 7),
    "af:mobile": ("+9370", 7),
    "at:fixed": ("+431", 8),
    "at:mobile": ("+43664", 7),
    "au:mobile": ("+6141", 7),
    "az:mobile": ("+99450", 7),
    "ba:mobile": ("+38761", 6),
    "bd:mobile": ("+88017", 8),
    "be:fixed": ("+3225", 6),
    "be:mobile": ("+3247", 7),
    "bf:mobile": ("+22670", 6),
    "br:mobile": ("+55119", 8),
    "by:mobile": ("+37529", 7),
    "ca:fixed_or_mobile": ("+1514", 7),
    "cd:mobile": ("+24381", 7),
    "ch:fixed": ("+4122", 7),
    "ch:mobile": ("+4179", 7),
    "ci:mobile": ("+22507", 8),
    "cm:mobile": ("+23767", 7),
    "cn:fixed": ("+8610", 8),
    "cn:mobile": ("+86138", 8),
    "cu:mobile": ("+535", 7),
    "de:fixed": ("+4930", 7),
    "de:mobile": ("+49151", 8),
    "dj:mobile": ("+25377", 6),
    "do:fixed_or_mobile": ("+1809", 7),
    "dz:mobile": ("+21355", 7),
    "ee:mobile": ("+37256", 6),
    "eg:mobile": ("+2010", 8),
    "es:fixed": ("+3491", 7),
    "es:mobile": ("+346", 8),
    "gb:fixed": ("+44207", 7),
    "gb:mobile": ("+44777", 7),
    "gb:personal": ("+44701", 7),
    "gb:premium": ("+44909", 7),
    "gm:mobile": ("+2207", 6),
    "gn:mobile": ("+22462", 7),
    "gr:mobile": ("+3069", 8),
    "hk:mobile": ("+85291", 6),
    "id:mobile": ("+62812", 8),
    "ie:fixed": ("+3531", 7),
    "il:mobile": ("+97250", 7),
    "in:mobile": ("+9198", 8),
    "it:fixed": ("+3906", 7),
    "it:mobile": ("+39333", 7),
    "jp:fixed": ("+813", 8),
    "kr:mobile": ("+8210", 8),
    "lb:mobile": ("+9613", 6),
    "lk:mobile": ("+9477", 7),
    "lt:mobile": ("+3706", 7),
    "lu:fixed": ("+35226", 6),
    "lv:fixed": ("+3716", 7),
    "lv:mobile": ("+37126", 6),
    "lv:premium": ("+37190", 6),
    "ma:fixed": ("+212522", 6),
    "ma:mobile": ("+21266", 7),
    "mc:fixed": ("+377979", 5),
    "mg:mobile": ("+26132", 7),
    "mk:mobile": ("+38970", 6),
    "mr:mobile": ("+22236", 6),
    "mv:mobile": ("+9607", 6),
    "ng:mobile": ("+234803", 7),
    "nl:fixed": ("+3120", 7),
    "nl:mobile": ("+3161", 7),
    "ph:mobile": ("+63917", 7),
    "pk:mobile": ("+92300", 7),
    "pl:mobile": ("+4860", 7),
    "pt:fixed": ("+35121", 7),
    "pt:mobile": ("+35191", 7),
    "ro:mobile": ("+4072", 7),
    "sc:mobile": ("+24825", 5),
    "se:fixed": ("+468", 8),
    "sg:mobile": ("+6591", 6),
    "si:mobile": ("+38640", 6),
    "si:premium": ("+38690", 6),
    "sl:mobile": ("+23276", 6),
    "sn:mobile": ("+22177", 7),
    "so:mobile": ("+25261", 7),
    "st:mobile": ("+23999", 5),
    "td:mobile": ("+23566", 6),
    "tn:fixed": ("+2167", 7),
    "tn:mobile": ("+2162", 7),
    "tr:mobile": ("+90532", 7),
    "tv:mobile": ("+68890", 4),
    "us:fixed_or_mobile": ("+1212", 7),
    "uy:mobile": ("+59899", 6),
    "ve:mobile": ("+58412", 7),
    "za:mobile": ("+2782", 7),
    "zw:mobile": ("+26377", 7),
    "001:satellite": ("+88216", 8),
}
ZONES = tuple(_NUMBERS)


@dataclass(frozen=True, slots=True)
class Price:
    """What calls to a zone cost; `fee` and `minute` in millionths of the currency."""

    fee: int
    minute: int
    rate: Rate | None

    def cost(self, seconds: float) -> float:
        """Of a call that lasted so long from its answer, in the currency."""
        if self.rate is None:
            return 0.0
        charged = charged_seconds(timedelta(seconds=seconds), self.rate)
        return (self.fee + self.minute * charged / MINUTE) / CURRENCY


FREE = Price(0, 0, None)


@cache
def price_of(zone: str) -> Price:
    """By the example deck; one for a number that nobody could read is free."""
    prefix = _NUMBERS[zone][0] if zone in _NUMBERS else ""
    rate = _table().find(prefix, zone, _DAY)
    if rate is None:
        return FREE
    return Price(int(rate.fee * CURRENCY), int(rate.price * CURRENCY), rate)


@cache
def _table() -> RateTable:
    return RateTable(read_rates(example_rates().splitlines(), "the example deck", _DAY), HOME)


@cache
def is_abroad(zone: str) -> bool:
    """Whether the suspension "international" covers it."""
    country = zone.partition(":")[0]
    return bool(country) and plan_of(country.upper()) != plan_of(HOME)


def a_number(zone: str, random: Random) -> str:
    """Any number of the zone."""
    prefix, digits = _NUMBERS[zone]
    # In many plans no subscriber's part begins with 0 or 1.
    return f"{prefix}{int((2 + 8 * random.random()) * 10 ** (digits - 1))}"


def numbers_from(zone: str, first: int, count: int) -> list[str]:
    """Numbers that follow one another: the `first` is counted from the middle of the zone."""
    prefix, digits = _NUMBERS[zone]
    base = 5 * 10 ** (digits - 1) + first
    return [f"{prefix}{base + step}" for step in range(count)]
