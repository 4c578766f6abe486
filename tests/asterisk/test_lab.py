"""The lab itself, on a dialplan of a few lines: what every other real test stands on."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.lab.asterisk import AsteriskServer
from tests.lab.postgresql import PostgresServer
from tests.lab.sipp import (
    Call,
    SippAnswerer,
    SippCaller,
    place_calls,
    register,
    registered_pbx,
)

pytestmark = pytest.mark.asterisk

PBX = """
[acme]
type=endpoint
context=from-acme
disallow=all
allow=alaw,ulaw
direct_media=no
auth=acme
aors=acme
[acme]
type=auth
auth_type=digest
username=acme
password=secret
[acme]
type=aor
max_contacts=1
remove_existing=yes
qualify_frequency=1

[carrier]
type=endpoint
context=from-carrier
disallow=all
allow=alaw,ulaw
direct_media=no
send_pai=yes
trust_id_outbound=yes
"""

DIALPLAN = """
[from-acme]
exten => _0XXXXXXXXX,1,Set(CALLERID(num)=+33123456789)
 same => n,Dial(PJSIP/carrier/sip:+33${EXTEN:1}@${CARRIER},20)
 same => n,Hangup(${HANGUPCAUSE})
exten => 17,1,Hangup(17)
exten => 34,1,Hangup(34)
exten => inside,1,Dial(PJSIP/acme,20)
"""

ACME = Call("acme", "0612345678", "acme", "secret")


@pytest.fixture(scope="module")
def server():
    with AsteriskServer(systemname="smoke") as running:
        running.write("pjsip.conf", (running.etc / "pjsip.conf").read_text() + PBX)
        running.write("extensions.conf", DIALPLAN)
        running.cli("core reload")
        yield running


def through(server: AsteriskServer, carrier: SippAnswerer) -> str:
    server.cli(f"dialplan set global CARRIER {carrier.address}")
    return server.sip_address


def test_a_call_goes_through_to_the_carrier_and_is_held(server):
    with SippAnswerer() as carrier:
        target = through(server, carrier)
        with SippCaller(target, [ACME], hold_ms=400) as caller:
            result = caller.wait()
        (invite,) = carrier.received()
    (call,) = result.calls
    assert (call.status, call.statuses[0], result.exit_status) == (200, 401, 0)
    assert call.ended_by_us
    assert 0 < call.setup_seconds < 2
    assert (invite.to_user, invite.from_user) == ("+33612345678", "+33123456789")
    assert "+33123456789" in invite.pai
    assert "m=audio" in invite.body
    assert invite.status == 200
    assert server.live_channels() == []


def test_the_carrier_may_hang_up_first(server):
    with SippAnswerer(hold_ms=200) as carrier:
        result = place_calls(through(server, carrier), [ACME], hold_ms=20_000)
    assert result.statuses == [200]
    assert not result.calls[0].ended_by_us


@pytest.mark.parametrize(("callee", "status"), [("17", 486), ("34", 503), ("99", 404)])
def test_a_refusal_is_an_outcome_with_its_reason(server, callee, status):
    result = place_calls(server.sip_address, [Call("acme", callee, "acme", "secret")])
    assert (result.statuses, result.exit_status) == ([status], 0)
    assert (f"cause={callee}" in result.calls[0].reason) == (status != 404)


def test_a_wrong_secret_ends_with_a_challenge(server):
    result = place_calls(server.sip_address, [Call("acme", "17", "acme", "wrong")])
    assert (result.statuses, result.exit_status) == ([401], 0)


def test_a_carrier_refuses(server):
    with SippAnswerer("uas_refuse", status="503 Service Unavailable") as carrier:
        result = place_calls(through(server, carrier), [ACME])
        assert [invite.status for invite in carrier.received()] == [503]
    assert result.statuses == [503]


def test_a_ringing_call_is_given_up(server):
    with SippAnswerer("uas_ring_forever") as carrier:
        result = place_calls(through(server, carrier), [ACME], scenario="uac_cancel", ring_ms=200)
        assert (result.statuses, result.exit_status) == ([487], 0)
        assert [invite.status for invite in carrier.received()] == [487]


def test_many_calls_at_once(server):
    calls = [ACME] * 30
    with SippAnswerer() as carrier:
        result = place_calls(through(server, carrier), calls, hold_ms=500)
        assert len(carrier.received()) == 30
    assert result.statuses == [200] * 30


def test_a_raw_user_part_goes_out_verbatim(server):
    forged = Call("acme", "17%0Aagi_arg_9%3A%20evil", "acme", "secret")
    (call,) = place_calls(server.sip_address, [forged]).calls
    assert "%0Aagi_arg_9" in call.messages[0].start_line
    assert call.status == 404


def test_a_registered_pbx_takes_calls_on_its_port(server):
    with registered_pbx(server.sip_address, "acme", "secret") as pbx:
        assert f":{pbx.port}" in server.cli("pjsip show contacts")
        result = place_calls(
            server.sip_address, [Call("acme", "inside", "acme", "secret")], hold_ms=100
        )
        assert result.statuses == [200]
        assert [invite.status for invite in pbx.received()] == [200]
    assert register(server.sip_address, "acme", "wrong", pbx.port).status == 401


def test_a_crash_and_a_restart_keep_ports_and_files():
    with AsteriskServer(systemname="phoenix") as server:
        server.kill9()
        assert not server.running
        server.restart()
        assert "phoenix" in server.cli("core show settings")
        assert server.cpu_seconds() > 0
        assert " ERROR[" not in server.log_text()
        pid, folder = server.pid, server.directory
    assert not Path(f"/proc/{pid}").exists()
    assert not folder.exists()


@pytest.mark.postgresql
def test_a_database_survives_an_outage():
    psycopg = pytest.importorskip("psycopg")
    with PostgresServer() as server:
        url = server.create_database("lab").replace("+psycopg", "")
        server.stop()
        assert server.pid is None
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        folder = server.directory
    assert not folder.exists()


def commands_below(folder: Path) -> list[str]:
    """Command lines of living processes that name a folder."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # ended meanwhile
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in lines if str(folder) in line]


def test_nothing_is_left_running_or_mounted_even_after_a_failure():
    mounts = Path("/proc/self/mounts").read_text()
    folders = []

    def fail_in_mid_call() -> None:
        with (
            AsteriskServer() as server,
            SippAnswerer() as carrier,
            SippCaller(server.sip_address, [ACME] * 3, hold_ms=60_000),
        ):
            folders.extend([server.directory, carrier._sipp.directory])
            assert all(commands_below(folder) for folder in folders)
            raise LookupError

    with pytest.raises(LookupError):
        fail_in_mid_call()
    assert not any(commands_below(folder) or folder.exists() for folder in folders)
    assert Path("/proc/self/mounts").read_text() == mounts
