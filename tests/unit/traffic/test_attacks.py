from collections import Counter
from datetime import date
from functools import cache
from random import Random

import pytest

from asterisk_siptrunk.anomaly.sighting import Moment
from asterisk_siptrunk.call import Direction, Reason
from tests.traffic.attacks import Aims, night_of, working_days
from tests.traffic.days import DAY, HOUR, local_day, midnight
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.plan import Line
from tests.traffic.simulation import Simulation
from tests.traffic.tuning import SHAPES
from tests.unit.traffic.players import Watcher

MONDAY = date(2026, 4, 13)
LINE = Line("victim", "office", 20, tuple(f"+3312345{number:04}" for number in range(12)))
BY_NAME = {shape.name: shape for shape in reversed(SHAPES)}


def attacked(shape, watcher):
    """What the attack did, and what was seen of it."""
    attack = shape(LINE, MONDAY, Random("seed"))
    simulation = Simulation(watcher, [attack], midnight(MONDAY))
    simulation.play([], attack.ends + DAY)
    return simulation.damages[0], [each.seen for each in watcher.seen if each.moment == 0], watcher


@cache
def free(shape):
    """The same, where nobody stops it."""
    return attacked(shape, Watcher())


def each_shape():
    return pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


@each_shape()
def test_an_attack_comes_from_its_seed_alone(shape):
    first, second = free(shape), attacked(shape, Watcher())
    assert first[1] == second[1]
    assert first[0].spent == second[0].spent


@each_shape()
def test_an_attack_keeps_to_its_time(shape):
    damage, calls, _ = free(shape)
    attack = damage.attack
    assert midnight(MONDAY) <= attack.begins < midnight(MONDAY) + 8 * DAY
    assert len(calls) > 5
    assert all(attack.begins <= call.started_at < attack.ends for call in calls)
    assert calls[0].started_at == attack.begins


CHEAP = {"wangiri, from the trunk", "number scanning"}


@each_shape()
def test_an_attack_that_nobody_stops_costs_money(shape):
    damage, _, _ = free(shape)
    assert damage.spent < 10 if shape.name in CHEAP else damage.spent > 15


def stop(part: Part):
    """A judge that stops it at its tenth call, and cuts what runs."""
    count = 0

    def judge(sighting):
        nonlocal count
        count += sighting.moment is Moment.BEGUN
        if sighting.moment is Moment.BEGUN and count == 10:
            scope = Scope(part, sighting.seen.zone if part is Part.ZONE else "")
            yield Verdict(
                *(sighting.at, LINE.name, scope, Level.CRITICAL, "test"), None, ends_calls=True
            )

    return Watcher(judge)


@each_shape()
def test_what_is_blocked_costs_no_more(shape):
    damage, calls, _ = attacked(shape, stop(Part.ALL))
    assert damage.stopped_at is not None
    assert damage.spent <= free(shape)[0].spent
    assert not any(call.admitted for call in calls if call.started_at >= damage.stopped_at)
    assert damage.refused > 0


def test_calls_to_zones_that_are_not_blocked_go_on():
    watcher = stop(Part.ZONE)
    damage, calls, _ = attacked(BY_NAME["stolen credentials"], watcher)
    assert damage.stopped_at is not None
    blocked = {call.zone for call in calls if call.reason is Reason.SUSPENDED}
    after = [call for call in calls if call.started_at > damage.stopped_at and call.admitted]
    assert len(blocked) == 1
    assert {call.zone for call in after} == {"cu:mobile", "pk:mobile", "bd:mobile"} - blocked


def test_premium_pumping_is_announced():
    damage, calls, watcher = free(BY_NAME["premium pumping"])
    assert [event.kind for event in watcher.events[:2]] == ["ChallengeResponseFailed"] * 2
    assert watcher.events[-1].kind == "SuccessfulAuth"
    assert watcher.events[-1].at.timestamp() < damage.attack.begins
    assert [call.reason for call in calls[:20]] == [Reason.UNKNOWN_NUMBER] * 20
    assert calls[20].zone == "gb:fixed"
    assert {call.zone for call in calls[21:]} == {"mv:mobile", "so:mobile", "gm:mobile"}


def test_slow_pumping_keeps_business_hours():
    _, calls, _ = free(BY_NAME["slow pumping"])
    assert all(9 <= (c.started_at - midnight(local_day(c.started_at))) / HOUR < 18 for c in calls)
    by_hour = Counter(int(call.started_at // HOUR) for call in calls)
    assert max(by_hour.values()) <= 5


def test_wangiri_rings_once_and_seldom_talks():
    _, calls, watcher = free(BY_NAME["wangiri, from the trunk"])
    answered = sum(each.moment is Moment.ANSWERED for each in watcher.seen)
    assert len(calls) > 1000
    assert answered < 0.05 * len(calls)
    assert len({call.callee for call in calls}) > 500


def test_wangiri_to_the_trunk_is_called_back():
    _, calls, _ = free(BY_NAME["wangiri, to the trunk"])
    rings = [call for call in calls if call.direction is Direction.INBOUND]
    backs = [call for call in calls if call.direction is Direction.OUTBOUND]
    assert {call.callee for call in rings} == set(LINE.numbers)
    assert {call.callee for call in backs} == {rings[0].caller}


def test_scanning_dials_one_number_after_the_other():
    _, calls, _ = free(BY_NAME["number scanning"])
    numbers = [int(call.callee) for call in calls]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))


def test_dial_through_has_a_call_in_for_its_calls_out():
    _, calls, _ = free(BY_NAME["dial-through"])
    first, second = calls[:2]
    assert (first.direction, second.direction) == (Direction.INBOUND, Direction.OUTBOUND)
    assert second.started_at - first.started_at == 20


def test_call_back_calls_who_let_it_ring():
    _, calls, _ = free(BY_NAME["call-back"])
    rings = {call.caller for call in calls if call.direction is Direction.INBOUND}
    backs = [call for call in calls if call.direction is Direction.OUTBOUND]
    assert sum(call.callee in rings for call in backs) > len(backs) / 3


def test_resale_shows_numbers_that_are_not_the_trunks():
    _, calls, _ = free(BY_NAME["resale"])
    assert len({call.presented for call in calls}) > 100
    assert {call.caller for call in calls} == {LINE.numbers[0]}


def test_one_callee():
    _, calls, _ = free(BY_NAME["pumping to one callee"])
    assert len({call.callee for call in calls}) == 1
    assert len({call.caller for call in calls}) > 3


def test_stolen_credentials_are_used_by_day():
    damage, _, watcher = free(BY_NAME["stolen credentials"])
    hour = (damage.attack.begins - midnight(local_day(damage.attack.begins))) / HOUR
    assert 9 < hour < 16
    assert len(watcher.events) == 1


def test_aims_that_were_all_refused_are_tried_again():
    aims = Aims([("+1", "a"), ("+2", "b")], Random(1))
    aims.refuse("a")
    assert {aims.pick() for _ in range(9)} == {("+2", "b")}
    aims.refuse("b")
    assert aims.pick() is None
    assert aims.pick() is not None


def test_nights_before_a_day_without_work_are_preferred():
    nights = [local_day(night_of(MONDAY, Random(seed)) - 6 * HOUR) for seed in range(60)]
    assert Counter(nights).most_common(1)[0][0] == date(2026, 4, 17)  # a Friday


def test_working_days_leave_out_holidays():
    assert working_days(date(2026, 5, 7), 3) == [
        date(2026, 5, 7),  # the 8th is a holiday, a Friday
        date(2026, 5, 11),
        date(2026, 5, 12),
    ]
