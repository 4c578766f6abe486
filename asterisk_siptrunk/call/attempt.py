"""A call that asks to pass, as Asterisk tells of it, and what is known when it does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from asterisk_siptrunk.destination import Policy
from asterisk_siptrunk.trunk import Carrier, Trunk


class Direction(StrEnum):
    """Seen from the customer's PBX."""

    OUTBOUND = "outbound"
    INBOUND = "inbound"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call at the moment it asks.

    Attributes:
        server: Asterisk's systemname.
        uniqueid: Asterisk's UniqueID of the caller's channel; with `server` the call's identity.
        entry: the trunk (outbound) or the carrier (inbound) that the call came in by.
        dialled: the number as dialled: digits, perhaps a plus in front.
        caller: the caller number as presented, or "" where none was.
        withheld: the caller asked for its number not to be shown (CLIR).
        at: when it asked, UTC.
        sip_call_id: Call-ID of the INVITE (RFC 3261 section 8.1.1.4), or "".
        user_agent: what the PBX calls itself, or "".
    """

    server: str
    uniqueid: str
    direction: Direction
    entry: str
    dialled: str
    at: datetime
    caller: str = ""
    withheld: bool = False
    sip_call_id: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy things are, counted in the transaction that also takes the channel.

    Attributes:
        outbound, inbound: open calls of the trunk.
        tokens: calls that the trunk's rate still allows right now; None where it has no limit.
        elsewhere: channels of the trunk left free for servers that cannot be asked.
        carriers: open calls by the id of each carrier that has a limit.
    """

    outbound: int = 0
    inbound: int = 0
    elsewhere: int = 0
    tokens: float | None = None
    carriers: Mapping[int, int] = field(default_factory=dict)

    @property
    def in_use(self) -> int:
        """Channels of the trunk that are taken."""
        return self.outbound + self.inbound + self.elsewhere


@dataclass(frozen=True, slots=True)
class Terms:
    """All that a decision needs to know of the trunk: itself, its policy, the ways upstream.

    Attributes:
        carriers: every carrier in service.
    """

    trunk: Trunk
    policy: Policy
    carriers: tuple[Carrier, ...] = ()
