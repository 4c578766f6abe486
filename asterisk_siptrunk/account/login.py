"""What people log in by: their e-mail address; and how they are called."""

import re

from asterisk_siptrunk.errors import InvalidInput

LONGEST_LOGIN = 254
"""RFC 5321 section 4.5.3.1.3 lets no address be longer."""
LONGEST_NAME = 100
# Only the shape: whether it takes mail, only mail can tell.
_EMAIL = re.compile(r"[^\s@<>,;:\"()]{1,64}@[^\s@<>,;:\"()]+\.[^\s@<>,;:\"().]+")


def is_email(text: str) -> bool:
    """Whether this can be an address of e-mail."""
    return text.isprintable() and _EMAIL.fullmatch(text) is not None


def parse_login(text: str) -> str:
    """An address to log in by, in small letters.

    Raises:
        InvalidInput: it is none.
    """
    login = text.strip().casefold()
    if len(login) > LONGEST_LOGIN or not is_email(login):
        raise InvalidInput(f"{text[:80]!r} is no e-mail address; give one like alice@acme.example.")
    return login


def parse_person(text: str) -> str:
    """How somebody is called; "" is nothing in particular.

    Raises:
        InvalidInput: it is too long, or no line of text.
    """
    name = text.strip()
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"A name is one line of at most {LONGEST_NAME} characters.")
    return name
