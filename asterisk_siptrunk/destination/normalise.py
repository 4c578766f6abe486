"""From what a PBX sends to a destination.

Read in this order, the first that fits wins:

1. an emergency number of the home country, in exactly the form dialled there;
2. `+`, the home country's international prefix (`00`, `011`, `0011`, `010`...), or `00`, which
   PBXs are often set to wherever they stand: an international number;
3. a short number of the home country;
4. a national number, written as the home plan writes it: with the trunk prefix where the plan
   asks for one. A number that only lacks it is none: it may be a local one, and the area of the
   caller is not known here;
5. E.164 that has lost its plus (`33123456789`), only if it cannot be national and is an allocated
   number: of the home country, or of another one when ten digits or longer, because shorter ones
   may be local numbers.

A number nobody could be reached at (unknown code, impossible length) is None. One of a possible
length in a range nobody was given is `Kind.UNALLOCATED`: policies block it by default.
"""

import re
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.destination.emergency import is_emergency
from asterisk_siptrunk.destination.model import E164, Destination, Kind
from asterisk_siptrunk.destination.short_numbers import short_kind
from asterisk_siptrunk.errors import InvalidInput

_ADMITTED = re.compile(r"\+?[0-9]{1,20}")
_LONGEST_E164 = 1 + 15
_SHORTEST_FOREIGN_WITHOUT_PLUS = 10
_REMEMBERED = 16_384
"""A busy trunk calls the same few thousand numbers; each costs about 600 bytes here."""

_KINDS = {
    PhoneNumberType.FIXED_LINE: Kind.FIXED,
    PhoneNumberType.MOBILE: Kind.MOBILE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: Kind.FIXED_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: Kind.FREE,
    PhoneNumberType.PREMIUM_RATE: Kind.PREMIUM,
    PhoneNumberType.SHARED_COST: Kind.SHARED_COST,
    PhoneNumberType.VOIP: Kind.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: Kind.PERSONAL,
    PhoneNumberType.UNKNOWN: Kind.UNALLOCATED,
}


def country_code(country: str) -> str:
    """Country code of `country`: `FR` -> `33`.

    Raises:
        InvalidInput: no such country has one.
    """
    code = phonenumbers.country_code_for_region(country)
    if not code:
        raise InvalidInput(f"Country {country!r} has no country code; give its two letters: FR.")
    return str(code)


def normalise(dialled: str, country: str) -> Destination | None:
    """Where `dialled` leads from `country` (`FR`), None where it cannot lead anywhere.

    Admitted are an optional plus and 1 to 20 ASCII digits; anything else is None.
    """
    if _ADMITTED.fullmatch(dialled) is None:
        return None
    return _read(dialled, country)


def caller_number(presented: str, country: str) -> E164 | None:
    """The caller number a PBX presents, as E.164; None for what cannot be a subscriber's number.

    Read like a dialled number; emergency and short numbers call nobody.
    """
    destination = normalise(presented, country)
    if destination is None or not destination.number.startswith("+"):
        return None
    return E164(destination.number)


@lru_cache(maxsize=_REMEMBERED)
def _read(dialled: str, country: str) -> Destination | None:
    if is_emergency(dialled, country):
        return Destination(dialled, country, Kind.EMERGENCY)
    international = _international(dialled, country)
    if international is not None:
        return _destination(_parse(international))
    kind = short_kind(dialled, country)
    if kind is not None:
        return Destination(dialled, country, kind)
    return _national(dialled, country) or _without_plus(dialled, country)


def _international(dialled: str, country: str) -> str | None:
    """`+` and digits, where `dialled` says that it is international."""
    if dialled.startswith("+"):
        return dialled
    for prefix in _international_prefixes(country):
        match = prefix.match(dialled)
        if match:
            return f"+{dialled[match.end() :]}"
    return None


@cache
def _international_prefixes(country: str) -> tuple[re.Pattern[str], ...]:
    metadata = PhoneMetadata.metadata_for_region(country, None)
    own = metadata.international_prefix if metadata else None
    return tuple(re.compile(prefix) for prefix in dict.fromkeys((own, "00")) if prefix)


def _national(dialled: str, country: str) -> Destination | None:
    metadata = PhoneMetadata.metadata_for_region(country, None)
    number = _parse(dialled, country)
    if metadata is None or number is None or not _is_written_nationally(dialled, number, metadata):
        return None
    return _destination(number)


def _is_written_nationally(dialled: str, number: PhoneNumber, metadata: PhoneMetadata) -> bool:
    """Whether the home plan writes the number so, above all with the trunk prefix it asks for."""
    digits = phonenumbers.national_significant_number(number)
    if dialled == f"{number.country_code}{digits}":
        return False
    prefix = metadata.national_prefix
    return prefix is None or dialled.startswith(prefix) or not _asks_for_prefix(digits, metadata)


def _asks_for_prefix(digits: str, metadata: PhoneMetadata) -> bool:
    """Whether the plan writes this number with its trunk prefix, and never without."""
    for number_format in metadata.number_format:
        leading = number_format.leading_digits_pattern
        starts = not leading or re.match(leading[0], digits)
        if starts and re.fullmatch(number_format.pattern or "", digits):
            asked = bool(number_format.national_prefix_formatting_rule)
            return asked and not number_format.national_prefix_optional_when_formatting
    return True


def _without_plus(dialled: str, country: str) -> Destination | None:
    destination = _destination(_parse(f"+{dialled}"))
    if destination is None or destination.kind is Kind.UNALLOCATED:
        return None
    is_long = len(dialled) >= _SHORTEST_FOREIGN_WITHOUT_PLUS
    return destination if is_long or destination.is_domestic(country) else None


def _parse(text: str, country: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None


def _destination(number: PhoneNumber | None) -> Destination | None:
    number = number and _at_home(number)
    if number is None or not _is_possible(number):
        return None
    text = _e164(number)
    if len(text) > _LONGEST_E164:
        return None
    country = phonenumbers.region_code_for_number(number)
    if country is None:
        country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return Destination(text, country, _kind(text, number))


def _is_possible(number: PhoneNumber) -> bool:
    """Whether the length is right; local numbers, short of their area code, are not."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == phonenumbers.ValidationResult.IS_POSSIBLE


def _at_home(number: PhoneNumber) -> PhoneNumber | None:
    """The number under the code it lives under: +33 262... is +262 262... ."""
    text = _e164(number)
    moved = _longest(text, _plan_table("moved"))
    if moved is None:
        return number
    prefix, target = moved
    return _parse(target + text.removeprefix(prefix))


def _kind(text: str, number: PhoneNumber) -> Kind:
    if _longest(text, _plan_table("networks")):
        return Kind.SATELLITE
    kind = _KINDS.get(phonenumbers.number_type(number), Kind.OTHER)
    corrected = _longest(text, _plan_table("kinds"))
    return Kind(corrected[1]) if corrected and kind is not Kind.UNALLOCATED else kind


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def _longest(text: str, table: dict[str, str]) -> tuple[str, str] | None:
    """The table's longest prefix of `text`, and what it stands for."""
    for end in range(min(len(text), 9), 1, -1):
        found = table.get(text[:end])
        if found is not None:
            return text[:end], found
    return None


@cache
def _plan_table(name: str) -> dict[str, str]:
    table: dict[str, str] = shipped.load("number_plans")[name]
    return table
