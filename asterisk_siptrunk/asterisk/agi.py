"""AGI without I/O: bytes in, frozen events out, and the one command that we ever send.

The header that Asterisk sends is not escaped: what a caller put into a user part may stand in it
as lines of its own (seen: `sip:...%0Aagi_arg_9%3A...`). So keys are taken once, in exactly the
order in which Asterisk's `setup_env` (res/res_agi.c) writes them, and with exactly our number of
arguments: a line too many breaks the order, whatever it says. What could still be forged is a whole
rest of the header, empty line and all; so whose call it is must agree with the channel's name,
which stands before all that a caller can write.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asterisk_siptrunk.asterisk.reading import account_of
from asterisk_siptrunk.asterisk.variables import AGI_ARGUMENTS, AGI_OUTBOUND
from asterisk_siptrunk.errors import ProtocolError

# Asterisk's header has some 25 lines; with every value at its longest it is under 4 KiB.
MOST_HEADER_BYTES = 8192
# "200 result=1" and the like. 520 answers carry a usage text of several lines, but only to
# commands that do not exist.
MOST_REPLY_BYTES = 1024
# A longer command is cut by Asterisk before 20.16 and 22.6, and its rest run as another one.
MOST_COMMAND_BYTES = 2048

_NETWORK_KEYS = ("agi_network", "agi_network_script")
_KEYS = (
    "agi_request",
    "agi_channel",
    "agi_language",
    "agi_type",
    "agi_uniqueid",
    "agi_version",
    "agi_callerid",
    "agi_calleridname",
    "agi_callingpres",
    "agi_callingani2",
    "agi_callington",
    "agi_callingtns",
    "agi_dnid",
    "agi_rdnis",
    "agi_context",
    "agi_extension",
    "agi_priority",
    "agi_enhanced",
    "agi_accountcode",
    "agi_threadid",
)
# What is used of them.
_READ = ("agi_channel", "agi_uniqueid", "agi_accountcode", "agi_callerid", "agi_callingpres")
# A process is started as AGI(PYTHON,LAUNCHER,SETTINGS,outbound,...): what FastAGI has in its URL
# is the third argument.
_PROCESS_KEYS = ("agi_arg_1", "agi_arg_2", "agi_arg_3")


def _header(keys: Sequence[str]) -> re.Pattern[bytes]:
    lines = (rf"{key}: (?P<{key}>[^\n]*)\n" for key in keys)
    return re.compile("".join(lines).encode() + b"\n")


def _arguments(first: int) -> tuple[str, ...]:
    return tuple(f"agi_arg_{first + index}" for index in range(len(AGI_ARGUMENTS)))


_REPLY = re.compile(rb"(\d{3})(?: result=(-?\d+))?(?: [^\n]*)?")
# What a variable of ours may hold. A comma would begin ARRAY's next value.
_VALUE = re.compile(r"[A-Za-z0-9+@/_.:*#=-]*")
# Until the year 2286; int() raises on thousands of digits.
_SECONDS = re.compile(r"[0-9]{1,10}")
_PRESENTATION = re.compile(r"[0-9]{1,3}")
# Presentation is withheld where either of these bits stands (RFC 3323; Asterisk's
# AST_PRES_RESTRICTED, include/asterisk/callerid.h).
_RESTRICTED = 0x20


@dataclass(frozen=True, slots=True)
class AgiDialect:
    """How a header is made up.

    Attributes:
        header: its keys, each once and in Asterisk's order.
        script: the key that says what the dialplan asks for.
        arguments: the keys of our own arguments, as AGI_ARGUMENTS has them.
    """

    header: re.Pattern[bytes]
    script: str
    arguments: tuple[str, ...]


FASTAGI = AgiDialect(
    _header((*_NETWORK_KEYS, *_KEYS, *_arguments(1))), "agi_network_script", _arguments(1)
)
PROCESS = AgiDialect(_header((*_KEYS, *_PROCESS_KEYS, *_arguments(4))), "agi_arg_3", _arguments(4))


@dataclass(frozen=True, slots=True)
class AgiRequest:
    """What a call asks: everything we use of AGI's header, as text.

    Attributes:
        script: what the dialplan asks for: "outbound", "inbound" or "reroute".
        account: the channel's account code: the trunk or carrier that the call came in by.
        caller: the caller number, "" where there is none.
        asked: when the dialplan began to wait, in whole epoch seconds.
    """

    script: str
    uniqueid: str
    account: str
    caller: str
    withheld: bool
    dialled: str
    sip_call_id: str
    user_agent: str
    asked: int

    @property
    def named(self) -> dict[str, str]:
        """The call for the log: its id, and its trunk where that is known."""
        trunk = {"trunk": self.account} if self.script == AGI_OUTBOUND else {}
        return {"call": self.uniqueid} | trunk


@dataclass(frozen=True, slots=True)
class AgiReply:
    """Asterisk's answer to our command; `good` if it did what we told it."""

    good: bool


class AgiParser:
    """Takes what a peer sends, in any pieces, and gives events: a request, then replies."""

    def __init__(self, dialect: AgiDialect = FASTAGI) -> None:
        self._dialect = dialect
        self._buffer = bytearray()
        self._have_request = False

    def receive(self, data: bytes) -> list[AgiRequest | AgiReply]:
        """Take bytes, give what they complete.

        Raises:
            ProtocolError: this is not AGI, or not from our dialplan; the session is over.
        """
        self._buffer += data
        events: list[AgiRequest | AgiReply] = []
        while event := self._next():
            events.append(event)
        return events

    def _next(self) -> AgiRequest | AgiReply | None:
        return self._next_reply() if self._have_request else self._next_request()

    def _next_request(self) -> AgiRequest | None:
        end = self._buffer.find(b"\n\n", 0, MOST_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= MOST_HEADER_BYTES:
                raise ProtocolError(f"an AGI header of over {MOST_HEADER_BYTES} bytes")
            return None
        self._have_request = True
        return _request(self._take(end + 2), self._dialect)

    def _next_reply(self) -> AgiReply | None:
        while True:
            end = self._buffer.find(b"\n", 0, MOST_REPLY_BYTES + 1)
            if end < 0:
                if len(self._buffer) > MOST_REPLY_BYTES:
                    raise ProtocolError(f"an AGI reply of over {MOST_REPLY_BYTES} bytes")
                return None
            line = self._take(end + 1)[:-1]
            # Asterisk may say HANGUP between replies unless AGISIGHUP=no; the channel is
            # going, and the reply to our command still comes.
            if line != b"HANGUP":
                return _reply(line)

    def _take(self, count: int) -> bytes:
        """The first bytes, which are done with."""
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def _request(header: bytes, dialect: AgiDialect) -> AgiRequest:
    match = dialect.header.fullmatch(header)
    if match is None:
        raise ProtocolError("an AGI header whose keys are not Asterisk's own, once and in order")
    read = match.group(dialect.script, *_READ, *dialect.arguments)
    values = [value.decode("utf-8", "replace") for value in read]
    script, channel, uniqueid, account, caller, presentation, *arguments = values
    dialled, sip_call_id, user_agent, asked = arguments
    if account != account_of(channel):
        raise ProtocolError("an AGI header whose account code is not its channel's")
    if not _SECONDS.fullmatch(asked):
        raise ProtocolError("an AGI header without the time that it was asked at")
    return AgiRequest(
        script=script,
        uniqueid=uniqueid,
        account=account,
        caller="" if caller == "unknown" else caller,
        withheld=_is_withheld(presentation),
        dialled=dialled,
        sip_call_id=sip_call_id,
        user_agent=user_agent,
        asked=int(asked),
    )


def _is_withheld(presentation: str) -> bool:
    return bool(_PRESENTATION.fullmatch(presentation) and int(presentation) & _RESTRICTED)


def _reply(line: bytes) -> AgiReply:
    match = _REPLY.fullmatch(line)
    if match is None:
        raise ProtocolError("an AGI reply that is none")
    return AgiReply(good=match[1] == b"200" and match[2] == b"1")


def sample_header(script: str, asked: int) -> bytes:
    """A header with nothing in it but what is asked for, and since when."""
    arguments = dict.fromkeys(FASTAGI.arguments, "") | {FASTAGI.arguments[-1]: str(asked)}
    given = {FASTAGI.script: script} | arguments
    keys = (*_NETWORK_KEYS, *_KEYS, *FASTAGI.arguments)
    return "".join(f"{key}: {given.get(key, '')}\n" for key in keys).encode() + b"\n"


def set_variables(values: Mapping[str, str]) -> bytes:
    """Make the one command that sets all these variables and functions of the channel.

    ARRAY() sets each as `Set()` would, so a verdict costs a single round trip
    (funcs/func_strings.c; measured on Asterisk 22).

    Raises:
        ProtocolError: a value holds what AGI or ARRAY() would take for syntax.
    """
    for name, value in values.items():
        if not _VALUE.fullmatch(value):
            raise ProtocolError(f"{name} cannot be set to {value[:40]!r}")
    names, joined = ",".join(values), ",".join(values.values())
    command = f'SET VARIABLE "ARRAY({names})" "{joined}"\n'.encode("ascii")
    if len(command) > MOST_COMMAND_BYTES:
        raise ProtocolError(f"a command of over {MOST_COMMAND_BYTES} bytes")
    return command
