"""The world by country and kind, seen as a whole: what a page shows without a number being dialled.

A rule, a rate or a list names prefixes, too, which are in a zone, reach beyond it, or are all of
it. What a zone's numbers are comes from the same plans as `normalise` reads; a zone is what most
numbers there are, so a plan's overlaps and corner cases are left to a number that is tried.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import phonenumbers

from asterisk_siptrunk.destination import plan
from asterisk_siptrunk.destination.digits import Block, expand, literal, merged, subtract, within
from asterisk_siptrunk.destination.model import NETWORKS, Kind, plan_of
from asterisk_siptrunk.destination.target import RiskList

_BOTH = (Kind.FIXED, Kind.MOBILE)


@dataclass(frozen=True, slots=True, order=True)
class Zone:
    """A country's numbers of one kind; `001` for networks of no country."""

    country: str
    kind: Kind

    @property
    def name(self) -> str:
        """As policies and tariffs name it: `lv:premium`."""
        return f"{self.country.lower()}:{self.kind}"

    def is_domestic(self, home: str) -> bool:
        """Whether `home` dials it under its own national plan."""
        return plan_of(self.country) == plan_of(home)


@cache
def countries() -> tuple[str, ...]:
    """All countries that have numbers, and `001`."""
    return (*sorted(phonenumbers.SUPPORTED_REGIONS), NETWORKS)


@cache
def zones_of(country: str, home: str) -> tuple[Zone, ...]:
    """The zones of a country; the home country has short numbers besides."""
    kinds = set(_blocks_of(country))
    if country == home:
        kinds.add(Kind.SHORT)
    return tuple(Zone(country, kind) for kind in Kind if kind in kinds)


@cache
def world(home: str) -> tuple[Zone, ...]:
    """The zones of all countries, as seen from one."""
    return tuple(zone for country in countries() for zone in zones_of(country, home))


@cache
def codes_of(country: str) -> tuple[str, ...]:
    """The country codes of a country, which has one, or of networks: `33`."""
    if country != NETWORKS:
        return (plan.country_code(country),)
    of_networks = phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS
    return tuple(sorted(str(code) for code in of_networks))


def blocks_of(zone: Zone) -> tuple[Block, ...]:
    """Its numbers, country code included; none of short numbers."""
    return _blocks_of(zone.country).get(zone.kind, ())


def touches(zone: Zone, prefix: str) -> bool:
    """Whether some numbers of a zone begin so: `+37190`."""
    digits = prefix.removeprefix("+")
    near = any(
        code.startswith(digits) or digits.startswith(code) for code in codes_of(zone.country)
    )
    return near and bool(within(blocks_of(zone), literal(digits)))


def covered(zone: Zone, prefixes: Iterable[str]) -> bool:
    """Whether all numbers of a zone begin with one of these."""
    blocks = blocks_of(zone)
    taken = (literal(prefix.removeprefix("+")) for prefix in prefixes)
    return bool(blocks) and not subtract(blocks, taken)


def common_names(zone: Zone, home: str, risk: RiskList) -> Iterator[str]:
    """The names of targets that a whole zone is in, apart from ranges of numbers."""
    for code in codes_of(zone.country) if zone.country != NETWORKS else ():
        yield from (f"+{code[:end]}" for end in range(1, len(code) + 1))
    yield zone.name
    yield f"*:{zone.kind}"
    yield zone.country.lower()
    if not zone.is_domestic(home):
        yield "international"
    if is_risky(zone, home, risk):
        yield "risk:high"
    yield "all"


@cache
def risky_prefixes(zone: Zone, home: str, risk: RiskList) -> tuple[str, ...]:
    """The prefixes of a list of risk that are in a zone, or reach beyond it."""
    if zone.is_domestic(home):
        return ()
    prefixes = (name for name in sorted(risk.targets) if name.startswith("+"))
    return tuple(prefix for prefix in prefixes if touches(zone, prefix))


@cache
def is_risky(zone: Zone, home: str, risk: RiskList) -> bool:
    """Whether a list of risk names all of a zone; a country is no risk to itself."""
    if zone.is_domestic(home):
        return False
    return zone.country.lower() in risk.targets or (covered(zone, risky_prefixes(zone, home, risk)))


@cache
def _blocks_of(country: str) -> dict[Kind, tuple[Block, ...]]:
    found: dict[Kind, list[Block]] = {}
    for code in codes_of(country):
        for kind, blocks in _plain(country, code):
            found.setdefault(kind, []).extend(blocks)
        _correct(found, code)
    return {kind: tuple(merged(blocks)) for kind, blocks in found.items() if blocks}


def _plain(country: str, code: str) -> Iterator[tuple[Kind, Collection[Block]]]:
    """The blocks of a plan by kind, as libphonenumber has them."""
    whole = f"+{code}"
    ranges = {each.kind: each for each in plan.ranges(country, int(code))}
    fixed, mobile = (ranges.get(kind) for kind in _BOTH)
    is_one = fixed is not None and mobile is not None and fixed.expression == mobile.expression
    for each in plan.ranges(country, int(code)):
        kind = Kind.FIXED_OR_MOBILE if is_one and each.kind in _BOTH else each.kind
        kind = Kind.SATELLITE if whole in plan.corrections("networks") else kind
        blocks = [block for block in expand(each.expression) if len(block) in each.lengths]
        yield kind, [literal(code) + block for block in dict.fromkeys(blocks)]


def _correct(found: dict[Kind, list[Block]], code: str) -> None:
    """Give the prefixes under a code whose kind is corrected to that kind."""
    for prefix, word in plan.corrections("kinds").items():
        digits = prefix.removeprefix("+")
        if not digits.startswith(code):
            continue
        begin = literal(digits)
        moved = [block for blocks in found.values() for block in within(blocks, begin)]
        for kind, blocks in found.items():
            found[kind] = subtract(blocks, [begin])
        if moved:
            found.setdefault(Kind(word), []).extend(moved)
