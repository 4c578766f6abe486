"""What a witness says of calls: small facts, each keyed by the call's identity.

A call's identity on its server is Asterisk's UniqueID of the caller's channel, the first one of
the call; Asterisk repeats it as the LinkedID of every channel that the call makes.
All times are UTC.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Ringing:
    """The called side rings, or sends the sound of its ringing (early media)."""

    uniqueid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """The called side answered: from here the call is billable.

    Attributes:
        carrier: name of the carrier that brought the answer, "" where a customer's PBX did.
    """

    uniqueid: str
    at: datetime
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class Spoken:
    """The codec between us and the caller ("alaw"), as Asterisk names it."""

    uniqueid: str
    codec: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The caller's channel is gone, and with it the call.

    Attributes:
        cause: Q.850 cause, None where Asterisk gave none.
        clock_was_set: while the call lasted; `at` is by the clock as it was before.
    """

    uniqueid: str
    at: datetime
    cause: int | None = None
    clock_was_set: bool = False


CallChange = Ringing | Answered | Spoken | Ended


@dataclass(frozen=True, slots=True)
class RegistrationChange:
    """A customer's PBX registered at this server, or is no longer registered.

    Attributes:
        trunk: its name.
        contact: address the PBX is reached at, as its URI has it; of one that went, where it was.
        user_agent: what it calls itself; "" where that is not known.
    """

    trunk: str
    registered: bool
    at: datetime
    contact: str = ""
    user_agent: str = ""
