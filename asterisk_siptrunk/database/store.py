"""The usage database as the witnesses of one Asterisk server see it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from asterisk_siptrunk.call import (
    CallChange,
    Contact,
    Evidence,
    LiveChannel,
    OpenCall,
    RegistrationChange,
)
from asterisk_siptrunk.call.memory import CallMemory, Held
from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database import security, usage
from asterisk_siptrunk.database.gate import Gate
from asterisk_siptrunk.database.terms import TermsMemory


class ServerUsage:
    """The `UsageStore` of one server; each method is one piece of work.

    What happens to calls goes by the short way, whatever may take longer by the thread.
    """

    def __init__(self, gate: Gate, server: str, calls: CallMemory, terms: TermsMemory) -> None:
        self._gate = gate
        self._server = server
        self._calls = calls
        self._terms = terms
        self.closed = Counter({Evidence.AMI: 0, Evidence.JOURNAL: 0, Evidence.RECONCILED: 0})
        """Calls that ended since the service began, by what told of it."""

    async def apply(self, changes: Sequence[CallChange]) -> None:
        """Note changes on rows."""
        ended = await self._gate.submit(lambda c: usage.apply(c, self._server, changes))
        self.closed[Evidence.AMI] += ended

    async def open_calls(self) -> Sequence[OpenCall]:
        """All rows that have no end; the memory of them goes by these, that of terms by theirs."""
        self._calls.mark()
        found = await self._gate.submit_long(self._read_open)
        self._calls.compare({call.uniqueid: held for call, held in found})
        return [call for call, _ in found]

    def _read_open(self, connection: Connection) -> list[tuple[OpenCall, Held]]:
        self._terms.forget_changed(connection)
        return usage.open_calls(connection, self._server)

    def ended(self, uniqueid: str) -> None:
        """Forget a call that ended: while the database is away its channel is free at once."""
        self._calls.end(uniqueid)

    async def adopt(self, channels: Sequence[LiveChannel], at: datetime) -> None:
        """Have an open row for each of these living calls."""
        await self._gate.submit_long(lambda c: usage.adopt(c, self._server, channels, at))

    async def close_gone(self, ends: Mapping[str, datetime]) -> None:
        """Close rows whose channel is gone."""
        closed = await self._gate.submit_long(lambda c: usage.close_gone(c, self._server, ends))
        self.closed[Evidence.RECONCILED] += closed
        self._forget(ends)

    async def journal_position(self) -> JournalPosition | None:
        """How far the journal was recorded."""
        return await self._gate.submit_long(lambda c: usage.position(c, self._server))

    async def record_journal(self, calls: Sequence[JournalCall], position: JournalPosition) -> None:
        """Record what the journal says, and how far it was read."""
        self.closed[Evidence.JOURNAL] += await self._gate.submit_long(
            lambda c: usage.record_journal(c, self._server, calls, position)
        )
        self._forget(one.uniqueid for one in calls)

    async def registrations(self, changes: Sequence[RegistrationChange]) -> None:
        """Note whether PBXs are registered here."""
        await self._gate.submit_long(lambda c: usage.note_registrations(c, self._server, changes))

    async def security(self, counts: Sequence[SecurityCount]) -> None:
        """Count attempts on our borders."""
        # Aside: calls do not depend on it, and an account may have rights to their tables alone.
        await self._gate.aside(lambda c: security.record(c, self._server, counts))

    async def registered(self) -> Sequence[Contact]:
        """The PBXs that are registered here, as far as is known."""
        return await self._gate.submit_long(lambda c: usage.registered(c, self._server))

    def _forget(self, uniqueids: Iterable[str]) -> None:
        """Have the memory follow the rows at once: without AMI nobody compares."""
        for uniqueid in uniqueids:
            self._calls.end(uniqueid)
