"""The watch: takes what is seen in the order of time, and tells what it finds.

One watch serves live, at a restart (what was seen in the last day is taken again, and what it finds
is known already), and to try a rule on the past: it is the same code, and gives the same findings.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.judge import Judge, forgive
from asterisk_siptrunk.anomaly.keeping import Basis, Legend, pack, unpack
from asterisk_siptrunk.anomaly.login import Login, origin
from asterisk_siptrunk.anomaly.plan import Key, Plan
from asterisk_siptrunk.anomaly.profile import WEEKS, Profile
from asterisk_siptrunk.anomaly.rule import Per, Rule
from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.anomaly.state import DAY, Home, Running, State, Trail
from asterisk_siptrunk.anomaly.trait import Trait, end_traits, is_emergency, place_of, traits_of

PROVIDER = ""
"""The name under which all trunks together are kept."""
_WINDOWS_LAST = 8 * DAY
"""Seconds of silence after which nothing is left in any window."""
_PROFILES_LAST = WEEKS * 7 * DAY
_MINUTE = 60

_OUTBOUND, _BORROWED, _NEW = int(Trait.OUTBOUND), int(Trait.BORROWED), int(Trait.NEW)


class Watch:
    """Judges sightings by rules.

    Args:
        rules: those for all trunks.
        home_of: what is known of a trunk, and of all together (`PROVIDER`).
        own_rules: of a trunk that has rules of its own, all of them; None for one that has not.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        home_of: Callable[[str], Home],
        own_rules: Callable[[str], Iterable[Rule] | None] = lambda _: None,
    ) -> None:
        rules = tuple(rules)
        self._home_of = home_of
        self._own_rules = own_rules
        self._plan = _of_trunks(rules)
        self._own_plans: dict[tuple[Rule, ...], Plan] = {}
        self._states: dict[str, State] = {}
        self._busy: dict[str, State] = {}
        together = Plan(rule for rule in rules if rule.count.per is Per.PROVIDER)
        home = home_of(PROVIDER)
        self._together = State(PROVIDER, together, home, Profile(home.trunk_class))
        self._judge = Judge()

    def take(self, sighting: Sighting) -> list[Finding]:
        """What there is to tell of a sighting; it is no earlier than those before it."""
        seen = sighting.seen
        if is_emergency(seen):
            return []
        state = self._states.get(seen.trunk) or self._begin_trunk(seen.trunk)
        if sighting.moment is Moment.BEGUN:
            self._begin(state, seen, sighting.at)
        elif seen.admitted:  # One that was refused was born ended, and counted then.
            if sighting.moment is Moment.ANSWERED:
                self._answer(state, seen, sighting.at)
            else:
                self._end(state, seen, sighting.at)
        return self._judge.taken()

    def tick(self, now: float) -> list[Finding]:
        """What there is to tell of calls that merely go on."""
        for state in self._busy.values():
            if state.due <= now:
                self._judge.grow(state, now)
        return self._judge.taken()

    def login(self, login: Login) -> list[Finding]:
        """What there is to tell of a registration or an authentication."""
        keys = tuple(login.source if key is Key.SOURCE else "" for key in Key)
        traits = login.traits
        if login.trunk:
            state = self._states.get(login.trunk) or self._begin_trunk(login.trunk)
            traits |= origin(state, login)
            self._judge.count(state, state.plan.logins(traits), keys, login.at)
        together = self._together
        self._judge.count(together, together.plan.logins(traits), keys, login.at)
        return self._judge.taken()

    def release(self, trunk: str, rule: str, key: str, at: float) -> None:
        """Somebody let go on what a rule had stopped: what it had seen until then is forgiven.

        The rule speaks again of what is new: calls that come now, and what running ones add.
        """
        state = self._together if trunk == PROVIDER else self._states.get(trunk)
        if state is not None:
            for own in (each for each in state.plan.rules if each.name == rule):
                forgive(state, own, key, at)

    def forgive(self, found: Finding, at: float) -> None:
        """What this would have stopped was not: it is forgiven, and nowhere counted as a stop."""
        self.release(found.trunk, found.rule.name, found.key, at)
        state = self._together if found.trunk == PROVIDER else self._states[found.trunk]
        for step in state.plan.stops():
            state.window(step.index).forget("")

    def forget(self, now: float) -> None:
        """Drop what can no more matter: the windows of silent trunks, then all of them."""
        for name, state in list(self._states.items()):
            silent = now - state.profile.heard_at
            if state.running or silent < _WINDOWS_LAST:
                continue
            if silent >= _PROFILES_LAST:
                del self._states[name]
            else:
                state.rest()

    def learned(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """What is usual for each trunk, as JSON can hold it."""
        return ((name, state.profile.packed()) for name, state in self._states.items())

    def remember(self, trunk: str, packed: Mapping[str, Any]) -> None:
        """What was usual for a trunk; given before the first sighting of it.

        Raises:
            InvalidInput: it is not what `learned` gave.
        """
        home = self._home_of(trunk)
        profile = Profile.unpacked(packed, home.trunk_class)
        self._states[trunk] = State(trunk, self._plan_of(trunk), home, profile)

    def kept(self, legend: Legend) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """All that is known of each trunk, and of all together, as JSON can hold it.

        By the time that all are taken the legend says what they were counted by.
        """
        for state in (*self._states.values(), self._together):
            yield state.trunk, pack(state, legend)

    def resume(self, trunk: str, packed: Mapping[str, Any], basis: Basis) -> bool:
        """Go on with a trunk where a watch was, which may have had other rules.

        False where what is counted now was not counted then: all must be seen anew.

        Raises:
            InvalidInput: its profile cannot be read.
        """
        state = self._together if trunk == PROVIDER else self._begin_trunk(trunk)
        if not unpack(state, packed, basis):
            return False
        if state.gauges:
            self._busy[trunk] = state
        return True

    def take_over(self, other: "Watch", at: float) -> bool:
        """Go on where another watch is, as `resume` does; that one is of no use any more."""
        legend = Legend()
        kept = list(other.kept(legend))
        basis = Basis.unpacked(legend.packed(), at)
        return all(self.resume(trunk, packed, basis) for trunk, packed in kept)

    # --- a trunk ---

    def _begin_trunk(self, name: str) -> State:
        home = self._home_of(name)
        state = State(name, self._plan_of(name), home, Profile(home.trunk_class))
        self._states[name] = state
        return state

    def _plan_of(self, trunk: str) -> Plan:
        own = self._own_rules(trunk)
        if own is None:
            return self._plan
        rules = tuple(own)
        if rules not in self._own_plans:
            self._own_plans[rules] = _of_trunks(rules)
        return self._own_plans[rules]

    # --- a call ---

    def _begin(self, state: State, seen: Seen, at: float) -> None:
        state.turn(at)
        home = state.home.country
        traits = traits_of(seen, home)
        place = ""
        if traits & _OUTBOUND:
            if traits & _BORROWED and state.has_inbound_from(seen.presented):
                traits &= ~_BORROWED  # A call in that is forwarded keeps its caller's number.
            place = place_of(seen.zone, home)
            traits |= state.traits_of(seen.callee, place, at)
            state.attempts += 1
        else:
            state.inbound_at = at
        state.profile.last_at = at
        keys = ("", seen.zone, seen.caller, seen.callee, seen.presented, place, "")
        self._count_begun(state, Trail(seen.id, traits, keys), at)
        if seen.admitted:
            self._let_through(state, seen, Running(traits, keys, seen.fee, seen.price, None), at)

    def _count_begun(self, state: State, trail: Trail, at: float) -> None:
        judge, together = self._judge, self._together
        state.trail(trail)
        judge.count(state, state.plan.begun(trail.traits), trail.keys, at)
        steps = together.plan.begun(trail.traits)
        if steps:
            together.trail(trail)
            judge.count(together, steps, trail.keys, at)

    def _let_through(self, state: State, seen: Seen, running: Running, at: float) -> None:
        state.running[seen.id] = running
        state.inbound += not running.traits & _OUTBOUND
        for each in self._states_of(state, running):
            self._judge.begin(each, running, at)
            self._busy[each.trunk] = each

    def _answer(self, state: State, seen: Seen, at: float) -> None:
        if seen.id not in state.running:
            self._begin(state, seen, at)  # It began before the watch did.
        running = state.running[seen.id]
        if running.answered_at is not None:
            return
        state.running[seen.id] = running._replace(answered_at=at)
        for each in self._states_of(state, running):
            self._judge.answer(each, running, at)

    def _end(self, state: State, seen: Seen, at: float) -> None:
        if seen.id not in state.running:
            self._begin(state, seen, at)
        if seen.answered_at is not None and state.running[seen.id].answered_at is None:
            self._answer(state, seen, min(at, seen.answered_at))
        running = state.running.pop(seen.id)
        self._learn(state, seen, running, at)
        talked = None if running.answered_at is None else at - running.answered_at
        traits = running.traits | end_traits(at - seen.started_at, talked)
        for each in self._states_of(state, running):
            self._judge.end(each, running, at)
            if not each.gauges:
                self._busy.pop(each.trunk, None)
        for each in (state, self._together):
            self._judge.count(each, each.plan.ended(traits), running.keys, at)

    def _states_of(self, state: State, running: Running) -> tuple[State, ...]:
        """Those in which a running call is counted: its trunk's, and that of all together."""
        together = self._together
        states = (state, together) if together.plan.running(running.traits) else (state,)
        return states if state.plan.running(running.traits) else states[1:]

    def _learn(self, state: State, seen: Seen, running: Running, at: float) -> None:
        """What is usual grows with calls that were answered."""
        if not running.traits & _OUTBOUND:
            state.inbound -= 1
            if running.answered_at is None:
                state.miss(seen.caller, at, at - seen.started_at)
        elif running.answered_at is not None:
            cost = running.fee + int(running.price * (at - running.answered_at) / _MINUTE)
            state.spend(running.keys[Key.PLACE], cost, at, is_new=bool(running.traits & _NEW))


def _of_trunks(rules: Iterable[Rule]) -> Plan:
    return Plan(rule for rule in rules if rule.count.per is not Per.PROVIDER)
