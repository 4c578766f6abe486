"""A question to the admission service, as Asterisk would ask it: for `siptrunk doctor`."""

import socket
import time
from contextlib import suppress
from enum import StrEnum

from asterisk_siptrunk.asterisk.agi import sample_header
from asterisk_siptrunk.asterisk.variables import AGI_CHECK, NEXT

ANSWER_SECONDS = 3.0
"""As long as the dialplan waits."""
_LONGEST_ANSWER = 1024


class Service(StrEnum):
    """What came of the question."""

    ANSWERS = "answers"
    ABSENT = "absent"
    FROZEN = "frozen"
    """It takes connections, or seems to (the kernel does that), and says nothing."""
    CLOSED = "closed"
    """It closed the connection without an answer: it is none of ours, or we may not ask."""


def ask_service(host: str, port: int, seconds: float = ANSWER_SECONDS) -> Service:
    """Ask; no call comes of it."""
    try:
        line = socket.create_connection((host, port), seconds)
    except TimeoutError:
        return Service.FROZEN
    except OSError:
        return Service.ABSENT
    with line:
        try:
            line.sendall(sample_header(AGI_CHECK, int(time.time())))
            answer = line.recv(_LONGEST_ANSWER)
        except TimeoutError:
            return Service.FROZEN
        except OSError:
            return Service.CLOSED
        if NEXT.encode() not in answer:
            return Service.CLOSED
        with suppress(OSError):
            line.sendall(b"200 result=1\n")
        return Service.ANSWERS
