"""Numbers: whatever is dialled, from wherever, leads to a number or nowhere, and always the same.

An emergency number stays one.
"""

import re

import phonenumbers

from asterisk_siptrunk.destination.emergency import is_emergency
from asterisk_siptrunk.destination.model import Kind
from asterisk_siptrunk.destination.normalise import caller_number, normalise
from tests.fuzz.source import Source

_E164 = re.compile(r"\+[1-9][0-9]{3,14}")
_SHORT = re.compile(r"[0-9]{2,6}")
_COUNTRIES = tuple(sorted(phonenumbers.SUPPORTED_REGIONS))
_DIALLED = re.compile(r"\+?[0-9]{1,20}")
_OTHERS = "*# \n\0a\u0663\u00b2"


def _character(byte: int) -> str:
    """Digits as they are, and most other bytes one too, so that most inputs can be dialled."""
    if byte < 128:
        return chr(byte)
    return _OTHERS[byte % 8] if byte > 247 else str(byte % 10)


def check(data: bytes) -> None:
    source = Source(data)
    country = source.one_of(_COUNTRIES)
    dialled = "".join(map(_character, source.rest()[:24]))
    found = normalise(dialled, country)
    assert normalise(dialled, country.lower()) == found
    emergency = is_emergency(dialled, country)
    assert emergency == (found is not None and found.kind is Kind.EMERGENCY)
    if found is None:
        assert caller_number(dialled, country) is None
        return
    assert _DIALLED.fullmatch(dialled)
    is_short = found.kind in {Kind.SHORT, Kind.EMERGENCY} or not found.number.startswith("+")
    assert (_SHORT if is_short else _E164).fullmatch(found.number)
    assert normalise(found.number, country) == found
    assert caller_number(dialled, country) == (None if is_short else found.number)
