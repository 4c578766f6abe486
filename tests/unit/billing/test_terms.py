"""What holds for a subscription: the offer's terms, or the plan's, which prevail."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.catalogue import Catalogue, Inclusion, Offer, Option, Pack, Plan
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.terms import TERMS, Comparison, compared, terms
from asterisk_siptrunk.errors import InvalidInput, NotFound

PACKS = (Pack("one", 1, Decimal(4)),)
OPTIONS = (Option("fax", "Fax", Decimal(2)),)
INCLUSIONS = (Inclusion("france", ("fr:fixed",), 100),)
OFFER = Offer(
    name="trunk",
    title="Trunk",
    packs=PACKS,
    minimum=5,
    maximum=100,
    deck="world",
    period=PeriodRule.ANNIVERSARY,
    number_price=Decimal(1),
    numbers_per_channel=10,
    options=OPTIONS,
)
SILENT = Plan(name="desk", title="Desk", offer="trunk", price=Decimal(15), channels=2)
PLAN = replace(
    SILENT,
    numbers=3,
    maximum=30,
    deck="desk",
    period=PeriodRule.CALENDAR,
    number_price=Decimal("0.5"),
    inclusions=INCLUSIONS,
)
CATALOGUE = Catalogue(
    date(2026, 1, 1),
    "EUR",
    {"trunk": OFFER, "other": replace(OFFER, name="other")},
    {"desk": PLAN, "silent": SILENT},
)


@pytest.mark.parametrize(
    ("term", "alone", "silent", "speaking"),
    [
        ("title", "Trunk", "Desk", "Desk"),
        ("packs", PACKS, PACKS, PACKS),
        ("included_channels", 0, 2, 2),
        ("plan_price", Decimal(0), Decimal(15), Decimal(15)),
        ("minimum", 5, 2, 2),
        ("maximum", 100, 100, 30),
        ("deck", "world", "world", "desk"),
        ("period", PeriodRule.ANNIVERSARY, PeriodRule.ANNIVERSARY, PeriodRule.CALENDAR),
        ("number_price", Decimal(1), Decimal(1), Decimal("0.5")),
        ("numbers_included", 0, 0, 3),
        ("numbers_per_channel", 10, 10, 10),
        ("options", OPTIONS, OPTIONS, OPTIONS),
        ("inclusions", (), (), INCLUSIONS),
    ],
)
def test_each_term_is_the_plan_s_where_it_says_it(term, alone, silent, speaking):
    assert getattr(terms(CATALOGUE, "trunk"), term) == alone
    assert getattr(terms(CATALOGUE, "trunk", "silent"), term) == silent
    assert getattr(terms(CATALOGUE, "trunk", "desk"), term) == speaking


def test_a_plan_s_price_of_nothing_prevails_too():
    free = replace(PLAN, number_price=Decimal(0))
    catalogue = replace(CATALOGUE, plans={"desk": free})
    assert terms(catalogue, "trunk", "desk").number_price == 0


def test_an_offer_may_leave_numbers_without_limit():
    catalogue = replace(CATALOGUE, offers={"trunk": replace(OFFER, numbers_per_channel=None)})
    assert terms(catalogue, "trunk", "desk").numbers_per_channel is None


def test_the_table_says_of_every_term_whose_it_is():
    assert set(TERMS) == {field.name for field in fields(terms(CATALOGUE, "trunk"))}


def test_a_comparison_says_what_both_say_and_what_holds():
    found = {each.term: each for each in compared(OFFER, PLAN)}
    assert list(found) == list(TERMS)
    assert found["maximum"] == Comparison("maximum", 100, 30, 30)
    assert found["included_channels"] == Comparison("included_channels", None, 2, 2)
    assert found["numbers_per_channel"] == Comparison("numbers_per_channel", 10, None, 10)


@pytest.mark.parametrize(
    ("offer", "plan", "error", "said"),
    [
        ("no", None, NotFound, "has no offer no; it has trunk, other"),
        ("trunk", "no", NotFound, "has no plan no; it has desk, silent"),
        ("other", "desk", InvalidInput, "Plan desk goes with the offer trunk, not with other."),
    ],
    ids=["offer", "plan", "other-offer"],
)
def test_what_cannot_be_subscribed_to_is_refused(offer, plan, error, said):
    with pytest.raises(error, match=said):
        terms(CATALOGUE, offer, plan)
