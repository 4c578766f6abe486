"""Billing periods: where each begins and ends, and which part of it is left on a day."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.billing.period import (
    BillingPeriod,
    PeriodRule,
    first_moment,
    local_day,
    period_of,
)

ANNIVERSARY, CALENDAR = PeriodRule.ANNIVERSARY, PeriodRule.CALENDAR
# In the first two no midnight is there when summer time begins; in the third one comes twice when
# it ends; in the last 30 December 2011 never was.
ZONES = ["America/Santiago", "Asia/Beirut", "America/Havana", "Europe/Paris", "Pacific/Apia"]


def day(text: str) -> date:
    return date.fromisoformat(text)


PERIODS = {
    "first-day": ("2026-11-12", "2026-11-12", ANNIVERSARY, "2026-11-12", "2026-12-12"),
    "last-day": ("2026-12-11", "2026-11-12", ANNIVERSARY, "2026-11-12", "2026-12-12"),
    "second": ("2026-12-12", "2026-11-12", ANNIVERSARY, "2026-12-12", "2027-01-12"),
    "over-new-year": ("2027-01-01", "2026-11-12", ANNIVERSARY, "2026-12-12", "2027-01-12"),
    "years-later": ("2031-05-20", "2026-11-12", ANNIVERSARY, "2031-05-12", "2031-06-12"),
    "31-january": ("2027-01-31", "2027-01-31", ANNIVERSARY, "2027-01-31", "2027-02-28"),
    "31-february": ("2027-02-28", "2027-01-31", ANNIVERSARY, "2027-02-28", "2027-03-31"),
    "31-in-march": ("2027-03-30", "2027-01-31", ANNIVERSARY, "2027-02-28", "2027-03-31"),
    "31-again": ("2027-03-31", "2027-01-31", ANNIVERSARY, "2027-03-31", "2027-04-30"),
    "31-leap": ("2028-02-29", "2027-01-31", ANNIVERSARY, "2028-02-29", "2028-03-31"),
    "30-february": ("2027-02-28", "2027-01-30", ANNIVERSARY, "2027-02-28", "2027-03-30"),
    "29-february": ("2028-02-29", "2028-02-29", ANNIVERSARY, "2028-02-29", "2028-03-29"),
    "29-next-year": ("2029-02-28", "2028-02-29", ANNIVERSARY, "2029-02-28", "2029-03-29"),
    "calendar-first": ("2026-11-12", "2026-11-12", CALENDAR, "2026-11-12", "2026-12-01"),
    "calendar-second": ("2026-12-01", "2026-11-12", CALENDAR, "2026-12-01", "2027-01-01"),
    "calendar-on-the-1st": ("2026-11-01", "2026-11-01", CALENDAR, "2026-11-01", "2026-12-01"),
    "calendar-on-the-last": ("2026-11-30", "2026-11-30", CALENDAR, "2026-11-30", "2026-12-01"),
}


@pytest.mark.parametrize(
    ("on", "began", "rule", "first", "following"), PERIODS.values(), ids=PERIODS
)
def test_the_period_of_a_day(on, began, rule, first, following):
    found = period_of(day(on), day(began), rule)
    assert (found.first, found.next) == (day(first), day(following))
    assert day(on) in found
    assert found.next not in found


def test_no_period_is_before_the_beginning():
    with pytest.raises(ValueError, match="2026-11-11 is before 2026-11-12"):
        period_of(day("2026-11-11"), day("2026-11-12"), ANNIVERSARY)


PARTS = {
    "first-day": ("2026-11-12", "2026-11-12", ANNIVERSARY, "30/30"),
    "second-day": ("2026-11-13", "2026-11-12", ANNIVERSARY, "29/30"),
    "middle": ("2026-11-27", "2026-11-12", ANNIVERSARY, "15/30"),
    "last-day": ("2026-12-11", "2026-11-12", ANNIVERSARY, "1/30"),
    "31-days": ("2026-12-20", "2026-11-12", ANNIVERSARY, "23/31"),
    "february": ("2027-02-20", "2027-02-01", ANNIVERSARY, "9/28"),
    "leap-year": ("2028-02-20", "2028-02-01", ANNIVERSARY, "10/29"),
    "31-to-28": ("2027-02-27", "2027-01-31", ANNIVERSARY, "1/28"),  # 31 January to 27 February
    "28-to-31": ("2027-03-01", "2027-01-31", ANNIVERSARY, "30/31"),  # 28 February to 30 March
    "calendar-first": ("2026-11-12", "2026-11-12", CALENDAR, "19/30"),
    "calendar-later": ("2026-11-20", "2026-11-12", CALENDAR, "11/30"),
    "calendar-last": ("2026-11-30", "2026-11-12", CALENDAR, "1/30"),
    "calendar-second": ("2026-12-01", "2026-11-12", CALENDAR, "31/31"),
    # 29 March 2026 has 23 hours in Paris, 25 October has 25: days like the others.
    "summer-time": ("2026-03-29", "2026-03-01", ANNIVERSARY, "3/31"),
    "winter-time": ("2026-10-25", "2026-10-01", ANNIVERSARY, "7/31"),
}


@pytest.mark.parametrize(("on", "began", "rule", "part"), PARTS.values(), ids=PARTS)
def test_the_part_that_is_left(on, began, rule, part):
    assert period_of(day(on), day(began), rule).part_from(day(on)) == Fraction(part)


MOMENTS = {
    "paris-winter": ("Europe/Paris", "2026-11-12", "2026-11-11T23:00"),
    "paris-summer": ("Europe/Paris", "2026-06-12", "2026-06-11T22:00"),
    # The clock jumps from midnight to one o'clock: the day begins with the jump.
    "santiago": ("America/Santiago", "2026-09-06", "2026-09-06T04:00"),
    "beirut": ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),
    # It falls back from one o'clock to midnight: the day begins with the first of both.
    "havana": ("America/Havana", "2026-11-01", "2026-11-01T04:00"),
    # A day that never was begins and ends with the next one.
    "apia": ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00"),
    "apia-next": ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),
}


@pytest.mark.parametrize(("zone", "on", "moment"), MOMENTS.values(), ids=MOMENTS)
def test_when_a_day_begins(zone, on, moment):
    found = first_moment(day(on), ZoneInfo(zone))
    assert found == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_the_span_of_a_period_has_its_change_of_clock():
    span = period_of(day("2026-03-12"), day("2026-03-12"), ANNIVERSARY).span(ZoneInfo(ZONES[3]))
    assert span.until - span.since == timedelta(days=31, hours=-1)


def successive(began: date, rule: PeriodRule, count: int) -> list[BillingPeriod]:
    periods = [period_of(began, began, rule)]
    while len(periods) < count:
        periods.append(period_of(periods[-1].next, began, rule))
    return periods


beginnings = st.dates(date(2005, 1, 1), date(2040, 12, 31))
rules = st.sampled_from(PeriodRule)


@settings(max_examples=30)
@given(beginnings, rules)
def test_periods_follow_each_other_without_gap_or_overlap(began, rule):
    periods = successive(began, rule, 200)
    assert periods[0].first == began
    for one, following in pairwise(periods):
        assert one.first < one.next == following.first
        assert following.whole_from == following.first
    months = {(one.whole_from.year, one.whole_from.month) for one in periods}
    assert len(months) == 200
    assert {one.days for one in periods} <= {28, 29, 30, 31}


@given(beginnings, rules, st.integers(0, 4000))
def test_each_day_is_in_one_period(began, rule, later):
    on = began + timedelta(later)
    found = period_of(on, began, rule)
    assert on in found
    assert {period_of(found.next - timedelta(1), began, rule)} == {found}
    assert period_of(found.first, began, rule) == found
    assert period_of(found.next, began, rule).first == found.next


@settings(max_examples=30)
@given(beginnings, rules, st.sampled_from(ZONES))
def test_spans_follow_each_other_to_the_moment(began, rule, name):
    zone = ZoneInfo(name)
    for one, following in pairwise(successive(began, rule, 200)):
        span = one.span(zone)
        assert span.since < span.until == following.span(zone).since
        assert local_day(span.until, zone) == following.first or never_was(following.first, zone)
        assert local_day(span.until - timedelta(microseconds=1), zone) < following.first


def never_was(on: date, zone: ZoneInfo) -> bool:
    return zone.key == "Pacific/Apia" and on == date(2011, 12, 30)


@given(beginnings, rules, st.integers(0, 30))
def test_the_parts_of_a_period_s_days_come_to_no_more_than_a_month(began, rule, at):
    found = period_of(began, began, rule)
    days = [began + timedelta(at) for at in range((found.next - began).days)]
    by_day = [found.part_from(one) - found.part_from(one + timedelta(1)) for one in days]
    assert set(by_day) == {Fraction(1, found.days)}
    assert sum(by_day) == found.part_from(began) <= 1
    left = found.part_from(days[at % len(days)])
    assert left == sum(by_day[at % len(days) :])
