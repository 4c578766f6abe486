"""What is too late is not decided: the dialplan has gone on without us."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from asterisk_siptrunk.admission_service import AdmissionService
from asterisk_siptrunk.asterisk.agi import AgiParser, AgiRequest
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import reading, transaction
from tests.unit.asterisk.headers import ASKED, fastagi_header
from tests.unit.database.builders import admission, provide

PATIENCE = 3.0


def answer(engine: Engine, seconds: float, **header: str):
    """Ask, with the answer worked out so many seconds after the dialplan began to wait."""
    now = datetime.fromtimestamp(ASKED, UTC) + timedelta(seconds=seconds)
    service = AdmissionService("lab", admission(), lambda: now, PATIENCE)
    (request,) = AgiParser().receive(fastagi_header(agi_accountcode="acme-paris", **header))
    assert isinstance(request, AgiRequest)
    with transaction(engine) as connection:
        return service.work(request)(connection)


def rows(engine: Engine):
    with reading(engine) as connection:
        return list(calls.every(connection, CallFilter()))


@pytest.mark.parametrize(
    ("seconds", "heard"), [(0.0, True), (2.9, True), (3.0, False), (20, False)]
)
def test_a_verdict_that_nobody_waits_for_leaves_no_row(engine, seconds, heard):
    provide(engine)
    assert bool(answer(engine, seconds)) is heard
    assert len(rows(engine)) == heard


def test_one_channel_that_calls_again_gets_an_answer_for_that_number(engine):
    provide(engine)
    assert "+33612345678@" in answer(engine, 0)["SIPTRUNK_DIAL"]
    again = answer(engine, 0)
    assert "+33612345678@" in again["SIPTRUNK_DIAL"]
    emergency = answer(engine, 0, agi_arg_1="112")
    assert emergency["SIPTRUNK_DIAL"].startswith("PJSIP/112@")
    (row,) = rows(engine)
    assert (row.dialled, row.reason) == ("112", "emergency")


def test_a_call_without_a_row_is_left_to_the_dialplan_when_its_carrier_fails(engine):
    provide(engine)
    now = datetime.fromtimestamp(ASKED, UTC)
    service = AdmissionService("lab", admission(), lambda: now, PATIENCE)
    (request,) = AgiParser().receive(fastagi_header(script="reroute"))
    assert isinstance(request, AgiRequest)
    with transaction(engine) as connection:
        assert service.work(request)(connection) == {}
