"""One record from INVITE to bill, and the decision that begins it."""

from asterisk_siptrunk.call.attempt import Attempt, Direction, Load, Terms
from asterisk_siptrunk.call.change import (
    Answered,
    CallChange,
    Ended,
    RegistrationChange,
    Ringing,
    Spoken,
)
from asterisk_siptrunk.call.decision import Admit, Decision, Refuse, decide, decide_unknown
from asterisk_siptrunk.call.identity import epoch_of
from asterisk_siptrunk.call.pace import Pace, full
from asterisk_siptrunk.call.reason import Cause, Reason, reason_of
from asterisk_siptrunk.call.reconcile import (
    Lifetime,
    LiveChannel,
    OpenCall,
    Reconciliation,
    Snapshot,
    reconcile,
)
from asterisk_siptrunk.call.record import CallRecord, Evidence, State, Verdict, Via
from asterisk_siptrunk.call.registration import Contact, registration_changes
from asterisk_siptrunk.call.route import Chance, Way, order, with_room

__all__ = [
    "Admit",
    "Answered",
    "Attempt",
    "CallChange",
    "CallRecord",
    "Cause",
    "Chance",
    "Contact",
    "Decision",
    "Direction",
    "Ended",
    "Evidence",
    "Lifetime",
    "LiveChannel",
    "Load",
    "OpenCall",
    "Pace",
    "Reason",
    "Reconciliation",
    "Refuse",
    "RegistrationChange",
    "Ringing",
    "Snapshot",
    "Spoken",
    "State",
    "Terms",
    "Verdict",
    "Via",
    "Way",
    "decide",
    "decide_unknown",
    "epoch_of",
    "full",
    "order",
    "reason_of",
    "reconcile",
    "registration_changes",
    "with_room",
]
