"""Moments and numbers, read strictly."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from asterisk_siptrunk.web.api.kinds import Channels, ExactMoment, Flag, Id, Moment, money

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T12:00:00Z", NOON),
        ("2026-11-24t12:00:00z", NOON),
        ("2026-11-24T13:00:00+01:00", NOON),
        ("2026-11-24T12:00:00.123456789Z", NOON.replace(microsecond=123456)),
        ("2026-11-24T11:59:60Z", NOON),
        ("0001-01-01T00:00:00+23:59", datetime(1970, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:60-23:59", datetime(2999, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_moment(text, moment):
    assert TypeAdapter(Moment).validate_python(text) == moment


@pytest.mark.parametrize(
    "text",
    ["2026-11-24", "2026-11-24T12:00:00", "2026-11-24 12:00:00Z", "2026-13-24T12:00:00Z", "1", 1],
)
def test_no_moment(text):
    with pytest.raises(ValidationError):
        TypeAdapter(Moment).validate_python(text)


def test_how_moments_are_told():
    at = NOON.replace(microsecond=5)
    assert TypeAdapter(Moment).dump_python(at) == "2026-11-24T12:00:00Z"
    assert TypeAdapter(ExactMoment).dump_python(at) == "2026-11-24T12:00:00.000005Z"


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        *((Id, given) for given in ("+1", " 1", "1.0", "0", 10**18)),
        *((Flag, given) for given in ("yes", "1", "True")),
        *((Channels, given) for given in ("8", True, 8.5, 0, 10_001)),
    ],
)
def test_what_is_not_taken_for_one(kind, given):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(given)


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [(Id, "17", 17), (Flag, "false", False), (Channels, 8.0, 8), (Channels, 8, 8)],
)
def test_what_is(kind, given, value):
    assert TypeAdapter(kind).validate_python(given) == value


def test_amounts_are_exact():
    assert money(Decimal("0.00725"), "EUR").amount == "0.00725"
    assert money(Decimal("-12.5"), "EUR").amount == "-12.50"
    assert money(Decimal(1200), "JPY").amount == "1200"
