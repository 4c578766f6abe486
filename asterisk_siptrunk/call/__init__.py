"""One record from INVITE to bill, and the decision that begins it."""

from asterisk_siptrunk.call.attempt import Attempt, Direction, Load, Terms
from asterisk_siptrunk.call.decision import Admit, Decision, Refuse, decide, decide_unknown
from asterisk_siptrunk.call.pace import Pace, full
from asterisk_siptrunk.call.reason import Cause, Reason, reason_of
from asterisk_siptrunk.call.record import CallRecord, Evidence, State, Verdict, Via
from asterisk_siptrunk.call.route import Chance, order, with_room

__all__ = [
    "Admit",
    "Attempt",
    "CallRecord",
    "Cause",
    "Chance",
    "Decision",
    "Direction",
    "Evidence",
    "Load",
    "Pace",
    "Reason",
    "Refuse",
    "State",
    "Terms",
    "Verdict",
    "Via",
    "decide",
    "decide_unknown",
    "full",
    "order",
    "reason_of",
    "with_room",
]
