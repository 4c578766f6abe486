"""What events mean, and that no text whatever in them does harm."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.asterisk import events
from asterisk_siptrunk.asterisk.message import AmiEvent, AmiReply
from asterisk_siptrunk.call import (
    Answered,
    Contact,
    Direction,
    Ended,
    LiveChannel,
    RegistrationChange,
    Ringing,
    Spoken,
)

RECEIVED = datetime(2026, 11, 23, 9, tzinfo=UTC)
SAID = datetime(2026, 11, 23, 11, 22, tzinfo=UTC)
CALL = {
    "Timestamp": f"{SAID.timestamp():.6f}",
    "Channel": "PJSIP/trunk-acme-00000000",
    "Context": "siptrunk-call-out",
    "Uniqueid": "lab-1.0",
    "Linkedid": "lab-1.0",
    "DestChannel": "PJSIP/carrier-ovh-paris-0000000a",
}


def event(name: str, **fields: str) -> AmiEvent:
    return AmiEvent(name, {"Event": name} | fields, RECEIVED)


def of_call(name: str, **fields: str) -> AmiEvent:
    return event(name, **(CALL | fields))


# --- calls ---


@pytest.mark.parametrize(
    ("said", "change"),
    [
        (of_call("DialState", DialStatus="RINGING"), Ringing("lab-1.0", SAID)),
        (of_call("DialState", DialStatus="PROGRESS"), Ringing("lab-1.0", SAID)),
        (of_call("DialState", DialStatus="PROCEEDING"), None),
        (of_call("DialEnd", DialStatus="ANSWER"), Answered("lab-1.0", SAID, "ovh-paris")),
        (of_call("DialEnd", DialStatus="BUSY"), None),
        (
            of_call("DialEnd", DialStatus="ANSWER", DestChannel="Local/1@phones-00000001;1"),
            Answered("lab-1.0", SAID, ""),
        ),
        (of_call("Hangup", Cause="16"), Ended("lab-1.0", SAID, 16)),
        (of_call("Hangup", Cause="0"), Ended("lab-1.0", SAID, None)),
        (of_call("Hangup", Cause="-1"), Ended("lab-1.0", SAID, None)),
        (of_call("Hangup", Cause="٣"), Ended("lab-1.0", SAID, None)),
        (of_call("Hangup", Cause="16", Timestamp=""), Ended("lab-1.0", RECEIVED, 16)),
        # After a transfer in a PBX's own dialplan; the row is known by the UniqueID alone.
        (of_call("Hangup", Cause="16", Linkedid="lab-0.7"), Ended("lab-1.0", SAID, 16)),
        # The called channel, and channels that are none of ours.
        (of_call("Hangup", Cause="16", Context="carrier-ovh-paris"), None),
        (of_call("Hangup", Cause="16", Context="from-internal"), None),
        (of_call("Newchannel"), None),
    ],
)
def test_what_an_event_says_of_a_call(said, change):
    assert events.call_change(said) == change


@pytest.mark.parametrize(
    "forged",
    [
        AmiEvent("Hangup", CALL, RECEIVED, ambiguous=True),
        event("Hangup", Context="siptrunk-call-out"),
        of_call("Hangup", Uniqueid="lab 1"),
        of_call("DialEnd", DialStatus="ANSWER", Uniqueid=""),
        # A line `EVENT: ...` that a caller wrote, in place of the event's name.
        AmiEvent("Else", {"EVENT": "Else", "Context": "siptrunk-call-out"}, RECEIVED),
        # Asterisk writes its time before all that a caller can write, or not at all.
        AmiEvent("Hangup", {"Event": "Hangup", "CallerIDNum": "1"} | CALL, RECEIVED),
    ],
)
def test_a_forged_event_changes_nothing_and_is_noticed(forged):
    assert events.call_change(forged) is None
    assert events.is_suspect(forged)


def test_an_event_of_something_else_is_not_suspected():
    assert not events.is_suspect(
        AmiEvent("ContactStatus", {"Event": "ContactStatus"}, RECEIVED, ambiguous=True)
    )


def test_the_codec():
    assert events.spoken("u", AmiReply({"Value": "alaw"})) == Spoken("u", "alaw")
    assert events.spoken("u", AmiReply({"Value": "(null)"})) is None


def test_the_filters_are_lines_for_manager_conf():
    assert "eventfilter(name(FullyBooted)) =" in events.EVENT_FILTERS
    assert (
        "eventfilter(name(Hangup),header(Context),method(starts_with)) = siptrunk-"
        in events.EVENT_FILTERS
    )


# --- registrations ---


def registered(address: str) -> RegistrationChange:
    return RegistrationChange("acme", registered=True, at=RECEIVED, contact=address)


GONE = RegistrationChange("acme", registered=False, at=RECEIVED, contact="192.0.2.7:5060")


def contact(status: str, endpoint: str = "trunk-acme", uri: str = "sip:u@192.0.2.7:5060;x=y"):
    return event("ContactStatus", ContactStatus=status, EndpointName=endpoint, URI=uri)


@pytest.mark.parametrize(
    ("said", "change"),
    [
        (contact("NonQualified"), registered("192.0.2.7:5060")),
        (contact("Reachable"), registered("192.0.2.7:5060")),
        (contact("Removed"), GONE),
        (contact("Unreachable"), None),
        (contact("Removed", "carrier-ovh"), None),
        (
            contact("Reachable", uri="sips:[2001:db8::7]:5061"),
            registered("[2001:db8::7]:5061"),
        ),
        (contact("Reachable", uri="tel:+33"), registered("")),
        (event("PeerStatus"), None),
    ],
)
def test_what_an_event_says_of_a_registration(said, change):
    assert events.registration_change(said) == change


def listed(ambiguous: bool = False, **fields: str) -> AmiEvent:  # noqa: FBT001, FBT002
    known = {
        "AOR": "trunk-acme",
        "URI": "sip:u@192.0.2.7:5060;x-ast-orig-host=10.0.0.7:5060",
        "UserAgent": "FPBX-16.0.40(18.13.0)",
    }
    return AmiEvent("ContactStatusDetail", known | fields, RECEIVED, ambiguous)


@pytest.mark.parametrize(
    ("said", "contact"),
    [
        (listed(), Contact("acme", "192.0.2.7:5060", "FPBX-16.0.40(18.13.0)")),
        (listed(UserAgent=""), Contact("acme", "192.0.2.7:5060")),
        (listed(AOR="carrier-ovh"), None),
        (listed(AOR="phone"), None),
        (listed(ambiguous=True), None),
        (listed(URI="tel:+33"), Contact("acme", "", "FPBX-16.0.40(18.13.0)")),
    ],
)
def test_a_contact_of_the_list(said, contact):
    assert events.contact(said) == contact


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("x" * 5000, "x" * 100),
        (" \x1b[31mevil\x07\u202e ", "[31mevil"),
        ("Téléphonie 3.0", "Téléphonie 3.0"),
    ],
)
def test_a_user_agent_is_short_and_can_be_printed(sent, kept):
    found = events.contact(listed(UserAgent=sent))
    assert found is not None
    assert found.user_agent == kept


# --- all channels ---


def channel(**fields: str) -> AmiEvent:
    known = CALL | {
        "AccountCode": "acme",
        "Exten": "+33612345678",
        "CallerIDNum": "0123456789",
        "ChannelState": "6",
        "Duration": "01:02:03",
    }
    return event("CoreShowChannel", **(known | fields))


OUTBOUND = LiveChannel(
    uniqueid="lab-1.0",
    direction=Direction.OUTBOUND,
    trunk="acme",
    carrier="",
    dialled="+33612345678",
    caller="0123456789",
    up=True,
    age=timedelta(hours=1, minutes=2, seconds=3),
)


def test_a_caller_of_ours():
    assert events.snapshot([channel()]).callers == (OUTBOUND,)


def test_an_inbound_caller_not_admitted_yet_has_its_carriers_account():
    listed = channel(Channel="PJSIP/carrier-ovh-0000000b", AccountCode="ovh", Exten="dial")
    (caller,) = events.snapshot([listed]).callers
    assert (caller.direction, caller.trunk, caller.carrier) == (Direction.INBOUND, "", "ovh")
    assert caller.dialled == ""


def test_channels_elsewhere_are_alive_but_no_callers():
    listed = channel(Context="from-internal", Uniqueid="lab-9.9")
    assert events.snapshot([listed]).uniqueids == {"lab-9.9"}
    assert events.snapshot([listed]).callers == ()


def test_a_forged_channel_is_alive_and_not_believed():
    listed = AmiEvent("CoreShowChannel", channel().fields, RECEIVED, ambiguous=True)
    assert events.snapshot([listed]).uniqueids == {"lab-1.0"}
    assert events.snapshot([listed]).callers == ()


# --- anything at all ---

NAMES = st.sampled_from(["DialState", "DialEnd", "Hangup", "ContactStatus", "CoreShowChannel", "X"])
FIELDS = st.dictionaries(
    st.sampled_from([*channel().fields, "Cause", "DialStatus", "URI", "EndpointName"]), st.text()
)


@given(name=NAMES, fields=FIELDS, over_good=st.booleans(), ambiguous=st.booleans())
def test_no_text_does_harm(name, fields, over_good, ambiguous):
    said = AmiEvent(
        name, dict(channel().fields) | fields if over_good else fields, RECEIVED, ambiguous
    )
    events.call_change(said)
    events.registration_change(said)
    events.contact(said)
    events.is_suspect(said)
    events.snapshot([said])
    events.spoken("u", AmiReply(fields))


@given(st.text())
def test_no_timestamp_does_harm(text):
    change = events.call_change(of_call("Hangup", Timestamp=text))
    assert isinstance(change, Ended)
    assert change.at.tzinfo is UTC
