import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination import Kind, emergency_numbers, is_emergency, normalise, shipped

TWELVE = (
    *("112", "114", "115", "116000", "116117", "119"),
    *("15", "17", "18", "191", "196", "197"),
)
FRENCH_PLAN = ["FR", "RE", "GP", "GF", "MQ", "YT", "PM", "BL", "MF"]
EUROPE = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE"),
    *("IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    *("IS", "LI", "NO", "GB", "CH"),
)


@pytest.mark.parametrize("country", FRENCH_PLAN)
def test_the_twelve_of_france_and_its_territories(country: str) -> None:
    assert emergency_numbers(country) == TWELVE
    assert all(is_emergency(number, country) for number in TWELVE)


@pytest.mark.parametrize("country", EUROPE)
def test_112_everywhere_in_europe(country: str) -> None:
    assert is_emergency("112", country)
    assert country in shipped.load("emergency")["countries"]


@pytest.mark.parametrize(
    ("country", "number"),
    [
        ("US", "911"),
        ("CA", "911"),
        ("AU", "000"),
        ("NZ", "111"),
        ("GB", "999"),
        ("IE", "999"),
        ("JP", "119"),
        ("CN", "110"),
        ("IN", "112"),
        ("BR", "190"),
        ("MX", "911"),
        ("ZA", "10111"),
        ("CH", "144"),
        ("fr", "15"),
        ("KZ", "103"),  # not listed: from libphonenumber
        ("GN", "112"),  # not listed, and libphonenumber knows none
        ("XX", "911"),  # a country nobody knows
    ],
)
def test_families(country: str, number: str) -> None:
    assert is_emergency(number, country)
    assert number in emergency_numbers(country)


@pytest.mark.parametrize(
    "dialled", ["1125", "+112", "00112", "0112", "1", "", "112 ", "911", "3114", "3919"]
)
def test_only_the_exact_form_is_an_emergency_in_france(dialled: str) -> None:
    assert not is_emergency(dialled, "FR")


@given(st.text("0123456789+", max_size=7), st.sampled_from(FRENCH_PLAN))
def test_nothing_else_is_one(dialled: str, country: str) -> None:
    assert is_emergency(dialled, country) == (dialled in TWELVE)


def test_every_emergency_number_of_the_world_is_one_to_normalise() -> None:
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        for number in emergency_numbers(country):
            destination = normalise(number, country)
            assert destination is not None
            assert (destination.number, destination.kind) == (number, Kind.EMERGENCY)


def test_listed_numbers_are_digits_of_bounded_length_and_listed_once() -> None:
    for country, numbers in shipped.load("emergency")["countries"].items():
        assert country in phonenumbers.SUPPORTED_REGIONS
        assert len(numbers) == len(set(numbers))
        assert all(n.isdecimal() and 2 <= len(n) <= 6 for n in numbers)
