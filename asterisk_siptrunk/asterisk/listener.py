"""Keeps the calls of one Asterisk server true in the usage database.

Three tasks. One reads AMI and never waits for anything else: it turns events into changes. One
stores: changes in batches, a look at all channels whenever something may have been missed, the
journal as it grows. The third reads who is registered, and has the second store that, too. When
the database is away the changes wait; when AMI is away the journal goes on; what both missed, the
next look finds.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from asterisk_siptrunk.asterisk import events
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiConnection, utc_now
from asterisk_siptrunk.asterisk.journal import Reading, fold, read_journal
from asterisk_siptrunk.asterisk.message import AmiEvent, AmiReply
from asterisk_siptrunk.asterisk.own_clock import OwnClocks
from asterisk_siptrunk.asterisk.registrations import ContactList, RegistrationWatch
from asterisk_siptrunk.asterisk.security import SecurityWatch, security_event
from asterisk_siptrunk.call import (
    Answered,
    CallChange,
    Ended,
    Lifetime,
    Reconciliation,
    RegistrationChange,
    reconcile,
)
from asterisk_siptrunk.call.witness import UsageStore
from asterisk_siptrunk.errors import AmiError, DatabaseUnavailable

LINGER_SECONDS = 0.25
"""Ringing, answers and codecs wait this long for company, and share a transaction. An end never
waits: it gives a channel back."""
LOOK_SECONDS = 15.0
"""Between two looks at all channels; they find nothing unless something was lost."""
SOONEST_LOOK_SECONDS = 1.0
"""Between two looks that were asked for: forged events must not keep Asterisk busy with them."""
BOOT_SECONDS = 30.0
"""For Asterisk to say that it is booted. It answers us before, and has no channel yet; 10,000
trunks take it 4 s."""
LIST_SECONDS = 2.0
"""For Asterisk to list its channels; 10,000 of them take about half a second. Nothing is stored and
no journal read meanwhile: a connection that has stalled must not keep ended calls' channels."""
JOURNAL_SECONDS = 2.0
"""Between two readings of the journal."""
ALONE_SECONDS = 0.5
"""The same while AMI is away: the journal alone tells then that a channel is free again."""
RETRY_SECONDS = 0.5
"""Until what the database did not take is tried again."""
GRACE = timedelta(seconds=10)
"""Longer than an admission (5 s at the very most) and a look take together."""
MOST_TOGETHER = 500
"""Changes in one transaction: admissions wait for its end, some milliseconds. Registrations wait
for all changes, since among these are the ends that give channels back."""
MOST_CHANGES = 100_000
"""Changes that wait for the database, 30 MB: at 50 calls/s it may be away for ten minutes. Beyond
that they are let go: looks and journal restore what they said."""
MOST_REGISTRATIONS_TOGETHER = 25
"""Registrations in one transaction, some 5 ms: admissions wait for its end."""

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


class Listener:
    """Runs until it is told to stop; `resync` may be called at any time."""

    def __init__(
        self,
        client: AmiClient,
        store: UsageStore,
        journal: Path,
        contacts: ContactList,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._client = client
        self._store = store
        self._journal = journal
        self._clock = clock
        self._changes: list[CallChange] = []
        self._registrations: list[RegistrationChange] = []
        self._watch = RegistrationWatch(contacts, store, clock, self._note_registrations)
        self._security = SecurityWatch(store)
        self._connection: AmiConnection | None = None
        self._lifetime = Lifetime()
        self._clocks = OwnClocks()
        self._news = asyncio.Event()
        self._stopping = False
        self._store_at = self._look_at = self._journal_at = self._booted_by = 0.0
        self._looked_at = -SOONEST_LOOK_SECONDS
        self.journal_behind: int | None = None
        """Bytes of the journal that are not recorded yet; None while there is none."""

    async def run(self) -> None:
        """Listen and store until `stop`; then store what is still waiting."""
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._client.run(self._read))
            watching = tasks.create_task(self._watch.run())
            counting = tasks.create_task(self._security.run())
            while not self._stopping:
                await self._wait()
                await self._work()
            reading.cancel()
            watching.cancel()
            counting.cancel()
        await self._work()
        await self._security.store()

    @property
    def waiting(self) -> int:
        """Changes that the database has not taken yet."""
        return len(self._changes)

    def stop(self) -> None:
        """Have `run` end."""
        self._stopping = True
        self._news.set()

    def resync(self) -> None:
        """Have all channels looked at soon: something may have been missed."""
        self._look_at = min(self._look_at, self._looked_at + SOONEST_LOOK_SECONDS)
        self._news.set()

    def seen_until(self, at: datetime) -> None:
        """Say until when a service before this one may have seen calls; before `run`.

        Where a machine went down as a whole, its calls ended then, and not when it was up again.
        """
        self._lifetime = Lifetime(lost_at=at)

    # --- reading ---

    async def _read(self, connection: AmiConnection) -> None:
        self._connection = connection
        # Not before FullyBooted: with it we know since when it runs, and which calls it took along.
        self._look_at = 0.0
        self._booted_by = asyncio.get_running_loop().time() + BOOT_SECONDS
        self._watch.ask()
        try:
            while True:
                for event in await connection.events():
                    self._take(event)
        finally:
            self._connection = None
            self._lifetime = Lifetime(lost_at=self._lifetime.lost_at or self._clock())

    def _take(self, event: AmiEvent) -> None:
        change = events.call_change(event)
        if change is not None:
            self._note(self._clocks.told(change, event))
            if isinstance(change, Answered):
                self._ask_codec(event)
            if events.is_away(event):
                self.resync()
        elif event.name == events.FULLY_BOOTED or events.is_suspect(event):
            self.resync()
            if event.name == events.FULLY_BOOTED:
                self._lifetime = replace(self._lifetime, began_at=events.began_at(event))
                self._booted_by = 0.0
                self._watch.ask()
        elif attempt := security_event(event):
            self._security.note(attempt)
        elif registration := events.registration_change(event):
            self._note_registrations([registration])
            if events.is_of_list(event):
                self._watch.ask()

    def _note_registrations(self, changes: Iterable[RegistrationChange]) -> None:
        if len(self._registrations) >= MOST_CHANGES:
            self._registrations.clear()
            self._watch.ask()
        self._registrations.extend(changes)
        if self._registrations:
            self._store_by(LINGER_SECONDS)

    def _note(self, change: CallChange) -> None:
        if len(self._changes) >= MOST_CHANGES:
            log.error("The database has been away too long: %d changes are let go.", MOST_CHANGES)
            self._changes.clear()
            self.resync()
        self._changes.append(change)
        if isinstance(change, Ended):
            self._store.ended(change.uniqueid)
        self._store_by(0.0 if isinstance(change, Ended) else LINGER_SECONDS)

    def _ask_codec(self, event: AmiEvent) -> None:
        """Ask what is spoken, without waiting for it: one question for each answered call."""
        if self._connection is not None:
            self._connection.action_soon(
                "Getvar",
                partial(self._hear_codec, event.fields["Uniqueid"]),
                Channel=event.fields.get("Channel", ""),
                Variable=events.CODEC,
            )

    def _hear_codec(self, uniqueid: str, reply: AmiReply) -> None:
        if spoken := events.spoken(uniqueid, reply):
            self._note(spoken)

    # --- storing ---

    def _store_by(self, seconds: float) -> None:
        due = asyncio.get_running_loop().time() + seconds
        if not self._store_at or due < self._store_at:
            self._store_at = due
            self._news.set()

    async def _wait(self) -> None:
        """Until something is due."""
        while not self._stopping and self._next() > asyncio.get_running_loop().time():
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next()):
                    await self._news.wait()

    def _next(self) -> float:
        due = [self._journal_at]
        if self._store_at:
            due.append(self._store_at)
        if self._connection is not None:
            due.append(self._look_due)
        return min(due)

    @property
    def _look_due(self) -> float:
        """When to look at all channels: as asked for, but at no Asterisk that is not booted."""
        return max(self._look_at, self._booted_by)

    async def _work(self) -> None:
        """Do what is due; what the database does not take is tried again."""
        now = asyncio.get_running_loop().time()
        try:
            await self._store_changes()
            if self._connection is not None and self._look_due <= now:
                await self._look(self._connection)
            if self._journal_at <= now:
                await self._advance_journal()
        except DatabaseUnavailable:  # the store has told of it
            self._store_at = self._journal_at = self._look_at = now + RETRY_SECONDS
        except Exception:
            # A defect in what one call told must not end the watch over all others: what waits is
            # let go, and the next look and the journal restore what it said.
            log.exception("Usage: a change could not be stored")
            self._changes.clear()
            self._registrations.clear()
            self._watch.ask()
            self._journal_at = self._look_at = now + RETRY_SECONDS

    async def _store_changes(self) -> None:
        """Store all that waits. New changes come in meanwhile: only what was stored is removed."""
        self._store_at = 0.0
        while changes := tuple(self._changes[:MOST_TOGETHER]):
            await self._store.apply(changes)
            del self._changes[: len(changes)]
            await asyncio.sleep(0)  # they are stored in this very loop, and calls wait to be asked
        while self._registrations and not self._changes:
            some = tuple(self._registrations[:MOST_REGISTRATIONS_TOGETHER])
            await self._store.registrations(some)
            del self._registrations[: len(some)]

    async def _look(self, connection: AmiConnection) -> None:
        """Compare open rows, read first, with the channels that Asterisk has."""
        self._looked_at = asyncio.get_running_loop().time()
        self._look_at = self._looked_at + LOOK_SECONDS
        lifetime = self._lifetime
        rows = await self._store.open_calls()
        at = self._clock()
        try:
            listed = await connection.action_events(
                "CoreShowChannels", "CoreShowChannelsComplete", seconds=LIST_SECONDS
            )
        except AmiError as error:
            log.warning("Channels could not be looked at: %s", error)
            return
        snapshot = events.snapshot(listed)
        self._clocks.keep(snapshot.uniqueids)
        found = reconcile(rows, snapshot, GRACE)
        if found.young:
            self._look_at = min(self._look_at, self._looked_at + GRACE.total_seconds())
        if found:
            log.warning(
                "Put right: %d calls gone, %d unknown, %d answered.",
                *map(len, (found.gone, found.unknown, found.answered)),
            )
        await self._put_right(found, at)
        if self._lifetime is lifetime:  # nothing was lost meanwhile: all of before is settled
            self._lifetime = replace(lifetime, lost_at=None)

    async def _put_right(self, found: Reconciliation, at: datetime) -> None:
        if found.answered:
            await self._store.apply([Answered(uniqueid, at) for uniqueid in found.answered])
        if found.gone:  # first: what follows must not find the channels of both taken
            ends = {one.uniqueid: self._lifetime.latest_end(one, at) for one in found.gone}
            await self._store.close_gone(ends)
            self._journal_at = 0.0  # it knows the exact ends
        if found.unknown:
            await self._store.adopt(found.unknown, at)

    async def _advance_journal(self) -> None:
        """Record the next piece of the journal."""
        # Asked each time: a database that was put back from a backup stands further back.
        position = await self._store.journal_position()
        try:
            reading = await asyncio.to_thread(read_journal, self._journal, position)
        except OSError as error:
            log.error("The journal %s cannot be read: %s", self._journal, error.strerror)  # noqa: TRY400
            reading = Reading()
        self.journal_behind = reading.behind
        if reading.position is not None and reading.position != position:
            await self._store.record_journal(fold(reading.lines), reading.position)
        alone = self._connection is None
        pause = 0.0 if reading.more else ALONE_SECONDS if alone else JOURNAL_SECONDS
        self._journal_at = asyncio.get_running_loop().time() + pause
