"""What the witnesses of a server do to the service's memory of its calls."""

import asyncio
from datetime import timedelta

import pytest

from asterisk_siptrunk.call import Direction, Via
from asterisk_siptrunk.call.lease import WHOLE, Lease
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.database.gate import Gate
from asterisk_siptrunk.database.store import ServerUsage
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.database.thread import DatabaseThread
from tests.unit.database.builders import MAIN, NOON, ask, outbound, provide


class Keeper:
    """Nothing is to be done when the gate closes: it does not."""

    def closing(self) -> None: ...

    async def returning(self, submit) -> None: ...

    def opened(self) -> None: ...


def journalled(uniqueid: str) -> JournalCall:
    return JournalCall(
        uniqueid=uniqueid,
        direction=Direction.OUTBOUND,
        trunk="acme-paris",
        carrier="one",
        caller=MAIN,
        dialled="0612345678",
        started_at=NOON,
        answered_at=None,
        ended_at=NOON + timedelta(seconds=9),
        disposition="NO ANSWER",
        reason="",
    )


@pytest.mark.parametrize(
    "told",
    [
        lambda usage, call: usage.record_journal([journalled(call)], JournalPosition(1, 1)),
        lambda usage, call: usage.close_gone({call: NOON}),
    ],
    ids=["journal", "look"],
)
def test_a_call_whose_row_ended_is_forgotten_though_asterisk_told_of_no_end(sqlite_url, told):
    """Else it would hold its channel while the database is away, and for ever without AMI."""
    engine, calls = open_engine(sqlite_url), CallMemory()
    provide(engine)
    terms = TermsMemory()
    admission = Admission("FR", lambda: 0.0, Via.SERVICE, calls, terms)
    ask(engine, admission, lives := outbound())
    ask(engine, admission, ended := outbound())

    async def run():
        loop = asyncio.get_running_loop()
        thread = DatabaseThread(engine, loop)
        thread.start()
        gate = Gate(thread, thread, Lease(WHOLE, loop.time()), Keeper())
        usage = ServerUsage(gate, "lab", calls, terms)
        await told(usage, ended.uniqueid)
        await asyncio.to_thread(thread.stop)

    asyncio.run(run())
    engine.dispose()
    assert calls.alive() == [lives.uniqueid]
