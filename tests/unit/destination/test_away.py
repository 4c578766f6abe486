import random
import re
from functools import cache

import phonenumbers
import pytest

from asterisk_siptrunk.destination import (
    ORDINARY,
    AwayPattern,
    Policy,
    default_rules,
    domestic_patterns,
    normalise,
    open_patterns,
    plan,
    shipped_risk,
)

EUROPEAN = ("FR", "BE", "CH", "DE", "ES", "GB", "IT", "LU", "NL", "PT", "IE", "AT")
COUNTRIES = (*EUROPEAN, "US", "CA", "RE", "JM", "AU", "BR", "IN", "JP", "HU", "AR", "TJ")
SETS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}


@cache
def choices(token: str) -> str:
    """The characters that one place of an Asterisk pattern takes."""
    if token.startswith("["):
        return "".join(c for c in "0123456789" if re.fullmatch(token, c))
    return SETS.get(token, token)


def places(pattern: str) -> list[str]:
    """A tiny reader of patterns; it fails on those of no fixed length (`.`, `!`)."""
    assert pattern.startswith("_")
    tokens = re.findall(r"\[[0-9-]+\]|[0-9+XZN]", pattern)
    assert "_" + "".join(tokens) == pattern
    return [choices(token) for token in tokens]


@cache
def by_length(patterns: tuple[AwayPattern, ...]) -> dict[int, list[tuple[AwayPattern, list[str]]]]:
    result: dict[int, list[tuple[AwayPattern, list[str]]]] = {}
    for pattern in patterns:
        read = places(pattern.pattern)
        result.setdefault(len(read), []).append((pattern, read))
    return result


def sample(pattern: str, rng: random.Random) -> str:
    """A number of the pattern; now and then one of its ends."""
    pick = rng.choice([lambda place: place[0], lambda place: place[-1], rng.choice, rng.choice])
    return "".join(map(pick, places(pattern)))


def sent(pattern: AwayPattern, dialled: str) -> str:
    return pattern.prepend + dialled[pattern.strip :]


@pytest.mark.parametrize("country", COUNTRIES)
def test_the_dialplan_alone_sends_a_call_where_the_service_would(country: str) -> None:
    rng = random.Random(country)
    for pattern in domestic_patterns(country):
        dialled = sample(pattern.pattern, rng)
        read = normalise(dialled, country)
        assert read is not None, (pattern, dialled)
        assert read.number == sent(pattern, dialled), (pattern, dialled)
        assert read.is_domestic(country)
        assert read.kind in ORDINARY


def routed(patterns: tuple[AwayPattern, ...], dialled: str) -> set[str]:
    """What the dialplan would send for a dialled text; one element where patterns agree."""
    return {
        sent(pattern, dialled)
        for pattern, read in by_length(patterns).get(len(dialled), [])
        if all(character in place for character, place in zip(dialled, read, strict=True))
    }


@pytest.mark.parametrize(
    ("country", "dialled", "number"),
    [
        ("FR", "0123456789", "+33123456789"),
        ("FR", "+33123456789", "+33123456789"),
        ("FR", "0033123456789", "+33123456789"),
        ("FR", "0612345678", "+33612345678"),
        ("FR", "0972101010", "+33972101010"),
        ("FR", "0800123456", "+33800123456"),
        ("FR", "0262123456", "+262262123456"),
        ("FR", "0596512345", "+596596512345"),
        ("FR", "0508412233", "+508412233"),
        ("FR", "+262692123456", "+262692123456"),
        ("RE", "0692123456", "+262692123456"),
        ("RE", "0123456789", "+33123456789"),
        ("BE", "022345678", "+3222345678"),
        ("BE", "0470123456", "+32470123456"),
        ("CH", "0446681800", "+41446681800"),
        ("CH", "0781234567", "+41781234567"),
        ("DE", "030123456", "+4930123456"),
        ("DE", "08912345678", "+498912345678"),
        ("DE", "015112345678", "+4915112345678"),
        ("ES", "912345678", "+34912345678"),
        ("ES", "612345678", "+34612345678"),
        ("GB", "02079460000", "+442079460000"),
        ("GB", "07400123456", "+447400123456"),
        ("IT", "0612345678", "+390612345678"),
        ("IT", "3331234567", "+393331234567"),
        ("LU", "27123456", "+35227123456"),
        ("LU", "621123456", "+352621123456"),
        ("NL", "0201234567", "+31201234567"),
        ("NL", "0612345678", "+31612345678"),
        ("PT", "212345678", "+351212345678"),
        ("PT", "912345678", "+351912345678"),
        ("IE", "012345678", "+35312345678"),
        ("IE", "0851234567", "+353851234567"),
        ("AT", "01234567890", "+431234567890"),
        ("AT", "0664123456", "+43664123456"),
        ("US", "2125551234", "+12125551234"),
        ("US", "12125551234", "+12125551234"),
        ("US", "01112125551234", "+12125551234"),
        ("CA", "4165551234", "+14165551234"),
        ("CA", "18005551234", "+18005551234"),
        ("JM", "8765551234", "+18765551234"),
    ],
)
def test_ordinary_calls_pass(country: str, dialled: str, number: str) -> None:
    assert routed(domestic_patterns(country), dialled) == {number}
    assert number in routed(open_patterns(country), dialled)


@pytest.mark.parametrize(
    ("country", "dialled"),
    [
        ("FR", "0899123456"),
        ("FR", "0033899123456"),
        ("FR", "+33810123456"),
        ("FR", "0806123456"),
        ("FR", "3200"),
        ("FR", "00442079460000"),
        ("FR", "0123456789%0A"),
        ("FR", "012345678"),
        ("FR", "01234567890"),
        ("US", "9005551234"),
        ("US", "+19005551234"),
        ("US", "18765551234"),
        ("US", "8095551234"),
        ("US", "7875551234"),
        ("US", "4165551234"),
        ("GB", "07012345678"),
        ("GB", "09012345678"),
        ("GB", "01481712345"),
        ("AR", "01112345678"),
        ("XX", "0123456789"),
    ],
)
def test_the_rest_does_not_pass_the_domestic_fallback(country: str, dialled: str) -> None:
    assert routed(domestic_patterns(country), dialled) == set()


@pytest.mark.parametrize(
    ("country", "dialled", "number"),
    [
        ("FR", "00442079460000", "+442079460000"),
        ("FR", "+12125551234", "+12125551234"),
        ("US", "01133123456789", "+33123456789"),
        ("US", "4165551234", None),  # Canada takes +1 or 011 1 here: the national form is ours
        ("US", "+14165551234", "+14165551234"),
        ("US", "+18765551234", None),
        ("US", "+19005551234", None),
        ("FR", "+881631234567", None),
        ("FR", "00979123456789", None),
        ("FR", "+37129123456", None),
        ("FR", "+33899123456", None),
        ("FR", "0899123456", None),
        ("BR", "+33123456789", "+33123456789"),
        ("BR", "0033123456789", None),  # a carrier's code is missing
        ("XX", "+33123456789", None),
    ],
)
def test_the_open_fallback(country: str, dialled: str, number: str | None) -> None:
    expected = set() if number is None else {number}
    assert routed(open_patterns(country), dialled) == expected


@pytest.mark.parametrize("country", ["FR", "US", "GB", "JM"])
def test_the_open_fallback_sends_nothing_that_prefix_rules_would_block(country: str) -> None:
    rng = random.Random(country)
    policy = Policy(default_rules(), country)
    abroad = ("*:satellite", "risk:high", "+979")
    for pattern in open_patterns(country):
        dialled = sample(pattern.pattern, rng)
        read = normalise(dialled, country)
        rule = policy.judge(read).rule if read else None
        assert rule is None or rule.target.name not in abroad, (pattern, dialled)


def test_patterns_are_of_fixed_length_and_differ() -> None:
    for country in ("FR", "US", "GB"):
        patterns = open_patterns(country)
        assert len({p.pattern for p in patterns}) == len(patterns)
        assert by_length(patterns)
        assert domestic_patterns(country.lower()) == domestic_patterns(country)


def test_every_country_has_patterns() -> None:
    for country in ("MC", "SN", "PL", "NO", "SJ", "VA", "NC"):
        assert domestic_patterns(country)


def test_example_numbers_of_the_plans_pass() -> None:
    for country in COUNTRIES:
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            example = phonenumbers.example_number_for_type(country, kind)
            assert example is not None
            number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert routed(domestic_patterns(country), number) == {number}


def test_risk_names_a_country_by_a_code_of_its_own() -> None:
    """The open fallback takes the whole code out, so it must not be shared."""
    for name in shipped_risk().targets:
        if not name.startswith("+"):
            code = int(plan.country_code(name))
            assert plan.countries_of(code) == (name.upper(),)
