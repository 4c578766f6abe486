import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination import Scope, Target, shipped, shipped_risk
from asterisk_siptrunk.errors import InvalidInput

WIDE_TO_NARROW = [
    ("all", Scope.ALL),
    ("international", Scope.INTERNATIONAL),
    ("+3", Scope.SHARED_CODE),  # before a country code ends
    ("+1", Scope.SHARED_CODE),
    ("+88", Scope.SHARED_CODE),
    ("risk:high", Scope.RISK),
    ("fr", Scope.COUNTRY),
    ("001", Scope.COUNTRY),
    ("*:premium", Scope.KIND),
    ("fr:premium", Scope.ZONE),
    ("001:satellite", Scope.ZONE),
    ("+339", Scope.RANGE),
    ("+1876", Scope.RANGE),
    ("+88213", Scope.RANGE),
    ("+881631", Scope.RANGE),
    ("3949", Scope.SHORT_NUMBER),
]


@pytest.mark.parametrize(("name", "scope"), WIDE_TO_NARROW)
def test_names_and_scopes(name: str, scope: Scope) -> None:
    target = Target.parse(name)
    assert (str(target), target.scope) == (name, scope)
    assert Target.parse(f" {name.upper()} ") == target


def test_the_table_goes_from_wide_to_narrow() -> None:
    ranks = [Target.parse(name).specificity for name, _ in WIDE_TO_NARROW]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize(
    ("name", "scope"), [("+33", Scope.COUNTRY), ("+371", Scope.COUNTRY), ("+881", Scope.RANGE)]
)
def test_a_whole_country_code_is_its_country(name: str, scope: Scope) -> None:
    assert Target.parse(name).scope is scope


def test_no_digits_count_between_a_country_and_its_code() -> None:
    assert Target.parse("+33").specificity == Target.parse("fr").specificity


@pytest.mark.parametrize(
    "text",
    [
        *("", "+", "+0", "+33x", "+3312345678901234", "33123456789", "1", "xx", "france"),
        *("fr:", ":premium", "fr:nothing", "xx:premium", "*", "*:", "risk:low", "fr:premium:x"),
        *("*:emergency", "fr:emergency", "+33\n1", "\N{ARABIC-INDIC DIGIT THREE}3"),
    ],
)
def test_other_names_are_refused_with_a_sentence_that_helps(text: str) -> None:
    with pytest.raises(InvalidInput, match="give a prefix"):
        Target.parse(text)


@given(st.text())
def test_parsing_refuses_or_gives_the_name_back(text: str) -> None:
    try:
        target = Target.parse(text)
    except InvalidInput:
        return
    assert Target.parse(str(target)) == target


def test_shipped_lists_hold_names_of_targets() -> None:
    for name in shipped_risk().targets:
        assert Target.parse(name).scope in {Scope.RANGE, Scope.COUNTRY}
    for rule in shipped.load("default_policy")["rules"]:
        assert str(Target.parse(rule["target"])) == rule["target"]
