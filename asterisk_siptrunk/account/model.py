"""Accounts of people, their sessions, and tokens of programs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asterisk_siptrunk.account.role import Right, Role, rights_of
from asterisk_siptrunk.account.scope import Scope

IDLE = timedelta(hours=8)
"""A session that nobody used for so long is over: a working day."""
LONGEST = timedelta(days=7)
"""And one that was opened so long ago."""
CONFIRMED_FOR = timedelta(minutes=10)
"""How long a password that was just given again stands for what is risky."""
MOST_TOKEN_DAYS = 1825
"""For so long a token may be let in: five years."""


@dataclass(frozen=True, slots=True)
class Account:
    """A person.

    Attributes:
        login: its e-mail address, in small letters.
        customer: whose it is, by name; "" for the provider's people.
        language: as in BCP 47; "" for what the browser asks for.
        timezone: an IANA name; "" for the provider's.
        second: whether a second factor is asked for.
    """

    id: int
    login: str
    name: str
    role: Role
    customer: str
    language: str
    timezone: str
    second: bool
    disabled: bool

    def may(self, right: Right) -> bool:
        """Whether its role allows this."""
        return right in rights_of(self.role)


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that somebody has logged in with.

    Attributes:
        id: its row; the token itself is with the browser alone.
        confirmed_at: when the password was last given in it.
    """

    id: int
    account: Account
    opened_at: datetime
    seen_at: datetime
    confirmed_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether it was left alone, or stands, for too long."""
        return now - self.seen_at > IDLE or now - self.opened_at > LONGEST

    def is_confirmed(self, now: datetime) -> bool:
        """Whether the password was given so lately that risky things may be done."""
        return now - self.confirmed_at <= CONFIRMED_FOR


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What a program shows to use the API.

    Attributes:
        customer: whose things it reaches, by name; "" for the provider's: everyone's.
        scopes: what for.
    """

    id: int
    name: str
    customer: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    used_at: datetime | None
    author: str

    def is_good(self, now: datetime) -> bool:
        """Whether it is still let in."""
        return self.revoked_at is None and now < self.expires_at
