"""What the witnesses of Asterisk (AMI, call journal) need of the usage database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from asterisk_siptrunk.call import (
    CallChange,
    Contact,
    Direction,
    LiveChannel,
    OpenCall,
    RegistrationChange,
)
from asterisk_siptrunk.call.security import SecurityCount


@dataclass(frozen=True, slots=True)
class JournalPosition:
    """How far the journal was read: the file by its inode, and the byte after the last line."""

    inode: int
    offset: int


@dataclass(frozen=True, slots=True)
class JournalCall:
    """One call as Asterisk's own journal has it, its lines (one per dial attempt) folded.

    Every text comes from the network; times are Asterisk's, UTC, exact to the microsecond.

    Attributes:
        uniqueid: of the caller's channel.
        direction: seen from the customer's PBX.
        trunk: its name; "" for an inbound call that was put to none.
        carrier: the one that answered, else was tried last, or that it came in by; "" for none.
        caller, dialled: numbers as the journal has them.
        answered_at: None where nobody answered.
        disposition: Asterisk's word: ANSWERED, NO ANSWER, BUSY, FAILED, CONGESTION.
        reason: word of the verdict that the dialplan noted (`call.Reason`), or "".
    """

    uniqueid: str
    direction: Direction
    trunk: str
    carrier: str
    caller: str
    dialled: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    disposition: str
    reason: str


class UsageStore(Protocol):
    """The calls of ONE Asterisk server in the usage database.

    Each method is one transaction, may be called again with the same arguments without harm,
    and raises DatabaseUnavailable when nothing was stored.
    """

    async def apply(self, changes: Sequence[CallChange]) -> None:
        """Note changes, in their order, on rows that have no end.

        A change of an unknown or refused call is passed over. `Ringing` and `Answered` set their
        time only where none is, and `Spoken` its codec. `Ended` closes the row with evidence AMI;
        it also replaces an end that was only estimated (evidence RECONCILED).
        """

    async def open_calls(self) -> Sequence[OpenCall]:
        """All rows of this server that have no end."""

    def ended(self, uniqueid: str) -> None:
        """Hear at once of an end that is stored later (`apply`); never raises."""

    async def adopt(self, channels: Sequence[LiveChannel], at: datetime) -> None:
        """Have an open row for each of these living calls; `at` is when they were seen.

        One that nobody recorded gets a row (via AWAY), started `age` before `at`. A row that was
        admitted and has an end is opened again: its call lives, so that end was false. A refused
        row stays as it is.
        """

    async def close_gone(self, ends: Mapping[str, datetime]) -> None:
        """Close open rows whose channel is gone, by UniqueID, each with its estimated end.

        The evidence is RECONCILED until the journal tells the exact end.
        """

    async def journal_position(self) -> JournalPosition | None:
        """How far the journal of this server was recorded; None at the first start."""

    async def record_journal(self, calls: Sequence[JournalCall], position: JournalPosition) -> None:
        """Record what the journal says, and the new position, in one transaction.

        A call closes its open row, and corrects one that was closed by estimate, with evidence
        JOURNAL. A call without a row gets one. A row that the journal wrote before (the lines of
        one call came in two readings) takes the earliest start, the first answer, the latest end.
        A row that ended exactly (AMI) or was refused stays as it is.
        """

    async def registrations(self, changes: Sequence[RegistrationChange]) -> None:
        """Note whether PBXs are registered here, in this order; unknown trunks are passed over.

        A PBX that went from another address than it is now registered at has only moved: Asterisk
        tells first where it came, then where it went. While it stays at an address, the time of
        its coming stays, and its name where a change does not tell it.
        """

    async def registered(self) -> Sequence[Contact]:
        """The PBXs that are registered here, as far as is known."""

    async def security(self, counts: Sequence[SecurityCount]) -> None:
        """Add counts of attempts on our borders to those of their hour.

        The one method that is not to be called again with what was stored: it would count twice.
        """
