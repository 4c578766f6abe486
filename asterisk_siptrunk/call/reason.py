"""Why a call was admitted or refused, in one word, for the wire, the database and people."""

from enum import IntEnum, StrEnum
from typing import Self


class Cause(IntEnum):
    """Hangup causes of Q.850 that we give, and the SIP answer Asterisk makes of each.

    The answers were measured on Asterisk 22 (`Hangup(N)` on an unanswered PJSIP channel).
    """

    UNALLOCATED = 1
    USER_BUSY = 17
    CALL_REJECTED = 21
    CONGESTION = 34
    TEMPORARY_FAILURE = 41

    @property
    def sip_answer(self) -> int:
        """The status that the PBX gets."""
        return _SIP_ANSWERS[self]


_SIP_ANSWERS = {
    Cause.UNALLOCATED: 404,
    Cause.USER_BUSY: 486,
    Cause.CALL_REJECTED: 403,
    Cause.CONGESTION: 503,
    Cause.TEMPORARY_FAILURE: 603,
}


class Reason(StrEnum):
    """The reason of a verdict; `cause` goes on the wire, `sentence` to people."""

    cause: Cause | None
    sentence: str

    def __new__(cls, value: str, cause: Cause | None, sentence: str) -> Self:
        """Make a member that is its word, and carries its cause and its sentence."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.cause = cause
        member.sentence = sentence
        return member

    ADMITTED = "admitted", None, "The call was within the trunk's terms."
    EMERGENCY = "emergency", None, "An emergency number: it passes whatever the trunk's state."
    AWAY_ADMITTED = (
        "away-admitted",
        None,
        "The admission service was away; the dialplan's own rules let the call pass.",
    )
    UNKNOWN_TRUNK = "unknown-trunk", Cause.CALL_REJECTED, "No trunk of that name is known."
    TRUNK_ENDED = "trunk-ended", Cause.CALL_REJECTED, "The trunk's contract has ended."
    SUSPENDED = "suspended", Cause.CALL_REJECTED, "This part of the trunk's service is suspended."
    UNKNOWN_NUMBER = "unknown-number", Cause.UNALLOCATED, "Nobody can be reached at this number."
    CALLER_NOT_OWNED = (
        "caller-not-owned",
        Cause.CALL_REJECTED,
        "The caller number is not one of the trunk's.",
    )
    DESTINATION_BLOCKED = (
        "destination-blocked",
        Cause.CALL_REJECTED,
        "The trunk's policy blocks this destination.",
    )
    TOO_FAST = "too-fast", Cause.CONGESTION, "Calls arrive faster than the trunk's terms allow."
    CHANNELS_FULL = (
        "channels-full",
        Cause.CONGESTION,
        "All the channels that this call may use are taken.",
    )
    INBOUND_FULL = (
        "inbound-full",
        Cause.USER_BUSY,
        "All the trunk's channels are taken: the caller hears busy.",
    )
    NO_CARRIER = "no-carrier", Cause.CONGESTION, "No carrier is in service."
    CARRIERS_FULL = "carriers-full", Cause.CONGESTION, "Every carrier's channels are taken."
    AWAY_REFUSED = (
        "away-refused",
        Cause.CALL_REJECTED,
        "The admission service was away; the dialplan's own rules let no such call pass.",
    )
    AWAY_FULL = (
        "away-full",
        Cause.CONGESTION,
        "The admission service was away, and the dialplan counted all channels taken.",
    )


_BY_WORD = {reason.value: reason for reason in Reason}


def reason_of(word: str) -> Reason:
    """Find a reason by its word.

    Raises:
        KeyError: there is none.
    """
    return _BY_WORD[word]
