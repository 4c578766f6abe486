"""Values that end up in Asterisk's files, in a SIP URI or in the history: refused when given.

The rendering refuses them as well, whatever way they came; but there a single one stops the
configuration of everybody, long after the person who gave it has left.
"""

import re
from ipaddress import IPv4Address, IPv6Address

from asterisk_siptrunk.errors import InvalidInput

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)
_LONGEST_NAME = 253  # RFC 1035 section 2.3.4, without its length bytes
_ONLY_DIGITS = re.compile(r"[0-9.]+", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_HIGHEST_PORT = 65_535
# AST_MAX_CONTEXT is 80 with the zero at its end (asterisk/channel.h).
_CONTEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,78}", re.ASCII)
_LONGEST_USERNAME = 80
_MEANS_SOMETHING = frozenset(";[]#")
_LONGEST_SECRET = 200
_LONGEST_LINE = 500


def parse_line(text: str) -> str:
    """A sentence of a person's: one line, with something in it.

    Raises:
        InvalidInput: it is empty, too long, or holds what would steer a terminal.
    """
    if not text.strip():
        raise InvalidInput("this is empty: say it in a few words.")
    return parse_line_or_none(text)


def parse_line_or_none(text: str) -> str:
    """The same; nothing takes away what was there.

    Raises:
        InvalidInput: it is too long, or holds what would steer a terminal.
    """
    wrong = next((each for each in text if not each.isprintable()), None)
    if wrong is not None:
        raise InvalidInput(f"the character {wrong!r} cannot stand in it: write one line of text.")
    if len(text) > _LONGEST_LINE:
        raise InvalidInput(f"this has {len(text)} characters; {_LONGEST_LINE} are the most.")
    return text


def parse_server(text: str) -> str:
    """Give back `host`, `host:port`, an IPv6 address, or one in brackets with a port.

    Raises:
        InvalidInput: it is none of them.
    """
    host, port = split_server(text)
    if _is_host(host) and (port is None or is_port(port)):
        return text
    hint = " Leave 'sip:' out." if text.lower().startswith(("sip:", "sips:")) else ""
    raise InvalidInput(
        f"{text[:80]!r} is no host; give a name or an address, perhaps with a port of 1 to "
        f"{_HIGHEST_PORT}, as in sip.example.net, 192.0.2.10:5060 or [2001:db8::1]:5060.{hint}"
    )


def port_of(server: str) -> int | None:
    """The port that a server names, None where its profile's holds."""
    _, port = split_server(server)
    return int(port) if port is not None and is_port(port) else None


def parse_context(text: str) -> str:
    """Give back the name of a context of the dialplan.

    Raises:
        InvalidInput: it cannot be one.
    """
    if _CONTEXT.fullmatch(text):
        return text
    raise InvalidInput(
        f"{text[:80]!r} cannot be a context; use 1 to 79 letters, digits, '-' and '_', as in "
        "from-trunk."
    )


def parse_username(text: str) -> str:
    """Give back the name by which a carrier knows us.

    Raises:
        InvalidInput: Asterisk could not read it back from its file.
    """
    fits = 1 <= len(text) <= _LONGEST_USERNAME and text.isprintable()
    if fits and not any(each.isspace() or each in _MEANS_SOMETHING for each in text):
        return text
    raise InvalidInput(
        f"{text[:80]!r} cannot be a user name; use 1 to {_LONGEST_USERNAME} characters, without "
        "spaces and ; [ ] #."
    )


def parse_secret(text: str) -> str:
    r"""Give back a password that a carrier chose.

    Raises:
        InvalidInput: it is not one line, or Asterisk could not read it back: there `\;` is a
            semicolon, and a backslash at the end joins the next line. The secret is not shown.
    """
    if not (text and len(text) <= _LONGEST_SECRET and text.isprintable()):
        raise InvalidInput(
            f"The secret must be one line of 1 to {_LONGEST_SECRET} characters that can be printed."
        )
    if text != text.strip() or "\\;" in text or text.endswith("\\"):
        raise InvalidInput(
            "The secret must not have a space or a backslash at its end, or a backslash before "
            "';': Asterisk's files cannot hold that. Have the carrier give another."
        )
    return text


def split_server(text: str) -> tuple[str, str | None]:
    """Host without its brackets, and port; None where there is no colon for one."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host or (rest and not rest.startswith(":")):
            return "", None
        return host, rest[1:] if rest else None
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, port if colon else None


def _is_host(text: str) -> bool:
    # What is only digits and dots was meant as an address. A scope (fe80::1%eth0) is no part of a
    # SIP URI.
    if ":" in text:
        return "%" not in text and _is_address(IPv6Address, text)
    if _ONLY_DIGITS.fullmatch(text):
        return _is_address(IPv4Address, text)
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def _is_address(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def is_port(text: str) -> bool:
    """Whether a text is the number of a port."""
    return _PORT.fullmatch(text) is not None and 1 <= int(text) <= _HIGHEST_PORT
