"""All that is kept of a trunk as JSON can hold it: a watch that starts goes on where one was.

What is packed is what cannot be had again but by seeing all calls of a day anew. What follows from
the rules and from the trunk is left out, and so is what is only there to save time.

The watch that goes on may have other rules. What was counted depends on what a count is of, and on
nothing that a rule says of it: other bounds and actions, and rules in another order, go on with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any
from zlib import crc32

from asterisk_siptrunk.anomaly.judge import forgive
from asterisk_siptrunk.anomaly.plan import GaugeStep, Key, Plan
from asterisk_siptrunk.anomaly.profile import Profile
from asterisk_siptrunk.anomaly.rule import Level, Rule
from asterisk_siptrunk.anomaly.rule_file import read_rule, written
from asterisk_siptrunk.anomaly.state import Fired, Missed, Running, State, Trail
from asterisk_siptrunk.anomaly.trait import Trait
from asterisk_siptrunk.anomaly.window import Gauge

_EDITION = 3
"""Goes up when something else is packed, or it means something else; also when a plan numbers its
counts or gauges in another order."""
_PLAIN = (
    *("due", "hour", "hour_at", "attempts", "cost", "is_quiet", "is_spoiled"),
    *("inbound", "inbound_at"),
)


def form_of(numbered: Iterable[IntFlag | IntEnum]) -> str:
    """Another one for other numbers of what is kept by its number."""
    numbers = [(each.name, int(each)) for each in numbered]
    return f"{_EDITION}:{crc32(repr(numbers).encode()):08x}"


FORM = form_of((*Trait, *Key, *Level))
"""What is kept by another form is not read."""


class Legend:
    """What is kept once beside all states: their plans and rules, which they name by numbers."""

    def __init__(self) -> None:
        self._plans: dict[Plan, int] = {}
        self._rules: dict[Rule, int] = {}

    def plan(self, plan: Plan) -> int:
        """The number of a plan."""
        return self._plans.setdefault(plan, len(self._plans))

    def rule(self, rule: Rule) -> int:
        """The number of a rule."""
        return self._rules.setdefault(rule, len(self._rules))

    def packed(self) -> Mapping[str, Any]:
        """All that states have named until now, as JSON can hold it."""
        plans = [[self.rule(rule) for rule in plan.rules] for plan in self._plans]
        return {"plans": plans, "rules": [written(rule) for rule in self._rules]}


@dataclass(frozen=True, slots=True)
class Basis:
    """A legend that was packed: what states were counted by, up to when.

    Attributes:
        at: seconds since 1970, UTC.
    """

    plans: Sequence[Plan]
    rules: Sequence[Rule]
    at: float

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any], at: float) -> "Basis":
        """What was packed.

        Raises:
            InvalidInput: a rule of it cannot be read.
        """
        rules = [read_rule(table) for table in packed["rules"]]
        return cls([Plan(rules[each] for each in plan) for plan in packed["plans"]], rules, at)


def pack(state: State, legend: Legend) -> dict[str, Any]:
    """All of a trunk's state."""
    windows = enumerate(state.windows)
    fired = state.fired.items()
    return {
        "plan": legend.plan(state.plan),
        "plain": [getattr(state, name) for name in _PLAIN],
        "windows": [[i, *window.packed()] for i, window in windows if window is not None],
        "gauges": [[*name, *gauge.packed()] for name, gauge in state.gauges.items()],
        "running": [[number, *running] for number, running in state.running.items()],
        "recent": state.recent,
        "fired": [[key, legend.rule(rule), *said] for (_, key), (rule, *said) in fired],
        "networks": state.networks,
        "dialled": state.dialled,
        "missed": [[caller, *missed] for caller, missed in state.missed.items()],
        "profile": state.profile.packed(),
    }


def unpack(state: State, packed: Mapping[str, Any], basis: Basis) -> bool:
    """Have a state that has seen nothing go on from what was packed.

    False where its plan has a count that was not counted: whoever saw nothing of it must see the
    calls anew, and the state is of no use.

    Raises:
        InvalidInput: its profile cannot be read.
    """
    old = basis.plans[packed["plan"]]
    if not state.plan.index_of.keys() <= old.index_of.keys():
        return False
    state.profile = Profile.unpacked(packed["profile"], state.home.trunk_class)
    for name, value in zip(_PLAIN, packed["plain"], strict=True):
        setattr(state, name, value)
    if state.plan.rules != old.rules:
        state.due = 0.0  # What running calls came to may be past a bound already.
    _fill_counts(state, packed, old)
    for number, traits, keys, *rest in packed["running"]:
        state.running[number] = Running(traits, tuple(keys), *rest)
    for number, traits, keys in packed["recent"]:
        state.trail(Trail(number, traits, tuple(keys)))
    state.networks = [(name, at) for name, at in packed["networks"]]
    state.dialled = list(packed["dialled"])
    state.missed = {caller: Missed(*missed) for caller, *missed in packed["missed"]}
    for key, rule, level, until in packed["fired"]:
        _go_on_after(state, key, Fired(basis.rules[rule], Level(level), until), basis.at)
    return True


def _fill_counts(state: State, packed: Mapping[str, Any], old: Plan) -> None:
    """Windows and gauges, each where the plan has it now; those that nobody asks for are left."""
    for index, *window in packed["windows"]:
        place = state.plan.index_of.get(old.counts[index])
        if place is not None:
            state.window(place).fill(window)
    places = {_kind(gauge): gauge.index for gauge in state.plan.gauges}
    for index, key, *gauge in packed["gauges"]:
        place = places.get(_kind(old.gauges[index]))
        if place is not None:
            state.gauges[place, key] = Gauge.unpacked(gauge)


def _kind(gauge: GaugeStep) -> tuple[int, int, bool]:
    """What a gauge adds up, whatever its number is."""
    return gauge.of, gauge.key, gauge.counts_seconds


def _go_on_after(state: State, key: str, said: Fired, at: float) -> None:
    """A rule has spoken of a key: whether it still says no more of it, as the rule is now.

    What it only noted, and would stop now, is forgiven: a rule that is armed counts anew. It speaks
    anew where it asks for more now: as it is now, it has not spoken yet.
    """
    rule = next((each for each in state.plan.rules if each.name == said.rule.name), None)
    if rule is None:
        return
    stops, stopped = (each.action(said.level).stops for each in (rule, said.rule))
    if stops and not stopped and at < said.until:
        forgive(state, rule, key, at)
    elif _asks_no_more(rule, said.rule, said.level):
        state.fired[rule.name, key] = said


def _asks_no_more(rule: Rule, before: Rule, level: Level) -> bool:
    """Whether a rule speaks of all that it spoke of before, at that level."""
    bound, bound_before = rule.bound(level), before.bound(level)
    return (
        (rule.count, rule.among) == (before.count, before.among)
        and (bound is not None and bound_before is not None and bound <= bound_before)
        and rule.least <= before.least
        and rule.usual_times <= before.usual_times
    )
