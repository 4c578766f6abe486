"""The lines that calls come to, with the sum beside each case."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.rating import RatedCall, Unrated
from asterisk_siptrunk.billing.usage import Missing, UsageTotals, lines

NOVEMBER = BillingPeriod(date(2026, 11, 12), date(2026, 12, 12), date(2026, 11, 12))
CENT = Decimal("0.01")


def rated(rate: str, seconds: int, price: str, fee="0", included=0) -> RatedCall:
    """A call as `Rater` has it."""
    fees = int(Decimal(fee) * 60_000_000)
    return RatedCall(1, rate, seconds, included, int(Decimal(price) * 10**6) * seconds + fees, fees)


def total(*calls: RatedCall | Unrated) -> UsageTotals:
    totals = UsageTotals()
    for call in calls:
        totals.add(call)
    return totals


def said(totals: UsageTotals, currency="EUR") -> list[tuple[str, ...]]:
    found = lines(totals, NOVEMBER, currency)
    return [
        (one.text, f"{one.quantity:f}", f"{one.unit_price:f}", str(one.amount)) for one in found
    ]


LINES = [
    ([], []),
    (
        [rated("France, mobile", 90, "0.06")],
        [("France, mobile: 1 call, 1 min 30 s", "1.500000", "0.060000", "0.09")],  # 1.5 x 0.06
    ),
    # by name, and rounded once: 3 x 0.004 is 0.012, not 3 x 0.00
    (
        [*[rated("b", 4, "0.06")] * 3, rated("a", 60, "0.06")],
        [
            ("a: 1 call, 1 min 0 s", "1.000000", "0.060000", "0.06"),
            ("b: 3 calls, 0 min 12 s", "0.200000", "0.060000", "0.01"),
        ],
    ),
    # connections are a line of their own: 2 x 0.10
    (
        [rated("a", 60, "0.06", "0.1"), rated("a", 60, "0.06", "0.1")],
        [
            ("a: 2 calls, 2 min 0 s", "2.000000", "0.060000", "0.12"),
            ("a: connections", "2", "0.100000", "0.20"),
        ],
    ),
    # prices that differ: (0.06 + 0.03) / 3 min; fees: (0.10 + 0.05) / 2
    (
        [rated("a", 60, "0.06", "0.1"), rated("a", 120, "0.015", "0.05")],
        [
            ("a: 2 calls, 3 min 0 s", "3.000000", "0.030000", "0.09"),
            ("a: connections", "2", "0.075000", "0.15"),
        ],
    ),
    # an average that no six digits hold: (0.06 + 0.01) / 3 min = 0.02333...
    (
        [rated("a", 60, "0.06"), rated("a", 120, "0.005")],
        [("a: 2 calls, 3 min 0 s, at an average price", "3.000000", "0.023333", "0.07")],
    ),
    # fees whose average none hold: (0.10 + 2 x 0.05) / 3
    (
        [rated("a", 60, "0", "0.1"), *[rated("a", 60, "0", "0.05")] * 2],
        [
            ("a: 3 calls, 3 min 0 s", "3.000000", "0.000000", "0.00"),
            ("a: connections, at an average price", "3", "0.066667", "0.20"),
        ],
    ),
    # included calls are seen, at nothing
    (
        [rated("a", 0, "0", included=75)],
        [("a: 1 call, 0 min 0 s; included in the plan: 1 min 15 s", "0.000000", "0", "0.00")],
    ),
]


@pytest.mark.parametrize(("calls", "expected"), LINES)
def test_lines(calls, expected):
    assert said(total(*calls)) == expected


def test_a_line_is_of_calls_in_its_period_and_of_no_part_of_it():
    found = lines(total(rated("a", 60, "0.06", "0.1")), NOVEMBER, "EUR")
    assert [line.kind for line in found] == [LineKind.CALLS, LineKind.CONNECTION]
    for line in found:
        days = date(2026, 11, 12), date(2026, 12, 12)
        assert (line.part, line.since, line.until) == (None, *days)


def test_a_line_is_rounded_to_the_currency():
    assert said(total(rated("a", 60, "12.5")), "JPY")[0][-1] == "13"  # halves away from zero


def test_calls_without_a_rate_are_kept_by_zone_with_an_example():
    unrated = [
        Unrated(1, "+37129", "lv:mobile"),
        Unrated(2, "+37128", "lv:mobile"),
        Unrated(3, "", ""),
    ]
    totals = total(*unrated, rated("a", 60, "0.06"))
    assert totals.unrated == {"lv:mobile": Missing("+37129", 2), "": Missing("", 1)}
    assert totals.calls == 1


def test_the_cost_of_all_is_exact():
    assert total(rated("a", 4, "0.06"), rated("b", 1, "0.06")).cost == Decimal("0.005")


prices = st.integers(0, 10**7).map(lambda n: str(Decimal(n).scaleb(-6)))
some = st.builds(rated, st.sampled_from("abc"), st.integers(0, 10**5), prices, prices)


@given(st.lists(some, max_size=30))
def test_the_lines_come_to_the_cost_within_half_a_coin_each(calls):
    totals = total(*calls)
    found = lines(totals, NOVEMBER, "EUR")
    assert abs(sum(line.amount for line in found) - totals.cost) <= CENT / 2 * len(found)
    assert all(line.amount >= 0 for line in found)


@given(st.lists(some, max_size=30), st.randoms())
def test_totals_do_not_depend_on_the_order(calls, random):
    shuffled = random.sample(calls, len(calls))
    assert total(*calls) == total(*shuffled)
