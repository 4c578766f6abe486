"""Rules as a TOML file: read with every mistake in it told at once.

A rule's keys are in `data/rules.toml`, each with what it means. A trunk's own rules are the same
with some values changed, by the names of the rules.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import Any, TypeVar

from asterisk_siptrunk.anomaly.finding import span_words
from asterisk_siptrunk.anomaly.rule import COSTS, LEARNED, Action, Count, Measure, Per, Rule
from asterisk_siptrunk.anomaly.trait import Trait, trait_of
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import parse_name

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
LONGEST_WINDOW = 7 * 86_400
"""Seconds; the watch keeps nothing for longer, but what is usual."""
_LONGEST_EXPIRY = 365 * 86_400
_LEARNED_FROM = 3600
_MOST = 10**9
_DISTINCT = frozenset({Measure.CALLERS, Measure.CALLEES, Measure.PLACES})
_SHARED = frozenset({Measure.ATTEMPTS, Measure.ENDS, Measure.LOGINS})
_WHOLE = frozenset({Per.TRUNK, Per.PROVIDER})
_NEEDS = {
    Action.BLOCK_ZONE: {Per.ZONE, Per.CALLEE},
    Action.BLOCK_CALLER: {Per.CALLER},
}
_NAMES = frozenset(
    [
        "name",
        "version",
        "measure",
        "of",
        "per",
        "window",
        "among",
        "but-dearest",
        "least",
        "warning",
        "critical",
        "usual-times",
        "on-warning",
        "on-critical",
        "end-calls",
        "expiry",
        "dry-run",
    ]
)
_REQUIRED = ("name", "version", "measure", "per")
W = TypeVar("W", Measure, Per, Action)
Values = Mapping[str, Any]


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """Those in `data/rules.toml`."""
    text = (resources.files(__package__) / "data" / "rules.toml").read_text("utf-8")
    return read_rules(text, "the shipped rules")


def read_rules(text: str, source: str) -> tuple[Rule, ...]:
    """Read rules; `source` is what messages call the file.

    Raises:
        InvalidInput: with a line for each mistake: where it is, what is wrong, what to do.
    """
    try:
        entries = tomllib.loads(text).get("rules", [])
    except ValueError as error:
        raise InvalidInput(f"{source}: this is not TOML: {error}") from None
    if not isinstance(entries, list):
        raise InvalidInput(f"{source}: rules: give each rule under a line [[rules]].")
    rules, mistakes = [], []
    for number, entry in enumerate(entries, start=1):
        try:
            rules.append(read_rule(entry))
        except InvalidInput as error:
            mistakes += [f"{source}: rule {number}: {line}" for line in str(error).split("\n")]
    names = [rule.name for rule in rules]
    twice = sorted({name for name in names if names.count(name) > 1})
    mistakes += [f"{source}: two rules have the name {name!r}." for name in twice]
    if mistakes:
        raise InvalidInput("\n".join(mistakes))
    return tuple(rules)


def changed(rules: Iterable[Rule], own: Mapping[str, Values]) -> tuple[Rule, ...]:
    """The rules as they are for a trunk: `own` has values that differ, by the names of rules.

    Raises:
        InvalidInput: there is no such rule, or a value cannot be used.
    """
    rules = tuple(rules)
    unknown = sorted(set(own) - {rule.name for rule in rules})
    if unknown:
        raise InvalidInput(f"There is no rule {unknown[0]!r}; `siptrunk anomaly rules` lists them.")
    return tuple(
        read_rule({**written(rule), **own[rule.name]}) if rule.name in own else rule
        for rule in rules
    )


def read_rule(entry: object) -> Rule:
    """Read one rule.

    Raises:
        InvalidInput: with a line for each mistake.
    """
    if not isinstance(entry, dict):
        raise InvalidInput("give keys and their values under a line [[rules]].")
    reading = _Reading(entry)
    rule = reading.rule()
    if reading.mistakes:
        raise InvalidInput("\n".join(reading.mistakes))
    return rule


class _Reading:
    """Reads one table; what is wrong joins `mistakes`, and something stands in for it."""

    def __init__(self, entry: Values) -> None:
        self._entry = entry
        known = ", ".join(sorted(_NAMES))
        unknown = [key for key in entry if key not in _NAMES]
        self.mistakes = [f"there is no key {key!r}; there are {known}." for key in unknown]
        missing = [key for key in _REQUIRED if key not in entry]
        self.mistakes += [f"the key {key!r} is missing." for key in missing]

    def rule(self) -> Rule:
        per = self._get("per", _one_of(Per), Per.TRUNK)
        measure = self._get("measure", _one_of(Measure), Measure.ATTEMPTS)
        window = self._get("window", _span(LONGEST_WINDOW), 60.0)
        bound = _bound_of(measure, is_share="among" in self._entry)
        spares = self._get("but-dearest", _flag, False)  # noqa: FBT003
        count = Count(measure, self._get("of", _traits, Trait(0)), per, window, spares)
        among = self._get("among", _traits, None)
        rule = Rule(
            name=self._get("name", _name, ""),
            version=self._get("version", _whole(1), 1),
            count=count,
            critical=self._get("critical", bound, None),
            warning=self._get("warning", bound, None),
            among=None if among is None else Count(measure, among, Per.TRUNK, window),
            least=self._get("least", _whole(1), 1),
            usual_times=self._get("usual-times", _times, 0.0),
            on_warning=self._get("on-warning", _one_of(Action), Action.NOTE),
            on_critical=self._get("on-critical", _one_of(Action), Action.NOTIFY),
            end_calls=self._get("end-calls", _flag, False),  # noqa: FBT003
            expiry=self._get("expiry", _span(_LONGEST_EXPIRY), None),
            dry_run=self._get("dry-run", _flag, False),  # noqa: FBT003
        )
        self.mistakes += _contradictions(rule)
        return rule

    def _get(self, key: str, read: Callable[[Any], Any], default: Any) -> Any:  # noqa: ANN401
        if key not in self._entry:
            return default
        try:
            return read(self._entry[key])
        except InvalidInput as error:
            self.mistakes.append(f"{key}: {error}")
            return default


def _contradictions(rule: Rule) -> list[str]:
    """What each key allows, and all together do not."""
    count = rule.count
    found = []
    if rule.warning is None and rule.critical is None:
        found.append("give 'warning', 'critical' or both: it would never say anything.")
    elif None not in {rule.warning, rule.critical} and rule.warning > rule.critical:  # type: ignore[operator]
        found.append("warning: it is higher than 'critical', and would never be heard.")
    if count.measure in _DISTINCT and count.per not in _WHOLE:
        found.append(f"per: {count.measure} are counted for a trunk or the provider alone.")
    if rule.among is not None and (count.measure not in _SHARED or count.per is Per.PROVIDER):
        found.append("among: a share is one of a trunk's attempts, ends or logins.")
    if count.but_dearest and (count.measure not in COSTS or count.per is not Per.TRUNK):
        found.append("but-dearest: it is for the cost and committed of a trunk.")
    if rule.usual_times and not _is_learned(count):
        found.append(
            "usual-times: what is usual is learned of attempts, cost and committed, for a trunk "
            "over an hour or more, and of cost and committed for a zone."
        )
    found += [
        f"{key}: {action} asks for per = {' or '.join(sorted(_NEEDS[action]))}."
        for key, action in (("on-warning", rule.on_warning), ("on-critical", rule.on_critical))
        if action in _NEEDS and count.per not in _NEEDS[action]
    ]
    if count.per is Per.PROVIDER and (rule.on_warning.stops or rule.on_critical.stops):
        found.append("per: of all trunks together nothing is blocked; give note or notify.")
    return found


def _is_learned(count: Count) -> bool:
    if count.per is Per.ZONE:
        return count.measure in COSTS
    is_of_days = count.measure in COSTS and bool(count.of & Trait.NEW)
    is_long = count.window >= _LEARNED_FROM or is_of_days
    return count.measure in LEARNED and count.per is Per.TRUNK and is_long


def written(rule: Rule) -> dict[str, Any]:
    """The table that a rule is read from."""
    table: dict[str, Any] = {
        "name": rule.name,
        "version": rule.version,
        "measure": str(rule.count.measure),
        "of": trait_words(rule.count.of),
        "per": str(rule.count.per),
        "window": span_words(rule.count.window),
        "but-dearest": rule.count.but_dearest,
        "least": rule.least,
        "usual-times": rule.usual_times,
        "on-warning": str(rule.on_warning),
        "on-critical": str(rule.on_critical),
        "end-calls": rule.end_calls,
        "dry-run": rule.dry_run,
    }
    for key, bound in (("warning", rule.warning), ("critical", rule.critical)):
        if bound is not None:
            table[key] = _written_bound(rule, bound)
    if rule.among is not None:
        table["among"] = trait_words(rule.among.of)
    if rule.expiry is not None:
        table["expiry"] = span_words(rule.expiry)
    return table


def trait_words(traits: Trait) -> list[str]:
    """Traits as a rule file names them."""
    return [str(trait.name).lower().replace("_", "-") for trait in Trait if trait in traits]


def _written_bound(rule: Rule, bound: int) -> int | str:
    if rule.among is None and rule.count.measure is Measure.TALK:
        return bound // _UNITS["minute"]
    if rule.among is None and rule.count.measure in COSTS:
        return f"{Decimal(bound).scaleb(-6).normalize():f}"
    return bound


def _one_of(kind: type[W]) -> Callable[[object], W]:
    def read(value: object) -> W:
        if value not in list(kind):
            raise InvalidInput(f"{value!r} is none of {', '.join(kind)}.")
        return kind(str(value))

    return read


def _whole(least: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= _MOST:
            raise InvalidInput(f"{value!r} is no whole number from {least} to {_MOST}.")
        return value

    return read


def _bound_of(measure: Measure, *, is_share: bool) -> Callable[[object], int]:
    """A reader of an amount in the measure's unit."""
    if is_share or measure not in {*COSTS, Measure.TALK}:
        return _whole(1)
    if measure is Measure.TALK:
        return lambda value: _whole(1)(value) * _UNITS["minute"]
    return _price


def _price(value: object) -> int:
    """An amount of the currency, in millionths of it."""
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal(0)
    if isinstance(value, bool) or not amount.is_finite() or not 0 < amount <= _MOST:
        raise InvalidInput(f"{value!r} is no amount of money; give one like 12.50.")
    return int(amount.scaleb(6))


def _span(longest: int) -> Callable[[object], float]:
    def read(value: object) -> float:
        count, _, unit = str(value).partition(" ")
        size = _UNITS.get(unit.removesuffix("s"))
        if size is None or not count.isdecimal() or not 1 <= int(count) * size <= longest:
            raise InvalidInput(
                f'{value!r} is no time up to {span_words(longest)}; give one like "10 minutes".'
            )
        return float(int(count) * size)

    return read


def _traits(value: object) -> Trait:
    found = Trait(0)
    for word in value if isinstance(value, list) else [value]:
        trait = trait_of(word) if isinstance(word, str) else None
        if trait is None:
            raise InvalidInput(f"{word!r} is no trait; there are {', '.join(trait_words(~found))}.")
        found |= trait
    return found


def _times(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
        raise InvalidInput(f"{value!r} is no number of times; give one like 3 or 2.5.")
    return float(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{value!r} is neither true nor false.")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{value!r} is no text: put it in quotes.")
    return parse_name(value)
