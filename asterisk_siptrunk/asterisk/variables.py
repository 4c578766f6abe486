"""Names that the dialplan and the code must agree on, each written once.

The templates get `CONTRACT`, so that no name stands in two places. How a call goes:

1. An entry context (`trunk-NAME`, or `carrier-NAME`) admits digits of bounded length
   only, and goes on in `siptrunk-call-out` or `siptrunk-call-in`, which set NEXT to "away".
2. The dialplan asks `agi://HOST:PORT/outbound` (or `/inbound`) with the arguments of
   `AGI_ARGUMENTS`, and waits a few seconds at most.
3. The service answers with ONE command, `SET VARIABLE ARRAY(NEXT,...) "dial,..."`, and closes
   its own side with it; Asterisk confirms it. A service that dies, freezes or says nothing leaves
   NEXT at "away".
4. The dialplan goes to NEXT: "dial", "refused" or "away".
5. When the carrier fails it, the dialplan asks again, `/reroute`, for the next one.
"""

from types import MappingProxyType

NEXT = "SIPTRUNK_NEXT"
"""Where the dialplan goes on: NEXT_DIAL, NEXT_REFUSED, NEXT_FAILED when no carrier is left for a
call that had passed, or NEXT_AWAY if nobody set it."""
NEXT_DIAL = "dial"
NEXT_REFUSED = "refused"
NEXT_FAILED = "failed"
NEXT_AWAY = "away"

REASON = "SIPTRUNK_REASON"
"""The reason of the verdict, one word of `call.Reason`; also in the CDR's userfield."""
CAUSE = "SIPTRUNK_CAUSE"
"""Hangup cause (Q.850) of a refusal."""
DIAL = "SIPTRUNK_DIAL"
"""What Dial() is given: `PJSIP/+33123456789@carrier-ovh`."""
LIMIT = "SIPTRUNK_LIMIT"
"""How many calls of the trunk this Asterisk may carry, as it counts them itself (GROUP): a last
look, for when the service and the dialplan alone let calls pass in the same moment."""
NO_LIMIT = "99999"
DIALLED = "SIPTRUNK_DIALLED"
"""The number as dialled, kept for when the dialplan stands on another extension (T)."""

JOURNAL_DIALLED = "CDR(dialled)"
"""Has the journal keep the number of a call whose row may never be written by anyone else."""

CALLED = "SIPTRUNK_CALLED"
"""The number that came in for phones of this server, inherited by all channels of that call."""

AGI_OUTBOUND = "outbound"
AGI_INBOUND = "inbound"
AGI_REROUTE = "reroute"
AGI_CHECK = "check"
"""What `doctor` asks for: an answer, and no call."""
AGI_ARGUMENTS = ("dialled", "sip_call_id", "user_agent", "asked")
"""agi_arg_1 and on; `asked` is the epoch second in which the dialplan began to wait. The trunk (or
carrier) is the channel's account code, which the endpoint sets and no caller can; caller and
presentation are in Asterisk's own header."""

GROUP = "siptrunk"
"""Category of GROUP(): each admitted call sets GROUP(siptrunk)=TRUNK, so that the dialplan can
count by itself while the service is away."""
NO_TRUNK = "-"
"""The group of an emergency call from a trunk that we do not know."""

TRUNK_PREFIX = "trunk-"
"""`trunk-NAME` is the trunk's endpoint, its user name, and its dialplan context."""
CARRIER_PREFIX = "carrier-"
"""`carrier-NAME` is the carrier's endpoint, and its dialplan context."""
OUTBOUND_CONTEXT = "siptrunk-call-out"
INBOUND_CONTEXT = "siptrunk-call-in"
GENERATION_CONTEXT = "siptrunk-generation"
"""Holds one extension, the digest of what was rendered: read back after each reload."""

LISTEN_USER = "siptrunk-listen"
APPLY_USER = "siptrunk-apply"
END_USER = "siptrunk-end"

JOURNAL_FIELDS = (
    "uniqueid",
    "linkedid",
    "sequence",
    "accountcode",
    "src",
    "dialled",
    "dcontext",
    "channel",
    "dstchannel",
    "start",
    "answer",
    "end",
    "duration",
    "billsec",
    "disposition",
    "userfield",
)
"""Columns of the journal that cdr_custom writes; times are epoch seconds with six decimals.
`dialled` is ours: set on calls that the dialplan decided on alone, since CDR's own `dst` is the
extension where a call ended, and of these calls nobody else kept the number."""

CONTRACT = MappingProxyType(
    {
        name: value
        for name, value in list(globals().items())
        if name.isupper() and isinstance(value, str | tuple)
    }
)
