from dataclasses import replace
from datetime import timedelta

import pytest

from asterisk_siptrunk.call import CallRecord, Direction, Reason, State, Verdict, Via, reason_of
from tests.unit.call.builders import NOON

ASKED = CallRecord(
    id=1,
    server="lab",
    uniqueid="lab-1.1",
    sip_call_id="",
    trunk="acme",
    carrier="one",
    direction=Direction.OUTBOUND,
    caller="+331",
    presented="+331",
    withheld=False,
    dialled="0612345678",
    callee="+33612345678",
    zone="fr:mobile",
    verdict=Verdict.ADMITTED,
    reason=Reason.ADMITTED,
    facts="",
    via=Via.SERVICE,
    user_agent="",
    codec="",
    started_at=NOON,
)
SECOND = timedelta(seconds=1)
RINGING = replace(ASKED, ringing_at=NOON + SECOND)
UP = replace(RINGING, answered_at=NOON + 3 * SECOND)
ENDED = replace(UP, ended_at=NOON + 10 * SECOND)
CANCELLED = replace(RINGING, ended_at=NOON + 4 * SECOND)


# duration: INVITE to end; billable: answer (3 s) to end (10 s).
@pytest.mark.parametrize(
    ("record", "state", "duration", "billable"),
    [
        (ASKED, State.ASKED, 0, 0),
        (RINGING, State.RINGING, 0, 0),
        (UP, State.UP, 0, 0),
        (ENDED, State.ENDED, 10, 7),
        (CANCELLED, State.ENDED, 4, 0),
        # An estimated end may come before the answer; nobody pays for less than nothing.
        (replace(UP, ended_at=NOON + 2 * SECOND), State.ENDED, 2, 0),
    ],
)
def test_state_and_times_follow_from_what_is_known(record, state, duration, billable):
    assert record.state is state
    assert record.duration == duration * SECOND
    assert record.billable == billable * SECOND


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_found_by_its_word(reason):
    assert reason_of(reason.value) is reason


def test_a_word_that_is_no_reason_is_none():
    with pytest.raises(KeyError):
        reason_of("because")
