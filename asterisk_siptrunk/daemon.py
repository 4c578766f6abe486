"""`siptrunk serve`: admission and usage of one Asterisk server, until it is told to stop."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.verdict import attempt_of, next_way, verdict
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.thread import DatabaseThread

Clock = Callable[[], datetime]

log = logging.getLogger(__name__)


class AdmissionService:
    """Answers AGI requests: reads them, has them decided and stored, words the verdict."""

    def __init__(
        self, server: str, database: DatabaseThread, admission: Admission, clock: Clock
    ) -> None:
        self._server = server
        self._database = database
        self._admission = admission
        self._clock = clock

    async def answer(self, request: AgiRequest) -> Mapping[str, str]:
        """The variables to set for a request; none for one that we do not know.

        Raises:
            DatabaseUnavailable: nothing could be decided; the dialplan goes on by its own rules.
        """
        if request.script == variables.AGI_REROUTE:
            return await self._reroute(request)
        if request.script not in {variables.AGI_OUTBOUND, variables.AGI_INBOUND}:
            return {}
        attempt = attempt_of(request, self._server, self._clock())
        ruling = await self._database.submit(
            lambda connection: self._admission.admit(connection, attempt)
        )
        trunk = ruling.terms.trunk if ruling.terms else None
        return verdict(attempt, ruling.decision, trunk, ruling.carrier)

    async def _reroute(self, request: AgiRequest) -> Mapping[str, str]:
        way = await self._database.submit(
            lambda connection: self._admission.reroute(connection, self._server, request.uniqueid)
        )
        return next_way(way)
