"""What a list of calls comes to."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.call import Verdict
from asterisk_siptrunk.call.sums import Outcome, Sums, sums_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds):
    return None if seconds is None else NOON + timedelta(seconds=seconds)


def admitted(answered, ended):
    return Outcome(Verdict.ADMITTED, at(answered), at(ended))


REFUSED = Outcome(Verdict.REFUSED, None, NOON)
SPOKEN, SHORT = admitted(5, 65), admitted(5, 15)
UNANSWERED, RINGING, UP = admitted(None, 30), admitted(None, None), admitted(5, None)


@pytest.mark.parametrize(
    ("outcomes", "calls", "asr", "acd"),
    [
        pytest.param([], 0, None, None, id="none"),
        pytest.param([REFUSED], 1, None, None, id="refused-is-not-asked"),
        pytest.param([RINGING], 1, None, None, id="not-decided-yet"),
        pytest.param([UNANSWERED], 1, 0, None, id="unanswered"),
        pytest.param([UP], 1, 1, None, id="lasts"),
        pytest.param([SPOKEN, SHORT], 2, 1, 35, id="60-and-10-seconds"),
        pytest.param([SPOKEN, SHORT, UNANSWERED, UNANSWERED], 4, 0.5, 35, id="half"),
        pytest.param([SPOKEN, UP, UNANSWERED, REFUSED, RINGING], 5, 2 / 3, 60, id="mixed"),
        # A clock was set back while it lasted.
        pytest.param([admitted(5, 3)], 1, 1, 0, id="never-negative"),
    ],
)
def test_sums(outcomes, calls, asr, acd):
    found = sums_of(outcomes)
    assert (found.calls, found.asr) == (calls, asr)
    assert found.acd == (None if acd is None else timedelta(seconds=acd))


def test_each_is_counted_where_it_belongs():
    found = sums_of([SPOKEN, UP, UNANSWERED, REFUSED, RINGING])
    assert found == Sums(2, 1, 1, 2, 1, timedelta(seconds=60))
