"""AGI as a process, for servers that can run no FastAGI: one call, one process, pyst2.

What pyst2 0.5.1 leaves open is closed here. Its reader lets a forged line stand for a key that
Asterisk wrote, so the header goes through our own strict parser first, and pyst2 sees only what
passed. It escapes nothing, so the only command is one of `agi.set_variables`. It writes all it
reads, callers' numbers too, to its error stream, so that leads nowhere.
"""

import io
from collections.abc import Callable, Mapping
from typing import TextIO

from asterisk.agi import AGI, AGIException

from asterisk_siptrunk.asterisk.agi import (
    MOST_HEADER_BYTES,
    PROCESS,
    AgiParser,
    AgiReply,
    AgiRequest,
    set_variables,
)
from asterisk_siptrunk.errors import ProtocolError

Answer = Callable[[AgiRequest], Mapping[str, str]]


def answer_once(stdin: TextIO, stdout: TextIO, answer: Answer) -> bool:
    """Read the one request of this process and answer it; whether Asterisk took the answer.

    Raises:
        ProtocolError: the header is not Asterisk's; the dialplan goes on by its own rules.
    """
    header = _read_header(stdin)
    request = _parse(header)
    values = answer(request)
    if not values:
        return False
    return _tell(io.StringIO(header), stdin, stdout, set_variables(values).decode("ascii"))


def _read_header(stdin: TextIO) -> str:
    lines: list[str] = []
    size = 0
    while not lines or lines[-1] != "\n":
        line = stdin.readline(MOST_HEADER_BYTES)
        size += len(line)
        if not line.endswith("\n") or size > MOST_HEADER_BYTES:
            raise ProtocolError("an AGI header that is too long, or ends too soon")
        lines.append(line)
    return "".join(lines)


def _parse(header: str) -> AgiRequest:
    events = AgiParser(PROCESS).receive(header.encode("utf-8", "surrogateescape"))
    if len(events) != 1 or isinstance(events[0], AgiReply):
        raise ProtocolError("an AGI header that is none")
    return events[0]


def _tell(header: io.StringIO, stdin: TextIO, stdout: TextIO, command: str) -> bool:
    session = AGI(stdin=header, stdout=stdout, stderr=io.StringIO())
    session.stdin = stdin
    try:
        result = session.execute(command)
    except (AGIException, OSError, ValueError):
        # ValueError is what pyst2 makes of a HANGUP line, and of Asterisk gone.
        return False
    return bool(result["result"][0] == "1")
