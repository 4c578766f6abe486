"""How often somebody may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.account.bucket import Buckets, Pace, Taken

PACE = Pace(burst=3, seconds=6)
"""Three at once, and then one each two seconds."""


def taken(*moments: float) -> list[bool]:
    buckets = Buckets[str](PACE, 9)
    return [buckets.take("acme", at).given for at in moments]


@pytest.mark.parametrize(
    ("moments", "given_"),
    [
        pytest.param((0, 0, 0, 0), [True, True, True, False], id="no-more-than-the-burst"),
        pytest.param((0, 0, 0, 1.9, 2), [True, True, True, False, True], id="one-in-two-seconds"),
        pytest.param((0, 0, 0, 4, 4, 4), [True] * 5 + [False], id="two-in-four"),
        pytest.param((0, 0, 0, 99, 99, 99, 99), [True] * 6 + [False], id="never-more-than-full"),
        pytest.param((9, 9, 9, 0, 1), [True] * 3 + [False] * 2, id="a-clock-set-back"),
    ],
)
def test_a_bucket(moments, given_):
    assert taken(*moments) == given_


def test_what_is_told():
    buckets = Buckets[str](PACE, 9)
    assert buckets.look("acme", 0) == Taken(given=True, left=3, wait=0, full_in=0)
    assert buckets.take("acme", 0) == Taken(given=True, left=2, wait=0, full_in=2)
    buckets.take("acme", 0)
    assert buckets.take("acme", 0) == Taken(given=True, left=0, wait=2, full_in=6)
    assert buckets.take("acme", 0.5) == Taken(given=False, left=0, wait=2, full_in=6)
    assert buckets.look("acme", 0.5) == Taken(given=False, left=0, wait=2, full_in=6)
    assert buckets.look("bolt", 0.5).left == 3


def test_only_so_many_are_kept_and_none_that_is_full():
    buckets = Buckets[int](PACE, 2)
    for key in (1, 2, 1, 3):
        buckets.take(key, 0)
    assert len(buckets) == 2
    assert buckets.look(1, 0).left == 1  # the one that was used last but one
    assert buckets.look(2, 0).left == 3  # forgotten
    buckets.look(1, 99)
    buckets.look(3, 99)
    assert len(buckets) == 0


@given(st.lists(st.floats(0, 10), max_size=60), st.integers(1, 9), st.integers(1, 9))
def test_no_more_is_given_than_flowed_back(steps, burst, seconds):
    buckets, now, count = Buckets[str](Pace(burst, seconds), 1), 0.0, 0
    for step in steps:
        now += step
        count += buckets.take("acme", now).given
    assert count <= burst + now * burst / seconds + 1e-6
