"""What is kept of one trunk: its counts, its running calls, what is usual for it."""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from asterisk_siptrunk.anomaly.calendar import Calendar
from asterisk_siptrunk.anomaly.finding import MOST_EVIDENCE
from asterisk_siptrunk.anomaly.plan import Key, Keys, Plan
from asterisk_siptrunk.anomaly.profile import LONG_SILENCE, Profile, TrunkClass
from asterisk_siptrunk.anomaly.rule import Level, Measure
from asterisk_siptrunk.anomaly.trait import Trait, place_of
from asterisk_siptrunk.anomaly.window import Gauge, Window
from asterisk_siptrunk.destination import Kind

V = TypeVar("V")

DAY = 86_400
_HOUR = 3600
_RECENT = 16
"""Numbers dialled, and callers missed, that later calls are compared with."""
_STEM, _TAIL = -2, -7
"""A number's neighbours differ in its last two digits; its variants share its last seven."""
_THROUGH = 30.0
"""Seconds between a call in and the call out that it makes through a PBX."""
_MISSED = DAY
_SHORTEST = 8
"""Characters; shorter numbers have neither neighbours nor variants."""
_INBOUND = int(Trait.INBOUND)
_SEQUENTIAL, _VARIANT = int(Trait.SEQUENTIAL), int(Trait.VARIANT)
_THROUGH_TRAIT, _CALLED_BACK = int(Trait.THROUGH), int(Trait.CALLED_BACK)


@dataclass(frozen=True, slots=True)
class Home:
    """What the watch is told of a trunk.

    Attributes:
        country: where its PBX is ("FR").
        calendar: of that country; trunks share one.
    """

    country: str
    calendar: Calendar
    trunk_class: TrunkClass = field(default_factory=TrunkClass)


class Running(NamedTuple):
    """A call that was let through and has not ended; `answered_at` is None while it rings."""

    traits: int
    keys: Keys
    fee: int
    price: int
    answered_at: float | None


class Trail(NamedTuple):
    """What evidence is chosen by."""

    id: int
    traits: int
    keys: Keys


class Fired(NamedTuple):
    """A rule has spoken of a key: it says no more, up to that level, until then."""

    level: Level
    until: float


class State:
    """A trunk's; under 20 kB, whatever it does."""

    __slots__ = (
        "_missed", "_stems", "_tails", "attempts", "cost", "due", "fired", "gauges", "home", "hour",
        "hour_at", "inbound", "inbound_at", "is_quiet", "is_spoiled", "last_at", "networks", "place", "plan",
        "profile", "recent", "running", "trunk", "usuals", "windows",
    )  # fmt: skip

    def __init__(self, trunk: str, plan: Plan, home: Home, profile: Profile) -> None:
        self.trunk = trunk
        self.plan = plan
        self.home = home
        self.place = place_of(f"{home.country.lower()}:{Kind.FIXED}", home.country)
        self.profile = profile
        self.windows: list[Window | None] = [None] * len(plan.counts)
        self.gauges: dict[tuple[int, str], Gauge] = {}
        self.running: dict[int, Running] = {}
        self.recent: deque[Trail] = deque(maxlen=MOST_EVIDENCE)
        self.fired: dict[tuple[str, str], Fired] = {}
        self.usuals: dict[tuple[str, float], int] = {}
        self.networks: list[tuple[str, float]] = []
        self.due = 0.0
        self.hour = -1
        self.hour_at = 0.0
        self.attempts = 0
        self.cost = 0
        self.is_quiet = False
        self.is_spoiled = False
        self.last_at = 0.0
        self.inbound = 0
        self.inbound_at = 0.0
        self._stems: dict[str, str] = {}
        self._tails: dict[str, str] = {}
        self._missed: dict[str, float] = {}

    def turn(self, at: float) -> None:
        """Learn the hour of the week that is over, if one is, and begin another."""
        hour = self.home.calendar.hour(at)
        if hour == self.hour and at < self.hour_at + _HOUR:
            return
        if self.hour_at and not self.is_spoiled:
            self.profile.attempts.learn(self.hour_at, self.hour, self.attempts)
            self.profile.cost.learn(self.hour_at, self.hour, self.cost)
        self.hour = hour
        self.hour_at = at
        self.attempts = self.cost = 0
        self.is_spoiled = False
        self.usuals.clear()
        self.is_quiet = self.profile.is_quiet(at, hour)

    def usual(self, measure: Measure, window: float, at: float) -> int:
        """What is usual within a window of an hour or more that ends now; none is longer than a day
        for this: a week's is seven days'.
        """
        key = (measure, window)
        found = self.usuals.get(key)
        if found is None:
            of = (
                self.profile.usual_attempts
                if measure is Measure.ATTEMPTS
                else self.profile.usual_cost
            )
            hours = max(1, round(window / _HOUR))
            day = [of(at, (self.hour - back) % 168) for back in range(min(hours, 24))]
            found = self.usuals[key] = sum(day) * max(1, hours // 24)
        return found

    def is_silent(self, at: float) -> bool:
        """Whether nothing was heard of it for long before."""
        return 0 < self.last_at < at - LONG_SILENCE * DAY

    def compared(self, callee: str, at: float) -> int:
        """Traits of an outbound call that what came before it gives."""
        traits = 0
        if len(callee) >= _SHORTEST:
            if _is_near(self._stems, callee[:_STEM], callee):
                traits |= _SEQUENTIAL
            if _is_near(self._tails, callee[_TAIL:], callee):
                traits |= _VARIANT
        if self.inbound and at - self.inbound_at <= _THROUGH:
            traits |= _THROUGH_TRAIT
        if callee in self._missed and at - self._missed[callee] <= _MISSED:
            traits |= _CALLED_BACK
        return traits

    def has_inbound_from(self, number: str) -> bool:
        """Whether a call from that number is here, in whatever form it is written."""
        tail = number[_TAIL:]
        return any(
            each.traits & _INBOUND and each.keys[Key.CALLER].endswith(tail)
            for each in self.running.values()
        )

    def miss(self, caller: str, at: float) -> None:
        """A caller hung up before anyone answered."""
        _put(self._missed, caller, at)

    def window(self, index: int) -> Window:
        """The window of a count."""
        found = self.windows[index]
        if found is None:
            found = self.windows[index] = self.plan.window(index)
        return found

    def evidence(self, of: int, name: str) -> tuple[int, ...]:
        """The last calls with these traits, of that key."""
        return tuple(
            trail.id
            for trail in self.recent
            if trail.traits & of == of and (not name or name in trail.keys)
        )

    def rest(self) -> None:
        """Drop all that is not learned."""
        self.windows = [None] * len(self.windows)
        self.recent.clear()
        self.fired.clear()
        for known in (self._stems, self._tails, self._missed):
            known.clear()


def _is_near(known: dict[str, str], part: str, number: str) -> bool:
    """Whether another number with the same part is known; this one is from now on."""
    before = known.get(part)
    _put(known, part, number)
    return before is not None and before != number


def _put(known: dict[str, V], key: str, value: V) -> None:
    known.pop(key, None)
    known[key] = value
    if len(known) > _RECENT:
        del known[next(iter(known))]
