"""Whose doing it is that a call brought nobody to speak, and what a hangup cause says in words.

A table, and no proof: causes are what the other side chose to tell. Which of them carriers give
for their own trouble was measured (see `generation.render`).
"""

from dataclasses import dataclass
from enum import StrEnum, auto

from asterisk_siptrunk.call.attempt import Direction
from asterisk_siptrunk.call.reason import Reason
from asterisk_siptrunk.call.record import CallRecord


class Party(StrEnum):
    """Who a call failed by."""

    NOBODY = auto()
    """It was answered, or it still goes on."""
    US = auto()
    CARRIER = auto()
    CUSTOMER = auto()
    """The customer, its PBX, or the terms of its trunk."""
    CALLER = auto()
    """Who calls in from outside."""
    CALLED = auto()
    """Who was called outside: busy, absent, or did not pick up."""
    UNKNOWN = auto()
    """Nobody told why it ended."""

    @property
    def is_network(self) -> bool:
        """Whether the call never reached who was called because of us or of the carrier."""
        return self in {Party.US, Party.CARRIER}


@dataclass(frozen=True, slots=True)
class Course:
    """What decides by whom a call failed; calls of one course are counted together.

    Attributes:
        rang: whether the called side rang before the end.
        cause: Q.850 cause of the hangup, None where nobody told.
    """

    direction: Direction
    reason: Reason
    answered: bool = False
    ended: bool = True
    rang: bool = False
    cause: int | None = None


_REFUSED = {
    Reason.UNKNOWN_TRUNK: Party.US,  # Asterisk knows a trunk that the database does not
    Reason.TRUNK_ENDED: Party.CUSTOMER,
    Reason.SUSPENDED: Party.CUSTOMER,
    Reason.CALLER_NOT_OWNED: Party.CUSTOMER,
    Reason.DESTINATION_BLOCKED: Party.CUSTOMER,
    Reason.TOO_FAST: Party.CUSTOMER,
    Reason.CHANNELS_FULL: Party.CUSTOMER,
    Reason.INBOUND_FULL: Party.CUSTOMER,
    Reason.NO_CARRIER: Party.US,
    Reason.CARRIERS_FULL: Party.US,
    Reason.AWAY_REFUSED: Party.US,
    Reason.AWAY_FULL: Party.US,
}

_ABSENT = (None, 0)
"""Nobody told a cause."""
_GIVEN_UP = (16, 127)
"""Unanswered, and no fault told: the caller hung up (its CANCEL comes as 127)."""
_REJECTED = 21
_OUTSIDE = {
    # The number, as the customer dialled it, is nobody's: 404, 410, 484.
    1: Party.CUSTOMER,
    22: Party.CUSTOMER,
    28: Party.CUSTOMER,
    17: Party.CALLED,
    19: Party.CALLED,
    20: Party.CALLED,
    # No codec in common (488): ours are what we offer.
    58: Party.US,
    65: Party.US,
    88: Party.US,
}


def party_of(course: Course) -> Party:
    """Whose doing it is that a call was not answered."""
    if course.answered or not course.ended:
        return Party.NOBODY
    if course.reason is Reason.UNKNOWN_NUMBER:
        return _caller(course.direction)
    if (refused := _REFUSED.get(course.reason)) is not None:
        return refused
    return _by_cause(course)


def _by_cause(course: Course) -> Party:
    if course.cause in _ABSENT:
        return Party.UNKNOWN
    if course.cause in _GIVEN_UP:
        return _called(course.direction) if course.rang else _caller(course.direction)
    if course.direction is Direction.INBOUND:
        return Party.CUSTOMER
    if course.cause == _REJECTED and course.rang:
        return Party.CALLED  # a phone that rejects a call has rung; a carrier that does has not
    return _OUTSIDE.get(course.cause or 0, Party.CARRIER)


def party_of_call(record: CallRecord) -> Party:
    """The same for one call."""
    return party_of(
        Course(
            record.direction,
            record.reason,
            answered=record.answered_at is not None,
            ended=record.ended_at is not None,
            rang=record.ringing_at is not None,
            cause=record.hangup_cause,
        )
    )


def _caller(direction: Direction) -> Party:
    return Party.CUSTOMER if direction is Direction.OUTBOUND else Party.CALLER


def _called(direction: Direction) -> Party:
    return Party.CALLED if direction is Direction.OUTBOUND else Party.CUSTOMER


_SAID = {
    1: "This number is not assigned.",
    2: "The number cannot be reached from here.",
    3: "There was no way to the number.",
    16: "The call was hung up.",
    17: "The number was busy.",
    18: "Nothing answered at the other side.",
    19: "Nobody picked up.",
    20: "The phone was switched off or not reachable.",
    21: "The call was rejected.",
    22: "The number has changed.",
    23: "The call was to be sent on to another place.",
    27: "The other side is out of order.",
    28: "The number is not complete.",
    29: "The other side does not offer what was asked for.",
    31: "The call ended, and no cause was given.",
    34: "All lines were taken.",
    38: "The network is out of order.",
    41: "There was a passing fault.",
    42: "The other side's exchange is overloaded.",
    44: "The line that was asked for was not free.",
    50: "The other side does not offer what was asked for.",
    58: "There was no codec that both sides have.",
    65: "There was no codec that both sides have.",
    88: "There was no codec that both sides have.",
    102: "The other side did not answer in time.",
    127: "The call ended, and no cause was given.",
}


def cause_in_words(cause: int | None) -> str:
    """What a cause of Q.850 means, for people; "" where none was told."""
    if cause is None or cause == 0:
        return ""
    return _SAID.get(cause, f"The call ended with cause {cause} of Q.850.")
