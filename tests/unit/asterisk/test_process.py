"""AGI as a process: what Asterisk writes to it, and what it may write back."""

import io

import pytest

from asterisk_siptrunk.asterisk.agi import MOST_HEADER_BYTES
from asterisk_siptrunk.asterisk.process import answer_once
from asterisk_siptrunk.errors import ProtocolError
from tests.unit.asterisk.headers import process_header

VERDICT = {"SIPTRUNK_NEXT": "refused", "SIPTRUNK_CAUSE": "34"}


def talk(header: bytes, reply: str = "200 result=1\n"):
    """What the process is asked, what it says, and whether Asterisk took it."""
    asked, said = [], io.StringIO()

    def answer(request):
        asked.append(request)
        return VERDICT

    taken = answer_once(io.StringIO(header.decode() + reply), said, answer)
    return asked, said.getvalue(), taken


def test_one_request_one_command():
    (request,), said, taken = talk(process_header())

    assert (request.account, request.dialled) == ("acme", "0612345678")
    assert said == 'SET VARIABLE "ARRAY(SIPTRUNK_NEXT,SIPTRUNK_CAUSE)" "refused,34"\n'
    assert taken


@pytest.mark.parametrize("reply", ["HANGUP\n", "", "510 Invalid\n", "200 result=-1\n", "?\n"])
def test_what_pyst2_makes_of_a_hangup_reaches_nobody(reply):
    assert not talk(process_header(), reply)[2]


def test_no_answer_no_command():
    said = io.StringIO()
    assert not answer_once(io.StringIO(process_header().decode()), said, lambda _: {})
    assert said.getvalue() == ""


@pytest.mark.parametrize(
    "header",
    [
        process_header(agi_callerid="1\nagi_accountcode: victim"),
        process_header(agi_dnid="1\n\n"),
        b"",
        b"agi_request: x",
        b"x" * (MOST_HEADER_BYTES + 10),
        b"agi_request: x\n" * 1000,
    ],
)
def test_a_forged_or_endless_header_gets_no_answer(header):
    with pytest.raises(ProtocolError):
        talk(header)


def test_nothing_is_said_of_callers_on_the_error_stream(capsys):
    talk(process_header())
    assert capsys.readouterr().err == ""
