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
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat

from asterisk_siptrunk.destination import plan
from asterisk_siptrunk.destination.emergency import is_emergency
from asterisk_siptrunk.destination.model import E164, Destination, Kind, plan_of
from asterisk_siptrunk.destination.short_numbers import short_kind

_ADMITTED = re.compile(r"\+?[0-9]{1,20}")
_LONGEST_E164 = 1 + 15
_SHORTEST_FOREIGN_WITHOUT_PLUS = 10
_REMEMBERED = 16_384
"""A busy trunk calls the same few thousand numbers; each costs about 600 bytes here."""


def normalise(dialled: str, country: str) -> Destination | None:
    """Where `dialled` leads from `country` (`FR`), None where it cannot lead anywhere.

    Admitted are an optional plus and 1 to 20 ASCII digits; anything else is None.
    """
    if _ADMITTED.fullmatch(dialled) is None:
        return None
    return _read(dialled, country.upper())


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
        return _destination(_parse(international), country)
    kind = short_kind(dialled, country)
    if kind is not None:
        return Destination(dialled, country, kind)
    return _national(dialled, country) or _without_plus(dialled, country)


def _international(dialled: str, country: str) -> str | None:
    """`+` and digits, where `dialled` says that it is international."""
    if dialled.startswith("+"):
        return dialled
    for prefix in plan.international_prefixes(country):
        match = prefix.match(dialled)
        if match:
            return f"+{dialled[match.end() :]}"
    return None


def _national(dialled: str, country: str) -> Destination | None:
    """A number as the plan that `country` dials in writes it: Réunion dials in France's."""
    main = plan_of(country)
    number = _parse(dialled, main)
    if number is None or not _is_written_nationally(dialled, number, main):
        return None
    return _destination(number, country)


def _is_written_nationally(dialled: str, number: PhoneNumber, country: str) -> bool:
    """Whether the plan writes the number so, above all with the trunk prefix it asks for."""
    digits = phonenumbers.national_significant_number(number)
    if dialled == f"{number.country_code}{digits}":
        return False
    return _has_trunk_prefix(dialled, country) or not plan.asks_for_prefix(digits, country)


def _has_trunk_prefix(dialled: str, country: str) -> bool:
    metadata = plan.metadata_of(country)
    prefix = metadata.national_prefix if metadata else None
    return prefix is not None and dialled.startswith(prefix)


def _without_plus(dialled: str, country: str) -> Destination | None:
    destination = _destination(_parse(f"+{dialled}"), country)
    if destination is None or destination.kind is Kind.UNALLOCATED:
        return None
    is_long = len(dialled) >= _SHORTEST_FOREIGN_WITHOUT_PLUS
    return destination if is_long or destination.is_domestic(country) else None


def _parse(text: str, country: str | None = None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None


def _destination(number: PhoneNumber | None, home: str) -> Destination | None:
    if number is None or not _is_possible(number):
        return None
    number = _where_it_lives(number)
    text = _e164(number)
    if not _is_possible(number) or len(text) > _LONGEST_E164 or not _is_final(text):
        return None
    code = number.country_code or 0
    country, kind = plan.classify(code, text.removeprefix(f"+{code}"), home)
    return Destination(text, country, _corrected(kind, text))


def _is_final(text: str) -> bool:
    """Whether a number reads as itself: +43 000000 would lose a zero at each reading."""
    number = _parse(text)
    return number is not None and _e164(number) == text


def _where_it_lives(number: PhoneNumber) -> PhoneNumber:
    """The number under the country code it lives under: +33 262... is +262 262... ."""
    text = _e164(number)
    moved = plan.corrections("moved")
    prefix = plan.longest_prefix(text, moved)
    if prefix is None:
        return number
    return phonenumbers.parse(moved[prefix] + text.removeprefix(prefix))


def _is_possible(number: PhoneNumber) -> bool:
    """Whether the length is right; local numbers, short of their area code, are not."""
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == phonenumbers.ValidationResult.IS_POSSIBLE


def _corrected(kind: Kind, text: str) -> Kind:
    if plan.longest_prefix(text, plan.corrections("networks")):
        return Kind.SATELLITE
    kinds = plan.corrections("kinds")
    prefix = plan.longest_prefix(text, kinds)
    return kind if prefix is None or kind is Kind.UNALLOCATED else Kind(kinds[prefix])


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
