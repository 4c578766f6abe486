"""The proof that usage is complete, made from the journal of the Asterisk beside us."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from asterisk_siptrunk.call.verify import BadLines, Period, UsageRow, Verification, verify
from asterisk_siptrunk.call.witness import JournalCall
from asterisk_siptrunk.database import calls, proofs
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.errors import InvalidInput

if TYPE_CHECKING:
    from asterisk_siptrunk.asterisk.archive import JournalArchive

Done = Callable[[int], None]
"""Hears of the bytes that were read."""


def _silent(_size: int) -> AbstractContextManager[Done]:
    return nullcontext(lambda _done: None)


@dataclass(frozen=True, slots=True)
class Shown:
    """How whoever waits sees how far it is: of the rows, and of the bytes of the journal."""

    rows: Callable[[Iterator[UsageRow]], Iterator[UsageRow]] = iter
    journal: Callable[[int], AbstractContextManager[Done]] = _silent


@dataclass(frozen=True, slots=True)
class Prover:
    """What a proof is made of: the usage of one server, and its journal since a time."""

    engine: Engine
    server: str
    journal: Callable[[datetime], "JournalArchive"]
    sign: Callable[[], By]
    shown: Shown = Shown()

    def prove(self, period: Period) -> Verification:
        """Compare the calls with the journal; a proof that holds is kept for billing.

        Raises:
            InvalidInput: the period is still to come.
            JournalUnreadable: there is no journal, or it cannot be read.
        """
        looked_at = self.sign().at
        if period.since >= looked_at:
            raise InvalidInput("--from must be past: there is nothing to prove yet.")
        # The view of the database begins with its first question: once the journal was read.
        with reading(self.engine) as connection:
            rows = calls.usage_rows(connection, self.server, period.with_border())
            found = verify(self.shown.rows(rows), self._journal(period), period, looked_at)
        if found.is_complete and found.over:
            with transaction(self.engine) as connection:
                proofs.record(connection, self.sign(), self.server, period, found.rows)
        return found

    def _journal(self, period: Period) -> Iterator[JournalCall | BadLines]:
        archive = self.journal(period.with_border().since)
        with self.shown.journal(archive.size) as done:
            yield from archive.read(done)
