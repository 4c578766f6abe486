"""How many channels a trunk may use, worked out from all that was agreed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.subscription import (
    HeldNumber,
    HeldOption,
    Holding,
    charged_from,
    held_as_one,
    holding,
    least_channels,
    start_of,
    usable_at_start,
)
from asterisk_siptrunk.errors import NotFound
from tests.unit.billing.builders import (
    BEGAN,
    CATALOGUE,
    GROUND,
    PARIS,
    PLAN,
    RENEWED,
    at,
    cut,
    dec,
    first,
    ground,
    nov,
    offering,
    raised,
    some_numbers,
    subscribed,
)

# 5 on the 12th, 8 from the 20th, 12 from the 25th, 6 from the next period on.
MONTH = (first(5), raised(nov(20), 3), raised(nov(25), 4), cut(nov(28), 6))

# Wanted, usable, and wanted in the next period.
HOLDINGS = {
    "first": ((first(5),), nov(12), (5, 5, 5)),
    "before-the-raise": (MONTH, nov(19), (5, 5, 5)),
    "raise": (MONTH, nov(20), (8, 8, 8)),  # 5+3
    "second-raise": (MONTH, nov(27), (12, 12, 12)),  # 5+3+4
    "cut-ordered": (MONTH, nov(28), (12, 12, 6)),  # 5+3+4-6
    "last-day": (MONTH, dec(11), (12, 12, 6)),
    "renewed": (MONTH, dec(12), (6, 6, 6)),
    "months-later": (MONTH, date(2027, 7, 1), (6, 6, 6)),
    "cut-withdrawn": (MONTH[:-1], dec(12), (12, 12, 12)),
    "cut-on-the-first-day": ((first(5), cut(nov(12), 2)), nov(12), (5, 5, 3)),
    "cut-on-the-last-day": ((first(5), cut(dec(11), 2)), dec(12), (3, 3, 3)),
    "cut-as-it-renews": ((first(5), cut(dec(12), 2)), dec(12), (5, 5, 3)),
    "cut-then-raise": ((first(5), cut(nov(20), 2), raised(nov(21), 3)), nov(22), (8, 8, 6)),
    "both-in-one-day": ((first(5), raised(nov(20), 3), cut(nov(20), 4)), nov(20), (8, 8, 4)),
    "two-cuts": ((first(8, 10), cut(nov(20), 2), cut(nov(21), 1)), nov(22), (8, 10, 5)),
    "one-of-two-withdrawn": ((first(8, 10), cut(nov(21), 1)), nov(22), (8, 10, 7)),
    # 9 come as a pack of 10, in this period and the next; two more make 12, of a number of 12.
    "bonus": ((first(9, 10),), nov(13), (9, 10, 9)),
    "bonus-again": ((first(9, 10),), dec(12), (9, 10, 9)),
    "raise-on-bonus": ((first(9, 10), raised(nov(20), 3, 2)), nov(20), (12, 12, 12)),
    "raised-renewed": ((first(9, 10), raised(nov(20), 3, 2)), dec(12), (12, 12, 12)),
    "bonus-ends": ((first(5), raised(nov(20), 9, 10)), nov(20), (14, 15, 14)),
    "bonus-ended": ((first(5), raised(nov(20), 9, 10)), dec(12), (14, 14, 14)),  # 30+4x4
    "raise-in-december": ((first(9, 10), raised(dec(20), 2, 1)), dec(20), (11, 11, 11)),
}


@pytest.mark.parametrize(("changes", "day", "counts"), HOLDINGS.values(), ids=HOLDINGS)
def test_the_channels_of_a_day(changes, day, counts):
    found = holding(subscribed(*changes), at(day, 23), GROUND)
    assert (found.wanted, found.usable, found.next_wanted) == counts


def test_a_raise_counts_from_the_moment_of_its_payment():
    agreed = subscribed(first(5), raised(nov(20), 3))
    assert holding(agreed, at(nov(20), 11, 59), GROUND).usable == 5
    assert holding(agreed, at(nov(20), 12), GROUND).usable == 8


def test_a_period_begins_at_midnight_of_the_provider():
    agreed = subscribed(*MONTH)
    assert holding(agreed, at(RENEWED, 0) - timedelta(microseconds=1), GROUND).usable == 12
    assert holding(agreed, at(RENEWED, 0), GROUND) == Holding(6, 6, 6, agreed.period_of(RENEWED))


def test_nobody_holds_channels_before_a_subscription_begins():
    with pytest.raises(ValueError, match="2026-11-11 is before 2026-11-12"):
        holding(subscribed(first(5)), at(nov(11)), GROUND)


changes = st.lists(st.tuples(st.integers(0, 29), st.integers(1, 9), st.booleans()), max_size=8).map(
    lambda drawn: [
        (raised if is_raise else cut)(BEGAN + timedelta(day), by) for day, by, is_raise in drawn
    ]
)


@given(changes, st.randoms())
def test_the_next_period_has_the_sum_of_all_changes_in_any_order(drawn, random):
    days = [change.at for change in drawn]
    random.shuffle(days)
    elsewhere = [replace(change, at=day) for change, day in zip(drawn, days, strict=True)]
    wanted = 9 + sum(change.asked for change in drawn)
    for each in (drawn, elsewhere, random.sample(drawn, len(drawn))):
        agreed = subscribed(first(9, 10), *each)
        assert start_of(agreed, RENEWED, GROUND).wanted == wanted
        assert holding(agreed, at(dec(11), 23), GROUND).next_wanted == wanted


# Wanted, the packs for them, usable.
STARTS = {
    "packs": (CATALOGUE, None, 6, {"five": 1, "one": 1}, 6),
    "larger-pack": (CATALOGUE, None, 9, {"ten": 1}, 10),
    "maximum": (CATALOGUE, None, 40, {"ten": 4}, 40),
    "pack-beyond-it": (offering(maximum=9), None, 9, {"ten": 1}, 9),
    # By a new catalogue there are 7 at most: nobody pays for 12, and 7 are 18+2x4=26.
    "maximum-fell": (offering(maximum=7), None, 12, {"five": 1, "one": 2}, 7),
    "plan": (CATALOGUE, "desk", 5, {"one": 2}, 5),  # 3 are included
    "plan-alone": (CATALOGUE, "desk", 3, {}, 3),
    "plan-larger": (
        replace(CATALOGUE, plans={"desk": replace(PLAN, channels=6)}),
        "desk",
        *(5, {}, 6),
    ),
    "plan-s-maximum": (
        replace(CATALOGUE, plans={"desk": replace(PLAN, maximum=8)}),
        "desk",
        *(12, {"five": 1}, 8),  # 3+5
    ),
}


@pytest.mark.parametrize(
    ("catalogue", "plan", "wanted", "packs", "usable"), STARTS.values(), ids=STARTS
)
def test_what_a_period_begins_with(catalogue, plan, wanted, packs, usable):
    agreed = subscribed(first(wanted), plan=plan)
    start = start_of(agreed, RENEWED, ground(catalogue))
    assert (start.wanted, start.usable) == (wanted, usable)
    assert {pack.name: times for pack, times in start.mix.packs} == packs
    assert holding(agreed, at(RENEWED), ground(catalogue)).usable == usable


def test_the_first_period_begins_with_what_its_order_gave():
    agreed = subscribed(first(9, 10), raised(nov(20), 3, 2))
    assert usable_at_start(agreed, BEGAN, GROUND) == 10
    assert usable_at_start(agreed, RENEWED, GROUND) == 12


def test_a_new_catalogue_holds_from_the_first_period_that_begins_by_it():
    dearer = offering(dec(1), maximum=4)
    agreed, on = subscribed(first(5)), ground(CATALOGUE, dearer)
    assert holding(agreed, at(dec(11)), on).usable == 5
    assert holding(agreed, at(dec(12)), on).usable == 4


def test_an_offer_that_is_gone_is_told():
    gone = replace(CATALOGUE, valid_from=dec(1), offers={})
    with pytest.raises(NotFound, match="catalogue of 2026-12-01 has no offer trunk; it has none"):
        start_of(subscribed(first(5)), RENEWED, ground(CATALOGUE, gone))


# Since, until, a day, and whether it is there when that day begins.
HELD = {
    "first-order": (BEGAN, None, BEGAN, True),
    "before-it": (nov(1), None, BEGAN, True),
    "given-back-before": (nov(1), nov(5), BEGAN, False),
    "day-before": (dec(11), None, dec(12), True),
    "in-the-course-of-the-day": (dec(12), None, dec(12), False),
    "later": (dec(13), None, dec(12), False),
    "until-that-day": (BEGAN, dec(12), dec(12), False),
    "until-the-next": (BEGAN, dec(13), dec(12), True),
}


@pytest.mark.parametrize(("since", "until", "day", "there"), HELD.values(), ids=HELD)
def test_what_is_there_when_a_day_begins(since, until, day, there):
    agreed = subscribed(
        options=(HeldOption("fax", since, until),), numbers=(HeldNumber("+331", since, until),)
    )
    assert agreed.options_on(day) == (("fax",) if there else ())
    assert agreed.numbers_on(day) == (("+331",) if there else ())


@pytest.mark.parametrize(
    ("day", "hour", "counts"),
    [
        (nov(1), 12, nov(1)),
        (BEGAN, 11, BEGAN),
        (BEGAN, 12, BEGAN),
        (BEGAN, 13, nov(13)),
        (BEGAN, 23, nov(13)),
        (nov(13), 0, nov(13)),
        (dec(12), 23, dec(12)),
    ],
    ids=["long-before", "before", "with-the-payment", "after", "evening", "next", "later"],
)
def test_the_day_of_the_first_payment_is_sold_once(day, hour, counts):
    assert charged_from(at(day, hour), at(BEGAN, 12), PARIS) == counts


def test_what_was_taken_again_is_there_once():
    agreed = subscribed(
        options=(HeldOption("fax", BEGAN, dec(20)), HeldOption("fax", nov(15))),
        numbers=(HeldNumber("+331", BEGAN, dec(20)), HeldNumber("+331", dec(2))),
    )
    assert (agreed.options_on(dec(12)), agreed.numbers_on(dec(12))) == (("fax",), ("+331",))


FREE_NUMBERS = offering(numbers_per_channel=None)
SEVEN = {"numbers": some_numbers(7)}
LEAST = {
    "minimum": (CATALOGUE, {}, 0, (2, "Trunk begins with 2")),
    "minimum-first": (CATALOGUE, {"numbers": some_numbers(6)}, 2, (2, "Trunk begins with 2")),
    "numbers": (CATALOGUE, SEVEN, 0, (3, "7 numbers need 3")),  # 3 a channel
    "numbers-without-limit": (FREE_NUMBERS, SEVEN, 0, (2, "Trunk begins with 2")),
    "option": (
        CATALOGUE,
        {"options": (HeldOption("site", BEGAN),)},
        *(0, (4, "the option site needs 4")),
    ),
    "option-ends": (
        CATALOGUE,
        {"options": (HeldOption("site", BEGAN, RENEWED),)},
        *(0, (2, "Trunk begins with 2")),
    ),
    "reserved": (CATALOGUE, SEVEN, 5, (5, "5 are kept for inbound calls")),
    "plan": (CATALOGUE, {"plan": "desk"}, 0, (3, "Desk begins with 3")),
}


@pytest.mark.parametrize(("catalogue", "has", "reserved", "least"), LEAST.values(), ids=LEAST)
def test_the_least_number_of_channels(catalogue, has, reserved, least):
    agreed = subscribed(first(10), **has)
    held = ground(catalogue).terms_of(agreed, RENEWED)
    assert least_channels(agreed, held, RENEWED, reserved) == least


def fax(since: date, until: date | None = None) -> HeldOption:
    return HeldOption("fax", since, until)


AS_ONE = {
    "none": ((), []),
    "taken-again": ((fax(nov(1), nov(20)), fax(nov(10))), [fax(nov(1))]),
    "the-same-day": ((fax(nov(1), nov(20)), fax(nov(20), nov(25))), [fax(nov(1), nov(25))]),
    "within": ((fax(nov(1), nov(20)), fax(nov(5), nov(10))), [fax(nov(1), nov(20))]),
    "open": ((fax(nov(1)), fax(nov(5), nov(10))), [fax(nov(1))]),
    "a-gap": ((fax(nov(20)), fax(nov(1), nov(10))), [fax(nov(1), nov(10)), fax(nov(20))]),
    "two-names": (
        (HeldOption("site", nov(1)), fax(nov(1))),
        [fax(nov(1)), HeldOption("site", nov(1))],
    ),
}


@pytest.mark.parametrize(("held", "expected"), AS_ONE.values(), ids=AS_ONE)
def test_an_option_is_told_once_where_it_was_always_there(held, expected):
    assert held_as_one(held) == expected
