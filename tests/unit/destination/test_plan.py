import random
from collections.abc import Iterator

import phonenumbers
import pytest

from asterisk_siptrunk.destination import Kind, normalise, plan
from asterisk_siptrunk.destination.digits import expand, extremes

THEIR_KINDS = {
    phonenumbers.PhoneNumberType.FIXED_LINE: Kind.FIXED,
    phonenumbers.PhoneNumberType.MOBILE: Kind.MOBILE,
    phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: Kind.FIXED_OR_MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE: Kind.FREE,
    phonenumbers.PhoneNumberType.PREMIUM_RATE: Kind.PREMIUM,
    phonenumbers.PhoneNumberType.SHARED_COST: Kind.SHARED_COST,
    phonenumbers.PhoneNumberType.VOIP: Kind.VOIP,
    phonenumbers.PhoneNumberType.PERSONAL_NUMBER: Kind.PERSONAL,
    phonenumbers.PhoneNumberType.UNKNOWN: Kind.UNALLOCATED,
}


def numbers_to_compare() -> Iterator[tuple[int, str]]:
    """Ends of ranges of every country, and numbers near them."""
    rng = random.Random(2026)
    for country in rng.sample(sorted(phonenumbers.SUPPORTED_REGIONS), 80):
        code = int(plan.country_code(country))
        for numbers in plan.ranges(country, code):
            blocks = [b for b in expand(numbers.expression) if len(b) in numbers.lengths]
            digits = rng.choice(extremes(rng.choice(blocks)))
            yield code, digits
            place = rng.randrange(len(digits))
            yield code, digits[:place] + rng.choice("0123456789") + digits[place + 1 :]


def test_one_pass_classifies_as_libphonenumber_does() -> None:
    compared = 0
    for code, digits in numbers_to_compare():
        number = phonenumbers.parse(f"+{code}{digits}")
        country = phonenumbers.region_code_for_number(number)
        if phonenumbers.format_number(number, 0) != f"+{code}{digits}" or country is None:
            continue
        kind = THEIR_KINDS.get(phonenumbers.number_type(number), Kind.OTHER)
        ours = plan.classify(code, digits, home="XX")
        assert ours == (country, kind), f"+{code}{digits}"
        compared += 1
    assert compared > 500


@pytest.mark.parametrize(
    ("home", "kind"), [("US", "us:free"), ("CA", "ca:free"), ("FR", "us:free"), ("JM", "jm:free")]
)
def test_the_home_country_is_asked_first(home: str, kind: str) -> None:
    destination = normalise("+18005551234", home)
    assert destination is not None
    assert destination.zone == kind


@pytest.mark.parametrize(
    ("country", "prefix"),
    [
        ("FR", "00"),
        ("US", "011"),
        ("JP", "010"),
        ("AU", "0011"),
        ("FI", "00"),
        ("BR", None),  # a carrier's code follows
        ("HK", None),  # 0030 is a carrier, not Greece
        ("XX", None),
    ],
)
def test_the_prefix_to_dial_abroad(country: str, prefix: str | None) -> None:
    assert plan.dialled_prefix(country) == prefix


def test_no_corrected_prefix_is_longer_than_the_search() -> None:
    tables = [plan.corrections(name) for name in ("moved", "networks", "kinds")]
    assert max(len(prefix) for table in tables for prefix in table) <= plan._LONGEST_CORRECTED


def test_a_country_nobody_knows_has_no_ranges_and_asks_for_nothing() -> None:
    assert plan.ranges("XX", 0) == ()
    assert not plan.asks_for_prefix("123", "XX")
    assert plan.countries_of(0) == ()
