"""The watch: takes what is seen in the order of time, and tells what it finds.

One watch serves live, at a restart (what was seen in the last day is taken again, and what it finds
is known already), and to try a rule on the past: it is the same code, and gives the same findings.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.login import Login, LoginKind
from asterisk_siptrunk.anomaly.plan import SECONDS, GaugeStep, Key, Keys, Plan, Step
from asterisk_siptrunk.anomaly.profile import WEEKS, Profile
from asterisk_siptrunk.anomaly.rule import AHEAD, Count, Level, Measure, Per, Rule
from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.anomaly.state import DAY, Fired, Home, Running, State, Trail
from asterisk_siptrunk.anomaly.trait import (
    LONG,
    ONE_RING,
    SHORT,
    Trait,
    is_emergency,
    place_of,
    traits_of,
)
from asterisk_siptrunk.anomaly.window import Gauge

PROVIDER = ""
"""The name under which all trunks together are kept."""
_WINDOWS_LAST = 8 * DAY
"""Seconds of silence after which nothing is left in any window."""
_PROFILES_LAST = WEEKS * 7 * DAY
_HOUR = 3600
_SOON = 0.5
"""Seconds: amounts of running calls are judged no more often than that."""
_TWO_PLACES = 3600.0
_NEW_PLACES = "(new)"
"""The name under which is learned what a trunk spends on calls to places that are new for it."""

_OUTBOUND, _INBOUND = int(Trait.OUTBOUND), int(Trait.INBOUND)
_ADMITTED, _INTERNATIONAL = int(Trait.ADMITTED), int(Trait.INTERNATIONAL)
_BORROWED = int(Trait.BORROWED)
_NEW, _FIRST = int(Trait.NEW), int(Trait.FIRST)
_QUIET_HOUR, _AFTER_SILENCE = int(Trait.QUIET_HOUR), int(Trait.AFTER_SILENCE)
_ANSWERED, _UNANSWERED = int(Trait.ANSWERED), int(Trait.UNANSWERED)
_SHORT_CALL, _ONE_RING, _LONG_CALL = (
    int(Trait.SHORT_CALL),
    int(Trait.ONE_RING),
    int(Trait.LONG_CALL),
)


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
        self._plan = Plan(rule for rule in rules if rule.count.per is not Per.PROVIDER)
        self._own_plans: dict[tuple[Rule, ...], Plan] = {}
        self._states: dict[str, State] = {}
        self._busy: dict[str, State] = {}
        self._all_trunks = Plan(rule for rule in rules if rule.count.per is Per.PROVIDER)
        self._provider: State | None = None

    def take(self, sighting: Sighting) -> list[Finding]:
        """What there is to tell of a sighting; it is no earlier than those before it."""
        seen, at = sighting.seen, sighting.at
        if is_emergency(seen):
            return []
        state = self._states.get(seen.trunk) or self._begin_trunk(seen.trunk)
        found: list[Finding] = []
        if sighting.moment is Moment.BEGUN:
            self._begin(state, seen, at, found)
        elif not seen.admitted:
            pass  # It was born ended, and counted then.
        elif sighting.moment is Moment.ANSWERED:
            self._answer(state, seen, at, found)
        else:
            self._end(state, seen, at, found)
        return found

    def tick(self, now: float) -> list[Finding]:
        """What there is to tell of calls that merely go on."""
        found: list[Finding] = []
        for state in self._busy.values():
            if state.due <= now:
                self._grow(state, now, found)
        return found

    def login(self, login: Login) -> list[Finding]:
        """What there is to tell of a registration or an authentication."""
        found: list[Finding] = []
        name = login.trunk
        traits = int(_OF_LOGIN.get(login.kind, 0))
        if name:
            state = self._states.get(name) or self._begin_trunk(name)
            traits |= _origin(state, login)
            self._add_login(state, login, traits, found)
        self._add_login(self._together(), login, traits, found)
        return found

    def release(self, trunk: str, rule: str, key: str, at: float) -> None:
        """Somebody let go on what a rule had stopped: what it had seen until then is forgiven.

        The rule speaks again of what is new: calls that come now, and what running ones add.
        """
        state = self._states.get(trunk)
        if state is None:
            return
        for fired in [fired for fired in state.fired if fired == (rule, key)]:
            del state.fired[fired]
        for own in (each for each in state.plan.rules if each.name == rule):
            _forgive(state, state.plan.index_of[own.count], key, at)

    def forget(self, now: float) -> None:
        """Drop what can no more matter: the windows of silent trunks, then all of them."""
        for name, state in list(self._states.items()):
            silent = now - state.last_at
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
        rules = tuple(rule for rule in own if rule.count.per is not Per.PROVIDER)
        if rules not in self._own_plans:
            self._own_plans[rules] = Plan(rules)
        return self._own_plans[rules]

    def _together(self) -> State:
        if self._provider is None:
            home = self._home_of(PROVIDER)
            self._provider = State(PROVIDER, self._all_trunks, home, Profile(home.trunk_class))
        return self._provider

    # --- a call ---

    def _begin(self, state: State, seen: Seen, at: float, found: list[Finding]) -> None:
        state.turn(at)
        home = state.home.country
        traits = traits_of(seen, home)
        if traits & _BORROWED and state.has_inbound_from(seen.presented):
            traits &= ~_BORROWED  # A call in that is forwarded keeps its caller's number.
        if traits & _OUTBOUND:
            place = place_of(seen.zone, home)
            traits |= self._outbound_traits(state, seen, place, traits, at)
            state.attempts += 1
        else:
            place = ""
            state.inbound_at = at
        state.last_at = at
        keys = ("", seen.zone, seen.caller, seen.callee, seen.presented, place, "")
        state.recent.append(Trail(seen.id, traits, keys))
        running = None
        if seen.admitted:
            running = state.running[seen.id] = Running(traits, keys, seen.fee, seen.price, None)
            state.inbound += not traits & _OUTBOUND
        self._count_begun(state, keys, traits, at, found)
        together = self._together()
        if together.plan.begun(traits) or together.plan.running(traits):
            together.recent.append(Trail(seen.id, traits, keys))
            self._count_begun(together, keys, traits, at, found)
        if running is not None:
            self._gauge_begin(state, running, at, found)
            self._gauge_begin(together, running, at, found)

    def _outbound_traits(
        self, state: State, seen: Seen, place: str, traits: int, at: float
    ) -> int:
        more = state.compared(seen.callee, at)
        if place != state.place:
            habit = state.profile.places.get(place)
            if habit is None:
                more |= _NEW | _FIRST
            elif not habit.is_familiar(int(at) // DAY):
                more |= _NEW
        if state.is_quiet:
            more |= _QUIET_HOUR
        if state.is_silent(at):
            more |= _AFTER_SILENCE
        return more

    def _count_begun(
        self, state: State, keys: Keys, traits: int, at: float, found: list[Finding]
    ) -> None:
        windows = state.windows
        for step in state.plan.begun(traits):
            window = windows[step.index] or state.window(step.index)
            amount = window.add(at, keys[step.key], 1)
            if amount >= step.lowest:
                self._judge(state, step, keys, amount, at, found)

    def _answer(self, state: State, seen: Seen, at: float, found: list[Finding]) -> None:
        running = state.running.get(seen.id)
        if running is None:
            self._begin(state, seen, at, found)
            running = state.running[seen.id]
        if running.answered_at is not None:
            return
        state.running[seen.id] = running._replace(answered_at=at)
        for each in (state, self._together()):
            self._gauge_answer(each, running, at)

    def _end(self, state: State, seen: Seen, at: float, found: list[Finding]) -> None:
        if seen.id not in state.running:
            self._begin(state, seen, at, found)
        if seen.answered_at is not None and state.running[seen.id].answered_at is None:
            self._answer(state, seen, min(at, seen.answered_at), found)
        running = state.running.pop(seen.id)
        talked = 0.0 if running.answered_at is None else at - running.answered_at
        cost = _cost(running, talked)
        state.cost += cost
        if running.traits & _OUTBOUND:
            self._learn_place(state, running, cost, at)
        else:
            state.inbound -= 1
            if running.answered_at is None:
                state.miss(seen.caller, at)
        traits = running.traits | _end_traits(running, at - seen.started_at, talked)
        for each in (state, self._together()):
            self._gauge_end(each, running, (talked, cost), at, found)
            self._count_ended(each, running.keys, traits, at, found)

    def _learn_place(self, state: State, running: Running, cost: int, at: float) -> None:
        place = running.keys[5]
        if running.answered_at is not None and place != state.place:
            day = int(at) // DAY
            state.profile.habit(place, day).call(day, cost)
            if running.traits & _NEW:
                state.profile.habit(_NEW_PLACES, day).call(day, cost)

    def _count_ended(
        self, state: State, keys: Keys, traits: int, at: float, found: list[Finding]
    ) -> None:
        for step in state.plan.ended(traits):
            amount = state.window(step.index).add(at, keys[step.key], 1)
            if amount >= step.lowest:
                self._judge(state, step, keys, amount, at, found)

    # --- running calls ---

    def _gauge_begin(
        self, state: State, running: Running, at: float, found: list[Finding]
    ) -> None:
        gauges = state.plan.running(running.traits)
        if not gauges:
            return
        self._busy[state.trunk] = state
        state.due = 0.0
        for each in gauges:
            name = (each.index, running.keys[each.key])
            gauge = state.gauges.get(name)
            if gauge is None:
                gauge = state.gauges[name] = Gauge()
            gauge.begin(_pace(each, running))
            for step in each.at_once:
                amount = self._amount(state, step, name[1], gauge, at)
                if amount >= step.lowest:
                    self._judge(state, step, running.keys, amount, at, found)

    def _gauge_answer(self, state: State, running: Running, at: float) -> None:
        state.due = 0.0
        for each in state.plan.running(running.traits):
            gauge = state.gauges[each.index, running.keys[each.key]]
            gauge.answer(at, _pace(each, running))
            if running.fee and not each.counts_seconds:
                for step in each.growing:
                    state.window(step.index).add(at, running.keys[each.key], running.fee)

    def _gauge_end(
        self,
        state: State,
        running: Running,
        came_to: tuple[float, int],
        at: float,
        found: list[Finding],
    ) -> None:
        """What the call has added up to goes over into the windows."""
        talked, cost = came_to
        for each in state.plan.running(running.traits):
            key = running.keys[each.key]
            gauge = state.gauges[each.index, key]
            gauge.end(_pace(each, running), running.answered_at)
            for step in each.growing if running.answered_at is not None else ():
                added = int(talked) if each.counts_seconds else cost - running.fee
                state.window(step.index).add(at, key, added)
                amount = self._amount(state, step, key, gauge, at)
                if amount >= step.lowest:
                    self._judge(state, step, running.keys, amount, at, found)
            if not gauge.calls:
                del state.gauges[each.index, key]
        if not state.gauges:
            self._busy.pop(state.trunk, None)

    def _grow(self, state: State, now: float, found: list[Finding]) -> None:
        """Judge what grows by itself, and note when that may matter again."""
        due = now + _HOUR
        for (index, key), gauge in list(state.gauges.items()):
            for step in state.plan.gauges[index].growing:
                amount = self._amount(state, step, key, gauge, now)
                if amount >= step.lowest:
                    self._judge(state, step, _keys_of(state, step.key, key), amount, now, found)
                due = min(due, now + max(_SOON, gauge.seconds_to(step.lowest - amount)))
        state.due = due

    def _amount(self, state: State, step: Step, key: str, gauge: Gauge, at: float) -> int:
        measure = state.plan.counts[step.index].measure
        if measure is Measure.SIMULTANEOUS:
            return gauge.calls
        amount = state.window(step.index).value(at, key) + gauge.so_far(at)
        return amount + AHEAD * gauge.in_a_minute() if measure is Measure.COMMITTED else amount

    # --- a judgement ---

    def _judge(
        self, state: State, step: Step, keys: Keys, amount: int, at: float, found: list[Finding]
    ) -> None:
        for rule in state.plan.rules_of[step.index]:
            key = "" if rule.count.per in _WHOLE else keys[step.key]
            fired = state.fired.get((rule.name, key))
            if fired is not None and at < fired.until and fired.level is Level.CRITICAL:
                continue
            self._judge_by(rule, state, (key, keys[Key.ZONE]), amount, at, found)

    def _judge_by(
        self,
        rule: Rule,
        state: State,
        names: tuple[str, str],
        amount: int,
        at: float,
        found: list[Finding],
    ) -> None:
        key, zone = names
        if rule.among is not None:
            amount = _share(state, rule.among, rule.least, amount, at)
        elif rule.calls is not None and _value(state, rule.calls, key, at) < rule.least:
            return
        usual, basis = _usual(state, rule.count, key, at)
        level = rule.level_of(amount, usual or 0)
        fired = state.fired.get((rule.name, key))
        if level is None or (fired is not None and at < fired.until and level <= fired.level):
            return
        if len(state.fired) >= _MOST_FIRED:
            state.fired = {name: each for name, each in state.fired.items() if each.until > at}
        state.fired[rule.name, key] = Fired(level, at + rule.quiet)
        evidence = state.evidence(int(rule.count.of) & _BEGIN_TRAITS, key)
        finding = Finding(
            rule, level, state.trunk, key, zone, at, amount, usual, basis, evidence
        )
        found.append(finding)
        if finding.action.stops:
            self._stopped(state, key, at, found)

    def _stopped(self, state: State, key: str, at: float, found: list[Finding]) -> None:
        """What is stopped teaches nobody what is usual, and is counted itself."""
        state.is_spoiled = True
        for habit in state.profile.places.values():
            habit.spoil(int(at) // DAY)
        for step in state.plan.stops():
            amount = state.window(step.index).add(at, "", 1)
            if amount >= step.lowest:
                self._judge(state, step, _NO_KEYS, amount, at, found)

    def _add_login(self, state: State, login: Login, traits: int, found: list[Finding]) -> None:
        keys = ("", "", "", "", "", "", login.source)
        for step in state.plan.logins(traits):
            amount = state.window(step.index).add(login.at, keys[step.key], 1)
            if amount >= step.lowest:
                self._judge(state, step, keys, amount, login.at, found)


_WHOLE = frozenset({Per.TRUNK, Per.PROVIDER})
_NO_KEYS: Keys = ("",) * len(Key)
_BEGIN_TRAITS = int(Trait.ANSWERED) - 1
"""Those that are known when a call begins, which evidence is chosen by."""
_MOST_FIRED = 64
_OF_LOGIN = {LoginKind.PASSWORD: Trait.PASSWORD, LoginKind.UNKNOWN: Trait.UNKNOWN}


def _keys_of(state: State, place: int, key: str) -> Keys:
    """The keys of a running call that has this one."""
    for running in state.running.values():
        if running.keys[place] == key:
            return running.keys
    return _NO_KEYS


def _pace(gauge: GaugeStep, running: Running) -> int:
    return SECONDS if gauge.counts_seconds else running.price


def _cost(running: Running, talked: float) -> int:
    if running.answered_at is None:
        return 0
    return running.fee + int(running.price * talked / SECONDS)


def _end_traits(running: Running, lasted: float, talked: float) -> int:
    """What is known of a call when it is over."""
    if running.answered_at is None:
        return _UNANSWERED | (_ONE_RING if lasted <= ONE_RING else 0)
    if talked <= SHORT:
        return _ANSWERED | _SHORT_CALL
    return _ANSWERED | (_LONG_CALL if talked >= LONG else 0)


def _value(state: State, count: Count, key: str, at: float) -> int:
    return state.window(state.plan.index_of[count]).value(at, key)


def _share(state: State, among: Count, least: int, amount: int, at: float) -> int:
    """In hundredths; 0 while there are too few to tell."""
    whole = _value(state, among, "", at)
    return 100 * amount // whole if whole >= least else 0


def _usual(state: State, count: Count, key: str, at: float) -> tuple[int | None, str]:
    """What is usual, and what that rests on; None where that is not learned."""
    if count.per is Per.TRUNK and count.measure in _COSTS and count.of & Trait.NEW:
        return _habit(state, _NEW_PLACES, count.window)
    if count.per is Per.TRUNK and count.window >= _HOUR and count.measure in _LEARNED:
        return state.usual(count.measure, count.window, at), state.profile.basis(at, state.hour)
    if count.per is Per.ZONE and count.measure in _COSTS:
        return _habit(state, place_of(key, state.home.country), count.window)
    return None, ""


def _habit(state: State, place: str, window: float) -> tuple[int, str]:
    habit = state.profile.places.get(place)
    days = max(1, round(window / DAY))
    return (0 if habit is None else habit.usual * days), "on a day of the last weeks"


_COSTS = frozenset({Measure.COST, Measure.COMMITTED})
_LEARNED = _COSTS | {Measure.ATTEMPTS}


def _forgive(state: State, index: int, key: str, at: float) -> None:
    """Count a key from nothing again; of running calls what comes from now on."""
    state.window(index).forget(key)
    gauges = [gauge for gauge in state.plan.gauges if any(s.index == index for s in gauge.growing)]
    for number, running in list(state.running.items()):
        if any(gauge in gauges and running.keys[gauge.key] == key for gauge in _of(state, running)):
            state.running[number] = _counted_from(state, running, at)


def _of(state: State, running: Running) -> tuple[GaugeStep, ...]:
    return state.plan.running(running.traits)


def _counted_from(state: State, running: Running, at: float) -> Running:
    """A running call as if it had been answered now, if it is."""
    if running.answered_at is None:
        return running
    for each in _of(state, running):
        gauge = state.gauges[each.index, running.keys[each.key]]
        pace = _pace(each, running)
        gauge.end(pace, running.answered_at)
        gauge.begin(pace)
        gauge.answer(at, pace)
    return running._replace(answered_at=at)


def _origin(state: State, login: Login) -> int:
    """What is new in where a trunk registers from; that becomes known."""
    if login.kind is not LoginKind.REGISTERED:
        return 0
    traits = 0
    known = state.profile.origins
    for trait, name in (
        (Trait.NEW_COUNTRY, login.country),
        (Trait.NEW_NETWORK, login.network),
        (Trait.NEW_USER_AGENT, login.user_agent),
    ):
        kind = [each for each in known if each[0] == trait.name]
        if name and kind and (trait.name, name) not in known:
            traits |= int(trait)
        if name:
            state.profile.add_origin(str(trait.name), name, login.at)
    return traits | _two_places(state, login)


def _two_places(state: State, login: Login) -> int:
    """A PBX that moved registers from elsewhere once; from there and back again, it is two."""
    before = [each for each in state.networks if login.at - each[1] <= _TWO_PLACES]
    names = [name for name, _ in before]
    if names and names[-1] == login.network:
        before.pop()
    state.networks = [*before, (login.network, login.at)][-3:]
    returns = login.network in names[:-1] and names[-1] != login.network
    return int(Trait.TWO_PLACES) if returns else 0
