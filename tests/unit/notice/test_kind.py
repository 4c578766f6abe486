"""Kinds of notice: each has the facts that its words name."""

import string
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from asterisk_siptrunk.notice.kind import NoticeKind, facts_of, kind_of


@pytest.mark.parametrize("kind", NoticeKind)
def test_the_words_name_facts_that_are_there_and_a_person_hears_all_but_who_it_is(kind):
    named = {name for _, name, _, _ in string.Formatter().parse(kind.subject + kind.text) if name}
    assert named == kind.keys - {"customer"}


@pytest.mark.parametrize("kind", NoticeKind)
def test_a_kind_s_word_fits_its_column(kind):
    assert len(kind) <= 24


def test_the_kinds_are_those_that_receivers_know():
    assert set(NoticeKind) == {
        *("order-paid", "channels-changed", "invoice-issued", "invoice-reminder"),
        *("trunk-suspended", "trunk-resumed", "anomaly", "pbx-unsupported", "test"),
    }


def test_a_kind_is_found_by_its_word():
    assert kind_of("order-paid") is NoticeKind.ORDER_PAID


PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (Decimal("59.40"), "59.40"),
        (Decimal("1E+3"), "1000"),
        (8, 8),
        ("acme", "acme"),
        (date(2026, 12, 23), "2026-12-23"),
        (datetime(2026, 12, 23, 0, 30, tzinfo=PARIS), "2026-12-22T23:30:00Z"),
        (datetime(2026, 12, 23, tzinfo=UTC), "2026-12-23T00:00:00Z"),
    ],
)
def test_facts_are_stored_as_json_has_them(given, stored):
    assert facts_of(NoticeKind.TEST, {"author": given}) == {"author": stored}


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "author"),
        ({"author": "alice", "autor": "alice"}, "autor"),
        ({"autor": "alice"}, "author, autor"),
    ],
)
def test_facts_that_are_missing_or_too_many_are_named(given, named):
    with pytest.raises(ValueError, match=f"test: .*: {named}$"):
        facts_of(NoticeKind.TEST, given)
