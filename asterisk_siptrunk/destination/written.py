"""Numbers as people write them, made into what a PBX sends."""

import re

from asterisk_siptrunk.errors import InvalidInput

# What the dialplan's patterns let through to a decision.
MOST_DIGITS = 20
_DIALLED = re.compile(rf"\+?[0-9]{{1,{MOST_DIGITS}}}")
_PUNCTUATION = re.compile(r"[\s().\-/]")
_TOLD = 60


def without_punctuation(text: str) -> str:
    """A number without what people write between its digits."""
    return _PUNCTUATION.sub("", text)


def dialled_number(text: str) -> str:
    """What a PBX would send of a number that a person writes.

    Raises:
        InvalidInput: no PBX could send it as a called number.
    """
    number = without_punctuation(text)
    digits = number.removeprefix("+")
    if len(digits) > MOST_DIGITS and digits.isascii() and digits.isdigit():
        raise InvalidInput(
            f"{text[:_TOLD]!r} is too long to be dialled: it has {len(digits)} digits, and "
            f"{MOST_DIGITS} are the most."
        )
    if not _DIALLED.fullmatch(number):
        raise InvalidInput(
            f"{text[:_TOLD]!r} cannot be dialled: give digits, perhaps a plus in front."
        )
    return number
