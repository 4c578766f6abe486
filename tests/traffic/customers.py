"""Ordinary customers: each day's calls, as their habits and what happens to them make them.

A day is made from its own seed, so that one day can be had without those before it, and an attack
does not change what its victim's people do.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import TYPE_CHECKING

from asterisk_siptrunk.call import Direction
from tests.traffic.days import HOUR, midnight, sort_of
from tests.traffic.events import one_offs
from tests.traffic.plan import Line, Planned, about, inbound, outbound, unreadable
from tests.traffic.zones import ZONES, a_number, is_abroad

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tests.traffic.events import Happening
    from tests.traffic.habits import Habit, Regular

_LONGEST_RING, _LONGEST_TALK = 60.0, 4 * HOUR
_INBOUND_ANSWERED = 0.85
_MISDIALLED = 0.004
_EMERGENCIES = 0.01
"""Calls a day."""
_FROM = (("fr:fixed", 0.5), ("fr:mobile", 0.95), ("gb:fixed", 0.97), ("de:fixed", 1.0))
"""Where calls in come from: shares, added up."""
_ABROAD = tuple(zone for zone in ZONES if is_abroad(zone) and "premium" not in zone)


@dataclass(slots=True)
class Callees:
    """Whom a customer calls: some again and again, by Zipf's law, and strangers."""

    habit: Habit
    known: list[tuple[str, str]] = field(default_factory=list)
    _ranks: list[float] = field(default_factory=list)
    _zones: list[str] = field(default_factory=list)
    _weights: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, habit: Habit, random: Random) -> Callees:
        """Those of one customer."""
        zones, weights = list(habit.zones), list(accumulate(habit.zones.values()))
        ranks = list(accumulate(1 / (rank + 2) for rank in range(habit.contacts)))
        callees = cls(habit, [], ranks, zones, weights)
        callees.known = [callees._stranger(random) for _ in range(habit.contacts)]
        return callees

    def pick(self, random: Random) -> tuple[str, str]:
        """One of them: number and zone."""
        if random.random() < self.habit.strangers:
            if random.random() < self.habit.odd_abroad:
                zone = random.choice(_ABROAD)
                return a_number(zone, random), zone
            return self._stranger(random)
        return self.known[bisect(self._ranks, random.random() * self._ranks[-1])]

    def _stranger(self, random: Random) -> tuple[str, str]:
        place = bisect(self._weights, random.random() * self._weights[-1])
        zone = self._zones[min(place, len(self._zones) - 1)]
        return a_number(zone, random), zone


class Customer:
    """One of them, with its trunk.

    Args:
        seed: says everything about it.
        first, days: the time in which it grows and things happen to it.
    """

    def __init__(self, habit: Habit, name: str, seed: str, first: date, days: int) -> None:
        random = Random(seed)
        self.habit = habit
        self.seed = seed
        self.first, self.days = first, days
        self.size = min(3.0, about(random, 1, 0.4))
        self.growth = random.uniform(-0.15, 0.4)
        numbers = tuple(a_number("fr:fixed", random) for _ in range(habit.numbers))
        self.line = Line(name, habit.name, max(2, round(habit.channels * self.size)), numbers)
        self.callees = Callees.of(habit, random)
        self.machines = [
            (each, random.choice(numbers), (a_number("fr:fixed", random), "fr:fixed"))
            for each in habit.regular
            for _ in range(each.machines)
        ]
        self.mobile = (a_number("fr:mobile", random), "fr:mobile")
        self.happenings: Sequence[Happening] = one_offs(self.line, first, days, random)

    def day(self, day: date) -> list[Planned]:
        """All that will be tried on a day, in no order."""
        random = Random(f"{self.seed}/{day.toordinal()}")
        calls = [*self._people(day, random), *self._machines(day, random)]
        for happening in self.happenings:
            if happening.begins <= day < happening.ends:
                calls += happening.calls(day, random)
        changed = [each for each in self.happenings if each.main_only and each.begins <= day]
        return [_from_main(call) for call in calls] if changed else calls

    def _people(self, day: date, random: Random) -> Iterator[Planned]:
        grown = 1 + self.growth * (day - self.first).days / self.days
        share = self.habit.volume(day, sort_of(day)) * self.size * grown * about(random, 1, 0.15)
        busy = [each.volume for each in self.happenings if each.begins <= day < each.ends]
        for factor in busy:
            share *= factor
        since = midnight(day)
        for _ in range(poisson(random, self.habit.outbound * share)):
            yield self._out(self._moment(since, random), random)
        for _ in range(poisson(random, self.habit.inbound * share)):
            yield from self._in(self._moment(since, random), random)
        if random.random() < _EMERGENCIES:
            at = self._moment(since, random)
            yield outbound(at, self.line, self._shown(random), ("112", "fr:emergency"), (4, 90))

    def _machines(self, day: date, random: Random) -> Iterator[Planned]:
        since = midnight(day)
        for machine, caller, callee in self.machines:
            for turn in range(machine.times):
                at = since + machine.since + turn * machine.every + random.random() * 30
                yield outbound(at, self.line, caller, callee, _of_machine(machine, random))

    def _moment(self, since: float, random: Random) -> float:
        weights = self.habit.hours
        hour = bisect(weights, random.random() * weights[-1])
        return since + (min(hour, 23) + random.random()) * HOUR

    def _shown(self, random: Random) -> str:
        if random.random() < self.habit.main_shown:
            return self.line.numbers[0]
        return random.choice(self.line.numbers)

    def _out(self, at: float, random: Random) -> Planned:
        if random.random() < _MISDIALLED:
            return unreadable(at, self.line, self._shown(random))
        lasts = self._lasts(random, self.habit.answered)
        return outbound(at, self.line, self._shown(random), self.callees.pick(random), lasts)

    def _in(self, at: float, random: Random) -> Iterator[Planned]:
        lasts = self._lasts(random, _INBOUND_ANSWERED)
        caller = self._who_calls(random)
        yield inbound(at, self.line, caller, self._shown(random), lasts)
        if random.random() < self.habit.forwarded:
            yield outbound(at + 1, self.line, caller, self.mobile, lasts)

    def _who_calls(self, random: Random) -> str:
        if random.random() < 0.5:
            return self.callees.pick(random)[0]
        share = random.random()
        return a_number(next(zone for zone, most in _FROM if share < most), random)

    def _lasts(self, random: Random, answered: float) -> tuple[float, float | None]:
        ring = min(_LONGEST_RING, about(random, 9, 0.7))
        if random.random() >= answered:
            return ring, None
        return ring, min(_LONGEST_TALK, about(random, *self.habit.talk))


def _of_machine(machine: Regular, random: Random) -> tuple[float, float | None]:
    return 3.0, about(random, machine.talk, 0.1)


def _from_main(call: Planned) -> Planned:
    """As a new PBX sends it that knows one number."""
    if call.direction is Direction.INBOUND:
        return call
    main = call.line.numbers[0]
    return call._replace(caller=main, presented=main)


def poisson(random: Random, mean: float) -> int:
    """How often what happens `mean` times happens; by the normal law where it is many times."""
    if mean > 50:
        return max(0, round(random.gauss(mean, mean**0.5)))
    count, left = -1, mean
    while left >= 0:
        left -= random.expovariate(1.0)
        count += 1
    return count
