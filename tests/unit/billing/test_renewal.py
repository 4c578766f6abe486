"""What a period costs: in advance, and for what came in the course of the one before."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.renewal import added_lines, fixed_lines, lines_added
from asterisk_siptrunk.billing.subscription import HeldNumber, HeldOption, start_of
from tests.unit.billing.builders import (
    BEGAN,
    CATALOGUE,
    FAX,
    GROUND,
    PLAN,
    RENEWED,
    dec,
    first,
    ground,
    nov,
    offering,
    raised,
    said,
    some_numbers,
    subscribed,
)

FIVE, NUMBERS = "Pack five, 5 channels", "Telephone numbers"
DESK = ("Desk, 3 channels included", "1", "", "15.00")

FIXED = {
    "packs": (
        {"changes": (first(5), raised(nov(20), 11))},
        # 16 are 30+18+4, and 30+6x4 is 54
        [
            ("Pack ten, 10 channels", "1", "", "30.00"),
            (FIVE, "1", "", "18.00"),
            ("Pack one, 1 channel", "1", "", "4.00"),
        ],
    ),
    "options": (
        {"options": (HeldOption("site", BEGAN), HeldOption("fax", nov(20)))},
        [(FIVE, "1", "", "18.00"), ("Fax", "1", "", "3.00"), ("A second site", "1", "", "6.00")],
    ),
    "option-ends": ({"options": (HeldOption("fax", BEGAN, RENEWED),)}, [(FIVE, "1", "", "18.00")]),
    "numbers": (
        {"numbers": (*some_numbers(3), HeldNumber("+4420", dec(11)))},
        [(FIVE, "1", "", "18.00"), (NUMBERS, "4", "", "4.00")],
    ),
    "numbers-given-back": (
        {"numbers": (HeldNumber("+331", BEGAN, nov(20)), HeldNumber("+332", BEGAN))},
        [(FIVE, "1", "", "18.00"), (NUMBERS, "1", "", "1.00")],
    ),
    "plan": (
        {"plan": "desk", "numbers": some_numbers(3)},  # with 2 numbers
        [DESK, ("Pack one, 1 channel", "2", "", "8.00"), (NUMBERS, "1", "", "1.00")],
    ),
    "plan-alone": ({"plan": "desk", "changes": (first(3),), "numbers": some_numbers(1)}, [DESK]),
}


@pytest.mark.parametrize(("has", "lines"), FIXED.values(), ids=FIXED)
def test_a_period_in_advance(has, lines):
    agreed = subscribed(**{"changes": (first(5),), **has})
    found = fixed_lines(agreed, start_of(agreed, RENEWED, GROUND))
    assert said(found) == lines
    assert {(one.since, one.until) for one in found} == {(RENEWED, date(2027, 1, 12))}


@pytest.mark.parametrize("free", ["number_price", "price"])
def test_what_costs_nothing_has_no_line(free):
    catalogue = offering(number_price=Decimal(0))
    if free == "price":
        catalogue = replace(CATALOGUE, plans={"desk": replace(PLAN, price=Decimal(0))})
    agreed = subscribed(first(3), plan="desk", numbers=some_numbers(3))
    found = fixed_lines(agreed, start_of(agreed, RENEWED, ground(catalogue)))
    left = {"number_price": [LineKind.PLAN], "price": [LineKind.NUMBER]}
    assert [one.kind for one in found] == left[free]


def fax(*held: tuple[date, date | None]) -> dict[str, object]:
    return {"options": tuple(HeldOption("fax", *each) for each in held)}


def number(*held: tuple[date, date | None]) -> dict[str, object]:
    return {"numbers": tuple(HeldNumber("+331", *each) for each in held)}


# What the trunk held, and what of it the next invoice charges for the period from 12 November.
ADDED = {
    "nothing": ({}, []),
    "first-order": (fax((BEGAN, None)), []),
    "middle": (fax((nov(27), None)), [("Fax", "1", "15/30 days", "1.50")]),
    "second-day": (fax((nov(13), None)), [("Fax", "1", "29/30 days", "2.90")]),
    "last-day": (fax((dec(11), None)), [("Fax", "1", "1/30 days", "0.10")]),
    "next-period": (fax((dec(12), None)), []),
    # Nothing is given back: an option, and a number, is paid for until the end of the period.
    "comes-and-ends": (fax((nov(27), RENEWED)), [("Fax", "1", "15/30 days", "1.50")]),
    "comes-and-goes": (number((nov(27), nov(28))), [(NUMBERS, "1", "15/30 days", "0.50")]),
    # What was paid for the period is not paid for again in it.
    "ends-and-again": (fax((BEGAN, RENEWED), (nov(27), None)), []),
    "goes-and-again": (number((BEGAN, nov(20)), (nov(27), None)), []),
    "came-ends-and-again": (
        fax((nov(27), RENEWED), (dec(1), None)),
        [("Fax", "1", "15/30 days", "1.50")],
    ),
    "came-goes-and-again": (
        number((nov(27), nov(28)), (dec(1), None)),
        [(NUMBERS, "1", "15/30 days", "0.50")],
    ),
    "out-of-order": (
        number((dec(1), None), (nov(27), nov(28))),
        [(NUMBERS, "1", "15/30 days", "0.50")],
    ),
    "for-an-hour-of-the-first-day": (number((nov(13), nov(13))), []),
    "held-before-it-began": (
        number((nov(1), nov(5)), (nov(27), None)),
        [(NUMBERS, "1", "15/30 days", "0.50")],
    ),
}


@pytest.mark.parametrize(("has", "lines"), ADDED.values(), ids=ADDED)
def test_what_came_during_a_period(has, lines):
    agreed = subscribed(first(5), **has)
    found = list(added_lines(agreed, agreed.period_of(BEGAN), GROUND))
    assert said(found) == lines
    assert {one.until for one in found} <= {RENEWED}


def test_what_comes_on_the_first_day_of_a_period_is_charged_whole_after_it():
    agreed = subscribed(first(5), **fax((RENEWED, None)))
    begins = fixed_lines(agreed, start_of(agreed, RENEWED, GROUND))
    assert said(begins) == [(FIVE, "1", "", "18.00")]
    found = added_lines(agreed, agreed.period_of(RENEWED), GROUND)
    assert said(found) == [("Fax", "1", "", "3.00")]


def test_what_comes_in_a_short_first_month_is_charged_by_that_month():
    agreed = subscribed(first(5), period=PeriodRule.CALENDAR, **fax((nov(21), None)))
    found = added_lines(agreed, agreed.period_of(BEGAN), GROUND)
    assert said(found) == [("Fax", "1", "10/30 days", "1.00")]


def test_numbers_of_a_plan_are_free_up_to_those_that_it_includes():
    came = (HeldNumber("+332", nov(27)), HeldNumber("+333", nov(28)), HeldNumber("+334", dec(2)))
    agreed = subscribed(first(3), plan="desk", numbers=(HeldNumber("+331", BEGAN), *came))
    found = list(added_lines(agreed, agreed.period_of(BEGAN), GROUND))
    assert said(found) == [
        (NUMBERS, "1", "14/30 days", "0.47"),  # 0.4667
        (NUMBERS, "1", "10/30 days", "0.33"),
    ]


def test_another_number_in_place_of_one_that_a_plan_includes_is_one_more():
    held = (
        HeldNumber("+331", BEGAN),
        HeldNumber("+332", BEGAN, nov(20)),
        HeldNumber("+333", nov(27)),
    )
    agreed = subscribed(first(3), plan="desk", numbers=held)
    found = added_lines(agreed, agreed.period_of(BEGAN), GROUND)
    assert said(found) == [(NUMBERS, "1", "15/30 days", "0.50")]
    assert said(fixed_lines(agreed, start_of(agreed, RENEWED, GROUND))) == [DESK]


def test_what_comes_has_the_price_of_its_day():
    newer = offering(nov(20), number_price=Decimal(2), options=(FAX, replace(FAX, name="sms")))
    on = ground(offering(options=()), newer)
    agreed = subscribed(
        first(5),
        options=(HeldOption("sms", nov(27)),),
        numbers=(HeldNumber("+331", nov(19)), HeldNumber("+332", nov(27))),
    )
    found = added_lines(agreed, agreed.period_of(BEGAN), on)
    assert said(found) == [
        ("Fax", "1", "15/30 days", "1.50"),
        (NUMBERS, "1", "23/30 days", "0.77"),  # 0.7667
        (NUMBERS, "1", "15/30 days", "1.00"),
    ]


ADDED = {
    # 15 of 30 days of 3.00
    "an-option": ({"options": (HeldOption("fax", nov(27)),)}, [("Fax", "1", "15/30 days", "1.50")]),
    "alike": (
        {"numbers": some_numbers(2, nov(27))},
        [(NUMBERS, "1", "15/30 days", "0.50")] * 2,
    ),
    "the-next-period": ({"options": (HeldOption("fax", RENEWED),)}, [("Fax", "1", "", "3.00")]),
    "paid-already": (
        {"options": (HeldOption("fax", BEGAN, RENEWED), HeldOption("fax", nov(27)))},
        [],
    ),
}


@pytest.mark.parametrize(("has", "lines"), ADDED.values(), ids=ADDED)
def test_what_is_charged_for_what_was_added(has, lines):
    before = subscribed(first(5), numbers=(HeldNumber("+331", nov(20)),))
    numbers = (*before.numbers, *has.get("numbers", ()))
    after = replace(before, **has | {"numbers": numbers})
    if "options" in has:
        before = replace(before, options=has["options"][:-1])
    assert said(lines_added(before, after, nov(27), GROUND)) == lines
