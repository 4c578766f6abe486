"""Which destinations a trunk may call: the provider's rules, and the customer's.

Which of the rules that match decides, in this order:

1. **A lock.** A locked rule of the provider prevails over all that are not locked. A locked block
   prevails over a locked allow: what the provider locked shut stays shut.
2. **The narrowest target.** From the narrowest to the widest:

   ======================= ====================== ==================================================
   short number, prefix    `3949` `+88213` `+979` the longest prefix first
   country and kind        `lv:premium`
   kind                    `*:premium`            above countries: opening Latvia must not open its
                                                  premium numbers
   country                 `lv` `+371`            a prefix that is a whole country's code is that
                                                  country, hence below kinds
   risk list               `risk:high`            below countries: opening a country by its name
                                                  opens it though the list has it
   code of many countries  `+1` `+3`              below the list: opening `+1` does not open the
                                                  Caribbean
   international           `international`
   all                     `all`
   ======================= ====================== ==================================================
3. **The customer's** rule before the provider's default.
4. **A block** before an allow.

No rule at all: allowed. Emergency calls are not judged; callers let them pass before they ask, and
asked for one nevertheless, a policy allows it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from asterisk_siptrunk.destination import shipped
from asterisk_siptrunk.destination.model import Destination
from asterisk_siptrunk.destination.target import RiskList, Scope, Target, names_of, shipped_risk
from asterisk_siptrunk.destination.zones import Zone, common_names, covered, risky_prefixes, touches
from asterisk_siptrunk.errors import InvalidInput

_RISK = "risk:high"


class Action(StrEnum):
    """What a rule does to a call."""

    ALLOW = "allow"
    BLOCK = "block"


class Layer(StrEnum):
    """Whose rule it is."""

    PROVIDER = "provider"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a policy; only a provider's can be locked (`InvalidInput` otherwise)."""

    target: Target
    action: Action
    layer: Layer
    locked: bool = False
    note: str = ""

    def __post_init__(self) -> None:
        if self.locked and self.layer is not Layer.PROVIDER:
            raise InvalidInput(f"Rule {self.target} is the customer's; only a provider can lock.")

    @property
    def rank(self) -> tuple[bool, bool, tuple[int, int], bool, bool]:
        """Greater prevails: the order of the module's description, in one value."""
        blocks = self.action is Action.BLOCK
        by_customer = self.layer is Layer.CUSTOMER
        return self.locked, self.locked and blocks, self.target.specificity, by_customer, blocks

    def __str__(self) -> str:
        if self.layer is Layer.CUSTOMER:
            owner = "the customer's rule"
        else:
            owner = "the provider's locked rule" if self.locked else "the provider's default rule"
        return f"{owner} {self.target}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a policy says of a destination: `rule` decided, None where none speaks of it."""

    action: Action
    rule: Rule | None
    explanation: str

    @property
    def is_allowed(self) -> bool:
        """Whether the call may go on."""
        return self.action is Action.ALLOW


@dataclass(frozen=True, slots=True)
class ZoneJudgement:
    """What a policy says of a whole zone.

    Attributes:
        rule: what decides, None where no rule speaks of it: then it is allowed.
        exceptions: rules that decide otherwise for some numbers of it.
    """

    zone: Zone
    action: Action
    rule: Rule | None
    exceptions: tuple[Rule, ...]

    @property
    def is_locked(self) -> bool:
        """Whether the provider has the last word."""
        return self.rule is not None and self.rule.locked

    @property
    def is_open(self) -> bool:
        """Whether all of it may be called."""
        return self.action is Action.ALLOW and not self.exceptions

    @property
    def is_blocked(self) -> bool:
        """Whether none of it may be called."""
        return self.action is Action.BLOCK and not self.exceptions


class Policy:
    """The rules of a trunk whose home country is `home`, indexed once, judged many times."""

    __slots__ = ("_by_name", "_home", "_ranges", "_risk")

    def __init__(self, rules: Iterable[Rule], home: str, risk: RiskList | None = None) -> None:
        self._home = home.upper()
        self._risk = risk or shipped_risk()
        ranked = enumerate(sorted(rules, key=lambda rule: rule.rank))
        # Rules of one target match the same calls, so only the prevailing one can ever decide.
        self._by_name = {rule.target.name: (place, rule) for place, rule in ranked}
        self._ranges = [
            (place, rule)
            for place, rule in self._by_name.values()
            if rule.target.scope is Scope.RANGE
        ]

    def judge(self, destination: Destination) -> Judgement:
        """Whether `destination` may be called, by which rule, and a sentence that says so."""
        if destination.is_emergency:
            sentence = f"{destination.number} is an emergency number: no rule applies to it."
            return Judgement(Action.ALLOW, None, sentence)
        names = names_of(destination, self._home, self._risk)
        matching = dict(self._by_name[name] for name in names if name in self._by_name)
        if not matching:
            sentence = f"{_described(destination)} is allowed: no rule speaks of it."
            return Judgement(Action.ALLOW, None, sentence)
        rule = matching[max(matching)]
        verb = "allowed" if rule.action is Action.ALLOW else "blocked"
        sentence = f"{_described(destination)} is {verb} by {rule}."
        return Judgement(rule.action, rule, sentence)

    def judge_zone(self, zone: Zone) -> ZoneJudgement:
        """Whether a whole zone may be called, and what is otherwise for a part of it."""
        ranges = [(place, rule) for place, rule in self._ranges if touches(zone, str(rule.target))]
        whole = [each for each in ranges if covered(zone, [str(each[1].target)])]
        names = set(common_names(zone, self._home, self._risk))
        whole += (self._by_name[name] for name in names if name in self._by_name)
        place, rule = max(whole, key=lambda each: each[0], default=(-1, None))
        action = rule.action if rule else Action.ALLOW
        narrower = (*ranges, *self._risk_in_part(zone, names))
        others = (each for at, each in sorted(narrower, key=lambda each: each[0]) if at > place)
        return ZoneJudgement(zone, action, rule, tuple(o for o in others if o.action != action))

    def _risk_in_part(self, zone: Zone, names: set[str]) -> list[tuple[int, Rule]]:
        """The rule for the list of risk, where that names some of a zone's numbers."""
        rule = self._by_name.get(_RISK)
        if rule is None or _RISK in names or not risky_prefixes(zone, self._home, self._risk):
            return []
        return [rule]


@cache
def default_rules() -> tuple[Rule, ...]:
    """What the provider blocks from the first day, unlocked: `data/default_policy.toml`."""
    return tuple(
        Rule(Target.parse(entry["target"]), Action.BLOCK, Layer.PROVIDER, note=entry["note"])
        for entry in shipped.load("default_policy")["rules"]
    )


def _described(destination: Destination) -> str:
    return f"{destination.number} ({destination.zone})"
