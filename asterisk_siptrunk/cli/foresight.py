"""What would become of a call that came now: the real decision, on what the database says."""

import re
from typing import TYPE_CHECKING

from asterisk_siptrunk.bootstrap import carriers, rules, signature, trunks
from asterisk_siptrunk.call import Admit, Attempt, Decision, Direction, Terms, decide
from asterisk_siptrunk.cli.occupancy import load_of
from asterisk_siptrunk.cli.output import Row
from asterisk_siptrunk.destination import Destination, Policy, normalise

if TYPE_CHECKING:
    from sqlalchemy import Connection

# What the dialplan's patterns let through to a decision.
MOST_DIGITS = 20
_DIALLED = re.compile(rf"\+?[0-9]{{1,{MOST_DIGITS}}}")
_SIP_ANSWERS = {1: 404, 17: 486, 21: 403, 34: 503, 41: 603}


def can_be_dialled(number: str) -> bool:
    """Whether a PBX could send this as a called number."""
    return _DIALLED.fullmatch(number) is not None


def foresee(connection: "Connection", trunk: str, number: str, caller: str) -> Row:
    """Decide on an outbound call without storing it, and put all that it rests on in words.

    Raises:
        NotFound: there is no such trunk.
    """
    terms = _terms(connection, trunk)
    load = load_of(connection, trunk, {one.name: one.id for one in terms.carriers})
    attempt = Attempt(
        server="",
        uniqueid="",
        direction=Direction.OUTBOUND,
        entry=trunk,
        dialled=number,
        at=signature().at,
        caller=caller or terms.trunk.main_number or "",
    )
    # The draw among equals is left out: of one priority and weight the first by name leads.
    return _told(attempt, terms, decide(attempt, terms, load, lambda: 0.0))


def _terms(connection: "Connection", name: str) -> Terms:
    trunk = trunks.get(connection, name)
    in_service = tuple(one for one in carriers.every(connection) if one.enabled)
    return Terms(trunk, Policy(rules.of_trunk(connection, trunk.id), trunk.country), in_service)


def _told(attempt: Attempt, terms: Terms, decision: Decision) -> Row:
    callee = decision.callee or normalise(attempt.dialled, terms.trunk.country)
    ways = decision.carriers if isinstance(decision, Admit) else ()
    return {
        "verdict": "admitted" if isinstance(decision, Admit) else "refused",
        "reason": decision.reason,
        "because": decision.reason.sentence,
        "facts": decision.facts,
        "trunk": terms.trunk.name,
        "dialled": attempt.dialled,
        "callee": callee.number if callee else None,
        "zone": callee.zone if callee else None,
        "rule": _rule(terms.policy, callee),
        "caller_given": attempt.caller,
        "caller_shown": decision.caller if isinstance(decision, Admit) else None,
        "carriers": tuple(one.name for one in ways),
        **_answer(decision),
    }


def _rule(policy: Policy, callee: Destination | None) -> str | None:
    """What the policy says, whatever else decided."""
    return policy.judge(callee).explanation if callee else None


def _answer(decision: Decision) -> dict[str, int | None]:
    cause = decision.reason.cause
    return {
        "hangup_cause": None if cause is None else int(cause),
        "sip_answer": None if cause is None else _SIP_ANSWERS[cause],
    }
