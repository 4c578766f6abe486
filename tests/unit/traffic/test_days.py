from datetime import UTC, date, datetime

import pytest

from tests.traffic.days import Sort, is_school_holiday, local_day, midnight, sort_of


@pytest.mark.parametrize(
    ("day", "sort"),
    [
        pytest.param(date(2026, 4, 7), Sort.WORKING, id="a Tuesday"),
        pytest.param(date(2026, 4, 4), Sort.SATURDAY, id="a Saturday"),
        pytest.param(date(2026, 4, 5), Sort.SUNDAY, id="a Sunday"),
        pytest.param(date(2026, 4, 6), Sort.SUNDAY, id="Easter Monday"),
        pytest.param(date(2026, 5, 14), Sort.SUNDAY, id="Ascension Day"),
        pytest.param(date(2026, 5, 25), Sort.SUNDAY, id="Whit Monday"),
        pytest.param(date(2027, 3, 29), Sort.SUNDAY, id="Easter Monday of 2027"),
        pytest.param(date(2026, 7, 14), Sort.SUNDAY, id="Bastille Day"),
        pytest.param(date(2026, 8, 15), Sort.SUNDAY, id="a holiday on a Saturday"),
    ],
)
def test_the_sort_of_a_day(day, sort):
    assert sort_of(day) is sort


@pytest.mark.parametrize(
    ("day", "begins"),
    [
        pytest.param(date(2026, 1, 10), datetime(2026, 1, 9, 23, tzinfo=UTC), id="winter"),
        pytest.param(date(2026, 7, 10), datetime(2026, 7, 9, 22, tzinfo=UTC), id="summer"),
    ],
)
def test_a_day_begins_at_midnight_in_paris(day, begins):
    assert midnight(day) == begins.timestamp()
    assert local_day(midnight(day)) == day
    assert local_day(midnight(day) - 1) < day


def test_pupils_are_away_in_august():
    assert is_school_holiday(date(2026, 8, 10))
    assert not is_school_holiday(date(2026, 9, 10))
