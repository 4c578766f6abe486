from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from random import Random
from statistics import mean

import pytest

from asterisk_siptrunk.call import Direction
from tests.traffic.customers import Customer, poisson
from tests.traffic.days import HOUR, Sort, midnight, sort_of
from tests.traffic.habits import HABITS, Habit
from tests.traffic.plan import Planned
from tests.traffic.zones import ZONES, is_abroad

FIRST, DAYS = date(2026, 3, 30), 60
TUESDAY, WEDNESDAY, SUNDAY = date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 12)
KINDS = {habit.name: habit for habit in HABITS}


def customer(habit: Habit, seed: str = "a") -> Customer:
    return Customer(habit, f"{habit.name}-{seed}", f"test/{seed}", FIRST, DAYS)


def many(kind: str, count: int = 30) -> list[Customer]:
    return [customer(KINDS[kind], str(seed)) for seed in range(count)]


def a_day(kind: str, day: date) -> list[Planned]:
    return [call for each in many(kind) for call in each.day(day)]


def out(calls: list[Planned]) -> list[Planned]:
    return [call for call in calls if call.direction is Direction.OUTBOUND]


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name)
def test_a_day_comes_from_its_seed_alone(habit):
    alone = customer(habit).day(TUESDAY)
    after_others = customer(habit)
    after_others.day(SUNDAY)
    assert alone == after_others.day(TUESDAY)
    assert alone != customer(habit, "b").day(TUESDAY)


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.name)
def test_calls_go_to_known_zones_within_the_day(habit):
    for call in customer(habit).day(TUESDAY):
        assert call.zone in {*ZONES, "", "fr:emergency"}
        assert midnight(TUESDAY) <= call.at < midnight(WEDNESDAY) + HOUR
        assert call.caller in call.line.numbers or call.direction is Direction.INBOUND


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        pytest.param("office", 35, 70, id="office"),  # about 35, and those of the 15 %
        pytest.param("small", 2.5, 8, id="small"),  # 3.5
        pytest.param("call-centre", 350, 800, id="call-centre"),  # 450
        pytest.param("alarm", 44, 56, id="alarm"),  # 3 x 6 + 4 + 25 by machines, 4 by people
    ],
)
def test_a_working_day_has_its_calls(kind, least, most):
    assert least < len(out(a_day(kind, TUESDAY))) / 30 < most


@pytest.mark.parametrize(
    ("kind", "share"),
    [pytest.param("office", 0.1, id="closed"), pytest.param("hotel", 2.0, id="open")],
)
def test_sundays(kind, share):
    working, sunday = len(a_day(kind, TUESDAY)), len(a_day(kind, SUNDAY))
    assert sunday < share * working
    assert share < 1 or sunday > 0.5 * working


@pytest.mark.parametrize(
    ("kind", "busy", "quiet"),
    [
        pytest.param("school", date(2026, 5, 11), date(2026, 4, 20), id="school holidays"),
        pytest.param("small", date(2026, 7, 6), date(2026, 8, 10), id="August"),
        pytest.param("shop", date(2026, 12, 7), date(2026, 10, 5), id="Christmas"),
        pytest.param("hotel", date(2026, 8, 3), date(2026, 10, 5), id="summer guests"),
    ],
)
def test_seasons(kind, busy, quiet):
    assert len(a_day(kind, busy)) > 1.4 * len(a_day(kind, quiet))


def test_the_exporter_calls_abroad_and_the_call_centre_does_not():
    exporter, centre = out(a_day("exporter", TUESDAY)), out(a_day("call-centre", TUESDAY))
    assert mean(is_abroad(call.zone) for call in exporter) > 0.25
    assert mean(is_abroad(call.zone) for call in centre) < 0.01


def test_campaigns_are_seldom_answered():
    calls = out(a_day("call-centre", TUESDAY))
    assert 0.3 < mean(call.talk is not None for call in calls) < 0.45


def test_an_office_calls_the_same_people_again():
    calls = Counter(call.callee for each in many("office") for call in out(each.day(TUESDAY)))
    assert max(calls.values()) > 3
    strangers = Counter(call.callee for call in out(customer(KINDS["call-centre"]).day(TUESDAY)))
    assert max(strangers.values()) < 8


def test_machines_keep_their_hours():
    calls = [call for call in customer(KINDS["alarm"]).day(SUNDAY) if call.ring == 3.0]
    first = min(calls, key=lambda call: call.at)
    turns = sorted(call.at for call in calls if call.callee == first.callee)
    assert all(abs(later - sooner - 4 * HOUR) < 60 for sooner, later in pairwise(turns))
    assert len(turns) == 6


def test_some_calls_are_forwarded_under_the_number_that_called():
    calls = a_day("practice", TUESDAY)
    callers = {call.caller for call in calls if call.direction is Direction.INBOUND}
    forwarded = [call for call in out(calls) if call.presented not in call.line.numbers]
    assert forwarded
    assert {call.presented for call in forwarded} <= callers


def test_emergencies_are_rare_and_there():
    calls = [call for day in range(14) for call in a_day("office", FIRST + timedelta(days=day))]
    assert 0 < sum(call.zone == "fr:emergency" for call in calls) < 15


def happened(name: str):
    for each in (one for kind in ("office", "shop", "exporter") for one in many(kind, 100)):
        for happening in each.happenings:
            around = (happening.begins + timedelta(days=days) for days in (-1, 0, 1))
            if happening.name == name and all(sort_of(day) is Sort.WORKING for day in around):
                return each, happening
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        pytest.param("new-supplier", lambda call: is_abroad(call.zone), id="new supplier"),
        pytest.param("new-pbx", lambda call: call.ring == 4, id="tests of a new PBX"),
        pytest.param("call-backs", lambda call: call.ring == 14, id="call-back campaign"),
        pytest.param("off-hook", lambda call: (call.talk or 0) >= 4 * HOUR, id="off the hook"),
        pytest.param("bad-night", lambda call: call.at % (24 * HOUR) < 4 * HOUR, id="bad night"),
        pytest.param("away", lambda call: is_abroad(call.zone), id="forwarded abroad"),
        pytest.param("branch", lambda call: call.zone.endswith(":fixed"), id="a branch abroad"),
        pytest.param("stranded", lambda call: is_abroad(call.zone), id="stranded abroad"),
        pytest.param("late-negotiation", lambda call: (call.talk or 0) > 500, id="negotiation"),
    ],
)
def test_what_happens_once_is_not_seen_the_day_before(name, shows):
    each, happening = happened(name)
    days = [happening.begins + timedelta(days=after) for after in range(6)]
    within = [
        call for day in days if day < happening.ends for call in happening.calls(day, Random(1))
    ]
    assert any(shows(call) for call in within)
    assert set(within) - set(each.day(happening.begins - timedelta(days=1))) == set(within)


def test_a_crisis_has_many_times_the_calls():
    each, crisis = happened("crisis")
    ordinary = len(each.day(crisis.begins - timedelta(days=1)))
    assert len(each.day(crisis.begins)) > 2 * ordinary


def test_a_new_pbx_shows_the_main_number_from_then_on():
    each, moved = happened("new-pbx")
    after, before = moved.begins + timedelta(days=1), moved.begins - timedelta(days=1)
    assert {call.presented for call in out(each.day(after))} <= {each.line.numbers[0]}
    assert len({call.presented for call in out(each.day(before))}) > 1


@pytest.mark.parametrize("times", [0, 0.2, 3, 200])
def test_poisson_has_its_mean(times):
    random = Random(1)
    counts = [poisson(random, times) for _ in range(2000)]
    assert mean(counts) == pytest.approx(times, abs=4 * (times / 2000) ** 0.5)
