"""Calls ended and others told, against a scripted Asterisk in a thread of its own."""

import pytest

from asterisk_siptrunk.asterisk.ami import AmiLogin
from asterisk_siptrunk.asterisk.ending import AmiEnding
from asterisk_siptrunk.errors import AmiRefused, AmiUnavailable
from tests.replay.peer import error, success
from tests.unit.asterisk.test_control import after_login, asterisk


def ending(peer) -> AmiEnding:
    return AmiEnding(AmiLogin("127.0.0.1", peer.port, "siptrunk-end", "s"))


def test_calls_are_ended_by_their_uniqueids_and_those_that_are_gone_passed_over():
    def answer(action):
        gone = action.get("Channel") == "lab-2.1"
        return error(action, "No such channel") if gone else success(action)

    with asterisk(after_login(answer)) as (_, peer):
        assert ending(peer).hang_up(["lab-1.1", "lab-2.1", "lab-3.1"]) == 2
    asked = [each for each in peer.actions if each["Action"] == "Hangup"]
    assert [(each["Channel"], each["Cause"]) for each in asked] == [
        *(("lab-1.1", "21"), ("lab-2.1", "21"), ("lab-3.1", "21")),
    ]


def test_a_refusal_is_told():
    with (
        asterisk(after_login(lambda action: error(action, "Permission denied"))) as (_, peer),
        pytest.raises(AmiRefused, match="Permission denied"),
    ):
        ending(peer).hang_up(["lab-1.1"])


def test_who_listens_hears_of_a_finding():
    with asterisk(after_login(success)) as (_, peer):
        ending(peer).tell({"Finding": "7", "Trunk": "acme-paris"})
    told = peer.actions[-1] if peer.actions[-1]["Action"] == "UserEvent" else peer.actions[-2]
    assert (told["UserEvent"], told["Finding"], told["Trunk"]) == (
        *("SiptrunkAnomaly", "7", "acme-paris"),
    )


def test_an_asterisk_that_is_away_is_told():
    with pytest.raises(AmiUnavailable):
        AmiEnding(AmiLogin("127.0.0.1", 1, "siptrunk-end", "s")).hang_up(["lab-1.1"])
