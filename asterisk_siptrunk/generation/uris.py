"""SIP URIs and hosts as they stand in Asterisk's files."""

import re
from ipaddress import IPv6Address
from urllib.parse import quote

from asterisk_siptrunk.generation.escape import UnsafeValue, Verbatim
from asterisk_siptrunk.trunk import Transport
from asterisk_siptrunk.trunk.writable import is_port, split_server

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})", re.ASCII)
_USER_SAFE = "+-_.!~*'()&=$,"  # RFC 3261 section 25.1, what `user` may hold besides letters, digits


def host_and_port(text: str) -> tuple[str, int | None]:
    """Split `host`, `host:port`, `2001:db8::1` or `[2001:db8::1]:port`; the host comes bare.

    Raises:
        UnsafeValue: it is no host, or no port.
    """
    host, port = split_server(text)
    if not _is_host(host) or (port and not is_port(port)):
        raise UnsafeValue(text, "this is no host, host:port or address")
    return host, int(port) if port else None


def bracketed(host: str) -> Verbatim:
    """Write a host as URIs and `bind` have it: IPv6 addresses in brackets.

    Raises:
        UnsafeValue: it is no host.
    """
    if not _is_host(host):
        raise UnsafeValue(host, "this is no host or address")
    return Verbatim(f"[{host}]" if ":" in host else host)


def _quoted(user: str) -> str:
    try:
        return quote(user, safe=_USER_SAFE)
    except UnicodeEncodeError:
        raise UnsafeValue(user, "this is no text") from None


def sip_uri(
    server: str, port: int | None = None, transport: Transport = Transport.UDP, user: str = ""
) -> Verbatim:
    r"""Write a SIP URI; its `;` comes as `\;`, since a bare one begins a comment.

    `port` holds where `server` names none.
    """
    host, own_port = host_and_port(server)
    at = f"{_quoted(user)}@" if user else ""
    number = own_port or port
    colon = f":{number}" if number else ""
    over = "" if transport is Transport.UDP else rf"\;transport={transport}"
    return Verbatim(f"sip:{at}{bracketed(host)}{colon}{over}")


def proxy_uri(server: str) -> Verbatim:
    """Write an outbound proxy: a loose router, RFC 3261 section 19.1.1."""
    return Verbatim(rf"{sip_uri(server)}\;lr")


def _is_host(text: str) -> bool:
    if ":" in text and "%" not in text:  # a scope may hold anything
        try:
            IPv6Address(text)
        except ValueError:
            return False
        return True
    return _HOST.fullmatch(text) is not None
