"""Which counts a call touches: the rules, arranged so that a call costs little.

What a call touches depends on its traits alone, and there are few sets of traits that occur: for
each the list of its counts is made once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from asterisk_siptrunk.anomaly.rule import Count, Measure, Per, Rule
from asterisk_siptrunk.anomaly.window import ButDearest, Distinct, Leaders, Ring, Window


class Key(IntEnum):
    """Places in a call's tuple of keys."""

    NONE = 0
    ZONE = 1
    CALLER = 2
    CALLEE = 3
    PRESENTED = 4
    PLACE = 5
    SOURCE = 6


Keys = tuple[str, ...]
NO_KEYS: Keys = ("",) * len(Key)

_KEY_OF = {
    Per.TRUNK: Key.NONE,
    Per.PROVIDER: Key.NONE,
    Per.ZONE: Key.ZONE,
    Per.CALLER: Key.CALLER,
    Per.CALLEE: Key.CALLEE,
    Per.SOURCE: Key.SOURCE,
}
_DISTINCT = {
    Measure.CALLERS: Key.PRESENTED,
    Measure.CALLEES: Key.CALLEE,
    Measure.PLACES: Key.PLACE,
}
RUNNING = frozenset({Measure.SIMULTANEOUS, Measure.TALK, Measure.COST, Measure.COMMITTED})
"""Measures that running calls are a part of."""
_AT_ONCE = frozenset({Measure.SIMULTANEOUS, Measure.COMMITTED})
"""Those that grow when a call begins."""
SECONDS = 60
"""What a minute of a call adds to its seconds."""


@dataclass(frozen=True, slots=True)
class Step:
    """A count to add to: its number, whose key, and from which amount on there is a judgement."""

    index: int
    key: int
    lowest: int


@dataclass(frozen=True, slots=True)
class GaugeStep:
    """A gauge to move: its number, whose key, what its pace is, and the counts that rest on it."""

    index: int
    of: int
    key: int
    counts_seconds: bool
    at_once: tuple[Step, ...]
    growing: tuple[Step, ...]

    def feeds(self, index: int) -> bool:
        """Whether a count rests on it."""
        return any(step.index == index for step in (*self.at_once, *self.growing))


Steps = tuple[Step, ...]
GaugeSteps = tuple[GaugeStep, ...]
_NEVER = 1 << 62


class Plan:
    """Rules, arranged; `rules_of` are those of each count, by its number."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self.counts = _counts(self.rules)
        self.index_of = {count: index for index, count in enumerate(self.counts)}
        self.rules_of = [[r for r in self.rules if r.count == count] for count in self.counts]
        self._steps = [self._step(index) for index in range(len(self.counts))]
        self.gauges = self._gauges()
        self._begun: dict[int, Steps] = {}
        self._ended: dict[int, Steps] = {}
        self._logins: dict[int, Steps] = {}
        self._running: dict[int, GaugeSteps] = {}

    def begun(self, traits: int) -> Steps:
        """The counts that a call with these traits adds to when it begins."""
        found = self._begun.get(traits)
        if found is None:
            measures = {Measure.ATTEMPTS, *_DISTINCT}
            found = self._begun[traits] = self._matching(measures, traits)
        return found

    def ended(self, traits: int) -> Steps:
        """Those that it adds to when it ends."""
        found = self._ended.get(traits)
        if found is None:
            found = self._ended[traits] = self._matching({Measure.ENDS}, traits)
        return found

    def logins(self, traits: int) -> Steps:
        """Those that a registration or authentication adds to."""
        found = self._logins.get(traits)
        if found is None:
            found = self._logins[traits] = self._matching({Measure.LOGINS}, traits)
        return found

    def stops(self) -> Steps:
        """Those that a finding adds to that stopped calls."""
        return self._matching({Measure.STOPS}, 0)

    def running(self, traits: int) -> GaugeSteps:
        """The gauges that a running call with these traits is in."""
        found = self._running.get(traits)
        if found is None:
            found = self._running[traits] = tuple(
                gauge for gauge in self.gauges if traits & gauge.of == gauge.of
            )
        return found

    def window(self, index: int) -> Window:
        """A new window for a count."""
        count = self.counts[index]
        if count.measure in _DISTINCT:
            return Distinct(count.window)
        if count.per in {Per.TRUNK, Per.PROVIDER}:
            return ButDearest(count.window) if count.but_dearest else Ring(count.window)
        return Leaders(count.window)

    def _step(self, index: int) -> Step:
        count = self.counts[index]
        key = _DISTINCT.get(count.measure, _KEY_OF[count.per])
        lowest = min((rule.lowest for rule in self.rules_of[index]), default=_NEVER)
        return Step(index, key, lowest)

    def _matching(self, measures: Iterable[Measure], traits: int) -> Steps:
        return tuple(
            step
            for step, count in zip(self._steps, self.counts, strict=True)
            if count.measure in measures and traits & count.of == count.of
        )

    def _gauges(self) -> Sequence[GaugeStep]:
        """One for all counts of the same calls and the same pace."""
        groups: dict[tuple[int, Per, bool], list[int]] = {}
        for index, count in enumerate(self.counts):
            if count.measure in RUNNING:
                seconds = count.measure is Measure.TALK
                groups.setdefault((int(count.of), count.per, seconds), []).append(index)
        return [
            GaugeStep(
                *(number, of, _KEY_OF[per], seconds),
                at_once=self._steps_in(members, _AT_ONCE),
                growing=self._steps_in(members, RUNNING - {Measure.SIMULTANEOUS}),
            )
            for number, ((of, per, seconds), members) in enumerate(groups.items())
        ]

    def _steps_in(self, members: Iterable[int], measures: frozenset[Measure]) -> Steps:
        return tuple(self._steps[i] for i in members if self.counts[i].measure in measures)


def _counts(rules: Iterable[Rule]) -> list[Count]:
    """All, those first that others are judged beside: a call counts for them, too."""
    rules = list(rules)
    beside = [count for rule in rules for count in (rule.among, rule.calls) if count is not None]
    return list(dict.fromkeys([*beside, *(rule.count for rule in rules)]))
