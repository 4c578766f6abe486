"""What can be said of a call, or of a registration: rules name the ones that they look at."""

from enum import IntFlag
from functools import cache, lru_cache

from asterisk_siptrunk.anomaly.sighting import Seen
from asterisk_siptrunk.call import Direction, Reason
from asterisk_siptrunk.destination import E164, ORDINARY, Destination, Kind, shipped_risk
from asterisk_siptrunk.destination.model import plan_of

DEAR = 200_000
"""A minute's price from which a call is dear, in millionths of the currency."""
SHORT = 12.0
"""Seconds: the same bound as Twilio's conditions for a healthy trunk have."""
ONE_RING = 4.0
"""Seconds that a phone rings once in, or little more."""
LONG = 1800.0


class Trait(IntFlag):
    """One thing that is so; `words` has each in people's words.

    Bits are kept in the database: where they are numbered anew, what was kept before is not read
    (`keeping.FORM` follows from them).
    """

    OUTBOUND = 1 << 0
    INBOUND = 1 << 1
    ADMITTED = 1 << 2
    REFUSED = 1 << 3
    INTERNATIONAL = 1 << 4
    """Beyond the home country's plan, outbound."""
    RISKY = 1 << 5
    """On the list of high risk, or surcharged, a satellite, or a range that nobody was given."""
    DEAR = 1 << 6
    NEW = 1 << 7
    """To a place that the trunk is not known to call."""
    FIRST = 1 << 8
    """The first call ever to a place."""
    QUIET_HOUR = 1 << 9
    """In an hour of the week that the trunk makes no calls in. While it is not known: at night, on
    weekends and holidays, in hours of the day that it did not call in on two days (two such days,
    unless it called on two days at night, on weekends or holidays)."""
    AFTER_SILENCE = 1 << 10
    SEQUENTIAL = 1 << 11
    """To a neighbour of a number that was just dialled: same but for the last two digits."""
    VARIANT = 1 << 12
    """To a number that was just dialled with another beginning."""
    THROUGH = 1 << 13
    """Begun while a call that came in just before was still there."""
    CALLED_BACK = 1 << 14
    """To a number that rang here shortly before and hung up."""
    BORROWED = 1 << 15
    """Under a caller number that is not the trunk's."""
    ANSWERED = 1 << 16
    UNANSWERED = 1 << 17
    SHORT_CALL = 1 << 18
    ONE_RING = 1 << 19
    LONG_CALL = 1 << 20
    PASSWORD = 1 << 21
    """A registration or a call with a wrong password."""
    UNKNOWN = 1 << 22
    """Credentials that are nobody's."""
    NEW_COUNTRY = 1 << 23
    NEW_NETWORK = 1 << 24
    NEW_USER_AGENT = 1 << 25
    TWO_PLACES = 1 << 26
    """Registered from one network while it still is from another."""
    UNREADABLE = 1 << 27
    """To digits that nobody could read as a number."""


_WORDS = {
    Trait.OUTBOUND: "outbound",
    Trait.INBOUND: "inbound",
    Trait.ADMITTED: "admitted",
    Trait.REFUSED: "refused",
    Trait.INTERNATIONAL: "international",
    Trait.RISKY: "to numbers of high risk",
    Trait.DEAR: "dear",
    Trait.NEW: "to places new for the trunk",
    Trait.FIRST: "the first ever to a place",
    Trait.QUIET_HOUR: "in hours that are quiet usually",
    Trait.AFTER_SILENCE: "after a month of silence",
    Trait.SEQUENTIAL: "to numbers in sequence",
    Trait.VARIANT: "to variants of one number",
    Trait.THROUGH: "while an inbound call was there",
    Trait.CALLED_BACK: "to callers that hung up",
    Trait.BORROWED: "under caller numbers not of the trunk",
    Trait.ANSWERED: "answered",
    Trait.UNANSWERED: "not answered",
    Trait.SHORT_CALL: f"of {SHORT:g} s or less",
    Trait.ONE_RING: "that rang once",
    Trait.LONG_CALL: "of more than half an hour",
    Trait.PASSWORD: "with a wrong password",
    Trait.UNKNOWN: "with unknown credentials",
    Trait.NEW_COUNTRY: "from a new country",
    Trait.NEW_NETWORK: "from a new network",
    Trait.NEW_USER_AGENT: "with a new User-Agent",
    Trait.TWO_PLACES: "from two places at once",
    Trait.UNREADABLE: "to digits that are no number",
}


def trait_of(word: str) -> Trait | None:
    """The trait of a rule file's word ("one-ring"), None where there is none."""
    return Trait.__members__.get(word.upper().replace("-", "_"))


def words(traits: int) -> str:
    """Traits in people's words: "outbound, to numbers of high risk"."""
    return ", ".join(text for trait, text in _WORDS.items() if traits & trait)


_OUT = int(Trait.OUTBOUND)
_IN = int(Trait.INBOUND)
_ADMITTED = int(Trait.ADMITTED)
_REFUSED = int(Trait.REFUSED)
_DEAR = int(Trait.DEAR)
_BORROWED = int(Trait.BORROWED)
_UNREADABLE = int(Trait.UNREADABLE)
_ANSWERED, _UNANSWERED = int(Trait.ANSWERED), int(Trait.UNANSWERED)
_SHORT_CALL, _LONG_CALL = int(Trait.SHORT_CALL), int(Trait.LONG_CALL)
_ONE_RING = int(Trait.ONE_RING)
_RISKY_KINDS = frozenset(
    {Kind.PREMIUM, Kind.SATELLITE, Kind.PERSONAL, Kind.UNALLOCATED, Kind.SHARED_COST}
)
_DIGITS_OF_RISK = 6
"""No prefix on the list of high risk has more of a number than this, its plus included."""
_OWN_DIGITS = 8
"""A shorter caller number is an extension's; two are one if their last digits are."""


def traits_of(seen: Seen, country: str) -> int:
    """What a call shows by itself when it begins; `country` is where its PBX stands."""
    verdict = _ADMITTED if seen.admitted else _REFUSED
    if seen.direction is Direction.INBOUND:
        return _IN | verdict
    traits = _OUT | verdict | of_destination(seen.callee[:_DIGITS_OF_RISK], seen.zone, country)
    if seen.price >= DEAR or seen.fee >= DEAR:
        traits |= _DEAR
    if (seen.presented != seen.caller or not seen.admitted) and is_borrowed(seen):
        traits |= _BORROWED
    return traits


def is_emergency(seen: Seen) -> bool:
    """Whether it is a call that no rule counts."""
    return seen.reason is Reason.EMERGENCY or seen.zone.endswith(":emergency")


def is_borrowed(seen: Seen) -> bool:
    """Whether the PBX showed a number that the trunk was not given.

    Not an extension, nor the number that went out in another form.
    """
    digits = seen.presented.lstrip("+")
    if len(digits) < _OWN_DIGITS or not digits.isdecimal():
        return False
    return (
        seen.reason is Reason.CALLER_NOT_OWNED
        or digits[-_OWN_DIGITS:] != seen.caller[-_OWN_DIGITS:]
    )


def end_traits(lasted: float, talked: float | None) -> int:
    """What a call shows when it is over; both in seconds, `talked` is None if nobody answered."""
    if talked is None:
        return _UNANSWERED | (_ONE_RING if lasted <= ONE_RING else 0)
    if talked <= SHORT:
        return _ANSWERED | _SHORT_CALL
    return _ANSWERED | (_LONG_CALL if talked >= LONG else 0)


@lru_cache(maxsize=8192)
def of_destination(begin: str, zone: str, country: str) -> int:
    """Traits of where a call goes, by the first characters of its number."""
    name, _, kind = zone.partition(":")
    if not kind:
        return _UNREADABLE
    destination = Destination(E164(begin), name.upper(), Kind(kind))
    traits = Trait(0)
    if not destination.is_domestic(country):
        traits |= Trait.INTERNATIONAL
    if kind in _RISKY_KINDS or shipped_risk().covers(destination, country):
        traits |= Trait.RISKY
    return int(traits)


@cache
def is_at_home(zone: str, country: str) -> bool:
    """Whether a zone is in a country's plan."""
    name, _, kind = zone.partition(":")
    return bool(kind) and plan_of(name.upper()) == plan_of(country)


@cache
def is_ordinary(zone: str) -> bool:
    """Whether a zone is of numbers without a surcharge."""
    return zone.partition(":")[2] in ORDINARY


@cache
def place_of(zone: str, country: str) -> str:
    """What a trunk is known to call or not: a country's ordinary numbers, or one dear kind of it.

    All ordinary numbers of the home plan are one place.
    """
    name, _, kind = zone.partition(":")
    if kind not in ORDINARY:
        return zone
    return plan_of(country).lower() if is_at_home(zone, country) else name
