from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.asterisk.agi import (
    MOST_COMMAND_BYTES,
    MOST_HEADER_BYTES,
    MOST_REPLY_BYTES,
    PROCESS,
    AgiParser,
    AgiReply,
    AgiRequest,
    set_variables,
)
from asterisk_siptrunk.errors import ProtocolError
from tests.unit.asterisk.headers import ASKED, fastagi_header, process_header

REQUEST = AgiRequest(
    script="outbound",
    uniqueid="lab-1.1",
    account="acme",
    caller="+33123456789",
    withheld=False,
    dialled="0612345678",
    sip_call_id="abc@192.0.2.1",
    user_agent="PBX 1.2",
    asked=ASKED,
)


def read(data: bytes) -> list[Any]:
    return AgiParser().receive(data)


def test_a_header_becomes_a_request():
    assert read(fastagi_header()) == [REQUEST]


def test_a_process_header_is_read_by_its_own_rules():
    assert AgiParser(PROCESS).receive(process_header()) == [REQUEST]
    with pytest.raises(ProtocolError):
        AgiParser(PROCESS).receive(fastagi_header())
    with pytest.raises(ProtocolError):
        read(process_header())


@given(st.integers(1, 60))
def test_pieces_make_no_difference(size):
    parser, header = AgiParser(), fastagi_header()
    events = []
    for start in range(0, len(header), size):
        events += parser.receive(header[start : start + size])
    assert events == [REQUEST]


@pytest.mark.parametrize(
    ("presentation", "withheld"),
    [("0", False), ("3", False), ("32", True), ("67", False), ("35", True), ("x", False)],
)
def test_presentation_tells_whether_the_caller_is_withheld(presentation, withheld):
    (request,) = read(fastagi_header(agi_callingpres=presentation))
    assert request.withheld is withheld


def test_a_presentation_of_thousands_of_digits_is_none():
    (request,) = read(fastagi_header(agi_callingpres="1" * 5000))
    assert not request.withheld


def test_a_call_of_this_servers_phones_bears_its_trunks_account():
    channel = "Local/to0612345678@siptrunk_phones-acme-0000002a;2"
    assert read(fastagi_header(agi_channel=channel)) == [REQUEST]


def test_an_unknown_caller_is_none():
    (request,) = read(fastagi_header(agi_callerid="unknown"))
    assert request.caller == ""


# What a caller may put into a user part: PJSIP decodes %0A, and Asterisk writes it as it is.
@pytest.mark.parametrize(
    "forged",
    [
        {"agi_callerid": "1\nagi_arg_9: evil"},
        {"agi_callerid": "1\nagi_calleridname: x\nagi_callingpres: 0"},
        {"agi_dnid": "1\nagi_accountcode: victim"},
        {"agi_extension": "1\n\n200 result=1"},
        {"agi_arg_4": "1\nagi_arg_5: evil"},
        {"agi_calleridname": "x\r\nagi_accountcode: victim\r"},
    ],
)
def test_a_forged_line_never_passes(forged):
    try:
        events = read(fastagi_header(**forged))
    except ProtocolError:
        return
    # A carriage return ends no line of AGI: it stays inside the value it stands in.
    assert [event.account for event in events] == ["acme"]


@pytest.mark.parametrize(
    "data",
    [
        b"\n\n",
        b"GET / HTTP/1.1\r\nHost: x\n\n",
        fastagi_header().replace(b"agi_type", b"agi_kind"),
        fastagi_header().replace(b"agi_type: PJSIP\n", b""),
        fastagi_header().replace(b"agi_type: PJSIP\n", b"agi_type: PJSIP\n" * 2),
        fastagi_header(agi_arg_4=""),
        fastagi_header(agi_arg_4="soon"),
        fastagi_header(agi_arg_4="1" * 5000),
        fastagi_header(agi_channel="PJSIP/trunk-acme-00000000", agi_accountcode="victim"),
        fastagi_header(agi_channel="Local/to1@siptrunk_phones-victim-0000002a;2"),
        b"x" * MOST_HEADER_BYTES,
        fastagi_header(agi_arg_3="x" * MOST_HEADER_BYTES),
    ],
)
def test_what_is_not_asterisks_header_ends_the_session(data):
    with pytest.raises(ProtocolError):
        read(data)


@pytest.mark.parametrize(
    ("line", "good"),
    [
        (b"200 result=1\n", True),
        (b"HANGUP\n200 result=1\n", True),
        (b"200 result=1 (hangup)\n", True),
        (b"200 result=-1\n", False),
        (b"200 result=0\n", False),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", False),
        (b"510 Invalid or unknown command\n", False),
    ],
)
def test_replies_tell_whether_asterisk_took_the_verdict(line, good):
    parser = AgiParser()
    parser.receive(fastagi_header())
    assert parser.receive(line) == [AgiReply(good)]


@pytest.mark.parametrize("line", [b"what\n", b"20 result=1\n", b"x" * (MOST_REPLY_BYTES + 1)])
def test_a_reply_that_is_none_ends_the_session(line):
    parser = AgiParser()
    parser.receive(fastagi_header())
    with pytest.raises(ProtocolError):
        parser.receive(line)


def test_half_a_reply_is_waited_for():
    parser = AgiParser()
    parser.receive(fastagi_header())
    assert parser.receive(b"200 res") == []
    assert parser.receive(b"ult=1\n") == [AgiReply(good=True)]


@given(st.lists(st.binary(max_size=300), max_size=12))
def test_no_bytes_do_more_than_end_the_session(pieces):
    parser = AgiParser()
    try:
        for piece in pieces:
            parser.receive(piece)
    except ProtocolError:
        return
    assert len(parser._buffer) < MOST_HEADER_BYTES + 300


def test_one_command_sets_all():
    command = set_variables({"SIPTRUNK_NEXT": "dial", "CALLERID(num)": "+33123456789"})
    assert command == b'SET VARIABLE "ARRAY(SIPTRUNK_NEXT,CALLERID(num))" "dial,+33123456789"\n'


@given(st.text(max_size=30))
def test_no_value_adds_a_line_a_quote_or_a_variable(value):
    try:
        command = set_variables({"A": value, "B": "last"})
    except ProtocolError:
        return
    assert command.count(b"\n") == 1
    assert command.count(b'"') == 4
    assert command.count(b",") == 2
    assert b"\\" not in command


def test_a_command_that_asterisk_would_cut_is_refused():
    with pytest.raises(ProtocolError):
        set_variables({"A": "x" * MOST_COMMAND_BYTES})
