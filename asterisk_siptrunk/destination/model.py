"""Where a call goes: a number, its country and its kind."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NewType

from asterisk_siptrunk.destination import shipped

E164 = NewType("E164", str)
"""A number as ITU-T E.164 writes it with its plus: `+33123456789`, 4 to 15 digits."""

NETWORKS = "001"
"""The country of numbers that belong to none: satellites and international networks."""


class Kind(StrEnum):
    """What is at the other end, seen from the price of the call."""

    FIXED = "fixed"
    MOBILE = "mobile"
    FIXED_OR_MOBILE = "fixed_or_mobile"
    """The plan does not tell them apart, as in North America."""
    FREE = "free"
    SHARED_COST = "shared_cost"
    PREMIUM = "premium"
    PERSONAL = "personal"
    VOIP = "voip"
    """Non-geographic numbers, such as 09 in France."""
    SATELLITE = "satellite"
    """Satellite and international networks: +870, +881, +882, +883, +979 and their like."""
    OTHER = "other"
    """Allocated, and none of these: company-wide numbers, pagers, voice mail."""
    SHORT = "short"
    """A short number of the home country that is not an emergency one."""
    EMERGENCY = "emergency"
    UNALLOCATED = "unallocated"
    """The length is right and nobody was given the range: often a sign of fraud."""


ORDINARY = frozenset({Kind.FIXED, Kind.MOBILE, Kind.FIXED_OR_MOBILE, Kind.FREE, Kind.VOIP})
"""Kinds that may be called when nobody is there to judge (see `away`)."""


@cache
def plan_of(country: str) -> str:
    """The country whose plan `country` dials in: RE dials in FR's, most in their own."""
    plans: dict[str, list[str]] = shipped.load("number_plans")["shared_plans"]
    return next((plan for plan, members in plans.items() if country in members), country)


@cache
def members_of(main: str) -> tuple[str, ...]:
    """The countries that dial in the plan of country `main`, itself first."""
    plans: dict[str, list[str]] = shipped.load("number_plans")["shared_plans"]
    return tuple(plans.get(main, (main,)))


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a call would go.

    `number` is E.164 (`+33612345678`); a short or emergency number stands as it was dialled
    (`3949`, `112`). `country` is ISO 3166 (`FR`), `001` for networks of no country, and the
    caller's own country for a short number.
    """

    number: str
    country: str
    kind: Kind

    @property
    def zone(self) -> str:
        """Country and kind as policies and tariffs name them: `fr:mobile`, `001:satellite`."""
        return f"{self.country.lower()}:{self.kind}"

    @property
    def is_emergency(self) -> bool:
        """Whether lives may hang on this call."""
        return self.kind is Kind.EMERGENCY

    def is_domestic(self, home: str) -> bool:
        """Whether `home` dials it under its own national plan, as FR does RE and RE does FR."""
        return plan_of(self.country) == plan_of(home)
