from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call import Pace, full


def test_a_bucket_refills_with_time_up_to_one_second_of_calls():
    spent = full(5, 100.0).less_one().less_one()

    assert spent.tokens == 3
    assert spent.refilled(5, 100.5) == Pace(5.0, 100.5)
    assert spent.refilled(4, 100.125) == Pace(3.5, 100.125)
    assert spent.refilled(5, 200.0).tokens == 5


def test_a_clock_set_back_gives_and_takes_nothing():
    # The next clock that asks, 60 s ahead of this one, must not be given that minute again.
    assert Pace(2.0, 100.0).refilled(5, 40.0) == Pace(2.0, 100.0)


def test_a_clock_set_back_by_an_hour_does_not_stop_the_trunk_for_one():
    spent = Pace(0.0, 10_000.0).refilled(5, 6_400.0)
    assert spent == Pace(0.0, 6_400.0)
    assert spent.refilled(5, 6_401.0).tokens == 5


@given(
    st.lists(st.floats(0, 3), min_size=1, max_size=200),
    st.integers(1, 20),
)
def test_never_more_than_the_rate_and_one_burst(gaps, rate):
    now, passed = 0.0, 0
    bucket = full(rate, now)
    for gap in gaps:
        now += gap
        bucket = bucket.refilled(rate, now)
        if bucket.tokens >= 1:
            bucket, passed = bucket.less_one(), passed + 1
    assert passed <= rate * now + rate + 1e-6
