"""What is usual for a trunk: how much in each hour of the week, and where it calls.

Both are learned by rules that a person can follow, and that one odd day does not move much:

- an hour: the second highest of what the last eight weeks had in it, in the hour before and in the
  hour after: the highest is left out, since it may be what should have been noticed;
- a place (a country, or a kind of its dear numbers): after a day with more than is usual, what is
  usual grows by half of the excess and at most doubles; after each day with less it sinks by a
  sixteenth of the difference.

A trunk that is not known yet has its class's profile. Hours in which something was found that
stopped calls are not learned.
"""

import math
from base64 import b85decode, b85encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from asterisk_siptrunk.anomaly.calendar import HOURS, hour_words, week
from asterisk_siptrunk.errors import InvalidInput

WEEKS = 8
KNOWN_AFTER = 2
"""Weeks after which what a trunk did says more than its class."""
_STEP = 1.1
"""An amount is kept as a power of it, in one byte: right to a twentieth, up to 3 * 10^10."""
_LEVELS = tuple(int(_STEP**level) for level in range(256))
_DAY = 24
_ROWS = range(0, WEEKS * HOURS, HOURS)
_WHOLE_WEEK = frozenset(range(7))
MOST_PLACES = 24
MOST_ORIGINS = 24
FAMILIAR_DAYS = 3
FAMILIAR_AFTER = 7
"""Days since the first call: a place is familiar that was called on three days, first a week ago.
An attack that goes on for so long without being found would have taught that it is usual."""
NEW_PLACES = "(new)"
"""The name under which is learned what a trunk spends at places that are new for it."""
LONG_SILENCE = 30
"""Days without any call after which a trunk's calls are remarkable."""


def _level(amount: int) -> int:
    if amount <= 0:
        return 0
    return min(255, max(1, round(math.log(amount, _STEP))))


class Hours:
    """Amounts in each hour of the week, over the last `WEEKS` weeks."""

    __slots__ = ("_first", "_levels", "_week")

    def __init__(self) -> None:
        self._levels = bytearray(WEEKS * HOURS)
        self._first = -1
        self._week = -1

    def learn(self, at: float, hour: int, amount: int) -> None:
        """An hour of the week is over; `at` is a time in it."""
        self._go_to(week(at))
        place = self._week % WEEKS * HOURS + hour
        self._levels[place] = max(self._levels[place], _level(amount))

    def weeks(self, at: float) -> int:
        """For how many whole weeks something is known, at most `WEEKS`."""
        return 0 if self._first < 0 else min(WEEKS, max(0, week(at) - self._first))

    def usual(self, at: float, hour: int) -> int:
        """The most that is usual in an hour of the week."""
        self._go_to(week(at))
        near = (hour - 1) % HOURS, hour, (hour + 1) % HOURS
        levels = sorted(
            self._levels[row + each] for row in range(0, WEEKS * HOURS, HOURS) for each in near
        )
        return _LEVELS[levels[-2]] if levels[-2] else 0

    def is_known_on(self, days: Iterable[int], at: float, hour: int) -> bool:
        """Whether there was something in an hour of the day on two of such days of the week."""
        self._go_to(week(at))
        places = [row + day * _DAY + hour % _DAY for row in _ROWS for day in days]
        return sum(any(self._near(place)) for place in places) > 1

    def days_with_any_of(self, hours: Iterable[int], at: float) -> int:
        """On how many days there was something in one of these hours of the week."""
        self._go_to(week(at))
        places = [row + hour for row in _ROWS for hour in hours]
        return len({place // _DAY for place in places if self._levels[place]})

    def _near(self, place: int) -> Iterator[int]:
        """What an hour had, and the hours before and after it."""
        return (self._levels[(place + step) % len(self._levels)] for step in (-1, 0, 1))

    def _go_to(self, now: int) -> None:
        """Empty the rows of the weeks that have begun since."""
        if now <= self._week:
            return
        if self._first < 0:
            self._first = self._week = now
        for passed in range(max(self._week, now - WEEKS) + 1, now + 1):
            row = passed % WEEKS * HOURS
            self._levels[row : row + HOURS] = bytes(HOURS)
        self._week = now

    def packed(self) -> list[Any]:
        """As JSON can hold it."""
        return [self._first, self._week, b85encode(self._levels).decode()]

    @classmethod
    def unpacked(cls, packed: list[Any]) -> "Hours":
        """What was packed."""
        hours = cls()
        hours._first, hours._week = int(packed[0]), int(packed[1])
        levels = bytearray(b85decode(packed[2]))
        if len(levels) != WEEKS * HOURS:
            raise ValueError(len(levels))
        hours._levels = levels
        return hours


@dataclass(slots=True)
class Habit:
    """A place that a trunk calls.

    Attributes:
        first, last: days since 1970 of its calls; `days` is on how many there were some.
        usual: what is usual a day, in millionths of the currency.
        today: what the last day has had up to now; -1 when it is not to be learned.
    """

    first: int
    last: int
    days: int = 1
    usual: int = 0
    today: int = 0

    def is_familiar(self, day: int) -> bool:
        """Whether a call to it is nothing new."""
        return self.days >= FAMILIAR_DAYS and day - self.first >= FAMILIAR_AFTER

    def call(self, day: int, cost: int) -> None:
        """A call there, that cost so much."""
        if day > self.last:
            self._learn(day)
        if self.today >= 0:
            self.today += cost

    def spoil(self, day: int) -> None:
        """Calls of this day are nothing to learn from."""
        if day == self.last:
            self.today = -1

    def _learn(self, day: int) -> None:
        if self.today >= 0:
            self._move(self.today)
            self.days += 1
        for _ in range(min(day - self.last - 1, _DAYS_OF_MEMORY)):
            self._move(0)
        self.last = day
        self.today = 0

    def _move(self, amount: int) -> None:
        if amount > self.usual:
            excess = amount - self.usual
            self.usual += min(excess // 2, self.usual) if self.usual else excess // 2
        else:
            self.usual -= (self.usual - amount) // 16


_DAYS_OF_MEMORY = WEEKS * 7


@dataclass(frozen=True, slots=True)
class TrunkClass:
    """What trunks of a kind usually do, before one is known by itself.

    Attributes:
        opens, closes: hours of the day between which it calls.
        open_days: of the week, Monday is 0; holidays are Sundays.
        attempts: that are usual in an hour that it is open; `cost` likewise.
        new_cost: that is usual on a day at places that the trunk is not known to call yet.
    """

    name: str = "office"
    opens: int = 7
    closes: int = 20
    open_days: frozenset[int] = frozenset(range(5))
    attempts: int = 60
    cost: int = 5_000_000
    new_cost: int = 12_000_000

    def days_like(self, day: int) -> frozenset[int]:
        """Days of the week that are alike: those on which it is open, and the others."""
        return self.open_days if day in self.open_days else _WHOLE_WEEK - self.open_days

    @property
    def closed_hours(self) -> list[int]:
        """Hours of the week in which it does not call."""
        return [hour for hour in range(HOURS) if not self.is_open(hour)]

    def is_open(self, hour: int) -> bool:
        """Whether an hour of the week is one that it calls in."""
        day, of_day = divmod(hour, 24)
        return day in self.open_days and self.opens <= of_day < self.closes


class Profile:
    """What is learned of a trunk; `last_at` is when it called or was called last, 0 for never."""

    __slots__ = ("_class", "attempts", "cost", "last_at", "origins", "places")

    def __init__(self, trunk_class: TrunkClass) -> None:
        self._class = trunk_class
        self.attempts = Hours()
        self.cost = Hours()
        self.last_at = 0.0
        self.places: dict[str, Habit] = {}
        self.origins: dict[tuple[str, str], float] = {}

    def is_quiet(self, at: float, hour: int) -> bool:
        """Whether it usually makes no call in that hour of the week."""
        if self.attempts.weeks(at) >= KNOWN_AFTER:
            return self.attempts.usual(at, hour) == 0
        if self._class.is_open(hour):
            return False
        # Until each hour of the week came twice: who called out of hours on two days is none of its
        # class, and is known by the hour of the day; others by that of such days.
        strays = self.attempts.days_with_any_of(self._class.closed_hours, at) > 1
        days = _WHOLE_WEEK if strays else self._class.days_like(hour // _DAY)
        return not self.attempts.is_known_on(days, at, hour)

    def usual_attempts(self, at: float, hour: int) -> int:
        """How many attempts are usual in that hour."""
        if self.attempts.weeks(at) < KNOWN_AFTER:
            return self._class.attempts if self._class.is_open(hour) else 0
        return self.attempts.usual(at, hour)

    def usual_cost(self, at: float, hour: int) -> int:
        """What is usually spent in that hour, in millionths of the currency."""
        if self.cost.weeks(at) < KNOWN_AFTER:
            return self._class.cost if self._class.is_open(hour) else 0
        return self.cost.usual(at, hour)

    def usual_at(self, place: str, at: float) -> int:
        """What is usually spent there on a day, in millionths of the currency."""
        habit = self.places.get(place)
        usual = 0 if habit is None else habit.usual
        if place == NEW_PLACES and self.attempts.weeks(at) < KNOWN_AFTER:
            return max(usual, self._class.new_cost)
        return usual

    def basis(self, at: float, hour: int) -> str:
        """What an hour's figure rests on, for people."""
        weeks = self.attempts.weeks(at)
        if weeks < KNOWN_AFTER:
            return f"on {hour_words(hour)} for a new trunk of class {self._class.name}"
        return f"on {hour_words(hour)} over the last {weeks} weeks"

    def habit(self, place: str, day: int) -> Habit:
        """What is known of a place; a new one takes the room of the one that rested longest."""
        habit = self.places.get(place)
        if habit is None:
            if len(self.places) >= MOST_PLACES:
                del self.places[min(self.places, key=lambda each: self.places[each].last)]
            habit = self.places[place] = Habit(day, day)
        return habit

    def is_new_origin(self, kind: str, name: str, at: float) -> bool:
        """Whether it never registered from there, or with that, before; the very first is not new.

        What was used last longest ago is forgotten.
        """
        known = self.origins
        is_new = (kind, name) not in known and any(each == kind for each, _ in known)
        known[kind, name] = at
        if len(known) > MOST_ORIGINS:
            del known[min(known, key=known.__getitem__)]
        return is_new

    @property
    def heard_at(self) -> float:
        """When it called, was called, or registered from elsewhere last."""
        return max((self.last_at, *self.origins.values()))

    def packed(self) -> Mapping[str, Any]:
        """All of it, as JSON can hold it."""
        return {
            "attempts": self.attempts.packed(),
            "cost": self.cost.packed(),
            "last_at": self.last_at,
            "places": {name: list(_numbers(habit)) for name, habit in self.places.items()},
            "origins": [[*name, at] for name, at in self.origins.items()],
        }

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any], trunk_class: TrunkClass) -> "Profile":
        """What was packed.

        Raises:
            InvalidInput: it is not what `packed` gave.
        """
        profile = cls(trunk_class)
        try:
            profile.attempts = Hours.unpacked(packed["attempts"])
            profile.cost = Hours.unpacked(packed["cost"])
            profile.last_at = float(packed["last_at"])
            profile.origins = {(kind, name): at for kind, name, at in packed["origins"]}
            profile.places = {name: _habit(of) for name, of in packed["places"].items()}
        except (LookupError, TypeError, ValueError, AttributeError):
            raise InvalidInput(
                "A stored profile of a trunk cannot be read; without it the trunk is judged by its "
                "class until it is known again: remove the profile."
            ) from None
        return profile


def _numbers(habit: Habit) -> Iterator[int]:
    yield from (habit.first, habit.last, habit.days, habit.usual, habit.today)


def _habit(numbers: list[int]) -> Habit:
    first, last, days, usual, today = map(int, numbers)
    return Habit(first, last, days, usual, today)
