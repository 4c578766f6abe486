"""Makes the registrations that we know those that Asterisk has.

Events tell at once that a PBX comes or goes, but not what it calls itself, and nothing of what
was while nobody listened. So the list of all contacts is read at each connection, and after a
contact came or went: beside all else, and seldom, since Asterisk reads it from its database. It
needs a right that the listening user is not to have (`system`, which reloads), so whoever gives
`listed` asks as another.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from asterisk_siptrunk.call import Contact, RegistrationChange, registration_changes
from asterisk_siptrunk.call.witness import UsageStore
from asterisk_siptrunk.errors import SiptrunkError

GATHER_SECONDS = 1.0
"""From what may have changed something to the list: what comes together is read together."""
SOONEST_LIST_SECONDS = 10.0
"""Between two lists, however many PBXs come and go: thousands register at once after a restart."""
MOST_OF_THE_TIME = 0.05
"""The part of the time that lists may take; 10,000 contacts take about a second."""

ContactList = Callable[[], Awaitable[Sequence[Contact]]]
"""The contacts of all trunks that are registered now."""

log = logging.getLogger(__name__)


class RegistrationWatch:
    """Reads the list when asked, and tells what it changes; `run` goes on until cancelled."""

    def __init__(
        self,
        listed: ContactList,
        store: UsageStore,
        clock: Callable[[], datetime],
        tell: Callable[[Iterable[RegistrationChange]], None],
    ) -> None:
        self._listed = listed
        self._store = store
        self._clock = clock
        self._tell = tell
        self._wanted = asyncio.Event()
        self._complaint = ""

    def ask(self) -> None:
        """Have the list read soon; asked many times, it is read once."""
        self._wanted.set()

    async def run(self) -> None:
        """Read the list whenever it is asked for, until cancelled."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wanted.clear()
            seconds = await self._read()
            await asyncio.sleep(max(SOONEST_LIST_SECONDS, seconds / MOST_OF_THE_TIME))

    async def _read(self) -> float:
        """Read it, and say how long that took; one that failed is wanted again."""
        time = asyncio.get_running_loop().time
        began = time()
        try:
            await self._compare()
        except SiptrunkError as error:
            self._wanted.set()
            self._complain(str(error))
        except Exception:
            # A defect here must not end the watch over calls.
            log.exception("Registrations could not be compared")
        else:
            self._complaint = ""
        return time() - began

    async def _compare(self) -> None:
        # In this order: what events tell after the first reading is stored after all this, too.
        known = await self._store.registered()
        at = self._clock()
        self._tell(registration_changes(known, await self._listed(), at))

    def _complain(self, complaint: str) -> None:
        """Say why, once: not at each attempt."""
        if complaint != self._complaint:
            log.warning("Registrations wait: %s", complaint)
        self._complaint = complaint
