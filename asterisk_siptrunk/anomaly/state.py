"""What is kept of one trunk: its counts, its running calls, what is usual for it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from asterisk_siptrunk.anomaly.calendar import HOURS, Calendar
from asterisk_siptrunk.anomaly.finding import MOST_EVIDENCE
from asterisk_siptrunk.anomaly.plan import Key, Keys, Plan
from asterisk_siptrunk.anomaly.profile import LONG_SILENCE, NEW_PLACES, Profile, TrunkClass
from asterisk_siptrunk.anomaly.rule import COSTS, LEARNED, Count, Level, Measure, Per, Rule
from asterisk_siptrunk.anomaly.trait import Trait, place_of
from asterisk_siptrunk.anomaly.window import Gauge, Window
from asterisk_siptrunk.destination import Kind

DAY = 86_400
_HOUR = 3600
_RECENT = 8
"""Numbers dialled, and callers missed, that later calls are compared with."""
_STEM, _TAIL = slice(None, -2), slice(-7, None)
"""A number's neighbours differ in its last two digits; its variants share its last seven."""
_THROUGH = 30.0
"""Seconds between a call in and the call out that it makes through a PBX."""
_MISSED_FOR = DAY
_MISSED_TIMES = 2
"""Who hung up once is called back every day; who does so again, and soon, may want just that."""
_SOON_GONE = 8.0
"""Seconds."""
_SHORTEST = 8
"""Characters; shorter numbers have neither neighbours nor variants."""
_INBOUND = int(Trait.INBOUND)
_NEW, _FIRST = int(Trait.NEW), int(Trait.FIRST)
_QUIET_HOUR, _AFTER_SILENCE = int(Trait.QUIET_HOUR), int(Trait.AFTER_SILENCE)
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


class Missed(NamedTuple):
    """When a caller hung up unanswered last, and how often within a day."""

    at: float
    times: int


_NEVER = Missed(0.0, 0)


class Trail(NamedTuple):
    """What evidence is chosen by."""

    id: int
    traits: int
    keys: Keys


class Fired(NamedTuple):
    """A rule has spoken of a key: it says no more, up to that level, until then.

    `rule` is how it was when it spoke.
    """

    rule: Rule
    level: Level
    until: float


class State:
    """A trunk's: about 10 kB, and under 30 where it calls much abroad."""

    __slots__ = (
        "attempts", "cost", "dialled", "due", "fired", "gauges", "home", "hour", "hour_at",
        "inbound", "inbound_at", "is_quiet", "is_spoiled", "missed", "networks", "place", "plan",
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
        self.recent: list[Trail] = []
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
        self.inbound = 0
        self.inbound_at = 0.0
        self.dialled: list[str] = []
        self.missed: dict[str, Missed] = {}

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

    def usual_of(self, count: Count, key: str, at: float) -> tuple[int | None, str]:
        """What is usual, and what that rests on; None where it is not learned."""
        if count.per is Per.ZONE and count.measure in COSTS:
            return self._usual_at(place_of(key, self.home.country), count.window, at)
        if count.per is not Per.TRUNK:
            return None, ""
        if count.measure in COSTS and count.of & Trait.NEW:
            return self._usual_at(NEW_PLACES, count.window, at)
        if count.window >= _HOUR and count.measure in LEARNED:
            return self._usual(count.measure, count.window, at), self.profile.basis(at, self.hour)
        return None, ""

    def _usual_at(self, place: str, window: float, at: float) -> tuple[int, str]:
        usual = self.profile.usual_at(place, at)
        return usual * max(1, round(window / DAY)), "on a day of the last weeks"

    def _usual(self, measure: Measure, window: float, at: float) -> int:
        """The sum of what is usual in each hour of the window; a longer one than a day is days."""
        found = self.usuals.get((measure, window))
        if found is None:
            profile = self.profile
            of = profile.usual_attempts if measure is Measure.ATTEMPTS else profile.usual_cost
            hours = round(window / _HOUR)
            day = sum(of(at, (self.hour - back) % HOURS) for back in range(min(hours, 24)))
            found = self.usuals[measure, window] = day * max(1, hours // 24)
        return found

    def traits_of(self, callee: str, place: str, at: float) -> int:
        """Traits of an outbound call that what is known of the trunk gives."""
        traits = self._compared(callee, at)
        if place != self.place:
            habit = self.profile.places.get(place)
            if habit is None:
                traits |= _NEW | _FIRST
            elif not habit.is_familiar(int(at) // DAY):
                traits |= _NEW
        if self.is_quiet:
            traits |= _QUIET_HOUR
        if 0 < self.profile.last_at < at - LONG_SILENCE * DAY:
            traits |= _AFTER_SILENCE
        return traits

    def spend(self, place: str, cost: int, at: float, *, is_new: bool) -> None:
        """An answered call is over."""
        self.cost += cost
        if place == self.place:
            return
        day = int(at) // DAY
        self.profile.habit(place, day).call(day, cost)
        if is_new:
            self.profile.habit(NEW_PLACES, day).call(day, cost)

    def spoil(self, at: float) -> None:
        """Calls were stopped: from this hour, and of places from this day, nothing is learned."""
        self.is_spoiled = True
        for habit in self.profile.places.values():
            habit.spoil(int(at) // DAY)

    def _compared(self, callee: str, at: float) -> int:
        """Traits of an outbound call that what came before it gives."""
        traits = 0
        if len(callee) >= _SHORTEST:
            if self._differs(callee, _STEM):
                traits |= _SEQUENTIAL
            if self._differs(callee, _TAIL):
                traits |= _VARIANT
            self._dial(callee)
        if self.inbound and at - self.inbound_at <= _THROUGH:
            traits |= _THROUGH_TRAIT
        missed = self.missed.get(callee, _NEVER)
        if missed.times >= _MISSED_TIMES and at - missed.at <= _MISSED_FOR:
            traits |= _CALLED_BACK
        return traits

    def _differs(self, number: str, part: slice) -> bool:
        """Whether the last number dialled that has a part in common with one is another."""
        common = number[part]
        before = next((each for each in reversed(self.dialled) if each[part] == common), number)
        return before != number

    def _dial(self, number: str) -> None:
        if number in self.dialled:
            self.dialled.remove(number)
        self.dialled.append(number)
        if len(self.dialled) > _RECENT:
            del self.dialled[0]

    def has_inbound_from(self, number: str) -> bool:
        """Whether a call from that number is here, in whatever form it is written."""
        tail = number[_TAIL]
        return any(
            each.traits & _INBOUND and each.keys[Key.CALLER].endswith(tail)
            for each in self.running.values()
        )

    def miss(self, caller: str, at: float, rang: float) -> None:
        """A caller hung up before anyone answered, after so many seconds."""
        if rang > _SOON_GONE:
            return
        before = self.missed.get(caller, _NEVER)
        times = before.times if at - before.at <= _MISSED_FOR else 0
        self.missed.pop(caller, None)
        self.missed[caller] = Missed(at, times + 1)
        if len(self.missed) > _RECENT:
            del self.missed[next(iter(self.missed))]

    def window(self, index: int) -> Window:
        """The window of a count."""
        found = self.windows[index]
        if found is None:
            found = self.windows[index] = self.plan.window(index)
        return found

    def gauge(self, index: int, key: str) -> Gauge:
        """The gauge of running calls for a key."""
        found = self.gauges.get((index, key))
        if found is None:
            found = self.gauges[index, key] = Gauge()
        return found

    def trail(self, trail: Trail) -> None:
        """Keep a call as evidence, in the place of the oldest."""
        self.recent.append(trail)
        if len(self.recent) > MOST_EVIDENCE:  # a deque would take five times the room
            del self.recent[0]

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
        self.dialled.clear()
        self.missed.clear()
