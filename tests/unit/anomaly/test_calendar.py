from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.anomaly.calendar import (
    Calendar,
    Holidays,
    easter,
    hour_words,
    shipped_holidays,
    week,
)

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("year", "sunday"),
    [
        (2024, date(2024, 3, 31)),
        (2025, date(2025, 4, 20)),
        (2026, date(2026, 4, 5)),
        (2038, date(2038, 4, 25)),
        (2285, date(2285, 3, 22)),
    ],
)
def test_easter(year, sunday):
    assert easter(year) == sunday


@pytest.mark.parametrize(
    ("day", "is_holiday"),
    [
        (date(2026, 7, 14), True),
        (date(2026, 4, 6), True),  # Easter Monday
        (date(2026, 5, 14), True),  # Ascension
        (date(2026, 5, 25), True),  # Whit Monday
        (date(2026, 4, 3), False),  # Good Friday is none in most of France
        (date(2026, 7, 15), False),
    ],
    ids=str,
)
def test_french_holidays(day, is_holiday):
    assert (day in shipped_holidays("FR")) is is_holiday


def test_a_country_that_is_not_listed_has_none_and_single_days_can_be_given():
    assert date(2026, 12, 25) not in shipped_holidays("XX")
    assert date(2026, 6, 1) in Holidays(once=frozenset({date(2026, 6, 1)}))


@pytest.mark.parametrize(
    ("at", "hour"),
    [
        (datetime(2026, 3, 2, 0, 30, tzinfo=PARIS), 0),  # a Monday
        (datetime(2026, 3, 3, 14, tzinfo=PARIS), 24 + 14),
        (datetime(2026, 3, 29, 3, 30, tzinfo=PARIS), 6 * 24 + 3),  # clocks were just changed
        (datetime(2026, 7, 14, 10, tzinfo=PARIS), 6 * 24 + 10),  # a Tuesday, and as a Sunday
    ],
    ids=str,
)
def test_the_hour_of_the_week_is_the_wall_s(at, hour):
    calendar = Calendar(PARIS, shipped_holidays("FR"))
    assert [calendar.hour(at.timestamp()) for _ in range(2)] == [hour, hour]


def test_weeks_begin_on_mondays():
    monday = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    assert week(monday) == week(monday - 1) + 1 == week(monday + 7 * 86_400 - 1)


def test_an_hour_in_words():
    assert hour_words(14) == "Mondays at 14 h"
    assert hour_words(167) == "Sundays at 23 h"
