"""Numbers as people write them."""

import pytest

from asterisk_siptrunk.destination import dialled_number, refuse_emergency, without_punctuation
from asterisk_siptrunk.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "number"),
    [("01 23.45-67/89", "0123456789"), ("+33 (0)1", "+3301"), ("3949", "3949")],
)
def test_punctuation_is_left_out(text, number):
    assert without_punctuation(text) == dialled_number(text) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1" * 21, "has 21 digits, and 20 are the most"),
        ("+" + "1" * 21, "has 21 digits"),
        ("", "cannot be dialled"),
        ("+33 x 12", "cannot be dialled"),
        ("1" * 20 + "x", "cannot be dialled"),
        ("\u0661" * 21, "cannot be dialled"),
    ],
)
def test_what_no_pbx_sends_is_refused(text, said):
    with pytest.raises(InvalidInput, match=said):
        dialled_number(text)


def test_no_rule_is_for_an_emergency_number():
    refuse_emergency("lv", "FR")
    refuse_emergency("+112", "FR")
    with pytest.raises(InvalidInput, match="112 is an emergency number of FR: it always passes"):
        refuse_emergency("112", "FR")
