import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination import (
    Action,
    Destination,
    Kind,
    Layer,
    Policy,
    RiskList,
    Rule,
    Target,
    default_rules,
    normalise,
    shipped,
    shipped_risk,
)
from asterisk_siptrunk.errors import InvalidInput

ALLOW, BLOCK = Action.ALLOW, Action.BLOCK


def default(target: str, action: Action = BLOCK) -> Rule:
    return Rule(Target.parse(target), action, Layer.PROVIDER)


def lock(target: str, action: Action = BLOCK) -> Rule:
    return Rule(Target.parse(target), action, Layer.PROVIDER, locked=True)


def own(target: str, action: Action = ALLOW) -> Rule:
    return Rule(Target.parse(target), action, Layer.CUSTOMER)


def called(dialled: str, home: str = "FR") -> Destination:
    destination = normalise(dialled, home)
    assert destination is not None
    return destination


LATVIA, LATVIA_PREMIUM = "+37129123456", "+37190123456"
JAMAICA, NEW_YORK = "+18765551234", "+12125551234"

CASES = [
    # no rule: allowed
    ([], LATVIA, ALLOW),
    # every kind of target, alone
    ([default("all")], "0123456789", BLOCK),
    ([default("international")], LATVIA, BLOCK),
    ([default("international")], "0123456789", ALLOW),
    ([default("international")], "0262123456", ALLOW),  # Réunion is dialled under France's plan
    ([default("lv")], LATVIA, BLOCK),
    ([default("lv")], NEW_YORK, ALLOW),
    ([default("*:mobile")], LATVIA, BLOCK),
    ([default("lv:mobile")], LATVIA, BLOCK),
    ([default("lv:mobile")], LATVIA_PREMIUM, ALLOW),
    ([default("+3712")], LATVIA, BLOCK),
    ([default("+3713")], LATVIA, ALLOW),
    ([default("risk:high")], LATVIA, BLOCK),
    ([default("risk:high")], JAMAICA, BLOCK),
    ([default("risk:high")], NEW_YORK, ALLOW),
    ([default("3200")], "3200", BLOCK),
    ([default("3200")], "3201", ALLOW),
    # the narrowest target decides, whoever wrote it
    ([default("+3712"), own("+37129")], LATVIA, ALLOW),
    ([default("+37129"), own("+3712")], LATVIA, BLOCK),
    ([default("lv:mobile"), own("+3712")], LATVIA, ALLOW),
    ([default("*:premium"), own("lv:premium")], LATVIA_PREMIUM, ALLOW),
    ([default("*:premium"), own("lv")], LATVIA_PREMIUM, BLOCK),
    ([default("*:premium"), own("+371")], LATVIA_PREMIUM, BLOCK),  # +371 is Latvia, no range
    ([default("*:premium"), own("+37190")], LATVIA_PREMIUM, ALLOW),
    ([default("*:premium"), own("all")], LATVIA_PREMIUM, BLOCK),
    ([default("fr:premium"), own("3200")], "3200", ALLOW),
    ([default("risk:high"), own("lv")], LATVIA, ALLOW),
    ([default("risk:high"), own("+371")], LATVIA, ALLOW),
    ([default("risk:high"), own("international")], LATVIA, BLOCK),
    ([default("risk:high"), own("jm")], JAMAICA, ALLOW),
    ([default("risk:high"), own("+1876")], JAMAICA, ALLOW),
    ([default("risk:high"), own("+1")], JAMAICA, BLOCK),  # opening +1 leaves the Caribbean shut
    ([default("international"), own("+1")], NEW_YORK, ALLOW),
    ([default("international"), own("us")], NEW_YORK, ALLOW),
    ([default("all"), own("international")], NEW_YORK, ALLOW),
    ([default("*:satellite"), own("+881")], "+881631234567", ALLOW),
    ([default("*:satellite"), default("+979"), own("*:satellite")], "+979123456789", BLOCK),
    # one target: the customer's rule before the provider's default
    ([default("lv"), own("lv")], LATVIA, ALLOW),
    ([default("lv", ALLOW), own("lv", BLOCK)], LATVIA, BLOCK),
    ([default("lv"), own("+371")], LATVIA, ALLOW),  # +371 and lv are one set
    ([default("+371"), own("lv")], LATVIA, ALLOW),
    # one target, one owner: a block before an allow
    ([own("lv"), own("lv", BLOCK)], LATVIA, BLOCK),
    ([default("lv", ALLOW), default("+371")], LATVIA, BLOCK),
    # locks
    ([lock("international"), own("+37129123456")], LATVIA, BLOCK),
    ([lock("lv", ALLOW), own("lv", BLOCK)], LATVIA, ALLOW),
    ([lock("all"), lock("lv", ALLOW)], LATVIA, BLOCK),  # locked shut stays shut
    ([lock("all", ALLOW), default("lv")], LATVIA, ALLOW),
    # emergency calls are not judged
    ([lock("all")], "112", ALLOW),
]


@pytest.mark.parametrize(("rules", "dialled", "action"), CASES)
def test_which_rule_decides(rules: list[Rule], dialled: str, action: Action) -> None:
    for given_order in (rules, rules[::-1]):
        judgement = Policy(given_order, "FR").judge(called(dialled))
        assert judgement.action is action
        assert judgement.is_allowed == (action is ALLOW)


@pytest.mark.parametrize(
    ("dialled", "rule"),
    [
        ("0123456789", None),
        ("0612345678", None),
        ("00442079460000", None),
        ("3949", None),
        ("0806123456", None),
        ("0899123456", "*:premium"),
        ("118218", "*:premium"),
        (LATVIA_PREMIUM, "*:premium"),
        ("+881631234567", "*:satellite"),
        ("+870773123456", "*:satellite"),
        ("+979123456789", "+979"),
        ("+44999999999", "*:unallocated"),
        (LATVIA, "risk:high"),
        (JAMAICA, "risk:high"),
    ],
)
def test_the_default_of_the_first_day(dialled: str, rule: str | None) -> None:
    judgement = Policy(default_rules(), "fr").judge(called(dialled))
    assert (judgement.rule and judgement.rule.target.name) == rule
    assert judgement.is_allowed == (rule is None)


@pytest.mark.parametrize(
    ("home", "dialled", "is_risk"),
    [
        ("JM", JAMAICA, False),  # a country is no risk to itself
        ("JM", "+18095551234", True),
        ("LV", LATVIA, False),
        ("US", "+17875551234", True),
        ("PR", "+17875551234", False),
    ],
)
def test_risk_depends_on_where_home_is(home: str, dialled: str, *, is_risk: bool) -> None:
    destination = called(dialled, home)
    assert shipped_risk().covers(destination, home) == is_risk
    assert Policy(default_rules(), home).judge(destination).is_allowed != is_risk
    assert Target.parse("risk:high").matches(destination, home) == is_risk


def test_the_risk_list_can_be_another_one() -> None:
    edited = RiskList(frozenset({"us", "+3361"}))
    policy = Policy(default_rules(), "BE", edited)
    assert not policy.judge(called(NEW_YORK, "BE")).is_allowed
    assert not policy.judge(called("+33612345678", "BE")).is_allowed
    assert policy.judge(called(LATVIA, "BE")).is_allowed
    assert not edited.covers(called("3200"), "FR")


@pytest.mark.parametrize(
    ("rules", "dialled", "sentence"),
    [
        ([], "3949", "3949 (fr:free) is allowed: no rule speaks of it."),
        (
            [lock("fr")],
            "0123456789",
            "+33123456789 (fr:fixed) is blocked by the provider's locked rule fr.",
        ),
        (
            [own("fr")],
            "0123456789",
            "+33123456789 (fr:fixed) is allowed by the customer's rule fr.",
        ),
        (
            [Rule(Target.parse("+979"), BLOCK, Layer.PROVIDER, note="dear")],
            "+979123456789",
            "+979123456789 (001:satellite) is blocked by the provider's default rule +979 (dear).",
        ),
        ([lock("all")], "112", "112 is an emergency number: no rule applies to it."),
    ],
)
def test_explanations(rules: list[Rule], dialled: str, sentence: str) -> None:
    assert Policy(rules, "FR").judge(called(dialled)).explanation == sentence


def test_a_customer_cannot_lock() -> None:
    with pytest.raises(InvalidInput, match="only a provider can lock"):
        Rule(Target.parse("all"), BLOCK, Layer.CUSTOMER, locked=True)


NAMES = ["all", "international", "risk:high", "lv", "fr", "us", "+1", "+1876", "+371", "+3712"]
NAMES += ["+37129", "*:premium", "*:mobile", "*:fixed", "lv:mobile", "fr:premium", "3200", "+3"]
NUMBERS = [LATVIA, LATVIA_PREMIUM, JAMAICA, NEW_YORK, "0123456789", "3200", "0899123456", "3949"]
RULES = st.builds(
    lambda name, action, layer, locked: Rule(
        Target.parse(name), action, layer, locked=locked and layer is Layer.PROVIDER
    ),
    st.sampled_from(NAMES),
    st.sampled_from(Action),
    st.sampled_from(Layer),
    st.booleans(),
)
DESTINATIONS = st.sampled_from(NUMBERS).map(called)


@given(st.lists(RULES, max_size=12), DESTINATIONS)
def test_a_locked_block_that_is_added_always_blocks(
    rules: list[Rule], destination: Destination
) -> None:
    assert not Policy([*rules, lock("all")], "FR").judge(destination).is_allowed
    assert not Policy([lock(destination.country), *rules], "FR").judge(destination).is_allowed


@given(st.lists(RULES, max_size=12), DESTINATIONS)
def test_the_index_agrees_with_looking_at_every_rule(
    rules: list[Rule], destination: Destination
) -> None:
    matching = [rule for rule in rules if rule.target.matches(destination, "FR")]
    judgement = Policy(rules, "FR").judge(destination)
    if not matching:
        assert judgement.rule is None
        assert judgement.is_allowed
    else:
        best = max(matching, key=lambda rule: rule.rank)
        assert judgement.action is best.action
        assert judgement.rule is not None
        assert judgement.rule.rank == best.rank


@given(st.lists(st.sampled_from([n for n in NAMES if n.startswith("+")]), unique=True))
def test_the_longest_prefix_wins(prefixes: list[str]) -> None:
    inside = [p for p in prefixes if LATVIA.startswith(p) and len(p) > len("+371")]
    rules = [default(p) for p in prefixes if p not in inside]
    rules += [own(p, BLOCK if p == max(inside, key=len) else ALLOW) for p in inside]
    if inside:
        judgement = Policy(rules, "FR").judge(called(LATVIA))
        assert judgement.rule is not None
        assert judgement.rule.target.name == max(inside, key=len)


def test_unallocated_numbers_of_the_home_country_are_blocked_and_can_be_opened() -> None:
    unallocated = Destination("+33870123456", "FR", Kind.UNALLOCATED)
    assert not Policy(default_rules(), "FR").judge(unallocated).is_allowed
    opened = Policy([*default_rules(), own("fr:unallocated")], "FR")
    assert opened.judge(unallocated).is_allowed


def test_every_data_file_says_where_it_is_from_and_when() -> None:
    names = ("default_policy", "emergency", "high_risk", "number_plans", "short_numbers")
    for name in names:
        content = shipped.load(name)
        assert content["source"]
        assert content["as_of"].year >= 2026
    assert all(e["reason"] and e["source"] for e in shipped.load("high_risk")["entries"])
