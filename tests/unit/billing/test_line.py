"""Lines: a quantity times a price times a part, rounded once; and what they come to."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.line import Line, LineKind, Totals, priced
from asterisk_siptrunk.billing.money import rounded

SINCE = date(2026, 11, 20)
UNTIL = date(2026, 12, 12)


def line(quantity=1, price="7.50", part="1", since=SINCE, currency="EUR") -> Line:
    return priced(
        LineKind.PACK,
        "Pack two, 2 channels",
        quantity=quantity,
        unit_price=Decimal(price),
        part=Fraction(part),
        since=since,
        until=UNTIL,
        currency=currency,
    )


AMOUNTS = {
    "whole": (1, "7.50", "1", "EUR", "7.50"),
    "22-of-30": (1, "7.50", "22/30", "EUR", "5.50"),
    "down": (1, "4.00", "19/30", "EUR", "2.53"),  # 2.5333
    "up": (1, "4.00", "22/30", "EUR", "2.93"),  # 2.9333, and not 2.94
    "once": (3, "4.00", "22/30", "EUR", "8.80"),  # and not three times 2.93
    "half": (1, "0.01", "1/2", "EUR", "0.01"),  # 0.005
    "31-days": (2, "18.00", "1/31", "EUR", "1.16"),  # 1.1613
    "yen": (1, "500", "17/30", "JPY", "283"),  # 283.33
    "dinar": (1, "1.000", "1/3", "KWD", "0.333"),
    "free": (4, "0", "22/30", "EUR", "0.00"),
}


@pytest.mark.parametrize(
    ("quantity", "price", "part", "currency", "amount"), AMOUNTS.values(), ids=AMOUNTS
)
def test_the_amount_is_rounded_once(quantity, price, part, currency, amount):
    assert str(line(quantity, price, part, currency=currency).amount) == amount


@pytest.mark.parametrize(
    ("part", "since", "words"),
    [
        ("1", date(2026, 11, 12), ""),
        ("22/30", SINCE, "22/30 days"),  # as on the calendar, and not 11/15
        ("1/31", date(2026, 12, 11), "1/31 days"),
        ("15/30", date(2026, 11, 27), "15/30 days"),
    ],
    ids=["whole", "not-shortened", "one-day", "half"],
)
def test_a_part_is_written_in_days(part, since, words):
    assert line(part=part, since=since).part_in_words == words


def test_a_line_of_calls_has_no_part():
    calls = Line(LineKind.CALLS, "", Decimal(1), Decimal(1), None, SINCE, UNTIL, Decimal(1))
    assert (calls.part_in_words, calls.days, calls.of_days) == ("", 22, 22)


TOTALS = {
    "none": ([], "20", "EUR", ("0.00", "0.00", "0.00")),
    "sum-first": (["0.02"] * 3, "20", "EUR", ("0.06", "0.01", "0.07")),  # 0.012; each would be 0
    "tax-up": (["5.50", "2.93"], "20", "EUR", ("8.43", "1.69", "10.12")),  # 1.686
    "untaxed": (["5.50", "2.93"], "0", "EUR", ("8.43", "0.00", "8.43")),
    "yen": (["500", "5"], "10", "JPY", ("505", "51", "556")),  # 50.5
}


@pytest.mark.parametrize(("prices", "percent", "currency", "sums"), TOTALS.values(), ids=TOTALS)
def test_totals(prices, percent, currency, sums):
    lines = [line(price=price, currency=currency) for price in prices]
    found = Totals.of(lines, Decimal(percent), currency)
    assert tuple(str(each) for each in (found.net, found.tax, found.gross)) == sums


prices = st.decimals(0, 500, places=2)


@given(st.integers(1, 50), prices, st.integers(28, 31), st.data())
def test_a_part_of_a_pack_never_costs_more_than_its_month(quantity, price, days, data):
    left = data.draw(st.integers(1, days))
    whole = line(quantity, price)
    part = line(quantity, price, Fraction(left, days))
    assert part.amount <= whole.amount
    assert abs(part.amount - quantity * price * left / Decimal(days)) <= Decimal("0.005")
    earlier = line(quantity, price, Fraction(min(left + 1, days), days))
    assert part.amount <= earlier.amount


@given(st.lists(st.tuples(st.integers(0, 9), prices, st.integers(1, 30)), max_size=20), st.data())
def test_the_total_is_the_sum_of_the_lines(drawn, data):
    lines = [line(quantity, price, Fraction(left, 30)) for quantity, price, left in drawn]
    percent = data.draw(st.decimals(0, 100, places=1))
    found = Totals.of(lines, percent, "EUR")
    assert found.net == sum((one.amount for one in lines), Decimal(0))
    assert found.gross == found.net + found.tax == found.net + rounded(found.tax, "EUR")
    assert Totals.of(reversed(lines), percent, "EUR") == found
