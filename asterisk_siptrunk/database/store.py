"""The usage database as the witnesses of one Asterisk server see it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from asterisk_siptrunk.call import CallChange, Contact, LiveChannel, OpenCall, RegistrationChange
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.thread import DatabaseThread


class ServerUsage:
    """The `UsageStore` of one server; each method is one piece of work.

    What happens to calls goes by the short way, whatever may take longer by the thread.
    """

    def __init__(
        self, short: LoopDatabase | DatabaseThread, database: DatabaseThread, server: str
    ) -> None:
        self._short = short
        self._database = database
        self._server = server

    async def apply(self, changes: Sequence[CallChange]) -> None:
        """Note changes on rows."""
        await self._short.submit(lambda c: usage.apply(c, self._server, changes))

    async def open_calls(self) -> Sequence[OpenCall]:
        """All rows that have no end."""
        return await self._database.submit(lambda c: usage.open_calls(c, self._server))

    async def adopt(self, channels: Sequence[LiveChannel], at: datetime) -> None:
        """Have an open row for each of these living calls."""
        await self._database.submit(lambda c: usage.adopt(c, self._server, channels, at))

    async def close_gone(self, ends: Mapping[str, datetime]) -> None:
        """Close rows whose channel is gone."""
        await self._database.submit(lambda c: usage.close_gone(c, self._server, ends))

    async def journal_position(self) -> JournalPosition | None:
        """How far the journal was recorded."""
        return await self._database.submit(lambda c: usage.position(c, self._server))

    async def record_journal(self, calls: Sequence[JournalCall], position: JournalPosition) -> None:
        """Record what the journal says, and how far it was read."""
        await self._database.submit(
            lambda c: usage.record_journal(c, self._server, calls, position)
        )

    async def registrations(self, changes: Sequence[RegistrationChange]) -> None:
        """Note whether PBXs are registered here."""
        await self._database.submit(lambda c: usage.note_registrations(c, self._server, changes))

    async def registered(self) -> Sequence[Contact]:
        """The PBXs that are registered here, as far as is known."""
        return await self._database.submit(lambda c: usage.registered(c, self._server))
