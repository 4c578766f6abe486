"""Every value on its way into a file of Asterisk's passes here, and nowhere else.

Asterisk's parser (main/config.c) ends a value at a newline, takes `;` for the beginning of a
comment, `[` at the beginning of a line for a section and `#` for a directive. Values are refused
rather than escaped: none that we write needs such a character, but for secrets.
"""

import re

from asterisk_siptrunk.errors import InvalidInput

_FORBIDDEN = frozenset(";[]#")
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,78}", re.ASCII)


class Verbatim(str):
    """Text of our own making, already in Asterisk's syntax: patterns, URIs, expressions.

    Templates make it with the filter `syntax`, for what they wrote themselves.
    """

    __slots__ = ()


class UnsafeValue(InvalidInput):
    """A value that would not stay a value in Asterisk's file; `value` is it."""

    def __init__(self, value: str, why: str) -> None:
        super().__init__(why)
        self.value = value


def safe(value: object) -> str:
    """Give a value's text, or refuse it; Jinja calls this on all that a template prints.

    Raises:
        UnsafeValue: it holds a character that means something to Asterisk's parser.
    """
    if isinstance(value, Verbatim):
        return value
    text = str(value)
    wrong = next((each for each in text if each in _FORBIDDEN or not each.isprintable()), None)
    if wrong is not None:
        raise UnsafeValue(text, f"the character {wrong!r} cannot stand in Asterisk's files")
    return text


def secret(text: str) -> Verbatim:
    r"""Write a password that somebody else chose: `;` becomes `\;`, what ends a line is refused.

    Raises:
        UnsafeValue: Asterisk could not read it back as it is.
    """
    if not text.isprintable() or text != text.strip() or "\\;" in text or text.endswith("\\"):
        raise UnsafeValue(
            text, "a secret is one line, without spaces or a backslash at its ends or before ';'"
        )
    return Verbatim(text.replace(";", "\\;"))


def context(text: str) -> Verbatim:
    """Write the name of a context that an admin gave.

    Raises:
        UnsafeValue: it would not stay one word of the dialplan.
    """
    if not _CONTEXT.fullmatch(text):
        raise UnsafeValue(text, "a context has 1 to 79 letters, digits, '-' and '_'")
    return Verbatim(text)


def digits(text: str) -> Verbatim:
    """Write a number that is dialled or looked up: digits, perhaps a plus in front.

    Raises:
        UnsafeValue: it has other characters.
    """
    if not re.fullmatch(r"\+?[0-9]{1,20}", text, re.ASCII):
        raise UnsafeValue(text, "a number has 1 to 20 digits, perhaps with '+' in front")
    return Verbatim(text)
