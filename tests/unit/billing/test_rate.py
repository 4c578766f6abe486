"""What a rate can be for."""

import pytest

from asterisk_siptrunk.billing.rate import parse_target
from asterisk_siptrunk.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("+3361", "+3361"),
        ("+371", "+371"),
        ("+1", "+1"),
        ("FR:Mobile", "fr:mobile"),
        ("001:satellite", "001:satellite"),
        ("*:premium", "*:premium"),
        (" lv ", "lv"),
        ("international", "international"),
        ("all", "all"),
    ],
    ids=str,
)
def test_a_rate_is_for_what_a_target_names(text, target):
    assert parse_target(text) == target


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("risk:high", "'risk:high' has no rate of its own; give a prefix"),
        ("3949", r"'3949' has no plus: write a prefix with it \(\+3949\), in a spreadsheet as"),
        ("33612345678", "Destination '33612345678' is not understood"),
        ("fr:emergency", "Destination 'fr:emergency' is not understood"),
    ],
    ids=["list", "short", "no-plus", "emergency"],
)
def test_nothing_else_has_a_rate(text, said):
    with pytest.raises(InvalidInput, match=said):
        parse_target(text)
