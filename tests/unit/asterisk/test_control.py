"""What is asked of a running Asterisk, against a scripted one in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from asterisk_siptrunk.asterisk import control
from asterisk_siptrunk.asterisk.ami import AmiLogin
from asterisk_siptrunk.asterisk.control import AmiControl
from asterisk_siptrunk.call import Contact
from asterisk_siptrunk.errors import AmiRefused
from asterisk_siptrunk.generation.server import Module
from tests.replay.peer import Answer, Peer, error, message, success


@contextmanager
def asterisk(answer: Answer) -> Iterator[tuple[AmiControl, Peer]]:
    """A control, and the peer that answers it: the control has an event loop of its own."""
    peer = Peer(answer)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(peer.__aenter__(), loop).result(5)
        yield AmiControl(AmiLogin("127.0.0.1", peer.port, "siptrunk-apply", "s")), peer
        asyncio.run_coroutine_threadsafe(peer.__aexit__(None, None, None), loop).result(5)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def after_login(answer: Answer) -> Answer:
    return lambda action: success(action) if action["Action"] == "Login" else answer(action)


def listing(item: str, complete: str, *items: dict[str, str]) -> Answer:
    def answer(action: dict[str, str]) -> bytes:
        number = action["ActionID"]
        listed = [message(Event=item, ActionID=number, **fields) for fields in items]
        end = message(Event=complete, ActionID=number, ListItems=str(len(items)))
        return success(action, EventList="start") + b"".join(listed) + end

    return after_login(answer)


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("22.10.1~dfsg+~cs6.16.60671434-1", "22.10.1"),
        ("certified-20.7-cert2", "20.7"),
        ("certified/18.9-cert1", "18.9"),
        ("GIT-master", ""),
    ],
)
def test_the_version(said, version):
    with asterisk(lambda action: success(action, AsteriskVersion=said)) as (running, _):
        assert running.version() == version


def test_a_reload_names_its_module():
    with asterisk(success) as (running, peer):
        running.reload(Module.PJSIP)
    assert (peer.actions[-1]["Action"], peer.actions[-1]["Module"]) == ("Reload", "res_pjsip.so")


def test_a_reload_that_failed_is_told():
    answer = after_login(lambda action: error(action, "Module reload failed"))
    with asterisk(answer) as (running, _), pytest.raises(AmiRefused, match="Module reload failed"):
        running.reload(Module.DIALPLAN)


@pytest.mark.parametrize(
    ("said", "runs"), [("", True), ("No such module", False), ("Module not initialized", False)]
)
def test_whether_a_module_runs(said, runs):
    answer = after_login(lambda action: error(action, said) if said else success(action))
    with asterisk(answer) as (running, _):
        assert running.runs(Module.CDR_CUSTOM) is runs


def test_a_module_that_cannot_be_asked():
    answer = after_login(lambda action: error(action, "A reload is in progress"))
    with asterisk(answer) as (running, _), pytest.raises(AmiRefused, match="in progress"):
        running.runs(Module.CDR_CUSTOM)


def test_where_transports_listen():
    def answer(action: dict[str, str]) -> bytes:
        return success(action, Value="" if ",gone," in action.get("Variable", "") else "[::]:5060")

    with asterisk(answer) as (running, peer):
        assert running.binds(["siptrunk-udp", "gone"]) == {"siptrunk-udp": "[::]:5060"}
    assert peer.actions[2]["Variable"] == "AST_SORCERY(res_pjsip,transport,siptrunk-udp,bind)"


def test_an_asterisk_that_cannot_tell_its_transports():
    answer = after_login(lambda action: error(action, "Module not loaded"))
    with asterisk(answer) as (running, _), pytest.raises(AmiRefused, match=r"func_sorcery\.so"):
        running.binds(["siptrunk-udp"])


def test_all_endpoints():
    answer = listing(
        "EndpointList", "EndpointListComplete", {"ObjectName": "trunk-a"}, {"ObjectName": "phone"}
    )
    with asterisk(answer) as (running, _):
        assert running.endpoints() == {"trunk-a", "phone"}


def test_who_is_registered():
    answer = listing(
        "ContactStatusDetail",
        "ContactStatusDetailComplete",
        {"AOR": "trunk-a", "URI": "sip:a@192.0.2.1:5060", "UserAgent": "PBX"},
        {"AOR": "phone", "URI": "sip:p@192.0.2.2:5060", "UserAgent": "Phone"},
    )
    with asterisk(answer) as (running, peer):
        assert running.contacts() == [Contact("a", "192.0.2.1:5060", "PBX")]
    assert peer.actions[-1]["Action"] == "PJSIPShowRegistrationInboundContactStatuses"


def test_nobody_is_registered():
    answer = listing("ContactStatusDetail", "ContactStatusDetailComplete")
    with asterisk(answer) as (running, _):
        assert running.contacts() == []


def test_one_option_of_many_endpoints(monkeypatch):
    monkeypatch.setattr(control, "TOGETHER", 2)

    def answer(action: dict[str, str]) -> bytes:
        there = "nope" not in action.get("Variable", "")
        return success(action, Value="marker" if there else "")

    with asterisk(answer) as (running, peer):
        values = running.endpoint_values(["trunk-a", "trunk-b", "trunk-nope"], "mwi_from_user")
    assert values == {"trunk-a": "marker", "trunk-b": "marker"}
    assert peer.actions[1]["Variable"] == "PJSIP_ENDPOINT(trunk-a,mwi_from_user)"


def test_the_generation():
    answer = listing(
        "ListDialplan",
        "ShowDialPlanComplete",
        {"Context": "siptrunk-generation", "Extension": "3f2a"},
    )
    with asterisk(answer) as (running, peer):
        assert running.generation() == "3f2a"
    assert peer.actions[-1]["Context"] == "siptrunk-generation"


def test_no_generation_yet():
    text = "Did not find context siptrunk-generation"
    with asterisk(after_login(lambda action: error(action, text))) as (running, _):
        assert running.generation() is None


def test_no_right_to_ask_for_the_generation():
    answer = after_login(lambda action: error(action, "Permission denied"))
    with asterisk(answer) as (running, _), pytest.raises(AmiRefused, match="Permission denied"):
        running.generation()
