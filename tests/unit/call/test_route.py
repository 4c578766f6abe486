from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from asterisk_siptrunk.call import order, with_room
from asterisk_siptrunk.call.writing import called_number, presented_number
from asterisk_siptrunk.trunk import NumberFormat
from tests.unit.call.builders import BACKUP, CARRIER, PROFILE, number

LIGHT = replace(CARRIER, id=3, name="light", weight=10)
HEAVY = replace(CARRIER, id=4, name="heavy", weight=30)


def test_priority_comes_before_any_weight():
    heavy_backup = replace(BACKUP, weight=10_000)

    assert order([heavy_backup, CARRIER], lambda: 0.999)[0] is CARRIER


# Weights 30 and 10: heavy has [0, 30) of 40, light [30, 40).
@pytest.mark.parametrize(
    ("chance", "names"),
    [(0.0, "heavy light"), (0.74, "heavy light"), (0.75, "light heavy"), (0.999, "light heavy")],
)
def test_weights_share_the_draw(chance, names):
    assert [one.name for one in order([LIGHT, HEAVY], lambda: chance)] == names.split()


def test_over_many_calls_the_shares_are_those_of_the_weights():
    random = Random(1)
    drawn = Counter(order([LIGHT, HEAVY], random.random)[0].name for _ in range(4000))

    assert 0.72 < drawn["heavy"] / 4000 < 0.78  # 30 of 40


def test_a_draw_on_the_upper_edge_is_still_a_draw():
    assert len(order([LIGHT, HEAVY], lambda: 1.0)) == 2


def test_carriers_without_a_limit_always_have_room():
    limited = replace(CARRIER, channels=2)

    assert with_room([limited, BACKUP], {1: 1, 2: 500}) == (limited, BACKUP)
    assert with_room([limited, BACKUP], {1: 2, 2: 500}) == (BACKUP,)


@pytest.mark.parametrize(
    ("style", "country", "dialled", "written"),
    [
        (NumberFormat.PLUS, "FR", "0123456789", "+33123456789"),
        (NumberFormat.DIGITS, "FR", "0123456789", "33123456789"),
        (NumberFormat.ZEROS, "FR", "0123456789", "0033123456789"),
        (NumberFormat.NATIONAL, "FR", "0123456789", "0123456789"),
        (NumberFormat.NATIONAL, "FR", "+4930123456", "004930123456"),
        (NumberFormat.NATIONAL, "IT", "+390612345678", "0612345678"),
        (NumberFormat.PLUS, "FR", "112", "112"),
        (NumberFormat.ZEROS, "FR", "3114", "3114"),
    ],
)
def test_each_carrier_gets_numbers_as_it_writes_them(style, country, dialled, written):
    profile = replace(PROFILE, called_format=style, caller_format=style)
    carrier = replace(CARRIER, profile=profile, country=country)
    callee = number(dialled)

    assert called_number(carrier, callee) == written
    assert presented_number(carrier, callee.number) == written


@pytest.mark.parametrize("caller", ["", "+", "++33", "+999123", "17"])
def test_a_caller_that_is_no_number_stops_no_call(caller):
    national = replace(PROFILE, caller_format=NumberFormat.NATIONAL)

    assert isinstance(presented_number(replace(CARRIER, profile=national), caller), str)


def test_a_tech_prefix_stands_before_numbers_but_not_before_short_ones():
    carrier = replace(CARRIER, profile=replace(PROFILE, tech_prefix="1234"))

    assert called_number(carrier, number("0123456789")) == "1234+33123456789"
    assert called_number(carrier, number("112")) == "112"
