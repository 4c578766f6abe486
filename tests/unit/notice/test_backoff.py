"""When a notice is tried again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.notice.backoff import FIRST, MOST, pause_after


@pytest.mark.parametrize(
    ("tries", "jitter", "minutes"),
    [
        (1, 0.0, 1),
        (2, 0.0, 2),
        (5, 0.0, 16),  # 2^4
        (9, 0.0, 256),  # 2^8
        (10, 0.0, 360),  # 2^9 = 512, and six hours are the most
        (100_000, 0.0, 360),
        (5, 1.0, 12.8),  # 16 - a fifth of 16
        (10, 0.5, 324),  # 360 - a tenth of 360
    ],
)
def test_each_pause_is_twice_the_last_one(tries, jitter, minutes):
    assert pause_after(tries, jitter) == timedelta(minutes=minutes)


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_it_is_never_given_up_and_never_hurried(tries, jitter):
    assert FIRST * 0.8 <= pause_after(tries, jitter) <= MOST
