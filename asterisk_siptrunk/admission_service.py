"""A request of AGI, decided and stored: the work that daemon and AGI process have in common."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.verdict import attempt_of, next_way, verdict
from asterisk_siptrunk.database.admission import Admission

Clock = Callable[[], datetime]
Answering = Callable[[Connection], Mapping[str, str]]


class AdmissionService:
    """Answers the calls of one Asterisk server.

    `patience` is how many seconds the dialplan waits for an answer.
    """

    def __init__(self, server: str, admission: Admission, clock: Clock, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._admission = admission
        self._clock = clock

    def work(self, request: AgiRequest) -> Answering:
        """What is to be done in one transaction to get the variables that answer a request.

        They are none where the request is not of our dialplan; the call then goes on by the
        dialplan's own rules, as it does when the transaction fails.
        """
        if request.script == variables.AGI_REROUTE:
            return lambda connection: self._reroute(connection, request)
        if request.script in {variables.AGI_OUTBOUND, variables.AGI_INBOUND}:
            # The clock is read now: while the database is slow, the call waits, and is no later.
            asked_at = self._clock()
            return lambda connection: self._admit(connection, request, asked_at)
        return lambda _: {}

    def _is_late(self, request: AgiRequest) -> bool:
        """Whether the dialplan has stopped waiting, or may before it hears of us.

        A verdict that nobody waits for must leave no row: the dialplan decides on the call.
        """
        return self._clock().timestamp() - request.asked >= self._patience

    def _admit(
        self, connection: Connection, request: AgiRequest, asked_at: datetime
    ) -> Mapping[str, str]:
        if self._is_late(request):
            return {}
        attempt = attempt_of(request, self._server, asked_at)
        ruling = self._admission.admit(connection, attempt)
        trunk = ruling.terms.trunk if ruling.terms else None
        return verdict(attempt, ruling.decision, trunk, ruling.carrier)

    def _reroute(self, connection: Connection, request: AgiRequest) -> Mapping[str, str]:
        if self._is_late(request):
            return {}
        if not self._admission.is_open(connection, self._server, request.uniqueid):
            return {}
        return next_way(self._admission.reroute(connection, self._server, request.uniqueid))
