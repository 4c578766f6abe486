from dataclasses import replace

import pytest

from asterisk_siptrunk.asterisk.agi import AgiParser, AgiRequest, set_variables
from asterisk_siptrunk.asterisk.verdict import attempt_of, next_way, verdict
from asterisk_siptrunk.call import Admit, Direction, Reason, Refuse, Way
from asterisk_siptrunk.trunk import TrunkKind
from tests.unit.asterisk.headers import fastagi_header
from tests.unit.call.builders import CARRIER, INBOUND, MAIN, NOON, OUTBOUND, TRUNK, number

MOBILE = number("0612345678")
ADMIT = Admit(Reason.ADMITTED, MOBILE, MAIN, (CARRIER,))


@pytest.mark.parametrize(
    ("script", "direction"), [("outbound", Direction.OUTBOUND), ("inbound", Direction.INBOUND)]
)
def test_a_request_becomes_an_attempt(script, direction):
    (request,) = AgiParser().receive(fastagi_header(script=script, agi_callingpres="32"))
    assert isinstance(request, AgiRequest)
    attempt = attempt_of(request, "lab", NOON)

    assert (attempt.direction, attempt.entry, attempt.withheld) == (direction, "acme", True)
    assert (attempt.dialled, attempt.caller, attempt.at) == ("0612345678", MAIN, NOON)


def test_an_outbound_call_goes_to_the_carrier_under_the_trunks_number():
    assert verdict(OUTBOUND, ADMIT, TRUNK, CARRIER) == {
        "SIPTRUNK_NEXT": "dial",
        "SIPTRUNK_REASON": "admitted",
        "SIPTRUNK_DIAL": "PJSIP/+33612345678@carrier-one",
        "CDR(userfield)": "admitted",
        "GROUP(siptrunk)": "acme",
        "SIPTRUNK_LIMIT": str(TRUNK.channels),
        "CALLERID(num)": MAIN,
        "CALLERID(pres)": "allowed_passed_screen",
    }


def test_a_withheld_number_goes_to_the_network_and_no_further():
    values = verdict(replace(OUTBOUND, withheld=True), ADMIT, TRUNK, CARRIER)

    assert values["CALLERID(num)"] == MAIN
    assert values["CALLERID(pres)"] == "prohib_passed_screen"


@pytest.mark.parametrize(
    ("changed", "dial"),
    [
        ({}, "PJSIP/+33612345678@trunk-acme"),
        (
            {"kind": TrunkKind.LOCAL, "inbound_context": "from-trunk"},
            "Local/+33612345678@from-trunk",
        ),
    ],
)
def test_an_inbound_call_goes_to_the_pbx(changed, dial):
    trunk_kind = changed.get("kind")
    values = verdict(INBOUND, replace(ADMIT, carriers=()), replace(TRUNK, **changed), CARRIER)

    assert values["SIPTRUNK_DIAL"] == dial
    assert values["CHANNEL(accountcode)"] == values["GROUP(siptrunk)"] == "acme"
    # Phones that send the number back to us would have it go out and come in again.
    is_local = trunk_kind is TrunkKind.LOCAL
    assert values.get("__SIPTRUNK_CALLED") == ("+33612345678" if is_local else None)
    assert "CALLERID(num)" not in values


def test_a_refusal_says_cause_and_reason():
    assert verdict(OUTBOUND, Refuse(Reason.CHANNELS_FULL), TRUNK, None) == {
        "SIPTRUNK_NEXT": "refused",
        "SIPTRUNK_REASON": "channels-full",
        "SIPTRUNK_CAUSE": "34",
        "CDR(userfield)": "channels-full",
    }


def test_an_emergency_without_a_trunk_or_a_number_still_goes():
    emergency = Admit(Reason.EMERGENCY, number("112"), "", (CARRIER,))
    values = verdict(OUTBOUND, emergency, None, CARRIER)

    assert values["SIPTRUNK_DIAL"] == "PJSIP/112@carrier-one"
    # It is counted in no trunk, and by no limit.
    assert (values["GROUP(siptrunk)"], values["SIPTRUNK_LIMIT"]) == ("-", "99999")
    assert "CALLERID(num)" not in values


def test_an_emergency_is_held_by_no_limit():
    values = verdict(OUTBOUND, replace(ADMIT, reason=Reason.EMERGENCY), TRUNK, CARRIER)

    assert (values["GROUP(siptrunk)"], values["SIPTRUNK_LIMIT"]) == ("acme", "99999")


def test_what_cannot_be_dialled_is_left_to_the_dialplan():
    assert verdict(OUTBOUND, ADMIT, TRUNK, None) == {}
    assert verdict(INBOUND, ADMIT, None, None) == {}


def test_the_next_way_or_none():
    assert next_way(Way(CARRIER, MOBILE, MAIN))["SIPTRUNK_DIAL"] == "PJSIP/+33612345678@carrier-one"
    # Not "refused": that hangup is not told, and this call has a row to end.
    assert next_way(None) == {"SIPTRUNK_NEXT": "failed"}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_can_be_sent(reason):
    set_variables(verdict(OUTBOUND, Refuse(reason), TRUNK, None))
