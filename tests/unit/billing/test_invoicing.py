"""Which invoices are due, and what stands on them; each once."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.invoicing import due_invoices, renewal_lines
from asterisk_siptrunk.billing.line import Line, LineKind, Totals
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.subscription import HeldNumber, HeldOption
from tests.unit.billing.builders import (
    BEGAN,
    CATALOGUE,
    GROUND,
    PLAN,
    RENEWED,
    TAX,
    cut,
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

JANUARY, FEBRUARY = date(2027, 1, 12), date(2027, 2, 12)
FIVE = ("Pack five, 5 channels", "1", "", "18.00")
CALLS = Line(
    LineKind.CALLS,
    "France: 2 calls, 3 min 0 s",
    Decimal("3.000000"),
    Decimal("0.06"),
    None,
    BEGAN,
    RENEWED,
    Decimal("0.18"),
)

# A day, what else, what is invoiced already; what is due: the day that names it, and if it is last.
DUE = {
    "first-day": (BEGAN, {}, [], []),
    "last-day": (dec(11), {}, [], []),
    "renewal": (RENEWED, {}, [], [(RENEWED, False)]),
    "a-day-later": (dec(13), {}, [], [(RENEWED, False)]),
    "missed-runs": (
        *(date(2027, 2, 20), {}, []),
        [(RENEWED, False), (JANUARY, False), (FEBRUARY, False)],
    ),
    "done": (dec(31), {}, [RENEWED], []),
    "one-missing": (FEBRUARY, {}, [RENEWED, FEBRUARY], [(JANUARY, False)]),
    "ending": (RENEWED, {"ends": JANUARY}, [], [(RENEWED, False)]),
    "ended": (RENEWED, {"ends": RENEWED}, [], [(RENEWED, True)]),
    "long-ended": (FEBRUARY, {"ends": RENEWED}, [], [(RENEWED, True)]),
    "ended-and-missed": (FEBRUARY, {"ends": JANUARY}, [], [(RENEWED, False), (JANUARY, True)]),
    "ended-and-done": (FEBRUARY, {"ends": RENEWED}, [RENEWED], []),
    "calendar": (dec(1), {"period": PeriodRule.CALENDAR}, [], [(dec(1), False)]),
}


@pytest.mark.parametrize(("day", "has", "invoiced", "expected"), DUE.values(), ids=DUE)
def test_what_is_due(day, has, invoiced, expected):
    found = list(due_invoices(subscribed(first(5), **has), day, invoiced))
    assert [(one.first, one.last) for one in found] == expected
    assert all(one.over.next == one.first for one in found)


def lines_of(agreed, day=RENEWED, calls=(), on=GROUND):
    """Of the newest invoice that is due."""
    *_, due = due_invoices(agreed, day, ())
    return renewal_lines(due, calls, on)


def test_an_invoice_has_the_new_period_then_what_came_then_the_calls():
    agreed = subscribed(
        first(5),
        raised(nov(20), 3),
        cut(nov(21), 2),
        options=(HeldOption("fax", nov(27)),),
        numbers=some_numbers(2),
    )
    found = lines_of(agreed, calls=[CALLS])
    assert said(found) == [
        FIVE,
        ("Pack one, 1 channel", "1", "", "4.00"),
        ("Fax", "1", "", "3.00"),
        ("Telephone numbers", "2", "", "2.00"),
        ("Fax", "1", "15/30 days", "1.50"),
        ("France: 2 calls, 3 min 0 s", "3.000000", "", "0.18"),
    ]
    totals = Totals.of(found, TAX, "EUR")
    # 18+4+3+2+1.50+0.18 = 28.68; 20 % of that are 5.736
    assert [str(each) for each in (totals.net, totals.tax, totals.gross)] == [
        *("28.68", "5.74", "34.42")
    ]
    assert {(one.since, one.until) for one in found[:4]} == {(RENEWED, JANUARY)}
    assert [(one.since, one.until) for one in found[4:]] == [(nov(27), RENEWED), (BEGAN, RENEWED)]


def test_the_last_invoice_has_what_came_and_the_calls_alone():
    agreed = subscribed(first(5), ends=RENEWED, numbers=(HeldNumber("+331", nov(27)),))
    found = lines_of(agreed, calls=[CALLS])
    assert said(found) == [
        ("Telephone numbers", "1", "15/30 days", "0.50"),
        ("France: 2 calls, 3 min 0 s", "3.000000", "", "0.18"),
    ]


def test_the_last_invoice_of_who_did_not_call_says_so():
    (line,) = lines_of(subscribed(first(5), ends=RENEWED))
    assert said([line]) == [("No calls", "0", "", "0.00")]
    assert (line.since, line.until) == (BEGAN, RENEWED)


def test_a_period_for_which_nothing_is_to_be_paid_is_invoiced_too():
    free = replace(CATALOGUE, plans={"desk": replace(PLAN, price=Decimal(0))})
    agreed = subscribed(first(3), plan="desk")
    assert said(lines_of(agreed, on=ground(free))) == [("No calls", "0", "", "0.00")]


def test_a_new_catalogue_changes_the_periods_that_begin_by_it_alone():
    on = ground(CATALOGUE, offering(dec(13), number_price=Decimal(9)))
    agreed = subscribed(first(5), numbers=some_numbers(1))
    assert [line.unit_price for line in lines_of(agreed, RENEWED, on=on)] == [18, 1]
    assert [line.unit_price for line in lines_of(agreed, JANUARY, on=on)] == [18, 9]


beginnings = st.dates(date(2026, 1, 1), date(2030, 12, 31))
rules = st.sampled_from(PeriodRule)


@given(beginnings, rules, st.integers(0, 900), st.sets(st.integers(0, 30)), st.integers(0, 24))
def test_running_twice_equals_once(began, rule, later, chosen, months):
    agreed = subscribed(first(5, day=began), began=began, period=rule)
    if months:
        every = list(due_invoices(agreed, began + timedelta(31 * 30), ()))
        agreed = replace(agreed, ends=every[months - 1].first)
    day = began + timedelta(later)
    whole = list(due_invoices(agreed, day, ()))
    some = [one.first for at, one in enumerate(whole) if at in chosen]
    rest = list(due_invoices(agreed, day, some))
    assert sorted([*some, *(one.first for one in rest)]) == [one.first for one in whole]
    assert list(due_invoices(agreed, day, [one.first for one in whole])) == []
    # On a later day there is more at the end, and nothing else.
    assert list(due_invoices(agreed, day + timedelta(40), ()))[: len(whole)] == whole


things = st.lists(st.tuples(st.integers(0, 100), st.none() | st.integers(1, 60)), max_size=4)


def holding_things(began, rule, options, numbers):
    """A subscription with options and numbers that come and go."""

    def days(since, lasts):
        until = None if lasts is None else began + timedelta(since + lasts)
        return began + timedelta(since), until

    return subscribed(
        first(5, day=began),
        began=began,
        period=rule,
        options=tuple(HeldOption("fax", *days(*each)) for each in options),
        numbers=tuple(HeldNumber("+331", *days(*each)) for each in numbers),
    )


@given(beginnings, rules, things, things)
def test_invoices_never_charge_a_day_twice(began, rule, options, numbers):
    agreed = holding_things(began, rule, options, numbers)
    dues = list(due_invoices(agreed, began + timedelta(190), ()))
    lines = [line for due in dues for line in renewal_lines(due, (), GROUND)]
    for text in {line.text for line in lines}:
        spans = sorted((line.since, line.until) for line in lines if line.text == text)
        assert all(one[1] <= following[0] for one, following in pairwise(spans))
    for due in dues:
        following = agreed.period_of(due.first)
        for line in renewal_lines(due, (), GROUND):
            period = following if line.since >= due.first else due.over
            assert period.first <= line.since < line.until == period.next


@given(beginnings, rules, things, things)
def test_each_period_s_packs_are_charged_once_and_whole(began, rule, options, numbers):
    agreed = holding_things(began, rule, options, numbers)
    dues = list(due_invoices(agreed, began + timedelta(190), ()))
    packs = [
        line
        for due in dues
        for line in renewal_lines(due, (), GROUND)
        if line.kind is LineKind.PACK
    ]
    assert [line.since for line in packs] == [due.first for due in dues]
    assert {line.amount for line in packs} == {Decimal("18.00")}
