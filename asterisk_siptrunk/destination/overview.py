"""A country at a glance, and what a change of the rules would open or close."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from asterisk_siptrunk.destination.model import Kind
from asterisk_siptrunk.destination.policy import Action, Policy, ZoneJudgement
from asterisk_siptrunk.destination.target import RiskList
from asterisk_siptrunk.destination.zones import Zone, is_risky, risky_prefixes, world

_PHONES = frozenset({Kind.FIXED, Kind.MOBILE, Kind.FIXED_OR_MOBILE})
_DEAR = frozenset({Kind.PREMIUM, Kind.SATELLITE})


class Openness(StrEnum):
    """How much of a country may be called: by its phones and mobiles.

    Surcharged numbers are blocked nearly everywhere, and would make all countries look alike;
    toll-free ones of North America are those of a dozen countries.
    """

    OPEN = "open"
    PARTLY = "partly"
    BLOCKED = "blocked"
    LOCKED = "locked"
    """Blocked, and the provider alone can open it."""


def openness(judged: Sequence[ZoneJudgement]) -> Openness:
    """How open a country's zones are; where none is of phones, all of them count."""
    phones = [one for one in judged if one.zone.kind in _PHONES] or judged
    if all(one.is_open for one in phones):
        return Openness.OPEN
    if not all(one.is_blocked for one in phones):
        return Openness.PARTLY
    return Openness.LOCKED if all(one.is_locked for one in phones) else Openness.BLOCKED


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of the rules does: zones that it opens or closes, whole or in part."""

    opened: tuple[Zone, ...]
    closed: tuple[Zone, ...]


def difference(before: Policy, after: Policy, home: str) -> Difference:
    """Compare what two policies say of all zones, as seen from a country."""
    opened, closed = [], []
    for zone in world(home):
        was, is_now = before.judge_zone(zone), after.judge_zone(zone)
        if _amount_open(is_now) > _amount_open(was):
            opened.append(zone)
        elif _amount_open(is_now) < _amount_open(was):
            closed.append(zone)
    return Difference(tuple(opened), tuple(closed))


def _amount_open(one: ZoneJudgement) -> tuple[bool, int]:
    """Grows as more of a zone is open: the zone itself, then the ranges that differ from it."""
    is_open = one.action is Action.ALLOW
    return is_open, -len(one.exceptions) if is_open else len(one.exceptions)


def dangerous(zones: Iterable[Zone], home: str, risk: RiskList) -> tuple[Zone, ...]:
    """Those of zones that toll fraud prefers: on the list, all or some of it, or surcharged."""
    return tuple(
        zone
        for zone in zones
        if zone.kind in _DEAR or is_risky(zone, home, risk) or risky_prefixes(zone, home, risk)
    )
