"""How a number is written for a carrier."""

from functools import lru_cache

import phonenumbers

from asterisk_siptrunk.destination import Destination
from asterisk_siptrunk.trunk import Carrier, NumberFormat

_REMEMBERED = 16_384


def called_number(carrier: Carrier, callee: Destination) -> str:
    """The number to dial at a carrier; short and emergency numbers go as they were dialled."""
    if not callee.number.startswith("+"):
        return callee.number
    written = write(callee.number, carrier.profile.called_format, carrier.country)
    return carrier.profile.tech_prefix + written


def presented_number(carrier: Carrier, caller: str) -> str:
    """The caller number as the carrier wants it; what is not E.164 goes as it came."""
    if not caller.startswith("+"):
        return caller
    return write(caller, carrier.profile.caller_format, carrier.country)


@lru_cache(maxsize=_REMEMBERED)
def write(number: str, style: NumberFormat, country: str) -> str:
    """Write an E.164 number in a style, seen from a country ("FR")."""
    if style is NumberFormat.PLUS:
        return number
    if style is NumberFormat.DIGITS:
        return number[1:]
    if style is NumberFormat.NATIONAL:
        return _national(number, country) or f"00{number[1:]}"
    return f"00{number[1:]}"


def _national(number: str, country: str) -> str | None:
    """The number as dialled inside its country, None where that is another one."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    if parsed.country_code != phonenumbers.country_code_for_region(country):
        return None
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(character for character in written if character.isdecimal())
