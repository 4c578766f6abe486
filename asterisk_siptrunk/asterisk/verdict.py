"""Between AGI and the decision: a request as an attempt, a decision as variables to set."""

from datetime import datetime

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.call import Admit, Attempt, Decision, Direction, Reason, Refuse, Way
from asterisk_siptrunk.call.writing import called_number, presented_number
from asterisk_siptrunk.destination import Destination
from asterisk_siptrunk.trunk import Carrier, Trunk, TrunkKind

_USERFIELD = "CDR(userfield)"
_CALLER = "CALLERID(num)"
_PRESENTATION = "CALLERID(pres)"
_ACCOUNT = "CHANNEL(accountcode)"
# The number is the true one in both: the network gets it, RFC 3323 keeps it from the callee.
_SHOWN = "allowed_passed_screen"
_WITHHELD = "prohib_passed_screen"


def attempt_of(request: AgiRequest, server: str, at: datetime) -> Attempt:
    """The attempt that a request speaks of; `at` is now, in UTC."""
    inbound = request.script == variables.AGI_INBOUND
    return Attempt(
        server=server,
        uniqueid=request.uniqueid,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        entry=request.account,
        dialled=request.dialled,
        at=at,
        caller=request.caller,
        withheld=request.withheld,
        sip_call_id=request.sip_call_id,
        user_agent=request.user_agent,
    )


def verdict(
    attempt: Attempt, decision: Decision, trunk: Trunk | None, carrier: Carrier | None
) -> dict[str, str]:
    """What to set for a decision.

    `carrier` is the way that an outbound call takes; `trunk` is None for a call of no trunk.
    """
    if isinstance(decision, Refuse):
        return _refused(decision)
    if attempt.direction is Direction.INBOUND:
        return _to_pbx(decision, trunk)
    return _to_carrier(attempt, decision, trunk, carrier)


def next_way(way: Way | None) -> dict[str, str]:
    """What to set when a carrier failed a call: the next one, or that there is none."""
    if way is None:
        # The dialplan still has the cause that the carrier gave, and ends the call with it.
        return {variables.NEXT: variables.NEXT_FAILED}
    return {
        variables.NEXT: variables.NEXT_DIAL,
        variables.DIAL: _at_carrier(way.carrier, way.callee),
        _CALLER: presented_number(way.carrier, way.caller),
    }


def _refused(decision: Refuse) -> dict[str, str]:
    cause = decision.reason.cause
    return {
        variables.NEXT: variables.NEXT_REFUSED,
        variables.REASON: decision.reason,
        variables.CAUSE: str(int(cause)) if cause else "",
        _USERFIELD: decision.reason,
    }


def _to_carrier(
    attempt: Attempt, decision: Admit, trunk: Trunk | None, carrier: Carrier | None
) -> dict[str, str]:
    if carrier is None:
        return {}
    values = _admitted(decision, _at_carrier(carrier, decision.callee), trunk)
    if decision.caller:
        values[_CALLER] = presented_number(carrier, decision.caller)
    values[_PRESENTATION] = _WITHHELD if attempt.withheld else _SHOWN
    return values


def _to_pbx(decision: Admit, trunk: Trunk | None) -> dict[str, str]:
    if trunk is None:
        return {}
    called = decision.callee.number
    if trunk.kind is TrunkKind.LOCAL:
        dial = f"Local/{called}@{trunk.inbound_context}"
        also = {f"__{variables.CALLED}": called}
    else:
        dial = f"PJSIP/{called}@{variables.TRUNK_PREFIX}{trunk.name}"
        also = {}
    return _admitted(decision, dial, trunk) | {_ACCOUNT: trunk.name} | also


def _admitted(decision: Admit, dial: str, trunk: Trunk | None) -> dict[str, str]:
    limited = decision.reason is not Reason.EMERGENCY
    return {
        variables.NEXT: variables.NEXT_DIAL,
        variables.REASON: decision.reason,
        variables.DIAL: dial,
        _USERFIELD: decision.reason,
        f"GROUP({variables.GROUP})": trunk.name if trunk else variables.NO_TRUNK,
        variables.LIMIT: str(trunk.channels) if trunk and limited else variables.NO_LIMIT,
    }


def _at_carrier(carrier: Carrier, callee: Destination) -> str:
    return f"PJSIP/{called_number(carrier, callee)}@{variables.CARRIER_PREFIX}{carrier.name}"
