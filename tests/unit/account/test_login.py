"""Addresses to log in by, and names."""

import pytest

from asterisk_siptrunk.account.login import parse_login, parse_person
from asterisk_siptrunk.errors import InvalidInput


def test_small_letters_without_spaces_around():
    assert parse_login(" Alice@ACME.example ") == "alice@acme.example"
    assert parse_person(" Alice  B ") == "Alice  B"
    assert parse_person("") == ""


@pytest.mark.parametrize(
    "text",
    ["", "alice", "a@b", "a b@c.example", "a@b.example\n\x1b", f"{'x' * 300}@y.example"],
    ids=["none", "name", "no-dot", "space", "steers", "long"],
)
def test_no_address(text):
    with pytest.raises(InvalidInput, match="is no e-mail address"):
        parse_login(text)


@pytest.mark.parametrize("text", ["x" * 101, "a\nb", "\x1b[2J"], ids=["long", "lines", "steers"])
def test_no_name(text):
    with pytest.raises(InvalidInput, match="one line of at most 100"):
        parse_person(text)
