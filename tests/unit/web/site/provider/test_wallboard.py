"""All servers, trunks and carriers at a glance."""

import pytest

from asterisk_siptrunk.call import Reason, Verdict


@pytest.fixture
def a_call_and_a_finding(put_call, answered, a_finding):
    """One call that goes on, one that was answered, and a finding."""
    put_call(10)
    answered()
    a_finding()


def test_with_nothing_there_yet(support):
    page = support.get("/provider").text
    for sentence in (
        "No server has given a sign of life yet",
        "No trunk has a call now",
        "There is no carrier yet",
        "No call was refused",
    ):
        assert sentence in page


@pytest.mark.usefixtures("serving", "a_call_and_a_finding")
def test_what_goes_on(support, put_call, clock):
    for _ in range(3):
        put_call(
            20,
            None,
            verdict=Verdict.REFUSED,
            reason=Reason.CHANNELS_FULL,
            ended_at=clock.now,
            hangup_cause=34,
        )
    page = support.get("/provider").text
    assert 'data-live="/live/provider"' in page
    assert '<span data-live-key="provider:calls">1</span>' in page
    assert "of 20 channels" in page  # 10 of each of two trunks
    assert '<span data-live-key="trunk:acme-paris:in_use">1</span> / 10' in page
    assert '<span data-live-key="carrier:first:in_use">1</span>' in page
    assert "100%" in page  # one of one answered
    assert "All the channels that this call may use are taken." in page
    assert "the customer&#39;s: 3" in page
    assert ">serving<" in page
    assert "7 bytes" in page


@pytest.mark.usefixtures("serving")
def test_an_open_page_asks_for_its_part(support):
    part = support.get("/provider/board").text
    assert ">serving<" in part
    assert "<html" not in part
