"""Short numbers of the caller's own country that are not emergency ones."""

import re
from functools import cache

from phonenumbers import PhoneNumber, ShortNumberCost, shortnumberinfo
from phonenumbers import country_code_for_region as code_for

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.destination.model import Kind, plan_of

_LONGEST = 6
_COSTS = {
    ShortNumberCost.TOLL_FREE: Kind.FREE,
    ShortNumberCost.PREMIUM_RATE: Kind.PREMIUM,
}


def short_kind(dialled: str, country: str) -> Kind | None:
    """Kind of a short number dialled in `country`, None where it is no short number.

    Our own table comes first; libphonenumber, which takes every French number of 3200 to 3999 for
    a premium one, answers for countries that the table does not describe in full.
    """
    if len(dialled) > _LONGEST or dialled.startswith("+"):
        return None
    for pattern, kind in _table(country):
        if pattern.fullmatch(dialled):
            return kind
    if plan_of(country) in shipped.load("short_numbers")["complete"]:
        return None
    return _libphonenumber_kind(dialled, country)


@cache
def _table(country: str) -> tuple[tuple[re.Pattern[str], Kind], ...]:
    entries = shipped.load("short_numbers")["countries"].get(plan_of(country), ())
    return tuple((re.compile(entry["pattern"]), Kind(entry["kind"])) for entry in entries)


def _libphonenumber_kind(dialled: str, country: str) -> Kind | None:
    leading_zeros = len(dialled) - len(dialled.lstrip("0"))
    number = PhoneNumber(
        country_code=code_for(country),
        national_number=int(dialled),
        italian_leading_zero=leading_zeros > 0,
        number_of_leading_zeros=leading_zeros or None,
    )
    if not shortnumberinfo.is_valid_short_number_for_region(number, country):
        return None
    cost = shortnumberinfo.expected_cost_for_region(number, country)
    return _COSTS.get(cost, Kind.SHORT)
