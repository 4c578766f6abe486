"""Lines of the call journal, as Asterisk writes them."""

from datetime import UTC, datetime

from asterisk_siptrunk.asterisk.variables import JOURNAL_FIELDS

START = 1_795_432_920


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


def row(**fields: str) -> bytes:
    known = dict.fromkeys(JOURNAL_FIELDS, "") | {
        "uniqueid": "lab-1.0",
        "linkedid": "lab-1.0",
        "sequence": "0",
        "accountcode": "acme",
        "src": "0123456789",
        "dialled": "+33612345678",
        "dcontext": "siptrunk-call-out",
        "channel": "PJSIP/trunk-acme-00000000",
        "dstchannel": "PJSIP/carrier-ovh-00000001",
        "start": f"{START}.000000",
        "answer": f"{START + 2}.500000",
        "end": f"{START + 9}.250000",
        "disposition": "ANSWERED",
        "userfield": "admitted",
    }
    values = ('"' + (known | fields)[field].replace('"', '""') + '"' for field in JOURNAL_FIELDS)
    return ",".join(values).encode()


def failed(**fields: str) -> bytes:
    """An attempt that a carrier refused, and the next one was tried."""
    attempt = {
        "dstchannel": "PJSIP/carrier-first-00000001",
        "answer": "0.000000",
        "end": f"{START + 1}.000000",
        "disposition": "CONGESTION",
    }
    return row(**(attempt | fields))
