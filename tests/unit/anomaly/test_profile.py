import json

import pytest

from asterisk_siptrunk.anomaly.calendar import WEEK
from asterisk_siptrunk.anomaly.profile import (
    MOST_ORIGINS,
    MOST_PLACES,
    NEW_PLACES,
    Habit,
    Hours,
    Profile,
    TrunkClass,
)
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.anomaly.builders import TUESDAY

EUR = 1_000_000


def hours(*amounts, hour=34):
    """The same hour of one week after another."""
    learned = Hours()
    for number, amount in enumerate(amounts):
        learned.learn(TUESDAY + number * WEEK, hour, amount)
    return learned, TUESDAY + len(amounts) * WEEK


@pytest.mark.parametrize(
    ("amounts", "usual"),
    [
        ((), 0),
        ((5 * EUR,), 0),  # one hour may be what should have been noticed
        ((3 * EUR, 3 * EUR, 900 * EUR), 3 * EUR),  # the highest is left out
        ((3 * EUR, 900 * EUR, 900 * EUR), 900 * EUR),
        ((50 * EUR, 50 * EUR, *[EUR] * 8), EUR),  # eight weeks later they are forgotten
    ],
    ids=["nothing", "one", "outlier", "two", "old"],
)
def test_an_hour_s_usual_is_the_second_highest_of_eight_weeks(amounts, usual):
    learned, now = hours(*amounts)
    assert learned.usual(now, 34) == pytest.approx(usual, rel=0.06)


def test_the_hours_beside_count_too_and_no_others():
    learned, now = hours(4 * EUR, 4 * EUR, 4 * EUR)
    usual = [bool(learned.usual(now, hour)) for hour in range(32, 37)]
    assert usual == [False, True, True, True, False]


def test_a_long_pause_empties_all_weeks():
    learned, now = hours(4 * EUR, 4 * EUR, 4 * EUR)
    assert learned.usual(now + 20 * WEEK, 34) == 0


def test_weeks_known():
    learned, now = hours(1, 1, 1)
    assert Hours().weeks(now) == 0
    assert [learned.weeks(now + more * WEEK) for more in (-3, 0, 1, 30)] == [0, 3, 4, 8]


@pytest.mark.parametrize(
    ("days", "usual"),
    [
        ([10], 5),  # half of the excess
        ([10, 10, 10], 8),  # 5, then half of 5, then half of what is left, in whole units
        ([10, 1000], 10),  # an odd day doubles it at most
        ([10, 0], 5),  # a sixteenth of 5, rounded down
    ],
    ids=["first", "again", "odd", "less"],
)
def test_what_is_usual_at_a_place_follows_its_days(days, usual):
    habit = Habit(first=0, last=0)
    for day, cost in enumerate(days):
        habit.call(day, cost)
    habit.call(len(days), 0)
    assert habit.usual == usual


def test_days_without_calls_let_it_sink():
    habit = Habit(first=0, last=0, usual=1600)
    habit.call(0, 1600)
    habit.call(3, 0)  # one day at the usual, two without: 1600 - 100, then - 93
    assert habit.usual == 1407


def test_a_day_on_which_calls_were_stopped_teaches_nothing():
    habit = Habit(first=0, last=0)
    habit.call(0, 100)
    habit.spoil(0)
    habit.call(0, 100)
    habit.call(1, 0)
    assert (habit.usual, habit.days) == (0, 1)
    habit.spoil(0)  # not the last day
    assert habit.today == 0


@pytest.mark.parametrize(
    ("days", "today", "is_familiar"),
    [((0, 1, 2), 7, True), ((0, 1, 2), 6, False), ((0, 6), 9, False)],
    ids=["three", "too-soon", "two"],
)
def test_a_place_is_familiar_after_three_days_and_a_week(days, today, is_familiar):
    habit = Habit(first=0, last=0)
    for day in days:
        habit.call(day, 1)
    assert habit.is_familiar(today) is is_familiar


def test_a_trunk_that_is_not_known_has_its_class_s_profile():
    profile = Profile(TrunkClass())
    assert profile.is_quiet(TUESDAY, 24 + 3)  # at night
    assert not profile.is_quiet(TUESDAY, 24 + 10)
    assert profile.is_quiet(TUESDAY, 5 * 24 + 10)  # on Saturday
    assert [profile.usual_cost(TUESDAY, hour) for hour in (34, 3)] == [5 * EUR, 0]
    assert [profile.usual_attempts(TUESDAY, hour) for hour in (34, 3)] == [60, 0]
    assert profile.usual_at(NEW_PLACES, TUESDAY) == 12 * EUR
    assert profile.usual_at("mv", TUESDAY) == 0
    assert profile.basis(TUESDAY, 34) == "on Tuesdays at 10 h for a new trunk of class office"


def test_then_it_has_its_own():
    profile = Profile(TrunkClass())
    for number in range(3):
        profile.attempts.learn(TUESDAY + number * WEEK, 3, 40)
        profile.cost.learn(TUESDAY + number * WEEK, 3, EUR)
    now = TUESDAY + 3 * WEEK
    assert [profile.is_quiet(now, hour) for hour in (3, 34)] == [False, True]
    assert profile.usual_attempts(now, 3) == pytest.approx(40, rel=0.06)
    assert profile.usual_cost(now, 3) == pytest.approx(EUR, rel=0.06)
    assert profile.usual_at(NEW_PLACES, now) == 0
    assert profile.basis(now, 3) == "on Mondays at 3 h over the last 3 weeks"


def test_a_place_more_takes_the_room_of_the_one_that_rested_longest():
    profile = Profile(TrunkClass())
    for day in range(MOST_PLACES + 1):
        profile.habit(f"zone-{day}", day)
    assert len(profile.places) == MOST_PLACES
    assert "zone-0" not in profile.places


def test_origins_are_new_but_for_the_first_and_bounded():
    profile = Profile(TrunkClass())
    news = [profile.is_new_origin("NETWORK", name, at) for at, name in enumerate("abab")]
    assert news == [False, True, False, False]
    for at in range(2 * MOST_ORIGINS):
        profile.is_new_origin("NETWORK", str(at), 10 + at)
    assert len(profile.origins) == MOST_ORIGINS


def test_what_is_learned_survives_json():
    profile = Profile(TrunkClass())
    profile.cost.learn(TUESDAY, 34, 4 * EUR)
    profile.attempts.learn(TUESDAY, 34, 4)
    profile.habit("mv", 20_000).call(20_001, 5 * EUR)
    profile.is_new_origin("NETWORK", "192.0.2.0/24", TUESDAY)
    packed = json.loads(json.dumps(profile.packed()))
    again = Profile.unpacked(packed, TrunkClass())
    assert again.packed() == profile.packed()


@pytest.mark.parametrize(
    "spoilt",
    [
        {},
        {"cost": [0, 0, "00000"]},
        {"attempts": None},
        {"places": {"mv": [1, 2]}},
        {"places": {"mv": 3}},
        {"origins": 3},
        {"last_at": None},
    ],
    ids=["empty", "short", "none", "few", "number", "origins", "last"],
)
def test_what_cannot_be_read_is_said(spoilt):
    packed = {**Profile(TrunkClass()).packed(), **spoilt} if spoilt else {}
    with pytest.raises(InvalidInput, match="cannot be read"):
        Profile.unpacked(packed, TrunkClass())
