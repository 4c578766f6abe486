"""Counting and judging: what a call adds to a trunk's counts, and what the rules say of them."""

from collections.abc import Iterable, Iterator
from operator import attrgetter

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.plan import NO_KEYS, SECONDS, GaugeStep, Key, Keys, Step
from asterisk_siptrunk.anomaly.rule import AHEAD, Count, Level, Measure, Per, Rule
from asterisk_siptrunk.anomaly.state import Fired, Running, State
from asterisk_siptrunk.anomaly.trait import Trait, is_at_home, is_ordinary
from asterisk_siptrunk.anomaly.window import ButDearest, Gauge

_HOUR = 3600.0
_SOON = 0.5
"""Seconds: what grows by itself is judged no more often than that."""
_MANY_FIRED, _MOST_FIRED = 8, 32
_WHOLE = frozenset({Per.TRUNK, Per.PROVIDER})
_COSTLY = Trait.DEAR | Trait.RISKY
_BEGIN_TRAITS = Trait(int(Trait.ANSWERED) - 1)
"""Those that are known when a call begins, which evidence is chosen by."""


class Judge:
    """Adds to counts, judges each that has come to its rules' bounds, and keeps what was found."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def taken(self) -> list[Finding]:
        """What was found since this was asked last."""
        found = self._found
        if found:
            self._found = []
            return found
        return []

    def count(self, state: State, steps: Iterable[Step], keys: Keys, at: float) -> None:
        """One more of what these steps count."""
        windows = state.windows
        for step in steps:
            window = windows[step.index] or state.window(step.index)
            amount = window.add(at, keys[step.key], 1)
            if amount >= step.lowest:
                self._judge(state, step, keys, amount, at)

    # --- running calls ---

    def begin(self, state: State, running: Running, at: float) -> None:
        """A call was let through."""
        state.due = 0.0
        for each in state.plan.running(running.traits):
            key = running.keys[each.key]
            gauge = state.gauge(each.index, key)
            gauge.begin(_pace(each, running))
            for step in each.at_once:
                amount = _amount(state, step, key, gauge, at)
                if amount >= step.lowest:
                    self._judge(state, step, running.keys, amount, at)

    def answer(self, state: State, running: Running, at: float) -> None:
        """It is answered, and begins to cost: its fee at once."""
        state.due = 0.0
        for each in state.plan.running(running.traits):
            key = running.keys[each.key]
            state.gauge(each.index, key).answer(at, _pace(each, running))
            if running.fee and not each.counts_seconds:
                for step in each.growing:
                    _add(state, step, running.keys, running.fee, at)

    def end(self, state: State, running: Running, at: float) -> None:
        """It is over: what it added up to goes over into the windows."""
        for each in state.plan.running(running.traits):
            key = running.keys[each.key]
            gauge = state.gauge(each.index, key)
            gauge.end(_pace(each, running), running.answered_at)
            if running.answered_at is not None:
                added = int(_pace(each, running) * (at - running.answered_at) / SECONDS)
                self._go_over(state, each, running.keys, (added, at))
            if not gauge.calls:
                del state.gauges[each.index, key]

    def _go_over(self, state: State, gauge: GaugeStep, keys: Keys, what: tuple[int, float]) -> None:
        added, at = what
        key = keys[gauge.key]
        for step in gauge.growing:
            _add(state, step, keys, added, at)
            amount = _amount(state, step, key, state.gauges[gauge.index, key], at)
            if amount >= step.lowest:
                self._judge(state, step, keys, amount, at)

    def grow(self, state: State, now: float) -> None:
        """Judge what grows by itself, and note when that may matter again."""
        due = now + _HOUR
        for (index, key), gauge in list(state.gauges.items()):
            for step in state.plan.gauges[index].growing:
                amount = _amount(state, step, key, gauge, now)
                if amount >= step.lowest:
                    self._judge(state, step, _keys_of(state, step, key), amount, now)
                due = min(due, now + max(_SOON, gauge.seconds_to(step.lowest - amount)))
        state.due = due

    # --- a judgement ---

    def _judge(self, state: State, step: Step, keys: Keys, amount: int, at: float) -> None:
        for rule in state.plan.rules_of[step.index]:
            key = "" if rule.count.per in _WHOLE else keys[step.key]
            said = _said(state, rule, _part(state, rule, key, keys[Key.ZONE]), at)
            if said is not Level.CRITICAL:
                self._judge_by(rule, state, (key, keys[Key.ZONE]), amount, at)

    def _judge_by(
        self, rule: Rule, state: State, names: tuple[str, str], amount: int, at: float
    ) -> None:
        key, zone = names
        if rule.among is not None:
            amount = _share(state, rule, rule.among, amount, at)
        elif rule.calls is not None and _value(state, rule.calls, key, at) < rule.least:
            return
        usual, basis = state.usual_of(rule.count, key, at)
        level = rule.level_of(amount, usual or 0)
        part = _part(state, rule, key, zone)
        if level is None or level <= (_said(state, rule, part, at) or 0):
            return
        _forget_fired(state, at)
        state.fired[rule.name, part] = Fired(rule, level, at + rule.quiet(level))
        evidence = state.evidence(rule.count.of & _BEGIN_TRAITS, key)
        found = Finding(
            *(rule, level, state.trunk, key, zone, at),
            *(amount, usual, basis, evidence, _stays_home(state, rule, zone)),
        )
        self._found.append(found)
        if found.action.stops:
            state.spoil(at)
            self.count(state, state.plan.stops(), _of_zone(zone), at)


def _of_zone(zone: str) -> Keys:
    return tuple(zone if key is Key.ZONE else "" for key in Key)


def _stays_home(state: State, rule: Rule, zone: str) -> bool:
    """Whether what a rule shows is a dear call within the home country's plan.

    A rule over calls that are not all dear may be shown by one that is cheap.
    """
    is_dear = bool(rule.count.of & _COSTLY) or rule.count.measure is Measure.STOPS
    return is_at_home(zone, state.home.country) and (is_dear or not is_ordinary(zone))


def _part(state: State, rule: Rule, key: str, zone: str) -> str:
    """What a rule speaks of at a time: its key; of a whole trunk, what can be stopped apart.

    Dear numbers at home go on where calls abroad are stopped.
    """
    return zone if not key and _stays_home(state, rule, zone) else key


def _said(state: State, rule: Rule, part: str, at: float) -> Level | None:
    """The level up to which a rule has spoken of a part, and speaks no more for now."""
    fired = state.fired.get((rule.name, part))
    return fired.level if fired is not None and at < fired.until else None


def _forget_fired(state: State, at: float) -> None:
    """Make room for one that has spoken now."""
    if len(state.fired) >= _MANY_FIRED:
        state.fired = {name: each for name, each in state.fired.items() if at < each.until}
    if len(state.fired) >= _MOST_FIRED:
        # The one that would speak again first.
        del state.fired[min(state.fired, key=lambda name: state.fired[name].until)]


def _value(state: State, count: Count, key: str, at: float) -> int:
    return state.window(state.plan.index_of[count]).value(at, key)


def _share(state: State, rule: Rule, among: Count, amount: int, at: float) -> int:
    """In hundredths; 0 while there are too few to tell."""
    whole = _value(state, among, "", at)
    return 100 * amount // whole if whole >= rule.least else 0


def _add(state: State, step: Step, keys: Keys, amount: int, at: float) -> None:
    place = Key.CALLEE if state.plan.counts[step.index].but_dearest else step.key
    state.window(step.index).add(at, keys[place], amount)


def _amount(state: State, step: Step, key: str, gauge: Gauge, at: float) -> int:
    count = state.plan.counts[step.index]
    if count.measure is Measure.SIMULTANEOUS:
        return gauge.calls
    window = state.window(step.index)
    amount = window.value(at, key) + gauge.so_far(at)
    if count.measure is Measure.COMMITTED:
        amount += AHEAD * gauge.in_a_minute()
    if isinstance(window, ButDearest) and amount >= _least(state, step, at):
        amount -= window.dearest(at, _running_costs(state, count, at))
    return amount


def _least(state: State, step: Step, at: float) -> int:
    """The amount below which none of a count's rules says anything: calls need not be gone through.

    What is usual is taken off of all that they cost, too, the dearest number or not.
    """
    return min(
        rule.lowest + int(rule.usual_times * (state.usual_of(rule.count, "", at)[0] or 0))
        for rule in state.plan.rules_of[step.index]
    )


def _running_costs(state: State, count: Count, at: float) -> Iterator[tuple[str, int]]:
    """What each running call adds to a count, and the number that it is to."""
    ahead = AHEAD if count.measure is Measure.COMMITTED else 0
    for each in state.running.values():
        if each.traits & count.of == count.of:
            minutes = ahead + _talked(each, at) / SECONDS
            yield each.keys[Key.CALLEE], int(each.price * minutes)


def _talked(running: Running, at: float) -> float:
    return 0.0 if running.answered_at is None else max(0.0, at - running.answered_at)


def _pace(gauge: GaugeStep, running: Running) -> int:
    return SECONDS if gauge.counts_seconds else running.price


def _keys_of(state: State, step: Step, key: str) -> Keys:
    """The keys of the dearest running call that a count is of, for its key."""
    of = state.plan.counts[step.index].of
    calls = [
        each
        for each in state.running.values()
        if each.traits & of == of and each.keys[step.key] == key
    ]
    return max(calls, key=attrgetter("price")).keys if calls else NO_KEYS


def forgive(state: State, rule: Rule, key: str, at: float) -> None:
    """Count for a rule's key from nothing again; of running calls what comes from now on."""
    is_whole = rule.count.per in _WHOLE
    key = "" if is_whole else key
    for name, part in list(state.fired):
        if name == rule.name and (is_whole or part == key):
            del state.fired[name, part]
    for count in (rule.count, rule.among, rule.calls):
        if count is not None:
            state.window(state.plan.index_of[count]).forget(key)
    index = state.plan.index_of[rule.count]
    for number, running in state.running.items():
        gauges = state.plan.running(running.traits)
        if any(running.keys[each.key] == key and each.feeds(index) for each in gauges):
            state.running[number] = _counted_from(state, running, at)


def _counted_from(state: State, running: Running, at: float) -> Running:
    """A running call as if it had been answered now, if it is."""
    if running.answered_at is None:
        return running
    for each in state.plan.running(running.traits):
        gauge = state.gauge(each.index, running.keys[each.key])
        pace = _pace(each, running)
        gauge.end(pace, running.answered_at)
        gauge.begin(pace)
        gauge.answer(at, pace)
    return running._replace(answered_at=at)
