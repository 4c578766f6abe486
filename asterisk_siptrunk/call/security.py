"""Attempts on the service's borders, counted: who tries credentials, and whose.

A flood tells thousands of things a second, of addresses and names that the attacker chooses. So
what is kept is a count for each hour, source, account and kind, of which there are a bounded
number: whatever is over it is counted together, in the name of `OTHERS`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

OTHERS = "(others)"
"""The source and the account of what is counted together."""
MOST_WAITING = 1000
"""Counts that wait to be stored; 250 kB."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One attempt, as Asterisk saw it.

    Attributes:
        source: the address that it came from.
        account: the user name that was tried; the attacker wrote it, unless it is a trunk's.
        trunk: the trunk whose account it is, "" for no trunk's.
        kind: Asterisk's word for it: `ChallengeResponseFailed` is a wrong password.
    """

    source: str
    account: str
    trunk: str
    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SecurityCount:
    """How often it happened within an hour (UTC), first and last."""

    hour: datetime
    source: str
    account: str
    trunk: str
    kind: str
    count: int
    first_at: datetime
    last_at: datetime

    def folded(self) -> "SecurityCount":
        """The same, counted together with others of its kind."""
        return replace(self, source=OTHERS, account=OTHERS, trunk="")

    def plus(self, other: "SecurityCount") -> "SecurityCount":
        """Both together."""
        return replace(
            self,
            count=self.count + other.count,
            first_at=min(self.first_at, other.first_at),
            last_at=max(self.last_at, other.last_at),
        )


class SecurityTally:
    """Counts that wait to be stored."""

    def __init__(self) -> None:
        self._counts: dict[tuple[datetime, str, str, str], SecurityCount] = {}

    def __len__(self) -> int:
        return len(self._counts)

    def note(self, event: SecurityEvent) -> None:
        """Count one."""
        hour = event.at.replace(minute=0, second=0, microsecond=0)
        self._add(
            SecurityCount(
                *(hour, event.source, event.account, event.trunk, event.kind),
                *(1, event.at, event.at),
            )
        )

    def take(self, most: int) -> Sequence[SecurityCount]:
        """Take the first counts out."""
        taken = list(self._counts.items())[:most]
        for key, _ in taken:
            del self._counts[key]
        return [count for _, count in taken]

    def give_back(self, counts: Sequence[SecurityCount]) -> None:
        """Have counts wait again: they could not be stored."""
        for count in counts:
            self._add(count)

    def _add(self, count: SecurityCount) -> None:
        key = _key(count)
        if key not in self._counts and len(self._counts) >= MOST_WAITING:
            count = count.folded()
            key = _key(count)
        known = self._counts.get(key)
        self._counts[key] = known.plus(count) if known else count


def _key(count: SecurityCount) -> tuple[datetime, str, str, str]:
    return count.hour, count.source, count.account, count.kind
