from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.anomaly.window import (
    GENERATIONS,
    PARTS,
    PLACES,
    ButDearest,
    Distinct,
    Gauge,
    Leaders,
    Ring,
)

SPAN = 120.0
STEPS = st.lists(st.tuples(st.floats(0, 200), st.integers(0, 9)), min_size=1, max_size=80)


def between(events, now, span):
    return sum(amount for at, amount in events if now - span < at <= now)


def moments(steps):
    now, events = 1_000_000.0, []
    for gap, amount in steps:
        now += gap
        events.append((now, amount))
    return events


@given(STEPS)
def test_a_ring_counts_all_of_its_window_but_its_oldest_part_and_nothing_older(steps):
    ring, past = Ring(SPAN), []
    for at, amount in moments(steps):
        past.append((at, amount))
        total = ring.add(at, "", amount)
        assert between(past, at, SPAN * (1 - 1 / PARTS)) <= total <= between(past, at, SPAN + 1e-6)
        assert ring.value(at) == total


@given(STEPS, st.integers(1, 40))
def test_leaders_count_never_too_much_and_too_little_by_a_known_share(steps, keys):
    leaders = Leaders(SPAN)
    events = [(at, amount, str(amount * 7 % keys)) for at, amount in moments(steps)]
    for count, (at, amount, key) in enumerate(events, 1):
        told = leaders.add(at, key, amount)
        past = events[:count]
        own = [(when, much) for when, much, whose in past if whose == key]
        whole = between([(when, much) for when, much, _ in past], at, SPAN + 1e-6)
        least = between(own, at, SPAN * (1 - 1 / GENERATIONS))
        assert least - whole / (PLACES + 1) <= told <= between(own, at, SPAN + 1e-6)


def test_a_leader_is_found_in_a_crowd_and_memory_is_bounded():
    leaders = Leaders(SPAN)
    keys: Counter[str] = Counter()
    for turn in range(2000):
        key = "pumped" if turn % 4 == 0 else f"once-{turn}"
        keys[key] += 1
        told = leaders.add(100 + turn * 0.01, key, 1)
    assert keys["pumped"] == 500
    assert leaders.value(120, "pumped") >= 500 - 2000 / (PLACES + 1)
    assert told <= 1
    assert all(len(part) <= 2 * PLACES for part in leaders._parts)


def test_a_newcomer_that_has_more_than_the_least_takes_its_place():
    leaders = Leaders(SPAN)
    for number in range(PLACES):
        leaders.add(100, f"{number}", 10 + number)
    assert leaders.add(100, "new", 25) == 15  # 25 less the least, 10, which all give
    assert [leaders.value(100, f"{number}") for number in (0, 1, 15)] == [0, 1, 15]


@pytest.mark.parametrize(("count", "error"), [(1, 0), (10, 1), (100, 10), (400, 40)])
def test_distinct_things_are_told_about(count, error):
    distinct = Distinct(SPAN)
    for turn in range(3 * count):
        told = distinct.add(1000 + turn / count, f"+3361{turn % count:07}", 1)
    assert abs(told - count) <= error


def test_distinct_things_slide_out_of_the_window():
    distinct = Distinct(SPAN)
    distinct.add(0, "a", 1)
    assert distinct.add(79, "b", 1) == 2
    assert distinct.value(121) == 1
    assert distinct.value(1000) == 0


@given(STEPS, st.integers(1, PLACES))
def test_of_few_keys_the_dearest_is_told_exactly(steps, keys):
    window, past = ButDearest(SPAN), []
    for at, amount in moments(steps):
        key = str(amount * 7 % keys)
        past.append((at, key, amount))
        total = window.add(at, key, amount)
        assert total == window.value(at)
        part = SPAN / GENERATIONS
        inside = [each for each in past if at // part - each[0] // part < GENERATIONS]
        assert total == sum(amount for _, _, amount in inside)
        sums = Counter[str]()
        for _, each, much in inside:
            sums[each] += much
        assert window.dearest(at, ()) == max(sums.values())
        sums["running"] += 1000
        assert window.dearest(at, [("running", 400), ("running", 600)]) == max(sums.values())
    assert window.value(past[-1][0] + SPAN + part) == 0
    assert window.dearest(past[-1][0] + SPAN + part, ()) == 0


@pytest.mark.parametrize("make", [Ring, Leaders, ButDearest, Distinct])
def test_what_is_forgotten_is_counted_from_nothing(make):
    window = make(SPAN)
    window.add(10, "a", 1)
    window.forget("a")
    window.forget("a")
    assert window.value(10, "a") == 0
    assert window.add(11, "a", 1) == 1


@pytest.mark.parametrize("make", [Ring, Leaders, ButDearest, Distinct])
def test_a_clock_that_went_back_is_now(make):
    window = make(SPAN)
    window.add(500, "a", 1)
    assert window.value(20, "a") == 1


def test_a_gauge_has_what_running_calls_came_to():
    gauge = Gauge()
    gauge.begin(600)
    gauge.begin(60)
    assert (gauge.calls, gauge.in_a_minute(), gauge.so_far(50)) == (2, 660, 0)
    gauge.answer(100, 600)
    gauge.answer(130, 60)
    assert gauge.so_far(160) == 600 + 30  # a minute of 600, half a minute of 60
    assert gauge.seconds_to(66) == 6.0
    gauge.end(600, 100)
    assert (gauge.calls, gauge.so_far(190)) == (1, 60)
    gauge.end(60, 130)
    assert gauge.seconds_to(1) == float("inf")


@given(st.lists(st.tuples(st.integers(0, 10**7), st.floats(0, 10**5)), max_size=30))
def test_a_gauge_is_exact_whatever_comes_and_goes(calls):
    gauge, base = Gauge(), 1_800_000_000.0
    for pace, after in calls:
        gauge.begin(pace)
        gauge.answer(base + after, pace)
    now = base + 2 * 10**5
    for pace, after in calls[1:]:
        gauge.end(pace, base + after)
    expected = calls[0][0] * (2 * 10**5 - calls[0][1]) / 60 if calls else 0
    assert gauge.so_far(now) == pytest.approx(
        expected, abs=calls[0][0] / 50_000 + 1 if calls else 0
    )
