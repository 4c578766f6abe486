"""A trunk, its carriers and an attempt, as most cases want them."""

from dataclasses import replace
from datetime import UTC, datetime

from asterisk_siptrunk.call import Attempt, Direction, Load, Terms
from asterisk_siptrunk.destination import Destination, Policy, Rule, default_rules, normalise
from asterisk_siptrunk.trunk import Carrier, CarrierMode, CarrierProfile, Trunk, TrunkKind

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAIN, SECOND = "+33123456789", "+33123456790"

PROFILE = CarrierProfile(
    name="plain", title="Plain", mode=CarrierMode.ADDRESS, source="a test", as_of="2026-11-23"
)
CARRIER = Carrier(id=1, name="one", profile=PROFILE, server="192.0.2.10", country="FR")
BACKUP = replace(CARRIER, id=2, name="two", priority=20)

TRUNK = Trunk(
    id=1,
    name="acme",
    customer="acme",
    kind=TrunkKind.REGISTERED,
    channels=3,
    country="FR",
    numbers=(MAIN, SECOND),
)

OUTBOUND = Attempt(
    server="lab",
    uniqueid="lab-1.1",
    direction=Direction.OUTBOUND,
    entry="acme",
    dialled="0612345678",
    at=NOON,
    caller=MAIN,
)
INBOUND = replace(OUTBOUND, direction=Direction.INBOUND, entry="one", dialled=MAIN, caller="+331")

IDLE = Load()


def terms(*rules: Rule, carriers=(CARRIER, BACKUP), **trunk) -> Terms:
    changed = replace(TRUNK, **trunk)
    return Terms(changed, Policy([*default_rules(), *rules], changed.country), carriers)


def first() -> float:
    """A chance that always falls on the first."""
    return 0.0


def number(dialled: str, country: str = "FR") -> Destination:
    """A number that is one."""
    found = normalise(dialled, country)
    assert found is not None
    return found
