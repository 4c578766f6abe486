"""A call record as rows of results."""

from asterisk_siptrunk.call import CallRecord
from asterisk_siptrunk.cli.output import Row

LIST_COLUMNS = (
    "id",
    "started_at",
    "trunk",
    "direction",
    "caller",
    "callee",
    "zone",
    "verdict",
    "reason",
    "state",
    "billable",
)
USAGE_COLUMNS = (
    "id",
    "server",
    "uniqueid",
    "sip_call_id",
    "trunk",
    "carrier",
    "direction",
    "caller",
    "presented",
    "withheld",
    "dialled",
    "callee",
    "zone",
    "verdict",
    "reason",
    "facts",
    "via",
    "state",
    "started_at",
    "ringing_at",
    "answered_at",
    "ended_at",
    "duration",
    "billable",
    "hangup_cause",
    "evidence",
    "codec",
    "user_agent",
)


def whole(record: CallRecord) -> Row:
    """Every field of a call, what follows from them too."""
    return {key: getattr(record, key) for key in USAGE_COLUMNS}


def line(record: CallRecord) -> Row:
    """A call in a listing: what came in stands where nothing was made of it."""
    fields = {key: getattr(record, key) for key in LIST_COLUMNS}
    return fields | {
        "caller": record.caller or record.presented,
        "callee": record.callee or record.dialled,
    }


def timeline(record: CallRecord) -> list[Row]:
    """What happened, in order; `after` is counted from the INVITE."""
    steps = [
        (record.started_at, f"asked, {record.verdict}: {record.reason}"),
        (record.ringing_at, "ringing"),
        (record.answered_at, "answered"),
        (record.ended_at, _end(record)),
    ]
    return [
        {"at": at, "after": f"{(at - record.started_at).total_seconds():.3f} s", "what": what}
        for at, what in steps
        if at is not None
    ]


def _end(record: CallRecord) -> str:
    cause = "" if record.hangup_cause is None else f", cause {record.hangup_cause}"
    return f"ended{cause} (known by {record.evidence})"
