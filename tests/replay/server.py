"""A real Asterisk with a dialplan shaped as ours, for the recorder and the listener's tests."""

from __future__ import annotations

from asterisk_siptrunk.asterisk.events import EVENT_FILTERS
from asterisk_siptrunk.asterisk.variables import APPLY_USER, JOURNAL_FIELDS, LISTEN_USER
from tests.lab.asterisk import AsteriskServer

SECRET = "heard"
UNFILTERED_USER = "recorder"

_MANAGER = """\
[{user}]
secret = {secret}
read = system,call
write = {write}
{filters}
"""

# The contexts are those of a generated configuration, so that events look as they do in service;
# who is called is written into it: no admission service runs here.
_DIALPLAN = """\
[trunk-acme]
exten => _[+0-9]!,1,Goto(siptrunk-call-out,${EXTEN},1)
[carrier-first]
exten => _[+0-9]!,1,Goto(siptrunk-call-in,${EXTEN},1)
[carrier-second]
[siptrunk-call-out]
exten => _[+0-9]!,1,Set(SIPTRUNK_DIALLED=${EXTEN})
 same => n,Goto(dial,1)
exten => 404,1,Goto(refused,1)
exten => dial,1,Dial(PJSIP/${SIPTRUNK_DIALLED}@carrier-first,30,iI)
 same => n,GotoIf($["${HANGUPCAUSE}" = "34"]?again,1)
 same => n,Hangup(${HANGUPCAUSE})
exten => again,1,Dial(PJSIP/${SIPTRUNK_DIALLED}@carrier-second,30,iI)
 same => n,Hangup(${HANGUPCAUSE})
exten => refused,1,Hangup(21)
[siptrunk-call-in]
exten => _[+0-9]!,1,Set(CHANNEL(accountcode)=acme)
 same => n,Goto(dial,1)
exten => dial,1,Dial(PJSIP/carrier-second,30,iI)
"""

_TRUNK = """\
[trunk-acme]
type = endpoint
context = trunk-acme
disallow = all
allow = alaw
direct_media = no
accountcode = acme
aors = trunk-acme
identify_by = username
[trunk-acme]
type = aor
max_contacts = 1
remove_existing = yes
"""

_CARRIER = """\
[carrier-{name}]
type = endpoint
context = carrier-{name}
disallow = all
allow = alaw
direct_media = no
accountcode = {name}
aors = carrier-{name}
identify_by = username
[carrier-{name}]
type = aor
contact = sip:127.0.0.1:{port}
"""


def asterisk_with_carriers(first_port: int, second_port: int) -> AsteriskServer:
    """A server (not started) with trunk `acme` and two carriers on these ports."""
    server = AsteriskServer()
    base = (server.etc / "pjsip.conf").read_text()
    carriers = (("first", first_port), ("second", second_port))
    server.write(
        "pjsip.conf",
        base + _TRUNK + "".join(_CARRIER.format(name=name, port=port) for name, port in carriers),
    )
    server.write("extensions.conf", _DIALPLAN)
    server.write("cdr.conf", "[general]\nenable=yes\nunanswered=yes\ncongestion=yes\nbatch=no\n")
    server.write("cdr_custom.conf", f"[mappings]\nsiptrunk.csv => {_journal_line()}\n")
    server.write(
        "manager.d/siptrunk.conf",
        _manager(LISTEN_USER, "\n".join(EVENT_FILTERS))
        + _manager(UNFILTERED_USER, "")
        + _manager(APPLY_USER, "", write="system"),
    )
    return server


def _manager(user: str, filters: str, write: str = "reporting") -> str:
    return _MANAGER.format(user=user, secret=SECRET, filters=filters, write=write)


def _journal_line() -> str:
    times = {"start", "answer", "end"}
    fields = (f"{field},u" if field in times else field for field in JOURNAL_FIELDS)
    return ",".join(f"${{CSV_QUOTE(${{CDR({field})}})}}" for field in fields)
