"""A call is answered in time, by the database or without it."""

import asyncio
import random
import sqlite3
import threading
from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk import desk as module
from asterisk_siptrunk.admission_service import AdmissionService
from asterisk_siptrunk.asterisk.agi import AgiParser
from asterisk_siptrunk.call import Via
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.alone import AloneAdmission
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import open_engine, reading
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.desk import Desk
from tests.unit.asterisk.headers import ASKED, fastagi_header
from tests.unit.database.builders import provide
from tests.unit.database.test_gate import scene

DIAL, NOTHING = "dial", None


def request(uniqueid: str, **header: str):
    header = {"agi_accountcode": "acme-paris", "agi_uniqueid": uniqueid, **header}
    (made,) = AgiParser().receive(fastagi_header(**header))
    return made


class Office:
    """A desk over the gate of a scene; the clock stands `late` seconds after each call asked."""

    def __init__(self, it, late: float = 0.0) -> None:
        memory, terms = CallMemory(), TermsMemory()
        admission = Admission("FR", random.random, Via.SERVICE, memory, terms)
        alone = AloneAdmission("FR", random.random, memory, terms, it.lease)
        self.now = datetime.fromtimestamp(ASKED, UTC) + timedelta(seconds=late)
        service = AdmissionService("lab", admission, lambda: self.now, 3.0)
        self.desk = Desk(service, alone, it.gate)

    async def hear(self, uniqueid: str, **header: str) -> str | None:
        values = await self.desk.answer(request(uniqueid, **header))
        return values.get("SIPTRUNK_NEXT")


def rows(url: str):
    engine = open_engine(url)
    with reading(engine) as connection:
        found = {one.uniqueid: one.via for one in calls.every(connection, CallFilter())}
    engine.dispose()
    return found


@pytest.fixture
def provided(sqlite_url):
    engine = open_engine(sqlite_url)
    provide(engine)
    engine.dispose()
    return sqlite_url


def test_a_call_is_answered_while_another_process_has_the_database(provided):
    async def run():
        async with scene(provided) as it:
            office = Office(it)
            first = await office.hear("lab-1.1")
            other = sqlite3.connect(provided.removeprefix("sqlite:///"), isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            second = await office.hear("lab-2.1")
            third = office.desk.answer(request("lab-3.1"))
            await asyncio.sleep(0)
            assert third.done(), "nobody waits for a database that is known to be away"
            other.close()
            await it.back()
            return first, second, await office.hear("lab-4.1")

    assert asyncio.run(run()) == (DIAL, DIAL, "refused")
    assert rows(provided) == {
        "lab-1.1": Via.SERVICE,
        "lab-2.1": Via.MEMORY,
        "lab-3.1": Via.MEMORY,
        "lab-4.1": Via.SERVICE,
    }


def test_a_database_that_gives_no_answer_at_all_is_not_waited_for(provided, monkeypatch):
    monkeypatch.setattr(module, "DATABASE_SECONDS", 0.05)

    async def run():
        async with scene(provided) as it:
            office = Office(it)
            await office.hear("lab-1.1")
            began, release = threading.Event(), threading.Event()

            def hold(_connection):
                began.set()
                release.wait(5)

            it.thread.submit(hold)
            await asyncio.to_thread(began.wait)
            assert office.desk.asking == set()
            answer = office.desk.answer(request("lab-2.1"))
            assert office.desk.asking == {"lab-2.1"}
            told = (await answer).get("SIPTRUNK_NEXT")
            assert not it.gate.is_open
            assert office.desk.asking == set()
            release.set()
            await it.back()
            return told

    assert asyncio.run(run()) == DIAL
    assert rows(provided)["lab-2.1"] is Via.MEMORY


@pytest.mark.parametrize(
    ("script", "header", "late", "told"),
    [
        ("outbound", {}, 0.0, DIAL),
        ("outbound", {"agi_accountcode": "stranger"}, 0.0, NOTHING),
        ("outbound", {}, 3.0, NOTHING),
        ("reroute", {"agi_uniqueid": "lab-1.1"}, 0.0, "failed"),
        ("reroute", {}, 0.0, NOTHING),
        ("somewhere", {}, 0.0, NOTHING),
    ],
)
def test_what_memory_answers(provided, script, header, late, told):
    async def run():
        async with scene(provided) as it:
            office = Office(it)
            await office.hear("lab-1.1")
            office.now += timedelta(seconds=late)
            it.gate.close("for a test")
            return await office.hear(**{"uniqueid": "lab-2.1", "script": script, **_named(header)})

    assert asyncio.run(run()) == told


def _named(header):
    return {"uniqueid" if key == "agi_uniqueid" else key: value for key, value in header.items()}


def test_after_a_while_the_dialplan_decides(provided, monkeypatch):
    monkeypatch.setattr(module, "MEMORY_SECONDS", -1.0)

    async def run():
        async with scene(provided) as it:
            office = Office(it)
            await office.hear("lab-1.1")
            it.gate.close("for a test")
            return await office.hear("lab-2.1")

    assert asyncio.run(run()) is NOTHING
