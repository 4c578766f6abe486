"""The world's number plans: libphonenumber's tables, and our corrections of them.

libphonenumber's own look-ups would do most of this in three passes over its tables; one pass of
ours costs half, answers for the home country first (a toll-free number of North America is every
country's there), and gives the ranges from which `away` makes dialplan patterns.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import phonenumbers
from phonenumbers import NumberFormat, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.destination.model import NETWORKS, Kind
from asterisk_siptrunk.errors import InvalidInput

_ANYWHERE_PREFIX = "00"
"""The prefix ITU-T E.164 recommends; PBXs are often set to it wherever they stand."""

_LONGEST_CORRECTED = 9
"""Characters in the longest prefix of the tables of corrections, plus included; a test counts."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers of one kind: national significant numbers that the whole expression fits."""

    kind: Kind
    expression: str
    lengths: frozenset[int]
    pattern: re.Pattern[str]

    def has(self, digits: str) -> bool:
        """Whether the number without its country code is of this range."""
        return len(digits) in self.lengths and self.pattern.fullmatch(digits) is not None


def country_code(country: str) -> str:
    """Country code of `country`: `FR` -> `33`.

    Raises:
        InvalidInput: no such country has one.
    """
    code = phonenumbers.country_code_for_region(country.upper())
    if not code:
        raise InvalidInput(f"Country {country!r} has no country code; give its two letters: FR.")
    return str(code)


def countries_of(code: int) -> tuple[str, ...]:
    """Countries that share a country code, the main one first; `001` for networks."""
    countries: tuple[str, ...] = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    return countries


@cache
def metadata_of(country: str) -> PhoneMetadata | None:
    """Tables of libphonenumber for a country; None for one it does not know."""
    return PhoneMetadata.metadata_for_region(country, None)


def classify(code: int, digits: str, home: str) -> tuple[str, Kind]:
    """Country and kind of a number, seen from `home`, by the plans alone.

    A range nobody was given is `UNALLOCATED`, in the country whose it would be.
    """
    countries = countries_of(code)
    if home in countries:
        countries = (home, *countries)
    for country in countries:
        kind = _first_kind(digits, ranges(country, code))
        if kind is not Kind.UNALLOCATED:
            return country, kind
    return _would_be_of(code, digits), Kind.UNALLOCATED


@cache
def ranges(country: str, code: int) -> tuple[Range, ...]:
    """The ranges of a country, in the order in which they are believed: first hit wins.

    The code tells the networks of country `001` apart.
    """
    if country == NETWORKS:
        metadata = PhoneMetadata.metadata_for_nongeo_region(code, None)
    else:
        metadata = metadata_of(country)
    if metadata is None:
        return ()
    described = (
        (Kind.PREMIUM, metadata.premium_rate),
        (Kind.FREE, metadata.toll_free),
        (Kind.SHARED_COST, metadata.shared_cost),
        (Kind.VOIP, metadata.voip),
        (Kind.PERSONAL, metadata.personal_number),
        (Kind.OTHER, metadata.pager),
        (Kind.OTHER, metadata.uan),
        (Kind.OTHER, metadata.voicemail),
        (Kind.FIXED, metadata.fixed_line),
        (Kind.MOBILE, metadata.mobile),
    )
    return tuple(_range(kind, text) for kind, text in described if text is not None)


def asks_for_prefix(digits: str, country: str) -> bool:
    """Whether `country` writes this number of its own with its trunk prefix, never without."""
    metadata = metadata_of(country)
    if metadata is None or metadata.national_prefix is None:
        return False
    for number_format in _formats(metadata.country_code or 0):
        leading = number_format.leading_digits_pattern
        starts = not leading or re.match(leading[0], digits)
        if starts and re.fullmatch(number_format.pattern or "", digits):
            asked = bool(number_format.national_prefix_formatting_rule)
            return asked and not number_format.national_prefix_optional_when_formatting
    return True


@cache
def international_prefixes(country: str) -> tuple[re.Pattern[str], ...]:
    """What opens an international number in `country`: its own prefix, then `00`."""
    metadata = metadata_of(country)
    own = metadata.international_prefix if metadata else None
    return tuple(re.compile(prefix) for prefix in dict.fromkeys((own, _ANYWHERE_PREFIX)) if prefix)


@cache
def dialled_prefix(country: str) -> str | None:
    """The international prefix to dial in `country`, where it has one plain prefix.

    None where it is followed by a carrier's code, as in Brazil.
    """
    metadata = metadata_of(country)
    if metadata is None or metadata.international_prefix is None:
        return None
    plain = metadata.preferred_international_prefix or metadata.international_prefix
    expression = international_prefixes(country)[0]
    followed = (expression.match(f"{plain}{digits}") for digits in range(10, 100))
    is_plain = plain.isdecimal() and all(m is not None and m[0] == plain for m in followed)
    return plain if is_plain else None


@cache
def corrections(name: str) -> dict[str, str]:
    """A table of `data/number_plans.toml`, from prefix to what it stands for."""
    table: dict[str, str] = shipped.load("number_plans")[name]
    return table


def longest_prefix(number: str, table: dict[str, str]) -> str | None:
    """The longest key of a table of corrections that the number begins with."""
    for end in range(_LONGEST_CORRECTED, 1, -1):
        if number[:end] in table:
            return number[:end]
    return None


@cache
def _formats(code: int) -> tuple[NumberFormat, ...]:
    """How numbers under a code are written: only its main country's tables say it."""
    metadata = metadata_of(countries_of(code)[0])
    return tuple(metadata.number_format) if metadata else ()


def _range(kind: Kind, described: PhoneNumberDesc) -> Range:
    expression = described.national_number_pattern or ""
    return Range(kind, expression, frozenset(described.possible_length), re.compile(expression))


def _first_kind(digits: str, candidates: Iterable[Range]) -> Kind:
    kinds = [candidate.kind for candidate in candidates if candidate.has(digits)]
    if not kinds:
        return Kind.UNALLOCATED
    return Kind.FIXED_OR_MOBILE if kinds == [Kind.FIXED, Kind.MOBILE] else kinds[0]


def _would_be_of(code: int, digits: str) -> str:
    """Area codes tell Caribbean countries apart even where no number was given out."""
    countries = countries_of(code)
    for country in countries:
        metadata = metadata_of(country)
        if metadata and metadata.leading_digits and re.match(metadata.leading_digits, digits):
            return country
    return countries[0]
