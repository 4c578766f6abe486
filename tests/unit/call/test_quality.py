"""How well calls go by a carrier."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call.fault import Party
from asterisk_siptrunk.call.quality import Trial, quality_of

ANSWERED = Trial(Party.NOBODY, delay=2.0, talk=60.0)


def failed(party, delay=None) -> Trial:
    return Trial(party, delay)


def test_what_ten_calls_come_to():
    trials = [
        *(Trial(Party.NOBODY, delay=each, talk=30.0) for each in (1.0, 2.0, 3.0, 4.0)),
        failed(Party.CALLED, 5.0),
        failed(Party.CALLED, 6.0),
        failed(Party.CUSTOMER),
        failed(Party.CARRIER),
        failed(Party.CARRIER),
        failed(Party.US),
    ]
    found = quality_of(trials)
    assert found.asr == 0.4  # 4 of 10
    assert found.ner == 0.7  # 10 - 2 the carrier's - 1 ours
    assert found.acd == 30.0  # 4 times 30, by 4
    assert found.median_delay == 3.0  # the third of six
    assert found.late_delay == 6.0
    assert found.failures == {Party.CALLED: 2, Party.CUSTOMER: 1, Party.CARRIER: 2, Party.US: 1}


@pytest.mark.parametrize("name", ["asr", "ner", "acd", "median_delay", "late_delay"])
def test_of_no_calls_nothing_is_told(name):
    assert getattr(quality_of([]), name) is None


def test_a_call_that_goes_on_has_no_duration_yet():
    found = quality_of([ANSWERED, Trial(Party.NOBODY, delay=1.0)])
    assert (found.asr, found.acd) == (1.0, 60.0)


def test_of_no_answer_there_is_no_duration():
    found = quality_of([failed(Party.CALLED)])
    assert (found.asr, found.acd) == (0.0, None)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50))
def test_so_many_are_not_above(delays):
    found = quality_of(Trial(Party.CALLED, each) for each in delays)
    for bound, share in ((found.median_delay, 0.5), (found.late_delay, 0.95)):
        assert bound is not None
        assert sum(each <= bound for each in delays) >= share * len(delays)
        assert sum(each < bound for each in delays) < share * len(delays)
