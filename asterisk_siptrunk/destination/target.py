"""What a rule of a destination policy speaks of."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from typing import Self

import phonenumbers

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.destination.model import NETWORKS, Destination, Kind
from asterisk_siptrunk.errors import InvalidInput

_ALL = "all"
_INTERNATIONAL = "international"
_RISK = "risk:high"
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_SHORT_NUMBER = re.compile(r"[0-9]{2,6}")
_ANY_COUNTRY = "*"
_JUDGED_KINDS = frozenset(Kind) - {Kind.EMERGENCY}


class Scope(IntEnum):
    """Kinds of target, from the widest to the narrowest; why they stand so is said in `policy`."""

    ALL = 0
    INTERNATIONAL = 1
    SHARED_CODE = 2
    RISK = 3
    COUNTRY = 4
    KIND = 5
    ZONE = 6
    RANGE = 7
    SHORT_NUMBER = 8


@dataclass(frozen=True, slots=True)
class RiskList:
    """Countries (`lv`) and prefixes (`+1876`) that toll fraud prefers: what `risk:high` means."""

    targets: frozenset[str]

    def covers(self, destination: Destination, home: str) -> bool:
        """Whether the list names it. A country is no risk to itself: Jamaica may call Jamaica."""
        if destination.is_domestic(home):
            return False
        country = destination.country.lower()
        return country in self.targets or any(p in self.targets for p in _prefixes(destination))


@cache
def shipped_risk() -> RiskList:
    """The list in `data/high_risk.toml`."""
    entries = shipped.load("high_risk")["entries"]
    return RiskList(frozenset(entry["target"] for entry in entries))


@dataclass(frozen=True, slots=True)
class Target:
    """A set of destinations, by its name; `Target.parse` makes one, `str()` gives the name back.

    ================= ==========================================================
    `+88213`          numbers that begin so
    `3949`            this short number
    `fr:premium`      numbers of a country and kind; `001` for international networks
    `*:premium`       numbers of a kind, everywhere
    `fr`              a country
    `risk:high`       the list of destinations that toll fraud prefers
    `international`   all that is not dialled under the home country's plan
    `all`             everything
    ================= ==========================================================
    """

    name: str
    scope: Scope = field(compare=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The target of that name, in small or capital letters.

        Raises:
            InvalidInput: no target has that name.
        """
        name = text.strip().lower()
        scope = _scope(name)
        if scope is None:
            raise InvalidInput(
                f"Destination {text!r} is not understood; give a prefix (+88213), a country (fr), "
                f"a country and kind (fr:premium), a kind (*:premium), a short number (3949), "
                f"{_RISK}, {_INTERNATIONAL} or {_ALL}. Kinds: {', '.join(sorted(_JUDGED_KINDS))}."
            )
        return cls(name, scope)

    def __str__(self) -> str:
        return self.name

    @property
    def specificity(self) -> tuple[int, int]:
        """Grows as the target narrows: its scope, then the length of its prefix.

        `+371` and `lv` are one set of numbers, so no digits count between them.
        """
        counts = self.scope in {Scope.RANGE, Scope.SHARED_CODE}
        return self.scope, len(self.name) if counts else 0

    def matches(self, destination: Destination, home: str, risk: RiskList | None = None) -> bool:
        """Whether `destination`, called from country `home`, is in the set."""
        return self.name in names_of(destination, home, risk or shipped_risk())


def names_of(destination: Destination, home: str, risk: RiskList) -> Iterator[str]:
    """The names of all targets that `destination` is in."""
    if destination.number.startswith("+"):
        yield from _prefixes(destination)
    else:
        yield destination.number
    yield destination.zone
    yield f"{_ANY_COUNTRY}:{destination.kind}"
    yield destination.country.lower()
    if not destination.is_domestic(home):
        yield _INTERNATIONAL
        if risk.covers(destination, home):
            yield _RISK
    yield _ALL


def _prefixes(destination: Destination) -> list[str]:
    number = destination.number
    return [number[:end] for end in range(2, len(number) + 1)]


def _scope(name: str) -> Scope | None:
    words = {_ALL: Scope.ALL, _INTERNATIONAL: Scope.INTERNATIONAL, _RISK: Scope.RISK}
    if name in words:
        return words[name]
    if _PREFIX.fullmatch(name):
        return _prefix_scope(name[1:])
    if _is_country(name):
        return Scope.COUNTRY
    if _SHORT_NUMBER.fullmatch(name):
        return Scope.SHORT_NUMBER
    return _zone_scope(*name.partition(":")[::2])


def _zone_scope(country: str, kind: str) -> Scope | None:
    if kind not in _JUDGED_KINDS:
        return None
    if country == _ANY_COUNTRY:
        return Scope.KIND
    return Scope.ZONE if _is_country(country) else None


def _is_country(name: str) -> bool:
    return name == NETWORKS or name.upper() in phonenumbers.SUPPORTED_REGIONS


def _prefix_scope(digits: str) -> Scope:
    """A prefix that ends with a country code, or before, names countries and no range in one."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    if int(digits) in regions:
        countries = regions[int(digits)]
        if countries == (NETWORKS,):
            return Scope.RANGE
        return Scope.COUNTRY if len(countries) == 1 else Scope.SHARED_CODE
    inside_one = any(int(digits[:end]) in regions for end in range(1, len(digits)))
    return Scope.RANGE if inside_one else Scope.SHARED_CODE
