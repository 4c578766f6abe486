"""Signs of life of this server in the database, and a look at those of the others."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from asterisk_siptrunk.call.lease import BEAT_SECONDS, Lease, LeaseWatch
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.call.server import Pulse, Vitals
from asterisk_siptrunk.database import servers
from asterisk_siptrunk.database.gate import Submit
from asterisk_siptrunk.errors import DatabaseUnavailable

Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


class Beat:
    """Beats until it is cancelled."""

    def __init__(
        self,
        server: str,
        calls: CallMemory,
        lease: Lease,
        vitals: Callable[[], Vitals],
        clock: Clock,
    ) -> None:
        self._server = server
        self._calls = calls
        self._lease = lease
        self._vitals = vitals
        self._clock = clock
        self._watch = LeaseWatch()

    async def run(self, submit: Submit, hear: Callable[[Pulse], None]) -> None:
        """Beat, and have each answer heard; while the gate is closed, it beats before it opens."""
        while True:
            try:
                pulse = await self.once(submit)
                hear(pulse)
                await self._bury(submit, pulse)
            except DatabaseUnavailable:
                pass  # told by the gate
            except Exception:
                log.exception("A sign of life could not be given")
            await asyncio.sleep(BEAT_SECONDS)

    async def once(self, submit: Submit) -> Pulse:
        """Give a sign of life.

        Raises:
            DatabaseUnavailable: it could not be given.
        """
        began = asyncio.get_running_loop().time()
        vitals, alive, at = self._vitals(), self._calls.alive(), self._clock()
        pulse = await submit(lambda c: servers.beat(c, self._server, vitals, alive, at))
        self._lease.beat_at = began
        return pulse

    async def _bury(self, submit: Submit, pulse: Pulse) -> None:
        """Free the channels of servers that give no sign of life."""
        now = asyncio.get_running_loop().time()
        for name in self._watch.lost(pulse.others, now):
            closed = await submit(self._declaring_lost(name, pulse.others[name]))
            if closed is not None:
                log.error("Server %s gives no sign of life: its %d calls are over.", name, closed)

    def _declaring_lost(self, name: str, seen: int) -> Callable[[Connection], int | None]:
        at = self._clock()
        return lambda connection: servers.declare_lost(connection, name, seen, at)
