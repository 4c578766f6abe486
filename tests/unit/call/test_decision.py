"""The decision, as tables: what is asked, of which trunk, under which load, and the outcome."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.call import (
    Admit,
    Direction,
    Load,
    Reason,
    Refuse,
    decide,
    decide_unknown,
)
from asterisk_siptrunk.destination import Action, Layer, Rule, Target, emergency_numbers
from asterisk_siptrunk.trunk import CallerPolicy, Suspension, SuspensionScope
from tests.unit.call.builders import (
    BACKUP,
    CARRIER,
    IDLE,
    INBOUND,
    MAIN,
    NOON,
    OUTBOUND,
    SECOND,
    TRUNK,
    first,
    terms,
)

FULL = Load(outbound=2, inbound=1)


def outbound(dialled, *, of=None, load=IDLE, **attempt):
    return decide(replace(OUTBOUND, dialled=dialled, **attempt), of or terms(), load, first)


@pytest.mark.parametrize(
    ("dialled", "callee"),
    [
        ("0612345678", "+33612345678"),
        ("+33612345678", "+33612345678"),
        ("0033612345678", "+33612345678"),
        ("004930123456", "+4930123456"),
    ],
)
def test_an_ordinary_call_passes_however_it_is_dialled(dialled, callee):
    decision = outbound(dialled)

    assert isinstance(decision, Admit)
    assert decision.reason is Reason.ADMITTED
    assert decision.callee.number == callee
    assert decision.carriers == (CARRIER, BACKUP)


@pytest.mark.parametrize("scope", SuspensionScope)
@pytest.mark.parametrize("number", emergency_numbers("FR"))
def test_emergency_passes_beyond_limit_block_and_suspension(number, scope):
    shut = Rule(Target.parse("all"), Action.BLOCK, Layer.PROVIDER, locked=True)
    target = {SuspensionScope.DESTINATION: number, SuspensionScope.CALLER: MAIN}.get(scope, "")
    of = terms(shut, suspensions=(Suspension(scope, "unpaid", target=target),), ended=True)

    decision = outbound(number, of=of, load=Load(outbound=99, tokens=0.0, carriers={1: 99}))

    assert isinstance(decision, Admit)
    assert decision.reason is Reason.EMERGENCY
    assert decision.callee.number == number


def test_emergency_ignores_the_limits_of_carriers_but_needs_one():
    limited = (replace(CARRIER, channels=1),)

    assert isinstance(
        outbound("112", of=terms(carriers=limited), load=Load(carriers={1: 1})), Admit
    )
    assert outbound("112", of=terms(carriers=())).reason is Reason.NO_CARRIER


@pytest.mark.parametrize(
    ("caller", "kept"),
    [
        ("+33999999999", "+33999999999"),
        ("0999999999", "+33999999999"),
        ("", MAIN),
        ("100", MAIN),  # an extension: nobody could call it back
    ],
)
def test_emergency_keeps_the_caller_number_that_the_pbx_sent(caller, kept):
    assert outbound("15", caller=caller).caller == kept


def test_an_emergency_call_of_a_trunk_without_a_number_shows_what_there_is():
    numberless = terms(numbers=())
    assert outbound("15", of=numberless, caller="100").caller == "100"


@pytest.mark.parametrize(
    ("trunk", "dialled", "reason"),
    [
        ({"ended": True}, "0612345678", Reason.TRUNK_ENDED),
        ({"suspensions": (Suspension(SuspensionScope.ALL, "x"),)}, "0612345678", Reason.SUSPENDED),
        (
            {"suspensions": (Suspension(SuspensionScope.OUTBOUND, "x"),)},
            "0612345678",
            Reason.SUSPENDED,
        ),
        (
            {"suspensions": (Suspension(SuspensionScope.INTERNATIONAL, "x"),)},
            "004930123456",
            Reason.SUSPENDED,
        ),
        # Réunion is dialled under France's own plan: domestic.
        (
            {"suspensions": (Suspension(SuspensionScope.INTERNATIONAL, "x"),)},
            "0262123456",
            Reason.ADMITTED,
        ),
        (
            {"suspensions": (Suspension(SuspensionScope.INTERNATIONAL, "x"),)},
            "0612345678",
            Reason.ADMITTED,
        ),
        (
            {"suspensions": (Suspension(SuspensionScope.INBOUND, "x"),)},
            "0612345678",
            Reason.ADMITTED,
        ),
    ],
)
def test_a_suspension_stops_its_part_and_no_other(trunk, dialled, reason):
    assert outbound(dialled, of=terms(**trunk)).reason is reason


def to(target: str) -> Suspension:
    return Suspension(SuspensionScope.DESTINATION, "finding 7", target=target)


def by(target: str) -> Suspension:
    return Suspension(SuspensionScope.CALLER, "finding 7", target=target)


@pytest.mark.parametrize(
    ("suspension", "attempt", "stopped"),
    [
        (to("lv:mobile"), {"dialled": "0037121234567"}, True),
        (to("lv"), {"dialled": "0037121234567"}, True),
        (to("+3712"), {"dialled": "0037121234567"}, True),
        (to("risk:high"), {"dialled": "0037121234567"}, True),  # Latvia is on the list
        (to("lv:premium"), {"dialled": "0037121234567"}, False),
        (to("lv"), {"dialled": "0612345678"}, False),
        # A caller, however its number is written; and the number that stands in for another.
        (by("+33612345678"), {"caller": "0612345678"}, True),
        (by("100"), {"caller": "100"}, True),
        (by(MAIN), {"caller": "100"}, True),
        (by(MAIN), {"caller": SECOND}, False),
        # Neither part is taken for the other.
        (to(MAIN), {"caller": MAIN}, False),
        (by("+33612345678"), {"dialled": "0612345678"}, False),
    ],
)
def test_a_suspension_in_part_stops_what_it_names_and_nothing_else(suspension, attempt, stopped):
    latvia = Rule(Target.parse("lv"), Action.ALLOW, Layer.CUSTOMER)
    of = terms(latvia, suspensions=(suspension,))
    decision = outbound(**{"dialled": "0612345678"} | attempt, of=of)
    assert decision.reason is (Reason.SUSPENDED if stopped else Reason.ADMITTED)
    assert decision.facts.startswith(f"{suspension.part}: finding 7") == stopped


def test_a_caller_is_stopped_on_its_way_in_and_a_destination_is_not():
    caller = replace(INBOUND, caller="0612345678")
    decided = [
        decide(caller, terms(suspensions=(one,)), IDLE, first).reason
        for one in (by("+33612345678"), to("all"))
    ]
    assert decided == [Reason.SUSPENDED, Reason.ADMITTED]


def test_a_suspension_is_over_when_its_time_is():
    until = replace(to("fr"), expires_at=NOON)
    of = terms(suspensions=(until,))
    before, then = (
        outbound("0612345678", of=of, at=at).reason for at in (NOON - timedelta(seconds=1), NOON)
    )
    assert (before, then) == (Reason.SUSPENDED, Reason.ADMITTED)


@pytest.mark.parametrize("dialled", ["0", "99", "+", "+999123456", "06123", "", "061234567a"])
def test_what_is_no_number_is_unallocated(dialled):
    decision = outbound(dialled)

    assert decision == Refuse(Reason.UNKNOWN_NUMBER, None, decision.facts)
    assert decision.reason.cause == 1


@pytest.mark.parametrize(
    ("policy", "caller", "presented"),
    [
        (CallerPolicy.REPLACE, "0123456789", MAIN),
        (CallerPolicy.REPLACE, SECOND, SECOND),
        (CallerPolicy.REPLACE, "+33699999999", MAIN),
        (CallerPolicy.REPLACE, "", MAIN),
        (CallerPolicy.REPLACE, "anonymous", MAIN),
        (CallerPolicy.REFUSE, SECOND, SECOND),
        # No number was claimed, so none is false: the network gets the true one.
        (CallerPolicy.REFUSE, "", MAIN),
    ],
)
def test_the_caller_number_is_always_one_of_the_trunk(policy, caller, presented):
    assert outbound("0612345678", of=terms(caller_policy=policy), caller=caller).caller == presented


@pytest.mark.parametrize(
    ("trunk", "caller"),
    [
        ({"caller_policy": CallerPolicy.REFUSE}, "+33699999999"),
        ({"caller_policy": CallerPolicy.REFUSE}, "anonymous"),
        ({"numbers": ()}, "+33699999999"),
        ({"numbers": ()}, ""),
    ],
)
def test_a_caller_number_that_is_not_the_trunks_is_refused(trunk, caller):
    decision = outbound("0612345678", of=terms(**trunk), caller=caller)

    assert decision.reason is Reason.CALLER_NOT_OWNED
    assert decision.reason.cause == 21


@pytest.mark.parametrize("dialled", ["0899123456", "+881612345678", "+18765551234"])
def test_what_the_provider_blocks_from_day_one_is_blocked(dialled):
    decision = outbound(dialled)

    assert decision.reason is Reason.DESTINATION_BLOCKED
    assert decision.facts


def test_the_customer_may_unblock_but_not_past_a_lock():
    opened = Rule(Target.parse("+881"), Action.ALLOW, Layer.CUSTOMER)
    locked = Rule(Target.parse("*:satellite"), Action.BLOCK, Layer.PROVIDER, locked=True)

    assert outbound("+881612345678", of=terms(opened)).reason is Reason.ADMITTED
    assert outbound("+881612345678", of=terms(opened, locked)).reason is Reason.DESTINATION_BLOCKED


# channels 3, reserved for inbound r; outbound o and inbound i open:
# outbound passes while o + i < 3 and o < 3 - r; inbound while o + i < 3.
@pytest.mark.parametrize(
    ("reserved", "load", "out", "into"),
    [
        (0, Load(0, 0), Reason.ADMITTED, Reason.ADMITTED),
        (0, Load(2, 0), Reason.ADMITTED, Reason.ADMITTED),
        (0, Load(3, 0), Reason.CHANNELS_FULL, Reason.INBOUND_FULL),
        (0, Load(0, 3), Reason.CHANNELS_FULL, Reason.INBOUND_FULL),
        (0, Load(2, 1), Reason.CHANNELS_FULL, Reason.INBOUND_FULL),
        (1, Load(1, 0), Reason.ADMITTED, Reason.ADMITTED),
        (1, Load(2, 0), Reason.CHANNELS_FULL, Reason.ADMITTED),
        (1, Load(1, 1), Reason.ADMITTED, Reason.ADMITTED),
        (3, Load(0, 0), Reason.CHANNELS_FULL, Reason.ADMITTED),
    ],
)
def test_both_directions_share_the_limit(reserved, load, out, into):
    of = terms(reserved_inbound=reserved)

    assert outbound("0612345678", of=of, load=load).reason is out
    assert decide(INBOUND, of, load, first).reason is into


def test_answers_on_the_wire_are_those_of_the_terms():
    assert Reason.CHANNELS_FULL.cause == 34  # 503
    assert Reason.INBOUND_FULL.cause == 17  # 486
    assert Reason.DESTINATION_BLOCKED.cause == Reason.SUSPENDED.cause == 21  # 403
    assert Reason.UNKNOWN_NUMBER.cause == 1  # 404


@pytest.mark.parametrize(("tokens", "reason"), [(1.0, Reason.ADMITTED), (0.9, Reason.TOO_FAST)])
@pytest.mark.parametrize("attempt", [OUTBOUND, INBOUND])
def test_calls_that_come_too_fast_are_refused(attempt, tokens, reason):
    of = terms(calls_per_second=1)

    assert decide(attempt, of, Load(tokens=tokens), first).reason is reason


def test_a_full_carrier_is_passed_over_and_all_full_refuse():
    both = (replace(CARRIER, channels=2), replace(BACKUP, channels=2))

    half = outbound("0612345678", of=terms(carriers=both), load=Load(carriers={1: 2}))
    full = outbound("0612345678", of=terms(carriers=both), load=Load(carriers={1: 2, 2: 2}))

    assert [carrier.name for carrier in half.carriers] == ["two"]
    assert full.reason is Reason.CARRIERS_FULL
    assert outbound("0612345678", of=terms(carriers=())).reason is Reason.NO_CARRIER


def test_an_inbound_call_goes_to_the_pbx_with_the_callers_number():
    decision = decide(INBOUND, terms(), IDLE, first)

    assert isinstance(decision, Admit)
    assert (decision.callee.number, decision.caller) == (MAIN, INBOUND.caller)
    assert decision.carriers == ()


def test_inbound_calls_to_what_is_no_number_or_suspended_are_refused():
    suspended = terms(suspensions=(Suspension(SuspensionScope.INBOUND, "fraud"),))

    assert decide(INBOUND, suspended, IDLE, first).reason is Reason.SUSPENDED
    assert (
        decide(replace(INBOUND, dialled="x"), terms(), IDLE, first).reason is Reason.UNKNOWN_NUMBER
    )


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (OUTBOUND, Reason.UNKNOWN_TRUNK),
        (replace(OUTBOUND, dialled="112"), Reason.EMERGENCY),
        (INBOUND, Reason.UNKNOWN_NUMBER),
    ],
)
def test_of_calls_without_a_trunk_only_emergencies_pass(attempt, reason):
    assert decide_unknown(attempt, "FR", (CARRIER,), first).reason is reason


numbers = st.text(st.sampled_from("+0123456789"), max_size=22) | st.text(max_size=30)


@given(
    dialled=numbers,
    caller=numbers,
    direction=st.sampled_from(Direction),
    open_outbound=st.integers(0, 5),
    open_inbound=st.integers(0, 5),
)
def test_no_call_but_an_emergency_passes_a_full_trunk(
    dialled, caller, direction, open_outbound, open_inbound
):
    attempt = replace(OUTBOUND, dialled=dialled, caller=caller, direction=direction)
    load = Load(open_outbound, open_inbound)

    decision = decide(attempt, terms(), load, first)

    if load.in_use >= TRUNK.channels and isinstance(decision, Admit):
        assert decision.reason is Reason.EMERGENCY
    if isinstance(decision, Admit) and decision.reason is not Reason.EMERGENCY:
        assert direction is Direction.INBOUND or decision.caller in TRUNK.numbers
    if isinstance(decision, Refuse):
        assert decision.reason.cause is not None
        assert decision.reason.sentence
