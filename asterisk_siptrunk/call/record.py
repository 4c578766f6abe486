"""The call record: it is the channel while the call lasts, and the usage once it ended."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from asterisk_siptrunk.call.attempt import Direction
from asterisk_siptrunk.call.reason import Reason


class Verdict(StrEnum):
    """Whether the call was let through."""

    ADMITTED = "admitted"
    REFUSED = "refused"


class State(StrEnum):
    """Where a call is between its INVITE and its end."""

    ASKED = "asked"
    RINGING = "ringing"
    UP = "up"
    ENDED = "ended"


class Evidence(StrEnum):
    """What the end of a call rests on."""

    ADMISSION = "admission"
    """We refused it: it never began."""
    AMI = "ami"
    """Asterisk told of the hangup as it happened."""
    JOURNAL = "journal"
    """Read afterwards in Asterisk's own call journal: exact to the microsecond."""
    STEADY = "steady"
    """As AMI, but the clock was set while the call lasted: answer and end are by the clock as it
    was when the call began, so that what lies between them is right. The journal's are not."""
    RECONCILED = "reconciled"
    """Its channel was gone when we looked: the end is an estimate, not after `ended_at`."""


class Via(StrEnum):
    """Who decided on the call."""

    SERVICE = "service"
    """The admission service, over FastAGI."""
    PROCESS = "process"
    """The same decision in an AGI process."""
    MEMORY = "memory"
    """The admission service by what it remembered, while the database was away."""
    AWAY = "away"
    """The dialplan alone, while the service was away."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One call, from its INVITE to its bill. All times are UTC.

    Attributes:
        id: our own number of it, rising.
        trunk, carrier: their names; None where the call reached none.
        caller: the number presented onwards; `presented` is what came in.
        zone: country and kind of the destination ("fr:mobile"), or "".
        facts: what the verdict rests on, in words.
        hangup_cause: Q.850 cause of the end, None where nobody told.
        ended_at: None while the call holds its channel.
    """

    id: int
    server: str
    uniqueid: str
    sip_call_id: str
    trunk: str | None
    carrier: str | None
    direction: Direction
    caller: str
    presented: str
    withheld: bool
    dialled: str
    callee: str
    zone: str
    verdict: Verdict
    reason: Reason
    facts: str
    via: Via
    user_agent: str
    codec: str
    started_at: datetime
    ringing_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    hangup_cause: int | None = None
    evidence: Evidence | None = None

    @property
    def state(self) -> State:
        """Where the call is now."""
        if self.ended_at is not None:
            return State.ENDED
        if self.answered_at is not None:
            return State.UP
        return State.RINGING if self.ringing_at is not None else State.ASKED

    @property
    def customers_facts(self) -> str:
        """What a verdict rests on, for customers: whose carriers we use is not for them."""
        return "" if self.reason is Reason.CARRIERS_FULL else self.facts

    @property
    def duration(self) -> timedelta:
        """From the INVITE to the end; zero while the call lasts."""
        return self.ended_at - self.started_at if self.ended_at else timedelta()

    @property
    def billable(self) -> timedelta:
        """From the answer to the end; zero for a call that was not answered or still lasts."""
        if self.answered_at is None or self.ended_at is None:
            return timedelta()
        return max(timedelta(), self.ended_at - self.answered_at)
