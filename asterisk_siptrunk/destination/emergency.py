"""Emergency numbers, matched exactly as dialled.

A call taken for an emergency passes every limit, so `1125`, `00112` and `+112` are none.
"""

import re
from functools import cache

from phonenumbers import PhoneMetadata

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.errors import InvalidInput

_EVERYWHERE = frozenset({"112", "911"})
_ENUMERATED_LENGTHS = range(2, 5)
"""libphonenumber gives a pattern, not a list; the few longer ones are in our data file."""


def is_emergency(dialled: str, country: str) -> bool:
    """Whether `dialled`, in exactly this form, is an emergency number of `country` (`FR`)."""
    return dialled in _numbers(country.upper())


def refuse_emergency(target: str, country: str) -> None:
    """See that a rule is for no emergency number of `country`: it would say what never happens.

    Raises:
        InvalidInput: it is.
    """
    if is_emergency(target, country):
        raise InvalidInput(
            f"{target} is an emergency number of {country}: it always passes, and no rule applies."
        )


def emergency_numbers(country: str) -> tuple[str, ...]:
    """The emergency numbers of `country` as dialled there, sorted as text."""
    return tuple(sorted(_numbers(country.upper())))


@cache
def _numbers(country: str) -> frozenset[str]:
    listed: dict[str, list[str]] = shipped.load("emergency")["countries"]
    if country in listed:
        return frozenset(listed[country])
    return _EVERYWHERE | _known_to_libphonenumber(country)


def _known_to_libphonenumber(country: str) -> frozenset[str]:
    metadata = PhoneMetadata.short_metadata_for_region(country, None)
    emergency = metadata.emergency if metadata else None
    if emergency is None or emergency.national_number_pattern is None:
        return frozenset()
    pattern = re.compile(emergency.national_number_pattern)
    lengths = [n for n in emergency.possible_length if n in _ENUMERATED_LENGTHS]
    candidates = (f"{number:0{n}}" for n in lengths for number in range(10**n))
    return frozenset(filter(pattern.fullmatch, candidates))
