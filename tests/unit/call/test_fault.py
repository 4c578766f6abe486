"""Whose doing it is that a call brought nobody to speak."""

from dataclasses import replace

import pytest

from asterisk_siptrunk.call import Direction, Evidence, Reason, Verdict, Via
from asterisk_siptrunk.call.fault import Course, Party, cause_in_words, party_of, party_of_call
from asterisk_siptrunk.call.record import CallRecord
from tests.unit.call.builders import NOON

OUT, IN = Direction.OUTBOUND, Direction.INBOUND


@pytest.mark.parametrize(
    ("cause", "rang", "out", "inbound"),
    [
        # The caller hung up: before it rang nobody else did anything; after, nobody picked up.
        (127, False, Party.CUSTOMER, Party.CALLER),
        (127, True, Party.CALLED, Party.CUSTOMER),
        (16, True, Party.CALLED, Party.CUSTOMER),
        # The called party.
        (17, False, Party.CALLED, Party.CUSTOMER),
        (19, True, Party.CALLED, Party.CUSTOMER),
        (20, False, Party.CALLED, Party.CUSTOMER),
        # A phone that rejects has rung, a carrier has not.
        (21, True, Party.CALLED, Party.CUSTOMER),
        (21, False, Party.CARRIER, Party.CUSTOMER),
        # Numbers that are none.
        (1, False, Party.CUSTOMER, Party.CUSTOMER),
        (22, False, Party.CUSTOMER, Party.CUSTOMER),
        (28, False, Party.CUSTOMER, Party.CUSTOMER),
        # The carrier's own trouble, and what a carrier sends that we know nothing of.
        (3, False, Party.CARRIER, Party.CUSTOMER),
        (18, False, Party.CARRIER, Party.CUSTOMER),
        (34, True, Party.CARRIER, Party.CUSTOMER),
        (38, False, Party.CARRIER, Party.CUSTOMER),
        (111, False, Party.CARRIER, Party.CUSTOMER),
        # Ours: no codec in common.
        (58, False, Party.US, Party.CUSTOMER),
        (None, True, Party.UNKNOWN, Party.UNKNOWN),
        (0, False, Party.UNKNOWN, Party.UNKNOWN),
    ],
)
def test_by_its_hangup(cause, rang, out, inbound):
    course = Course(OUT, Reason.ADMITTED, rang=rang, cause=cause)
    assert party_of(course) is out
    assert party_of(replace(course, direction=IN)) is inbound
    assert party_of(replace(course, reason=Reason.EMERGENCY)) is out


@pytest.mark.parametrize(
    ("reason", "party"),
    [
        (Reason.CHANNELS_FULL, Party.CUSTOMER),
        (Reason.DESTINATION_BLOCKED, Party.CUSTOMER),
        (Reason.NO_CARRIER, Party.US),
        (Reason.CARRIERS_FULL, Party.US),
        (Reason.AWAY_REFUSED, Party.US),
        (Reason.UNKNOWN_TRUNK, Party.US),
    ],
)
def test_by_its_refusal(reason, party):
    assert party_of(Course(OUT, reason, cause=int(reason.cause))) is party


def test_an_unknown_number_is_the_doing_of_who_dialled_it():
    assert party_of(Course(OUT, Reason.UNKNOWN_NUMBER, cause=1)) is Party.CUSTOMER
    assert party_of(Course(IN, Reason.UNKNOWN_NUMBER, cause=1)) is Party.CALLER


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_somebodys(reason):
    party = party_of(Course(OUT, reason))
    assert (party is Party.UNKNOWN) is (reason.cause is None)


def test_what_was_answered_or_goes_on_is_no_failure():
    assert party_of(Course(OUT, Reason.ADMITTED, answered=True, cause=16)) is Party.NOBODY
    assert party_of(Course(OUT, Reason.ADMITTED, ended=False)) is Party.NOBODY


def test_what_is_the_networks():
    assert {party for party in Party if party.is_network} == {Party.US, Party.CARRIER}


def test_by_its_record():
    record = CallRecord(
        id=1,
        server="lab",
        uniqueid="lab-1.1",
        sip_call_id="",
        trunk="acme",
        carrier="one",
        direction=OUT,
        caller="",
        presented="",
        withheld=False,
        dialled="0612345678",
        callee="+33612345678",
        zone="fr:mobile",
        verdict=Verdict.ADMITTED,
        reason=Reason.ADMITTED,
        facts="",
        via=Via.SERVICE,
        user_agent="",
        codec="alaw",
        started_at=NOON,
    )
    assert party_of_call(record) is Party.NOBODY
    ended = replace(record, ended_at=NOON, hangup_cause=21, evidence=Evidence.AMI)
    assert party_of_call(ended) is Party.CARRIER
    assert party_of_call(replace(ended, ringing_at=NOON)) is Party.CALLED
    assert party_of_call(replace(ended, answered_at=NOON)) is Party.NOBODY


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (17, "The number was busy."),
        (99, "The call ended with cause 99 of Q.850."),
        (0, ""),
        (None, ""),
    ],
)
def test_in_words(cause, said):
    assert cause_in_words(cause) == said
