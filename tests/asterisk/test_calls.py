"""Real calls over a real Asterisk: what callers hear, what the carrier sees, what is recorded."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from asterisk_siptrunk.asterisk.agi import set_variables
from asterisk_siptrunk.call import Direction, Evidence, Reason, State, Verdict, Via
from tests.asterisk.conftest import CARRIER_HOST, MAIN, OUTSIDE, PBX_HOST, SECOND, Acme
from tests.lab.processes import free_ports
from tests.lab.sipp import Call, SippCaller, place_calls, register

pytestmark = pytest.mark.asterisk

MOBILE = "0612345678"
ONE_SECOND = timedelta(seconds=1)


# --- one call ---


def test_an_ordinary_call_is_carried_and_recorded(acme: Acme):
    with acme.carrier() as carrier:
        result = acme.call(MOBILE, hold_ms=1000)
        (invite,) = carrier.received()
    row = acme.last()

    assert result.statuses == [200]
    assert invite.request_uri.startswith("sip:+33612345678@")
    assert invite.from_user == MAIN
    assert (row.verdict, row.reason, row.via) == (Verdict.ADMITTED, Reason.ADMITTED, Via.SERVICE)
    assert (row.trunk, row.carrier, row.direction) == ("acme", "telco", Direction.OUTBOUND)
    assert (row.callee, row.zone) == ("+33612345678", "fr:mobile")
    assert row.sip_call_id == result.calls[0].call_id
    assert row.codec in {"alaw", "ulaw"}
    assert row.evidence is Evidence.AMI
    assert row.hangup_cause == 16
    assert abs(row.billable - ONE_SECOND) < timedelta(milliseconds=300)
    assert row.ringing_at is not None
    assert row.answered_at is not None
    assert row.started_at <= row.ringing_at <= row.answered_at


def test_an_inbound_call_reaches_the_pbx_that_registered(acme: Acme):
    with acme.registered() as pbx:
        result = acme.call_in(SECOND, hold_ms=500)
        (invite,) = pbx.received()
    row = acme.last()

    assert result.statuses == [200]
    assert invite.request_uri.startswith(f"sip:{SECOND}@")
    assert invite.from_user == OUTSIDE
    assert (row.direction, row.trunk, row.carrier) == (Direction.INBOUND, "acme", "telco")
    assert row.billable > timedelta()


@pytest.mark.parametrize(
    ("dialled", "status", "reason"),
    [
        ("0899123456", 403, Reason.DESTINATION_BLOCKED),
        ("+881612345678", 403, Reason.DESTINATION_BLOCKED),
        ("0012", 404, Reason.UNKNOWN_NUMBER),
    ],
)
def test_a_refusal_says_why_on_the_wire_and_in_the_row(acme: Acme, dialled, status, reason):
    with acme.carrier() as carrier:
        result = acme.call(dialled)
        assert carrier.received() == []
    row = acme.last()

    assert result.statuses == [status]
    assert f"cause={reason.cause}" in result.calls[0].reason
    assert (row.verdict, row.reason, row.state) == (Verdict.REFUSED, reason, State.ENDED)
    assert row.facts


def test_an_inbound_call_to_nobodys_number_is_404(acme: Acme):
    assert acme.call_in("+33199999999").statuses == [404]
    assert acme.last().reason is Reason.UNKNOWN_NUMBER


def test_a_foreign_caller_number_is_replaced_or_refused(acme: Acme):
    with acme.carrier() as carrier:
        replaced = acme.call(MOBILE, caller="0699999999")
        acme.set("--caller-policy", "refuse")
        refused = acme.call(MOBILE, caller="0699999999")
        acme.set("--caller-policy", "replace")
        (invite,) = carrier.received()

    assert replaced.statuses == [200]
    assert invite.from_user == MAIN
    assert refused.statuses == [403]
    assert acme.last().reason is Reason.CALLER_NOT_OWNED


def test_a_change_of_policy_holds_from_the_next_call_on(acme: Acme):
    with acme.carrier():
        acme.provider.do("destination", "block", "fr:mobile", "--trunk", "acme")
        blocked = acme.call(MOBILE)
        acme.provider.do("destination", "remove", "fr:mobile", "--trunk", "acme", "--yes")
        opened = acme.call(MOBILE)

    assert (blocked.statuses, opened.statuses) == ([403], [200])


def test_a_suspended_trunk_calls_nobody_but_emergency(acme: Acme):
    acme.provider.do("trunk", "suspend", "acme", "--reason", "unpaid")
    try:
        with acme.carrier():
            ordinary, emergency = acme.call(MOBILE), acme.call("112")
            inbound = acme.call_in()
    finally:
        acme.provider.do("trunk", "resume", "acme")

    assert (ordinary.statuses, emergency.statuses, inbound.statuses) == ([403], [200], [403])


def test_a_wrong_secret_makes_no_call(acme: Acme):
    result = place_calls(
        acme.provider.asterisk.sip_address,
        [Call(MAIN, MOBILE, acme.username, "guessed")],
        host=PBX_HOST,
    )
    assert result.statuses == [401]
    assert acme.provider.asterisk.live_channels() == []


# --- the limit ---


def test_of_a_hundred_at_once_exactly_ten_pass_and_afterwards_ten_again(acme: Acme):
    for _ in range(2):
        before = len(acme.provider.calls())
        with acme.carrier():
            calls = [acme.call_of(f"06123456{index:02}") for index in range(100)]
            with acme.calling(calls, hold_ms=3000) as burst:
                result = burst.wait()
        acme.provider.until_idle()
        rows = acme.provider.calls()[before:]

        assert result.statuses == [200] * 10 + [503] * 90
        assert sum(row.verdict is Verdict.ADMITTED for row in rows) == 10
        assert sum(row.reason is Reason.CHANNELS_FULL for row in rows) == 90


def test_of_two_at_once_for_the_last_channel_exactly_one_passes(acme: Acme):
    acme.set("--channels", "1")
    both = [acme.call_of(MOBILE)] * 2
    with acme.carrier():
        for _ in range(10):
            with acme.calling(both, hold_ms=300) as two:
                assert two.wait().statuses == [200, 503]
            acme.provider.until_idle()


def test_both_directions_share_the_limit(acme: Acme):
    acme.set("--channels", "2")
    address = acme.provider.asterisk.sip_address
    with (
        acme.carrier(),
        acme.registered(),
        acme.calling([acme.call_of(MOBILE)], hold_ms=4000) as out,
        SippCaller(address, [Call(OUTSIDE, MAIN)], host=CARRIER_HOST, hold_ms=4000) as into,
    ):
        acme.provider.until(lambda: acme.live() == 2)
        assert acme.call_in().statuses == [486]
        assert acme.call(MOBILE).statuses == [503]
        assert (out.wait().statuses, into.wait().statuses) == ([200], [200])


def test_emergency_passes_a_full_trunk_with_the_callers_own_number(acme: Acme):
    acme.set("--channels", "1")
    with acme.carrier() as carrier, acme.calling([acme.call_of(MOBILE)], hold_ms=3000) as busy:
        acme.provider.until(lambda: acme.live() == 1)
        result = acme.call("112", caller="0699999999")
        busy.wait()
        invite = carrier.received()[-1]
    acme.provider.until_idle()
    row = acme.provider.calls()[-1]

    assert result.statuses == [200]
    assert invite.request_uri.startswith("sip:112@")
    assert invite.from_user == "+33699999999"
    assert row.reason is Reason.EMERGENCY


def test_calls_that_come_too_fast_are_refused(acme: Acme):
    acme.set("--calls-per-second", "2")
    with acme.carrier(), acme.calling([acme.call_of(MOBILE)] * 6, hold_ms=200) as burst:
        result = burst.wait()
    assert result.statuses == [200, 200, 503, 503, 503, 503]


@pytest.mark.parametrize(
    ("scenario", "how", "status"),
    [
        ("uas_refuse", {"status": "486 Busy Here"}, 486),
        ("uas_refuse", {"status": "404 Not Found"}, 404),
        ("uas_refuse", {"status": "480 Temporarily Unavailable"}, 480),
    ],
)
def test_a_call_that_fails_gives_its_channel_back_at_once(acme: Acme, scenario, how, status):
    with acme.carrier(scenario, **how):
        result = acme.call(MOBILE)
    assert result.statuses == [status]
    acme.provider.until(lambda: acme.live() == 0, 1.0, "the channel to be free within 1 s")
    row = acme.last()
    assert (row.verdict, row.billable) == (Verdict.ADMITTED, timedelta())


def test_a_call_cancelled_while_ringing_gives_its_channel_back(acme: Acme):
    with acme.carrier("uas_ring_forever"):
        result = acme.call(MOBILE, scenario="uac_cancel", ring_ms=300)
    acme.provider.until(lambda: acme.live() == 0, 1.0, "the channel to be free within 1 s")
    row = acme.last()

    assert result.statuses == [487]
    assert row.ringing_at is not None
    assert row.answered_at is None


# --- carriers ---


def test_a_carrier_in_trouble_is_passed_over_for_the_next(acme: Acme):
    with acme.carrier("uas_refuse", status="503 Service Unavailable"), acme.backup() as backup:
        result = acme.call(MOBILE)
        (invite,) = backup.received()
    row = acme.last()

    assert result.statuses == [200]
    assert invite.from_user == MAIN
    assert row.carrier == "backup"


def test_with_every_carrier_in_trouble_the_caller_hears_so(acme: Acme):
    trouble = "503 Service Unavailable"
    with acme.carrier("uas_refuse", status=trouble), acme.backup("uas_refuse", status=trouble):
        assert acme.call(MOBILE).statuses == [503]
    acme.provider.until(lambda: acme.live() == 0, 1.0, "the channel to be free within 1 s")
    # The journal may be read before the event comes; the cause is told by the event alone.
    acme.provider.until(lambda: acme.last().hangup_cause == 34, what="the event with the cause")


def test_a_number_that_is_not_there_is_not_tried_elsewhere(acme: Acme):
    with acme.carrier("uas_refuse", status="404 Not Found"), acme.backup() as backup:
        assert acme.call(MOBILE).statuses == [404]
        assert backup.received() == []


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "486 Busy Here"])
def test_an_emergency_call_tries_every_carrier_whatever_one_answers(acme: Acme, status: str):
    with acme.carrier("uas_refuse", status=status), acme.backup() as backup:
        assert acme.call("112").statuses == [200]
        assert len(backup.received()) == 1
    assert acme.last().carrier == "backup"


def test_a_full_carrier_is_passed_over(acme: Acme):
    acme.provider.do("carrier", "set", "telco", "--channels", "1")
    try:
        with acme.carrier() as carrier, acme.backup() as backup:
            with acme.calling([acme.call_of(MOBILE)] * 3, hold_ms=1000) as three:
                assert three.wait().statuses == [200] * 3
            assert (len(carrier.received()), len(backup.received())) == (1, 2)
    finally:
        acme.provider.do("carrier", "set", "telco", "--channels", "none")


# --- hostile ---


@pytest.mark.parametrize(
    "user",
    [
        "0612345678%0Aagi_arg_9%3A%20evil",
        "0612345678%0D%0AEvent%3A%20Hangup",
        "dial",
        "refused",
        "away",
        "T",
        "siptrunk-generation",
        "123456789012345678901234567890",
    ],
)
def test_a_forged_user_part_gets_404_and_no_channel(acme: Acme, user):
    before = len(acme.provider.calls())
    with acme.carrier() as carrier:
        assert acme.call(user).statuses == [404]
        assert carrier.received() == []
    assert acme.provider.asterisk.live_channels() == []
    assert len(acme.provider.calls()) == before


@pytest.mark.parametrize("call_id", ["a,b@192.0.2.1", 'a"b@192.0.2.1', "a(b@192.0.2.1"])
def test_no_call_id_sends_a_call_past_the_service(acme: Acme, call_id: str):
    acme.provider.do("trunk", "suspend", "acme", "--reason", "unpaid")
    try:
        with acme.carrier():
            result = acme.call(MOBILE, arguments=("-cid_str", f"%u-{call_id}"))
    finally:
        acme.provider.do("trunk", "resume", "acme")
    assert result.statuses == [403]
    assert acme.last().via is Via.SERVICE


def test_a_forged_caller_adds_no_line_to_agi(acme: Acme):
    with acme.carrier() as carrier:
        result = acme.call(MOBILE, caller=f"{MAIN}%0Aagi_accountcode%3A%20victim")
        (invite,) = carrier.received()
    assert result.statuses == [200]
    assert invite.from_user == MAIN
    assert acme.last().trunk == "acme"


# --- the service away ---


def test_with_the_service_down_the_dialplan_goes_on_by_its_own_rules(acme: Acme):
    acme.provider.stop_serving()
    before = len(acme.provider.calls())
    with acme.carrier() as carrier, acme.registered():
        assert acme.call(MOBILE, caller="0699999999").statuses == [200]
        assert acme.call("0049301234567").statuses == [403]
        assert acme.call("112").statuses == [200]
        assert acme.call_in().statuses == [200]
        assert carrier.received()[0].from_user == MAIN
        assert carrier.received()[1].request_uri.startswith("sip:112@")
    acme.provider.serve()
    acme.provider.until(lambda: len(acme.provider.calls()) == before + 4, what="the journal")
    rows = acme.provider.calls()[before:]

    assert {row.via for row in rows} == {Via.AWAY}
    assert [row.reason for row in rows] == [
        Reason.AWAY_ADMITTED,
        Reason.AWAY_REFUSED,
        Reason.EMERGENCY,
        Reason.AWAY_ADMITTED,
    ]
    assert {row.evidence for row in rows} == {Evidence.JOURNAL}
    assert {row.trunk for row in rows} == {"acme"}
    assert [row.direction for row in rows][-1] is Direction.INBOUND


def test_with_the_service_down_the_limit_is_counted_by_the_dialplan(acme: Acme):
    with acme.carrier(), acme.calling([acme.call_of(MOBILE)] * 6, hold_ms=6000) as held:
        acme.provider.until(lambda: acme.live() == 6)
        acme.provider.stop_serving()
        with acme.calling([acme.call_of(MOBILE)] * 8, hold_ms=2500, rate=8) as more:
            result = more.wait()
        held.wait()
    # 10 channels, 6 in use by calls that the service let in: 4 of the 8 pass.
    assert result.statuses == [200] * 4 + [503] * 4


def test_with_the_service_frozen_calls_go_on_within_its_patience(acme: Acme):
    daemon = acme.provider.daemon
    assert daemon is not None
    before = len(acme.provider.calls())
    daemon.signal(signal.SIGSTOP)
    try:
        with acme.carrier():
            ordinary, emergency = acme.call(MOBILE), acme.call("112")
    finally:
        daemon.signal(signal.SIGCONT)

    assert (ordinary.statuses, emergency.statuses) == ([200], [200])
    for result in (ordinary, emergency):
        assert 2.5 < result.calls[0].setup_seconds < 4.0
    # What the service read once it was awake came too late: the dialplan had decided.
    acme.provider.until(lambda: len(acme.provider.calls()) == before + 2, what="the journal")
    assert [row.via for row in acme.provider.calls()[before:]] == [Via.AWAY] * 2


@pytest.mark.parametrize(
    ("closes", "least", "most"),
    [
        pytest.param(True, 0.0, 1.0, id="its side closed"),
        # It freezes between the two: the dialplan waits no longer than for a verdict.
        pytest.param(False, 2.5, 3.5, id="its side open"),
    ],
)
def test_a_service_that_freezes_after_its_verdict_holds_no_call(
    acme: Acme, *, closes: bool, least: float, most: float
):
    acme.provider.stop_serving()
    verdict = {
        "SIPTRUNK_NEXT": "dial",
        "SIPTRUNK_LIMIT": "10",
        "GROUP(siptrunk)": "acme",
        "SIPTRUNK_DIAL": "PJSIP/0612345678@carrier-telco",
    }
    said = set_variables(verdict)
    with acme.carrier(), _freezing_after(said, acme.provider.agi_port, closes=closes):
        result = acme.call(MOBILE)
    assert result.statuses == [200]
    assert least < result.calls[0].setup_seconds < most


@contextmanager
def _freezing_after(command: bytes, port: int, *, closes: bool) -> Iterator[None]:
    """A service that says its verdict as ours does, and then never anything more."""
    held: list[socket.socket] = []

    def serve() -> None:
        peer, _ = listening.accept()
        held.append(peer)
        header = b""
        while not header.endswith(b"\n\n"):
            header += peer.recv(4096)
        peer.sendall(command)
        if closes:
            peer.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", port)) as listening:
        serving = threading.Thread(target=serve)
        serving.start()
        yield
        serving.join()
    for peer in held:
        peer.close()


def test_a_restart_in_mid_call_leaves_no_row_wrong(acme: Acme):
    with acme.carrier(), acme.calling([acme.call_of(MOBILE)], hold_ms=2500) as short:
        # One after the other, since rows come in the order of their start.
        acme.provider.until(lambda: acme.live() == 1)
        with acme.calling([acme.call_of(MOBILE)], hold_ms=8000) as long:
            acme.provider.until(lambda: acme.live() == 2)
            acme.provider.stop_serving()
            assert short.wait().statuses == [200]
            acme.provider.serve()
            acme.provider.until(lambda: acme.live() == 1, what="the ended call's row to close")
            assert long.wait().statuses == [200]
    acme.provider.until_idle()
    acme.provider.until(lambda: abs(_seconds(acme)[1] - 8.0) < 0.5, what="the journal's times")

    assert abs(_seconds(acme)[0] - 2.5) < 0.5
    assert [row.evidence for row in acme.provider.calls()[-2:]] == [
        Evidence.JOURNAL,
        Evidence.AMI,
    ]


def test_a_call_that_asterisk_took_with_it_ended_when_it_did(acme: Acme):
    asterisk = acme.provider.asterisk
    with acme.carrier(), acme.calling([acme.call_of(MOBILE)], hold_ms=60_000):
        acme.provider.until(lambda: any(row.answered_at for row in acme.provider.live()))
        asterisk.kill9()
        killed = datetime.now(UTC)
        asterisk.start()  # which takes longer than the end may be off
        acme.provider.until_idle()
    row = acme.last()
    assert row.evidence is Evidence.RECONCILED
    assert row.ended_at is not None
    assert abs((row.ended_at - killed).total_seconds()) < 0.5
    with acme.carrier():
        assert acme.call(MOBILE).statuses == [200]


def _seconds(acme: Acme) -> list[float]:
    return [row.billable.total_seconds() for row in acme.provider.calls()[-2:]]


# --- usage ---


def test_ended_rows_agree_with_asterisks_own_journal(acme: Acme):
    with acme.carrier(), acme.calling([acme.call_of(MOBILE)] * 5, hold_ms=700) as five:
        five.wait()
    acme.provider.until_idle()
    rows = {row.uniqueid: row for row in acme.provider.calls()[-5:]}
    journal = (acme.provider.asterisk.cdr_custom / "siptrunk.csv").read_text().splitlines()
    lines = [line.strip('"').split('","') for line in journal]
    told = {line[0]: float(line[11]) - float(line[10]) for line in lines if line[0] in rows}

    assert len(told) == 5
    for uniqueid, seconds in told.items():
        assert abs(rows[uniqueid].billable.total_seconds() - seconds) < 0.1


def register_at(acme: Acme, port: int, expires: int = 3600) -> None:
    done = register(
        acme.provider.asterisk.sip_address,
        *(acme.username, acme.secret, port),
        host=PBX_HOST,
        expires=expires,
    )
    assert done.status == 200


def until_listed(acme: Acme, **wanted: object) -> dict[str, Any]:
    """Wait until `trunk list` has these values; gives the whole line."""

    def line() -> dict[str, Any]:
        (found,) = acme.provider.read("trunk", "list")
        return dict(found)

    acme.provider.until(lambda: wanted.items() <= line().items(), 20, f"{wanted}")
    return line()


def test_a_registration_is_seen_and_what_the_pbx_calls_itself(acme: Acme):
    port, other = free_ports(2, "udp")
    register_at(acme, port)
    here = until_listed(acme, registered=True, registered_from=f"{PBX_HOST}:{port}")
    # Asterisk tells that the new contact came, then that the old one went.
    register_at(acme, other)
    moved = until_listed(acme, registered=True, registered_from=f"{PBX_HOST}:{other}")
    assert moved["registered_since"] > here["registered_since"]
    named = until_listed(acme, user_agent="lab-pbx")
    assert named == moved | {"user_agent": "lab-pbx"}
    register_at(acme, other, expires=0)
    until_listed(acme, registered=False, registered_from=None, user_agent=None)


def test_registrations_while_the_service_was_away_are_found(acme: Acme):
    (port,) = free_ports(1, "udp")
    acme.provider.stop_serving()
    register_at(acme, port)
    acme.provider.serve()
    there = {"registered_from": f"{PBX_HOST}:{port}", "user_agent": "lab-pbx"}
    before = until_listed(acme, registered=True, **there)

    acme.provider.stop_serving()
    acme.provider.serve()
    assert until_listed(acme, registered=True) == before

    acme.provider.stop_serving()
    register_at(acme, port, expires=0)
    acme.provider.serve()
    until_listed(acme, registered=False)
    assert "Registrations wait" not in acme.provider.daemon_log


def test_the_pbx_is_known_by_its_credentials_and_the_carrier_by_its_address(acme: Acme):
    stranger = place_calls(
        acme.provider.asterisk.sip_address, [Call(OUTSIDE, MAIN)], host="127.0.0.9"
    )
    assert stranger.statuses == [401]
    assert CARRIER_HOST != PBX_HOST


@pytest.mark.parametrize(
    ("caller", "headers"), [(MAIN, ["Privacy: id"]), ("anonymous", []), (MAIN, [])]
)
def test_a_withheld_number_reaches_the_network_and_is_shown_to_nobody(
    acme: Acme, caller: str, headers: list[str]
):
    with acme.carrier() as carrier:
        assert acme.call(MOBILE, caller=caller, headers=headers).statuses == [200]
        (invite,) = carrier.received()
    withheld = caller == "anonymous" or bool(headers)

    assert acme.last().withheld is withheld
    if withheld:
        assert MAIN not in invite.header("From")
        assert MAIN in invite.pai
        assert invite.header("Privacy") == "id"
    else:
        assert invite.from_user == MAIN
