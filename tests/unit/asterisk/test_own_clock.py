"""A clock that is set in mid-call: what lies between the call's events stays as long as it was."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.asterisk.own_clock import OwnClocks
from asterisk_siptrunk.call import Answered, CallChange, Ended, Ringing, Spoken

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CALL = "lab-1.0"


def told(clocks: OwnClocks, change: CallChange, *, read_at: datetime, set_by: float) -> CallChange:
    return clocks.told(change, AmiEvent("x", {}, read_at, clock_ahead=1000.0 + set_by))


def seconds(number: float) -> datetime:
    return NOON + timedelta(seconds=number)


@pytest.mark.parametrize("by", [HOUR, -HOUR, timedelta(seconds=20)])
def test_an_end_after_the_clock_was_set_is_told_by_the_clock_before(by: timedelta):
    clocks = OwnClocks()
    answered = Answered(CALL, seconds(2))
    assert told(clocks, answered, read_at=seconds(2), set_by=0) == answered
    end = seconds(10) + by
    changed = told(clocks, Ended(CALL, end, 16), read_at=end, set_by=by.total_seconds())
    assert changed == Ended(CALL, seconds(10), 16, clock_was_set=True)


def test_an_answer_after_it_is_told_so_too():
    clocks = OwnClocks()
    told(clocks, Ringing(CALL, seconds(1)), read_at=seconds(1), set_by=0)
    late = seconds(2) + HOUR
    assert told(clocks, Answered(CALL, late), read_at=late, set_by=3600) == Answered(
        CALL, seconds(2)
    )


def test_what_happened_before_and_was_read_after_stays():
    clocks = OwnClocks()
    told(clocks, Answered(CALL, seconds(2)), read_at=seconds(2), set_by=0)
    end = Ended(CALL, seconds(10))
    assert told(clocks, end, read_at=seconds(10) + HOUR, set_by=3600) == end


def test_a_call_that_began_after_it_has_the_new_clock():
    clocks = OwnClocks()
    answered, end = Answered(CALL, seconds(2) + HOUR), Ended(CALL, seconds(9) + HOUR)
    assert told(clocks, answered, read_at=answered.at, set_by=3600) == answered
    assert told(clocks, end, read_at=end.at, set_by=3600) == end


def test_a_clock_that_is_kept_true_sets_nothing():
    clocks = OwnClocks()
    told(clocks, Answered(CALL, seconds(2)), read_at=seconds(2), set_by=0)
    end = Ended(CALL, seconds(3600))
    assert told(clocks, end, read_at=end.at, set_by=0.3) == end


def test_a_codec_has_no_time():
    spoken = Spoken(CALL, "alaw")
    assert told(OwnClocks(), spoken, read_at=NOON, set_by=0) == spoken


def test_calls_are_forgotten_when_they_end_or_are_no_more():
    clocks = OwnClocks()
    for call in ("ended", "lost", "alive"):
        told(clocks, Answered(call, NOON), read_at=NOON, set_by=0)
    told(clocks, Ended("ended", seconds(1)), read_at=seconds(1), set_by=0)
    clocks.keep(["alive"])
    assert set(clocks._ahead) == {"alive"}
