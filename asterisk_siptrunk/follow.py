"""Follows `config apply` from whichever server: what the database says comes here, too."""

import asyncio
import logging
from collections.abc import Callable

from asterisk_siptrunk.call.server import Pulse
from asterisk_siptrunk.database import rollout
from asterisk_siptrunk.database.gate import Submit
from asterisk_siptrunk.database.thread import Work
from asterisk_siptrunk.errors import ApplyBusy, DatabaseUnavailable, SiptrunkError

RETRY_SECONDS = 60.0
"""Until what failed is tried again; another apply is followed at once."""

Bring = Callable[[], str]
"""Has the Asterisk beside us go by what the database says; gives the generation. It blocks."""

log = logging.getLogger(__name__)


class Follower:
    """Brings one configuration at a time, beside the event loop."""

    def __init__(self, server: str, bring: Bring, submit: Submit) -> None:
        self._server = server
        self._bring = bring
        self._submit = submit
        self._task: asyncio.Task[None] | None = None
        self._tried = 0
        self._again_at = 0.0

    def hear(self, pulse: Pulse) -> None:
        """Begin to follow where there is something to; waits for nothing."""
        now, number = asyncio.get_running_loop().time(), pulse.config_wanted
        if number <= pulse.config_applied or (self._task is not None and not self._task.done()):
            return
        if number != self._tried or now >= self._again_at:
            self._tried, self._again_at = number, now + RETRY_SECONDS
            self._task = asyncio.create_task(self._follow(number))

    async def stop(self) -> None:
        """Wait for what is under way: half a configuration is none."""
        if self._task is not None:
            await self._task

    async def _follow(self, number: int) -> None:
        try:
            made = await asyncio.to_thread(self._bring)
        except ApplyBusy:  # a command on this server; what it brings may not be the newest
            self._tried = 0
        except SiptrunkError as error:
            await self._tell_failure(number, str(error))
        except Exception as error:
            log.exception("The configuration could not be applied")
            await self._tell_failure(number, f"{type(error).__name__}: a defect; see its log")
        else:
            log.info("Asterisk has generation %s, as of apply %d", made, number)
            await self._note(lambda c: rollout.followed(c, self._server, number, made))

    async def _tell_failure(self, number: int, why: str) -> None:
        log.error("Apply %d could not be followed: %s", number, why)
        await self._note(lambda c: rollout.failed(c, self._server, number, why))

    async def _note(self, work: Work[None]) -> None:
        try:
            await self._submit(work)
        except DatabaseUnavailable:  # told by the gate
            self._tried = 0  # it is asked again, and what is there already costs little
