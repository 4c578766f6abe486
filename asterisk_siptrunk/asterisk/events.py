"""What an AMI event means for a call or a registration: pure, and trusting nothing it reads.

Three events tell all of a call: DialState (it rings), DialEnd (it was answered) and Hangup of the
caller's channel. They name the call by that channel's UniqueID; its context is one of ours, and a
called channel's never is. The LinkedID is not asked: a transfer in a PBX's own dialplan merges
those (main/channel.c, ast_channel_set_linkgroup), the UniqueID stays.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from asterisk_siptrunk.asterisk.message import AmiEvent, AmiReply
from asterisk_siptrunk.asterisk.reading import (
    AWAY_CONTEXT,
    OUR_CONTEXTS,
    is_number,
    is_uniqueid,
    leg_of,
    moment,
)
from asterisk_siptrunk.asterisk.variables import NEXT_REFUSED, TRUNK_PREFIX
from asterisk_siptrunk.call import (
    Answered,
    CallChange,
    Contact,
    Direction,
    Ended,
    LiveChannel,
    RegistrationChange,
    Ringing,
    Snapshot,
    Spoken,
)

FULLY_BOOTED = "FullyBooted"

_OF_CALLS = ("DialState", "DialEnd", "Hangup")
SECURITY_EVENTS = (
    *("InvalidAccountID", "InvalidPassword", "ChallengeResponseFailed", "FailedACL"),
    "RequestNotSupported",
)
"""What res_pjsip and the manager interface tell of whoever may not come in."""

# No event has an empty line but at its end, unless a peer wrote one (`%0D%0A%0D%0A`): what follows
# would be an event of its own, that nothing tells from Asterisk's. Such a one is not sent at all.
_FORGED = "[[:cntrl:]]{4}[^[:cntrl:]]"
_READ = (FULLY_BOOTED, "ContactStatus", *_OF_CALLS, *SECURITY_EVENTS)
EVENT_FILTERS = (
    f"eventfilter(name({FULLY_BOOTED})) =",
    "eventfilter(name(ContactStatus)) =",
    *(
        f"eventfilter(name({name}),header(Context),method(starts_with)) = {OUR_CONTEXTS}"
        for name in _OF_CALLS
    ),
    # The row of a call that we refused was born ended: its hangup says nothing new.
    f"eventfilter(action(exclude),name(Hangup),header(Exten),method(exact)) = {NEXT_REFUSED}",
    *(f"eventfilter(name({name})) =" for name in SECURITY_EVENTS),
    *(f"eventfilter(action(exclude),name({name}),method(regex)) = {_FORGED}" for name in _READ),
)
"""Lines of our listening user in manager.conf: all that we need, and nothing else. The name is
compared first, by its hash (main/manager.c, filter_cmp_fn), and only then the context."""

OLD_EVENT_FILTERS = (f"eventfilter = ^Event: ({'|'.join(_READ)})", f"eventfilter = !{_FORGED}")
"""The same for an Asterisk that knows no such filters, as far as it can be said."""

UNREAD_EVENTS = (
    *("Newchannel", "Newstate", "Newexten", "NewCallerid", "NewConnectedLine", "NewAccountCode"),
    *("VarSet", "DialBegin", "BridgeCreate", "BridgeEnter", "BridgeLeave", "BridgeDestroy"),
    *("HangupRequest", "SoftHangupRequest", "AGIExecStart", "AGIExecEnd", "RTCPSent"),
    *("RTCPReceived", "DeviceStateChange"),
)
"""Events that every call makes and nobody here reads. With anybody logged in, Asterisk writes each
of them and wakes each session for it, before it looks at filters (main/manager.c, append_event)."""

CODEC = "CHANNEL(audioreadformat)"
"""What to ask of an answered caller's channel. The question costs Asterisk less than can be
measured. `channelvars` of manager.conf would save it, but is read anew at each change of every
channel, and shown to every manager user of the server."""

_UP = "6"  # AST_STATE_UP (include/asterisk/channelstate.h)
_MOST_CAUSE = 127  # Q.850 has seven bits
_RINGS = frozenset({"RINGING", "PROGRESS"})
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_CODEC = re.compile(r"[a-z0-9]{1,16}", re.ASCII)
_DURATION = re.compile(r"(\d{1,6}):(\d\d):(\d\d)", re.ASCII)
# sip:33123456789@192.0.2.7:5060;transport=udp: the address is what tells one PBX from another.
_CONTACT = re.compile(r"sips?:(?:[^@]*@)?([0-9A-Za-z.:\[\]-]{1,80})", re.ASCII)
_REGISTERED = {"NonQualified": True, "Reachable": True, "Created": True, "Removed": False}
_LISTED_ANEW = frozenset({"NonQualified", "Created", "Removed"})
_LONGEST_USER_AGENT = 100


def began_at(event: AmiEvent) -> datetime | None:
    """When the Asterisk that says `FullyBooted` began; to the second, None where it does not say.

    It says so at each login, and once more when it is booted (main/manager.c).
    """
    uptime = event.fields.get("Uptime", "")
    if event.name != FULLY_BOOTED or _SECONDS.fullmatch(uptime) is None:
        return None
    return event.received_at - timedelta(seconds=int(uptime))


def call_change(event: AmiEvent) -> CallChange | None:
    """What an event says of a call of ours; None where it says nothing."""
    if event.name not in _OF_CALLS or is_suspect(event):
        return None
    fields = event.fields
    if not fields["Context"].startswith(OUR_CONTEXTS):
        return None
    uniqueid = fields["Uniqueid"]
    at = moment(fields.get("Timestamp", "")) or event.received_at
    status = fields.get("DialStatus")
    if event.name == "Hangup":
        return Ended(uniqueid, at, _cause(fields.get("Cause", "")))
    if event.name == "DialState" and status in _RINGS:
        return Ringing(uniqueid, at)
    if event.name == "DialEnd" and status == "ANSWER":
        return Answered(uniqueid, at, leg_of(fields.get("DestChannel", "")).carrier)
    return None


def spoken(uniqueid: str, reply: AmiReply) -> Spoken | None:
    """The codec, from the answer to `CODEC`; None where there was none yet."""
    codec = reply.fields.get("Value", "")
    return Spoken(uniqueid, codec) if _CODEC.fullmatch(codec) else None


def is_suspect(event: AmiEvent) -> bool:
    """Whether an event, of a call perhaps, is not as Asterisk writes it: a caller forged lines.

    What it should have said is then unknown, and all channels are to be looked at.
    """
    if "Event" not in event.fields:
        return True  # a line `EVENT: ...` took the place of its name, whatever that was
    if event.name not in _OF_CALLS:
        return False
    whole = "Context" in event.fields and "Linkedid" in event.fields
    if event.ambiguous or not whole or not _is_timed_first(event.fields):
        return True
    return not is_uniqueid(event.fields.get("Uniqueid", ""))


def _is_timed_first(fields: Mapping[str, str]) -> bool:
    """Whether Timestamp, if it is there at all, stands before all that a peer can write."""
    first = next((key for key in fields if key in {"Timestamp", "CallerIDNum"}), "")
    return first == "Timestamp" or "Timestamp" not in fields


def is_away(event: AmiEvent) -> bool:
    """Whether a call that lives was let pass by the dialplan alone: it has no row yet."""
    return event.name != "Hangup" and event.fields.get("Context", "").startswith(AWAY_CONTEXT)


def registration_change(event: AmiEvent) -> RegistrationChange | None:
    """What an event says of the registration of a trunk's PBX; None where it says nothing.

    A PBX that answers no OPTIONS (`Unreachable`) is still registered.
    """
    fields = event.fields
    endpoint = fields.get("EndpointName", "")
    registered = _REGISTERED.get(fields.get("ContactStatus", ""))
    if event.name != "ContactStatus" or event.ambiguous or registered is None:
        return None
    if not endpoint.startswith(TRUNK_PREFIX):
        return None
    return RegistrationChange(
        trunk=endpoint.removeprefix(TRUNK_PREFIX),
        registered=registered,
        at=moment(fields.get("Timestamp", "")) or event.received_at,
        contact=_contact(fields.get("URI", "")),
    )


def is_of_list(event: AmiEvent) -> bool:
    """Whether the list of contacts is another one now; one that (un)reachable is, is the same."""
    return event.fields.get("ContactStatus", "") in _LISTED_ANEW


def contact(event: AmiEvent) -> Contact | None:
    """A trunk's contact in the list of all; None for one that is no trunk's, or forged."""
    aor = event.fields.get("AOR", "")
    if event.ambiguous or not aor.startswith(TRUNK_PREFIX):
        return None
    return Contact(
        trunk=aor.removeprefix(TRUNK_PREFIX),
        address=_contact(event.fields.get("URI", "")),
        user_agent=_user_agent(event.fields.get("UserAgent", "")),
    )


def snapshot(listed: Iterable[AmiEvent]) -> Snapshot:
    """All channels, from the events that answer CoreShowChannels."""
    events = list(listed)
    callers = (_caller(event) for event in events if not event.ambiguous)
    return Snapshot(
        # The UniqueID stands after every value that can be forged, and the last one is taken.
        uniqueids=frozenset(event.fields.get("Uniqueid", "") for event in events),
        callers=tuple(caller for caller in callers if caller is not None),
    )


def _caller(event: AmiEvent) -> LiveChannel | None:
    fields = event.fields
    uniqueid = fields.get("Uniqueid", "")
    if not fields.get("Context", "").startswith(OUR_CONTEXTS) or not is_uniqueid(uniqueid):
        return None
    carrier = leg_of(fields.get("Channel", "")).carrier
    account = fields.get("AccountCode", "")
    exten = fields.get("Exten", "")
    caller = fields.get("CallerIDNum", "")
    return LiveChannel(
        uniqueid=uniqueid,
        direction=Direction.INBOUND if carrier else Direction.OUTBOUND,
        # An inbound call has its carrier's account code until it is admitted to a trunk.
        trunk="" if account == carrier else account,
        carrier=carrier,
        dialled=exten if is_number(exten) else "",
        caller=caller if is_number(caller) else "",
        up=fields.get("ChannelState") == _UP,
        age=_age(fields.get("Duration", "")),
        away=fields.get("Context", "").startswith(AWAY_CONTEXT),
    )


def _age(text: str) -> timedelta:
    """A duration as `02:03:04`; none at all is that of a channel of this moment."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return timedelta()
    hours, minutes, seconds = map(int, found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _cause(text: str) -> int | None:
    """A cause of Q.850; Asterisk writes 0 where it has none."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_CAUSE))):
        return None
    return int(text) or None


def _user_agent(text: str) -> str:
    """What a PBX calls itself: it writes what it wants, and people read it on a terminal."""
    return "".join(c for c in text if c.isprintable())[:_LONGEST_USER_AGENT].strip()


def _contact(uri: str) -> str:
    found = _CONTACT.match(uri)
    return found[1] if found else ""
