"""What a PBX is answered for each reason."""

import pytest

from asterisk_siptrunk.call.reason import Cause


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (Cause.UNALLOCATED, 404),
        (Cause.USER_BUSY, 486),
        (Cause.CALL_REJECTED, 403),
        (Cause.CONGESTION, 503),
        (Cause.TEMPORARY_FAILURE, 603),
    ],
)
def test_each_cause_has_the_answer_that_asterisk_makes_of_it(cause, status):
    assert cause.sip_answer == status
