"""The proof that usage is complete, made from the journal of the Asterisk beside us."""

from collections.abc import Iterator
from datetime import UTC, datetime

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import calls, proofs
from asterisk_siptrunk.call.verify import BadLines, Period, Verification, verify
from asterisk_siptrunk.call.witness import JournalCall
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.progress import counted, measured
from asterisk_siptrunk.errors import InvalidInput


def prove(desk: Desk, period: Period) -> Verification:
    """Compare the calls of this server with its journal; a proof that holds is kept for billing.

    Raises:
        InvalidInput: the period is still to come.
        JournalUnreadable: there is no journal, or it cannot be read.
    """
    looked_at = datetime.now(UTC)
    if period.since >= looked_at:
        raise InvalidInput("--from must be past: there is nothing to prove yet.")
    server = desk.settings.asterisk.server
    # The view of the database begins with its first question: once the journal was read.
    with desk.reading() as connection:
        rows = calls.usage_rows(connection, server, period.with_border())
        found = verify(counted(rows, "calls"), _journal(desk, period), period, looked_at)
    if found.is_complete and found.over:
        with desk.changing() as (connection, by):
            proofs.record(connection, by, server, period, found.rows)
    return found


def _journal(desk: Desk, period: Period) -> Iterator[JournalCall | BadLines]:
    archive = bootstrap.journal(desk.settings, period.with_border().since)
    with measured("Reading the journal", archive.size) as done:
        yield from archive.read(done)
