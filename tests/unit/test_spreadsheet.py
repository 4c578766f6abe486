"""Cells of CSV."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.spreadsheet import cell, in_utc

NOON = datetime(2026, 11, 23, 13, tzinfo=ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (3, "3"),
        (NOON, "2026-11-23T12:00:00.000000Z"),
        (timedelta(seconds=90), "90.0"),
        (("a", "b"), "a b"),
        ("+33123456789", "+33123456789"),
    ],
)
def test_values(value, text):
    assert cell("any", value) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
@pytest.mark.parametrize("column", ["user_agent", "account"])
def test_nothing_of_strangers_is_a_formula(column, text):
    assert cell(column, text) == f"'{text}"
    assert cell(column, f"x{text}") == f"x{text}"


def test_times_are_in_utc():
    assert in_utc(NOON.astimezone(UTC)) == in_utc(NOON)
