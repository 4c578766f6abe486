"""What would become of a call that came now: the real decision, on what the database says."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from asterisk_siptrunk.call import Admit, Attempt, Decision, Direction, Terms, decide
from asterisk_siptrunk.database import carriers, rules, trunks
from asterisk_siptrunk.database.occupancy import load_of
from asterisk_siptrunk.destination import Destination, Judgement, Policy, normalise
from asterisk_siptrunk.trunk import Trunk


@dataclass(frozen=True, slots=True)
class Foresight:
    """A call that was decided on, and neither made nor stored.

    Attributes:
        callee: where it would go; None where nobody can be reached.
        judgement: what the policy says of that, whatever else decided.
    """

    attempt: Attempt
    trunk: Trunk
    decision: Decision
    callee: Destination | None
    judgement: Judgement | None

    @property
    def admitted(self) -> bool:
        """Whether it would pass."""
        return isinstance(self.decision, Admit)

    @property
    def caller_shown(self) -> str | None:
        """The number that the callee would see; None where the call would not pass."""
        return self.decision.caller if isinstance(self.decision, Admit) else None

    @property
    def carriers(self) -> tuple[str, ...]:
        """The ways that would be tried, best first."""
        ways = self.decision.carriers if isinstance(self.decision, Admit) else ()
        return tuple(one.name for one in ways)


def foresee(
    connection: Connection, trunk: str, number: str, caller: str, now: datetime
) -> Foresight:
    """Decide on an outbound call; `number` is as a PBX sends it, `caller` "" for the main number.

    Raises:
        NotFound: there is no such trunk.
    """
    terms = _terms(connection, trunk)
    load = load_of(connection, terms.trunk.id)
    attempt = Attempt(
        server="",
        uniqueid="",
        direction=Direction.OUTBOUND,
        entry=trunk,
        dialled=number,
        at=now,
        caller=caller or terms.trunk.main_number or "",
    )
    # The draw among equals is left out: of one priority and weight the first by name leads.
    decision = decide(attempt, terms, load, lambda: 0.0)
    callee = decision.callee or normalise(number, terms.trunk.country)
    judgement = terms.policy.judge(callee) if callee else None
    return Foresight(attempt, terms.trunk, decision, callee, judgement)


def _terms(connection: Connection, name: str) -> Terms:
    trunk = trunks.get(connection, name)
    in_service = tuple(one for one in carriers.every(connection) if one.enabled)
    return Terms(trunk, Policy(rules.of_trunk(connection, trunk.id), trunk.country), in_service)
