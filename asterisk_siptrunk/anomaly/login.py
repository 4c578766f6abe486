"""Registrations and authentications, as the watch sees them."""

from dataclasses import dataclass
from enum import StrEnum


class LoginKind(StrEnum):
    """How it went."""

    REGISTERED = "registered"
    PASSWORD = "password"  # noqa: S105 - a kind of event
    """The account is there, and the password was wrong."""
    UNKNOWN = "unknown"
    """There is no such account, or no such peer."""


@dataclass(frozen=True, slots=True)
class Login:
    """One of them.

    Attributes:
        at: seconds since 1970, UTC.
        trunk: whose account it is; "" for nobody's.
        source: the address that it came from; `network` is the network that address is in.
        country: where that is, where a file of addresses says so; "" otherwise.
        user_agent: what the PBX calls itself; "" where it said nothing.
    """

    kind: LoginKind
    at: float
    trunk: str
    source: str
    network: str
    country: str = ""
    user_agent: str = ""
