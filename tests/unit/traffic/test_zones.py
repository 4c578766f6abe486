from random import Random

import pytest

from asterisk_siptrunk.destination import normalise
from tests.traffic.zones import ZONES, a_number, is_abroad, numbers_from, price_of


@pytest.mark.parametrize("zone", ZONES)
def test_a_number_of_a_zone_is_in_it(zone):
    random = Random(zone)
    for number in [a_number(zone, random) for _ in range(30)] + numbers_from(zone, 7, 3):
        destination = normalise(number, "FR")
        assert destination is not None, number
        assert destination.zone == zone, number


def test_numbers_follow_one_another():
    assert numbers_from("fr:mobile", 7, 3) == ["+33615000007", "+33615000008", "+33615000009"]


@pytest.mark.parametrize(
    ("zone", "seconds", "cost"),
    [
        pytest.param("fr:mobile", 90, 0.0675, id="by the second"),  # 0.045 x 90 / 60
        pytest.param("fr:mobile", 89.2, 0.0675, id="a begun second counts"),
        pytest.param("mv:mobile", 61, 0.70, id="by the minute"),  # 0.35 x 2
        pytest.param("lv:premium", 61, 7.00, id="with a fee"),  # 1 + 3 x 2
        pytest.param("001:satellite", 3600, 480.0, id="satellite"),  # 8 x 60
        pytest.param("tn:fixed", 30, 0.30, id="the world"),  # 0.30 x 1
        pytest.param("re:mobile", 30, 0.09, id="by a prefix"),  # 0.09 x 1
        pytest.param("", 600, 3.00, id="unreadable"),  # 0.30 x 10, as all others
    ],
)
def test_a_call_costs_what_the_deck_says(zone, seconds, cost):
    assert price_of(zone).cost(seconds) == pytest.approx(cost)


@pytest.mark.parametrize(
    ("zone", "abroad"),
    [("fr:premium", False), ("re:mobile", False), ("be:fixed", True), ("001:satellite", True)],
)
def test_abroad_is_beyond_the_home_plan(zone, abroad):
    assert is_abroad(zone) is abroad
