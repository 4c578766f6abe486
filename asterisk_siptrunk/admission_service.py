"""A request of AGI, decided and stored: the work that daemon and AGI process have in common."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.verdict import attempt_of, next_way, verdict
from asterisk_siptrunk.call import Attempt
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.alone import AloneAdmission, Later
from asterisk_siptrunk.database.call_row import Ruling

Clock = Callable[[], datetime]
Answering = Callable[[Connection], Mapping[str, str]]

_CALLS = frozenset({variables.AGI_OUTBOUND, variables.AGI_INBOUND})


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
        if request.script in _CALLS:
            # The clock is read now: while the database is slow, the call waits, and is no later.
            attempt = attempt_of(request, self._server, self._clock())
            return lambda connection: self._admit(connection, request, attempt)
        return lambda _: _unasked(request)

    def alone(
        self, request: AgiRequest, admission: AloneAdmission, now: float
    ) -> tuple[Mapping[str, str], Later | None]:
        """The variables that answer a request without a database, and what to write later.

        They are none where nothing is remembered to decide by. `now` is monotonic, in seconds.
        """
        if self.is_late(request):
            return {}, None
        if request.script == variables.AGI_REROUTE:
            found = admission.reroute(self._server, request.uniqueid, now)
            return (next_way(found[0]), found[1]) if found else ({}, None)
        if request.script in _CALLS:
            attempt = attempt_of(request, self._server, self._clock())
            ruled = admission.admit(attempt, now)
            return (_noted(attempt, ruled[0]), ruled[1]) if ruled else ({}, None)
        return _unasked(request), None

    def is_late(self, request: AgiRequest) -> bool:
        """Whether the dialplan has stopped waiting, or may before it hears of us.

        A verdict that nobody waits for must leave no row: the dialplan decides on the call.
        """
        return self._clock().timestamp() - request.asked >= self._patience

    def _admit(
        self, connection: Connection, request: AgiRequest, attempt: Attempt
    ) -> Mapping[str, str]:
        if self.is_late(request):
            return {}
        return _told(attempt, self._admission.admit(connection, attempt))

    def _reroute(self, connection: Connection, request: AgiRequest) -> Mapping[str, str]:
        if self.is_late(request):
            return {}
        if not self._admission.is_open(connection, self._server, request.uniqueid):
            return {}
        return next_way(self._admission.reroute(connection, self._server, request.uniqueid))


def _unasked(request: AgiRequest) -> Mapping[str, str]:
    """What a request of no call is told."""
    is_check = request.script == variables.AGI_CHECK
    return {variables.NEXT: variables.NEXT_AWAY} if is_check else {}


def _noted(attempt: Attempt, ruling: Ruling) -> Mapping[str, str]:
    """What is told by memory: were we killed now, the journal alone would know what was dialled."""
    return {**_told(attempt, ruling), variables.JOURNAL_DIALLED: attempt.dialled}


def _told(attempt: Attempt, ruling: Ruling) -> Mapping[str, str]:
    trunk = ruling.terms.trunk if ruling.terms else None
    return verdict(attempt, ruling.decision, trunk, ruling.carrier)
