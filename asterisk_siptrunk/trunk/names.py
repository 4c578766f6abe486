"""Names of customers, trunks and carriers: one form, safe in every file that Asterisk reads."""

import re

from asterisk_siptrunk.errors import InvalidInput

_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", re.ASCII)
# An Asterisk context may have 79 characters (AST_MAX_CONTEXT, asterisk/channel.h); the longest
# prefix that we put before a name takes about 20, and a name should still fit a table's column.
LONGEST_NAME = 40
PROVIDER = "provider"
"""Whose rules hold for all trunks, where a trunk's name could stand."""


def parse_name(text: str) -> str:
    """Give the name back if it can be one.

    Raises:
        InvalidInput: it has other characters than lower-case letters, digits and single hyphens.
    """
    if len(text) <= LONGEST_NAME and _NAME.fullmatch(text):
        return text
    raise InvalidInput(
        f"{text[:60]!r} cannot be a name: use 1 to {LONGEST_NAME} lower-case letters, digits and "
        "single hyphens, beginning with a letter, as in 'acme-paris'."
    )


def parse_trunk_name(text: str) -> str:
    """Give the name back if a trunk can have it.

    Raises:
        InvalidInput: it cannot be a name, or means something else where trunks are named.
    """
    if text == PROVIDER:
        raise InvalidInput(f"{text!r} means the rules of all trunks: choose another name.")
    return parse_name(text)
