"""A month of the example that ships, as the README works it out: every cent, by calculator."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.billing.catalogue_file import read_catalogue
from asterisk_siptrunk.billing.example import example_catalogue, example_rates
from asterisk_siptrunk.billing.invoicing import due_invoices, renewal_lines
from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.money import rounded
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.quote import Asking, Quote, quote_cut, quote_first, quote_raise
from asterisk_siptrunk.billing.rate_file import read_rates
from asterisk_siptrunk.billing.rating import BillableCall, Rater, RateTable
from asterisk_siptrunk.billing.subscription import Ground, HeldNumber, Subscription, holding
from asterisk_siptrunk.billing.usage import UsageTotals, lines

PARIS = ZoneInfo("Europe/Paris")
TAX = Decimal(20)
BEGAN, RENEWED = date(2026, 11, 12), date(2026, 12, 12)
CATALOGUE = read_catalogue(example_catalogue(), "the example")
RATES = read_rates(example_rates().splitlines(keepends=True), "the example", BEGAN)
GROUND = Ground(lambda _: CATALOGUE, PARIS)
ORDERS = [(12, quote_first, 5), (20, quote_raise, 8), (25, quote_raise, 12), (28, quote_cut, 6)]
# Callee, zone, and how long it lasted.
CALLS = [
    ("+33145678901", "fr:fixed", 2060),
    ("+33145678901", "fr:fixed", 3665),
    ("+33145678902", "fr:fixed", 1805),
    ("+33612345678", "fr:mobile", 1230),
    ("+33899123456", "fr:premium", 70),
]
README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("## A month, worked\n")[2].partition("\n## ")[0]


def noon(day: int) -> datetime:
    return datetime(2026, 11, day, 12, tzinfo=PARIS).astimezone(UTC)


def worked() -> tuple[Subscription, list[Quote]]:
    """The subscription, and the quote of each of its orders."""
    agreed = Subscription(
        id=1,
        trunk="acme-paris",
        customer="acme",
        offer="trunk",
        plan=None,
        currency="EUR",
        period=PeriodRule.ANNIVERSARY,
        began=BEGAN,
        numbers=(HeldNumber("+33123456789", BEGAN),),
    )
    quotes = []
    for day, quote, channels in ORDERS:
        quotes.append(quote(agreed, channels, Asking(noon(day), TAX), GROUND))
        agreed = replace(agreed, changes=(*agreed.changes, quotes[-1].change))
    return agreed, quotes


AGREED, QUOTES = worked()


def renewal() -> tuple[Line, ...]:
    """The lines of the invoice of 12 December, with the calls of the month before."""
    rater, totals = Rater(RateTable(RATES, "FR"), (), 5, PARIS), UsageTotals()
    for at, (callee, zone, seconds) in enumerate(CALLS):
        totals.add(rater.rate(BillableCall(at, callee, zone, noon(26), timedelta(0, seconds))))
    (due,) = due_invoices(AGREED, RENEWED, ())
    return renewal_lines(due, lines(totals, due.over, "EUR"), GROUND)


RENEWAL = renewal()


def said(some) -> list[tuple[str, ...]]:
    """What lines say: text, quantity, price, part and amount."""
    return [
        (one.text, plain(one.quantity), plain(one.unit_price), one.part_in_words, str(one.amount))
        for one in some
    ]


def plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def sums(totals: Totals) -> tuple[str, ...]:
    return str(totals.net), str(totals.tax), str(totals.gross)


@pytest.mark.parametrize(
    ("at", "expected", "to_pay", "usable", "next_month"),
    [
        # 5 channels: 18.00; 2 x 7.50 + 4.00 = 19.00 is dearer.
        (
            0,
            [
                ("Pack five, 5 channels", "1", "18", "", "18.00"),
                ("Telephone numbers", "1", "1", "", "1.00"),
            ],
            ("19.00", "3.80", "22.80"),
            *(5, "19.00"),
        ),
        # 3 more: 7.50 + 4.00; 20 November to 11 December are 22 days.
        (
            1,
            [
                ("Pack two, 2 channels", "1", "7.5", "22/30 days", "5.50"),
                ("Pack one, 1 channel", "1", "4", "22/30 days", "2.93"),  # 2.9333
            ],
            ("8.43", "1.69", "10.12"),  # 1.686
            *(8, "30.50"),  # 8 channels: 18.00 + 7.50 + 4.00, and the number
        ),
        # 4 more: 2 x 7.50; 25 November to 11 December are 17 days.
        (
            2,
            [("Pack two, 2 channels", "2", "7.5", "17/30 days", "8.50")],
            ("8.50", "1.70", "10.20"),
            *(12, "40.50"),  # 12 channels: 32.00 + 7.50, and the number
        ),
        (3, [], ("0.00", "0.00", "0.00"), *(6, "23.00")),  # 18.00 + 4.00, and the number
    ],
    ids=["first", "raise-to-8", "raise-to-12", "cut-to-6"],
)
def test_an_order_of_the_month(at, expected, to_pay, usable, next_month):
    found = QUOTES[at]
    assert said(found.lines) == expected
    assert sums(found.totals) == to_pay
    assert (found.usable, str(found.next.totals.net)) == (usable, next_month)


@pytest.mark.parametrize(
    ("day", "usable"),
    [(12, 5), (19, 5), (20, 8), (24, 8), (25, 12), (28, 12), (30, 12)],
)
def test_what_may_be_used_on_a_day(day, usable):
    assert holding(AGREED, noon(day), GROUND).usable == usable


def test_the_cut_takes_effect_with_the_renewal():
    begins = datetime(2026, 12, 12, tzinfo=PARIS)
    assert holding(AGREED, begins - timedelta(microseconds=1), GROUND).usable == 12
    assert holding(AGREED, begins, GROUND).usable == 6


def test_the_renewal():
    assert said(RENEWAL) == [
        # 6 channels: 18.00 + 4.00 = 22.00; 3 x 7.50 = 22.50 is dearer.
        ("Pack five, 5 channels", "1", "18", "", "18.00"),
        ("Pack one, 1 channel", "1", "4", "", "4.00"),
        ("Telephone numbers", "1", "1", "", "1.00"),
        # 2,060 + 3,665 + 1,805 s are 125.5 min: 1.506
        ("France fixed: 3 calls, 125 min 30 s", "125.5", "0.012", "", "1.51"),
        ("France mobile: 1 call, 20 min 30 s", "20.5", "0.045", "", "0.92"),  # 0.9225
        ("France surcharged: 1 call, 2 min 0 s", "2", "0.8", "", "1.60"),  # 70 s, by 60
        ("France surcharged: connections", "1", "0.15", "", "0.15"),
    ]
    assert sums(Totals.of(RENEWAL, TAX, "EUR")) == ("27.18", "5.44", "32.62")  # 5.436
    assert QUOTES[-1].next.lines == RENEWAL[:3]


def test_every_sum_of_the_readme_is_right():
    found = re.findall(r"([0-9.]+) \u00d7 ([0-9.]+)(?:/([0-9]+))? = ([0-9.]+)", SECTION)
    assert len(found) > 5
    for one, other, days, amount in found:
        exact = Decimal(one) * Decimal(other) / Decimal(days or 1)
        assert rounded(exact, "EUR") == Decimal(amount), (one, other, days, amount)


def test_the_readme_has_every_amount():
    for one in QUOTES:
        assert " | ".join((*sums(one.totals), str(one.next.totals.net))) in SECTION
        for line in one.lines:
            assert str(line.amount) in SECTION
    for text, *_, amount in said(RENEWAL):
        assert re.search(rf"\| {text} \|.* {amount} \|", SECTION), text
    assert " | ".join(sums(Totals.of(RENEWAL, TAX, "EUR"))) in SECTION
