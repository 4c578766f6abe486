"""Trunks that do not register: known by their address, and the phones of the same Asterisk."""

from collections.abc import Iterator

import pytest

from asterisk_siptrunk.call import Direction, Evidence, Reason, Via
from tests.lab.postgresql import PostgresServer
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippAnswerer, SippCaller, place_calls

pytestmark = pytest.mark.asterisk

CARRIER_HOST, PBX_HOST, PHONE_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.5"
PBX_NUMBER, OFFICE_NUMBER, OUTSIDE = "+33123456789", "+33123456780", "+33611223344"
MOBILE = "0612345678"

# What a company's own Asterisk has for its phones, before siptrunk comes.
PHONES_PJSIP = f"""
[phone]
type=endpoint
context=phones
disallow=all
allow=alaw
aors=phone
[phone]
type=aor
contact=sip:phone@{PHONE_HOST}:{{port}}
[phone]
type=identify
endpoint=phone
match={PHONE_HOST}
"""
PHONES_DIALPLAN = """
[phones]
include => trunk-office
exten => 100,1,Hangup(17)
; It ends without a hangup of its own: no priority of ours may follow.
exten => 101,1,Set(CALLERID(name)=nobody)

[from-trunk]
exten => _+X.,1,Dial(PJSIP/phone,20)
"""


class Kinds:
    """A provider with a trunk by address and a local one; its carrier and phone are SIPp."""

    def __init__(self, provider: Provider, carrier: SippAnswerer, phone: SippAnswerer) -> None:
        self.provider = provider
        self.carrier = carrier
        self.phone = phone

    def call(self, host: str, callee: str, caller: str) -> list[int]:
        address = self.provider.asterisk.sip_address
        return place_calls(address, [Call(caller, callee)], host=host, hold_ms=300).statuses

    def last(self):
        self.provider.until_idle()
        return self.provider.calls()[-1]


@pytest.fixture(scope="module")
def kinds() -> Iterator[Kinds]:
    carrier, phone = SippAnswerer(host=CARRIER_HOST), SippAnswerer(host=PHONE_HOST)
    pbx = SippAnswerer(host=PBX_HOST)
    provider = Provider()
    etc = provider.asterisk.etc
    for name, text in (
        ("pjsip.conf", PHONES_PJSIP.format(port=phone.port)),
        ("extensions.conf", PHONES_DIALPLAN),
    ):
        provider.asterisk.write(name, (etc / name).read_text() + text)
    with carrier, phone, pbx, provider:
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "2", "--kind", "address"),
            *("--address", PBX_HOST, "--address", "2001:db8::/64", "--contact", pbx.address),
            *("--number", PBX_NUMBER),
        )
        provider.do(
            *("trunk", "add", "office", "--customer", "us", "--channels", "1", "--kind", "local"),
            *("--inbound-context", "from-trunk", "--number", OFFICE_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--match", CARRIER_HOST, "--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        yield Kinds(provider, carrier, phone)


def test_a_pbx_is_known_by_its_address(kinds: Kinds):
    assert kinds.call(PBX_HOST, MOBILE, PBX_NUMBER) == [200]
    row = kinds.last()
    assert (row.trunk, row.caller) == ("plant", PBX_NUMBER)


def test_a_call_in_goes_to_the_address_that_was_given(kinds: Kinds):
    assert kinds.call(CARRIER_HOST, PBX_NUMBER, OUTSIDE) == [200]
    row = kinds.last()
    assert (row.trunk, row.direction) == ("plant", Direction.INBOUND)


def test_the_phones_of_this_asterisk_call_under_the_same_terms(kinds: Kinds):
    assert kinds.call(PHONE_HOST, MOBILE, "100") == [200]
    row = kinds.last()
    assert (row.trunk, row.caller, row.reason) == ("office", OFFICE_NUMBER, Reason.ADMITTED)
    assert kinds.call(PHONE_HOST, "0899123456", "100") == [403]
    assert kinds.call(PHONE_HOST, "112", "100") == [200]
    assert kinds.last().reason is Reason.EMERGENCY
    # Their own extensions are none of ours.
    before = len(kinds.provider.calls())
    assert kinds.call(PHONE_HOST, "100", "100") == [486]
    assert kinds.call(PHONE_HOST, "101", "100") != [403]
    assert len(kinds.provider.calls()) == before


def test_their_limit_holds_and_a_call_in_rings_them(kinds: Kinds):
    assert kinds.call(CARRIER_HOST, OFFICE_NUMBER, OUTSIDE) == [200]
    assert len(kinds.phone.received()) == 1
    assert kinds.last().trunk == "office"
    address = kinds.provider.asterisk.sip_address
    with SippCaller(address, [Call("100", MOBILE)] * 3, host=PHONE_HOST, hold_ms=1500) as three:
        assert three.wait().statuses == [200, 503, 503]


def test_postgresql_and_a_dedicated_asterisk_keep_the_same_promises():
    with (
        PostgresServer() as server,
        SippAnswerer(host=CARRIER_HOST) as carrier,
        Provider(database_url=server.create_database("usage"), dedicated=True) as provider,
    ):
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "5", "--kind", "address"),
            *("--address", PBX_HOST, "--contact", f"{PBX_HOST}:5060", "--number", PBX_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--channels", "4", "--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        address = provider.asterisk.sip_address
        for _ in range(2):
            calls = [Call(PBX_NUMBER, f"06123456{index:02}") for index in range(40)]
            with SippCaller(address, calls, host=PBX_HOST, hold_ms=1500) as burst:
                assert burst.wait().statuses == [200] * 4 + [503] * 36
            provider.until_idle()
        rows = provider.calls()
        assert len(rows) == 80
        assert "Newexten" in provider.asterisk.cli("manager show settings")
        passed = [row for row in rows if row.reason is Reason.ADMITTED]
        assert {(row.evidence, row.hangup_cause, row.codec) for row in passed} == {
            (Evidence.AMI, 16, "alaw")
        }
        assert all(row.ringing_at and row.answered_at for row in passed)
        assert {row.via for row in rows} == {Via.SERVICE}
        assert {row.reason for row in rows} == {Reason.ADMITTED, Reason.CARRIERS_FULL}


def test_an_agi_process_decides_as_the_service_does():
    with SippAnswerer(host=CARRIER_HOST) as carrier, Provider(by_process=True) as provider:
        provider.do("customer", "add", "us")
        provider.do(
            *("trunk", "add", "plant", "--customer", "us", "--channels", "1", "--kind", "address"),
            *("--address", PBX_HOST, "--contact", f"{PBX_HOST}:5060", "--number", PBX_NUMBER),
        )
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
            *("--qualify", "0"),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        address = provider.asterisk.sip_address
        calls = [Call(PBX_NUMBER, MOBILE), Call(PBX_NUMBER, MOBILE), Call(PBX_NUMBER, "112")]
        with SippCaller(address, calls, host=PBX_HOST, hold_ms=3000, rate=1) as three:
            assert three.wait().statuses == [200, 200, 503]
        provider.until_idle()
        assert [row.reason for row in provider.calls()] == [
            Reason.ADMITTED,
            Reason.CHANNELS_FULL,
            Reason.EMERGENCY,
        ]
        assert {row.via for row in provider.calls()} == {Via.PROCESS}
