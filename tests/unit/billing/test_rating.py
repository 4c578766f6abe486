"""What calls cost, with the sum beside each case; prices are euros without tax."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.catalogue import Inclusion
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.rating import (
    BillableCall,
    RatedCall,
    Rater,
    RateTable,
    Unrated,
    charged_seconds,
)
from asterisk_siptrunk.billing.usage import amount_of
from asterisk_siptrunk.destination import normalise

PARIS = ZoneInfo("Europe/Paris")
DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PARIS_FIXED, MOBILE = "+33123456789", "+33612345678"


def rate(target="all", price="0.06", increments="1/1", fee="0", **changes) -> Rate:
    first, step = map(int, increments.split("/"))
    values = {"name": target, "valid_from": date(2026, 1, 1)} | changes
    return Rate(
        target=target, fee=Decimal(fee), price=Decimal(price), first=first, step=step, **values
    )


def zone_of(callee: str) -> str:
    destination = normalise(callee, "FR")
    return destination.zone if destination else ""


def call(seconds=60.0, callee=MOBILE, at=NOON, id=1) -> BillableCall:  # noqa: A002 - the field's name
    return BillableCall(id, callee, zone_of(callee), at, timedelta(seconds=seconds))


def rater(*rates: Rate, inclusions=(), channels=1, home="FR") -> Rater:
    return Rater(RateTable(rates or [rate()], home), inclusions, channels, PARIS)


def rated(outcome: RatedCall | Unrated) -> RatedCall:
    assert isinstance(outcome, RatedCall)
    return outcome


FIND = [
    # the narrowest holds, in this order
    (["all"], MOBILE, "all"),
    (["all", "fr"], MOBILE, "fr"),
    (["fr", "*:mobile"], MOBILE, "*:mobile"),
    (["*:mobile", "fr:mobile"], MOBILE, "fr:mobile"),
    (["fr:mobile", "+33"], MOBILE, "+33"),
    (["+33", "+336"], MOBILE, "+336"),
    (["+336", "+337", "+3361", "+33612345678"], MOBILE, "+33612345678"),
    (["fr:mobile"], PARIS_FIXED, None),
    # international is what the home plan does not dial: Réunion is dialled as France is
    (["all", "international"], MOBILE, "all"),
    (["all", "international"], "+37129123456", "international"),
    (["all", "international"], "+262262123456", "all"),
    (["international", "lv"], "+37129123456", "lv"),
    (["us", "+1"], "+12125551234", "+1"),
    (["us", "+1", "+1876"], "+18765551234", "+1876"),
    # a short number is no prefix, and no number has it for one
    (["fr", "3949"], "3949", "3949"),
    (["fr", "39"], "3949", "fr"),
    (["3949"], "+33949123456", None),
    # networks of no country
    (["international", "001:satellite"], "+881612345678", "001:satellite"),
    # nobody knows where it went
    (["all", "international"], "", "all"),
    (["international", "fr"], "", None),
    ([], MOBILE, None),
]


@pytest.mark.parametrize(("targets", "callee", "found"), FIND)
def test_the_narrowest_rate_holds(targets, callee, found):
    table = RateTable([rate(target) for target in targets], "fr")
    held = table.find(callee, zone_of(callee), DAY)
    assert (held and held.target) == found


def test_a_number_without_a_zone_has_the_rate_of_its_prefix():
    assert RateTable([rate("+336")], "FR").find(MOBILE, "", DAY) == rate("+336")


VALID = [
    (date(2026, 11, 22), None),
    (date(2026, 11, 23), "0.01"),
    (date(2026, 11, 29), "0.01"),
    (date(2026, 11, 30), "0.02"),
    (date(2026, 12, 5), "0.03"),  # of two that hold, the later one
    (date(2026, 12, 10), None),
]


@pytest.mark.parametrize(("day", "price"), VALID)
def test_a_rate_holds_on_its_days(day, price):
    rates = [
        rate(price="0.03", valid_from=date(2026, 12, 5), valid_until=date(2026, 12, 10)),
        rate(price="0.02", valid_from=date(2026, 11, 30), valid_until=date(2026, 12, 10)),
        rate(price="0.01", valid_from=date(2026, 11, 23), valid_until=date(2026, 11, 30)),
    ]
    held = RateTable(rates, "FR").find(MOBILE, "fr:mobile", day)
    assert (held and str(held.price)) == price


def test_a_narrower_rate_that_has_ended_leaves_the_call_to_a_wider_one():
    ended = rate("+336", valid_until=date(2026, 11, 23))
    assert RateTable([ended, rate("fr")], "FR").find(MOBILE, "fr:mobile", DAY) == rate("fr")


# Rates change at midnight in Paris: 22:00 UTC in summer, 23:00 in winter.
MIDNIGHTS = [
    (date(2026, 7, 1), datetime(2026, 6, 30, 21, 59, 59, 999999, UTC), "0.01"),
    (date(2026, 7, 1), datetime(2026, 6, 30, 22, tzinfo=UTC), "0.02"),
    (date(2026, 12, 1), datetime(2026, 11, 30, 22, 59, 59, 999999, UTC), "0.01"),
    (date(2026, 12, 1), datetime(2026, 11, 30, 23, tzinfo=UTC), "0.02"),
    # the nights on which clocks are set: the day still begins at midnight
    (date(2026, 3, 29), datetime(2026, 3, 28, 22, 59, tzinfo=UTC), "0.01"),
    (date(2026, 3, 30), datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "0.01"),
    (date(2026, 3, 30), datetime(2026, 3, 29, 22, tzinfo=UTC), "0.02"),
    (date(2026, 10, 26), datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "0.01"),
    (date(2026, 10, 26), datetime(2026, 10, 25, 23, tzinfo=UTC), "0.02"),
]


@pytest.mark.parametrize(("turn", "at", "price"), MIDNIGHTS)
def test_the_rate_of_a_call_is_the_one_of_its_start(turn, at, price):
    both = rate(price="0.01", valid_until=turn), rate(price="0.02", valid_from=turn)
    outcome = rated(rater(*both).rate(call(seconds=6000, at=at)))
    assert amount_of(outcome.cost) == 100 * Decimal(price)


CHARGED = [
    ("1/1", 0, 1),  # answered and hung up: the first second
    ("1/1", 0.2, 1),
    ("1/1", 1, 1),
    ("1/1", 1.000001, 2),
    ("1/1", 59.9, 60),
    ("60/60", 0, 60),
    ("60/60", 60, 60),
    ("60/60", 60.1, 120),
    ("60/60", 121, 180),
    ("60/1", 59, 60),
    ("60/1", 61, 61),
    ("30/6", 12, 30),
    ("30/6", 30, 30),
    ("30/6", 31, 36),
    ("30/6", 36.5, 42),
    ("0/1", 0, 0),
]


@pytest.mark.parametrize(("increments", "lasted", "charged"), CHARGED)
def test_seconds_that_are_charged(increments, lasted, charged):
    assert charged_seconds(timedelta(seconds=lasted), rate(increments=increments)) == charged


COSTS = [
    (rate(price="0.06"), 60, "0.06"),
    (rate(price="0.06"), 61, "0.061"),  # 61 x 0.001
    (rate(price="0.00725"), 20, "0.0024166666666666667"),  # 20/60 x 0.00725, not rounded
    (rate(price="0.06", increments="60/60"), 61, "0.12"),  # 2 x 0.06
    (rate(price="0.06", increments="60/1"), 61, "0.061"),
    (rate(price="0.06", increments="30/6"), 31, "0.036"),  # 36/60 x 0.06
    (rate(price="0.06", fee="0.1"), 30, "0.13"),  # 0.10 + 0.03
    (rate(price="0", fee="0.1"), 30, "0.1"),
    (rate(price="0"), 30, "0"),
    (rate(price="0", fee="0.1", increments="0/1"), 0, "0"),  # nothing charged, so no fee
]


@pytest.mark.parametrize(("one", "lasted", "cost"), COSTS)
def test_cost(one, lasted, cost):
    exact = amount_of(rated(rater(one).rate(call(lasted))).cost)
    assert exact.quantize(Decimal("1e-19")) == Decimal(cost)


def test_a_cost_tells_its_fee_apart():
    outcome = rater(rate("fr", "0.06", fee="0.1", name="France")).rate(call(30, id=7))
    # 0.10 x 60,000,000 and 30 x 0.06 x 1,000,000
    assert outcome == RatedCall(7, "France", 30, 0, 6_000_000 + 1_800_000, 6_000_000)


def test_a_call_without_a_rate_is_told():
    assert rater(rate("lv")).rate(call(id=7)) == Unrated(7, MOBILE, "fr:mobile")


def plan(*targets: str, minutes: int | None = None) -> Inclusion:
    return Inclusion("calls", targets, minutes)


PREMIUM = "+33899123456"

# Each call by its seconds (callee: a mobile unless said): charged, included.
INCLUDED = [
    ("all", [plan("fr")], [(60, 0, 60), (6000, 0, 6000)]),
    ("all", [plan("fr:fixed")], [(60, 60, 0)]),
    ("all", [plan("+336")], [(60, 0, 60)]),
    ("all", [plan("+337")], [(60, 60, 0)]),
    # two minutes: the call in which they run out is charged for the rest
    ("all", [plan("fr", minutes=2)], [(90, 0, 90), (40, 10, 30), (40, 40, 0)]),
    ("all", [plan("fr", minutes=0)], [(90, 90, 0)]),
    # a second inclusion goes on where the first ends
    ("all", [plan("fr:mobile", minutes=1), plan("fr", minutes=1)], [(90, 0, 90), (60, 30, 30)]),
    ("all", [plan("fr:mobile", minutes=1), plan("all")], [(90, 0, 90)]),
]


@pytest.mark.parametrize(("target", "inclusions", "calls"), INCLUDED)
def test_inclusions_are_used_up_in_order(target, inclusions, calls):
    one = rater(rate(target), inclusions=inclusions)
    outcomes = [rated(one.rate(call(seconds))) for seconds, _, _ in calls]
    assert [(each.seconds, each.included) for each in outcomes] == [each[1:] for each in calls]


def test_minutes_are_given_for_each_channel():
    one = rater(inclusions=[plan("fr", minutes=2)], channels=3)  # 3 x 2 min = 360 s
    outcome = rated(one.rate(call(400)))
    assert (outcome.included, outcome.seconds) == (360, 40)


def test_included_seconds_are_counted_as_they_would_be_charged():
    one = rater(rate(increments="60/60"), inclusions=[plan("fr", minutes=3)])
    outcomes = [rated(one.rate(call(61))) for _ in range(2)]
    # 120 of 180 s; then 60 of 120 s, and a minute at 0.06 is charged
    assert [(each.included, each.seconds) for each in outcomes] == [(120, 0), (60, 60)]
    assert [amount_of(each.cost) for each in outcomes] == [0, Decimal("0.06")]


FEES = [(60, "0"), (90, "0.13")]  # all included: no fee; half a minute is not: 0.10 + 0.03


@pytest.mark.parametrize(("lasted", "cost"), FEES)
def test_a_connection_is_charged_where_something_else_is(lasted, cost):
    one = rater(rate(fee="0.1"), inclusions=[plan("fr", minutes=1)])
    assert amount_of(rated(one.rate(call(lasted))).cost) == Decimal(cost)


def test_a_call_that_costs_nothing_uses_up_nothing():
    free, paid = rate("fr:free", price="0"), rate("fr")
    one = rater(free, paid, inclusions=[plan("fr", minutes=1)])
    assert rated(one.rate(call(60, callee="+33800123456"))).included == 0
    assert rated(one.rate(call(60))).included == 60


WIDE = [
    (PREMIUM, ["fr"], 0),
    (PREMIUM, ["all"], 0),
    (PREMIUM, ["fr:premium"], 60),
    (PREMIUM, ["*:premium"], 60),
    (PREMIUM, ["+33899"], 60),
    ("3200", ["fr"], 0),
    ("3200", ["3200"], 60),
    ("+881612345678", ["international"], 0),
    ("+37129123456", ["international"], 60),
    (PARIS_FIXED, ["international"], 0),
]


@pytest.mark.parametrize(("callee", "targets", "included"), WIDE)
def test_a_wide_target_includes_ordinary_destinations(callee, targets, included):
    one = rater(inclusions=[plan(*targets)])
    assert rated(one.rate(call(60, callee=callee))).included == included


def test_a_call_without_a_rate_uses_up_nothing():
    one = rater(rate("+336"), inclusions=[plan("fr", minutes=1)])
    assert isinstance(one.rate(call(60, callee=PARIS_FIXED)), Unrated)
    assert rated(one.rate(call(60))).included == 60


increments = st.tuples(st.integers(0, 90), st.integers(1, 90))
prices = st.integers(0, 10**7).map(lambda n: Decimal(n).scaleb(-6))
lengths = st.integers(0, 10**10).map(lambda n: timedelta(microseconds=n))


@given(st.lists(lengths, max_size=20), increments, prices, prices, st.integers(0, 100))
def test_no_second_is_lost_or_negative(lasted, increment, price, fee, minutes):
    first, step = increment
    each = Rate("all", "x", fee, price, first, step, date(2026, 1, 1))
    one = rater(each, inclusions=[plan("fr", minutes=minutes)])
    for length in lasted:
        outcome = rated(one.rate(BillableCall(1, MOBILE, "fr:mobile", NOON, length)))
        assert min(outcome.seconds, outcome.included, outcome.cost, outcome.fee) >= 0
        assert timedelta(seconds=outcome.seconds + outcome.included) >= length
        assert outcome.fee <= outcome.cost


@given(st.lists(lengths, max_size=20), st.integers(0, 100))
def test_no_more_is_included_than_there_is(lasted, minutes):
    one = rater(inclusions=[plan("fr", minutes=minutes)], channels=2)
    outcomes = [
        rated(one.rate(BillableCall(1, MOBILE, "fr:mobile", NOON, length))) for length in lasted
    ]
    included = sum(outcome.included for outcome in outcomes)
    wanted = sum(outcome.included + outcome.seconds for outcome in outcomes)
    assert included == min(wanted, minutes * 60 * 2)
