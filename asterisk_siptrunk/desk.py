"""Answers calls by the database, and by memory while that is away."""

import asyncio
from collections.abc import Mapping

from asterisk_siptrunk.admission_service import AdmissionService
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.database.alone import AloneAdmission
from asterisk_siptrunk.database.gate import Gate
from asterisk_siptrunk.errors import DatabaseUnavailable

DATABASE_SECONDS = 2.0
"""For the database to answer a call. A lock is given up after 1.5 s; a server that is frozen, or a
network that swallows everything, is told by this. The dialplan waits for 3 s."""
MEMORY_SECONDS = 60.0
"""How long calls are decided by memory: nobody sees them in the database meanwhile, no watch over
fraud does. After that the dialplan decides, by each trunk's away policy."""

Answer = Mapping[str, str]


class Desk:
    """Where calls ask; none waits for a database that is known to be away."""

    def __init__(self, service: AdmissionService, alone: AloneAdmission, gate: Gate) -> None:
        self._service = service
        self._alone = alone
        self._gate = gate
        self._waiting: dict[asyncio.Future[Answer], str] = {}

    def answer(self, request: AgiRequest) -> "asyncio.Future[Answer]":
        """What to tell a call; nothing at all leaves it to the dialplan."""
        answer = self._gate.submit(self._service.work(request))
        if answer.done() and answer.exception() is None:
            return answer
        waiting = asyncio.ensure_future(self._await(answer, request))
        self._waiting[waiting] = request.uniqueid  # the event loop itself keeps no hold of it
        waiting.add_done_callback(self._waiting.pop)
        return waiting

    @property
    def asking(self) -> frozenset[str]:
        """The UniqueIDs of calls that were not answered yet."""
        return frozenset(self._waiting.values())

    async def _await(self, answer: "asyncio.Future[Answer]", request: AgiRequest) -> Answer:
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await asyncio.shield(answer)
        except DatabaseUnavailable:  # the gate has heard of it, too
            return self._by_memory(request)
        except TimeoutError:
            self._gate.close(f"the database gave no answer within {DATABASE_SECONDS:g} s")
            return self._by_memory(request)

    def _by_memory(self, request: AgiRequest) -> Answer:
        if self._gate.away_seconds > MEMORY_SECONDS:
            return {}
        now = asyncio.get_running_loop().time()
        values, later = self._service.alone(request, self._alone, now)
        if later is not None:
            self._gate.later(later)
        return values
