from random import Random

import pytest

from tests.traffic.by_lot import ByLot, Where
from tests.traffic.days import DAY, midnight
from tests.traffic.habits import HABITS
from tests.traffic.simulation import Simulation
from tests.traffic.zones import is_abroad
from tests.unit.traffic.players import Watcher
from tests.unit.traffic.test_attacks import LINE, MONDAY

SEEDS = range(12)


def played(where: Where, seed: int):
    """The attack, and the calls that were tried."""
    watcher = Watcher()
    attack = ByLot(where)(LINE, MONDAY, Random(seed))
    simulation = Simulation(watcher, [attack], midnight(MONDAY))
    simulation.play([], attack.begins + 8 * DAY)
    return simulation.damages[0], [each.seen for each in watcher.seen if each.moment == 0]


@pytest.mark.parametrize("where", Where)
def test_what_is_drawn_comes_from_the_seed_and_keeps_to_its_time(where):
    for seed in SEEDS:
        damage, calls = played(where, seed)
        assert calls
        attack = damage.attack
        assert midnight(MONDAY) <= attack.begins < midnight(MONDAY) + 8 * DAY
        assert all(attack.begins <= call.started_at < attack.ends for call in calls)
    assert played(where, 3)[1] == played(where, 3)[1]


def test_lots_differ_in_all_that_rules_look_at():
    every = [played(where, seed) for where in Where for seed in SEEDS]
    spent = sorted(damage.spent for damage, _ in every)
    assert spent[0] < 50
    assert spent[-1] > 2000
    counts = sorted(len(calls) for _, calls in every)
    assert counts[0] < 50
    assert counts[-1] > 1000
    hours = {int(damage.attack.begins % DAY // 3600) for damage, _ in every}
    assert len(hours) > 8
    traces = [len(damage.attack.events) for damage, _ in every]
    assert 0 in traces
    assert 1 in traces
    assert max(traces) > 5


def test_an_office_is_made_to_call_where_it_calls():
    habit = next(each for each in HABITS if each.name == LINE.kind)
    zones = {call.zone for seed in SEEDS for call in played(Where.KNOWN, seed)[1]}
    abroad = {zone for zone in zones if is_abroad(zone)}
    assert abroad
    assert abroad <= set(habit.zones)
