"""How the newest calls went."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from asterisk_siptrunk.call import Direction, Reason
from asterisk_siptrunk.call.fault import Party
from asterisk_siptrunk.database import quality
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call, carrier
from tests.unit.database.builders import NOON, admission, ask, inbound, outbound, provide
from tests.unit.database.builders import carrier as a_carrier

SECOND = timedelta(seconds=1)


@pytest.fixture
def one(engine):
    """The admission of a trunk with two carriers and three channels."""
    provide(engine, a_carrier("one", priority=1), a_carrier("two", priority=2))
    return admission()


def put(engine, one, *, at=NOON, **values):
    """Admit a call, and have it end so."""
    attempt = outbound(at=at)
    ask(engine, one, attempt)
    with transaction(engine) as connection:
        values = {"ended_at": at + 60 * SECOND, **values}
        connection.execute(update(call).where(call.c.uniqueid == attempt.uniqueid).values(values))


def found(engine, **options):
    with reading(engine) as connection:
        return quality.by_carrier(connection, NOON - SECOND, **options)


def ids(engine):
    with reading(engine) as connection:
        return dict(map(tuple, connection.execute(select(carrier.c.name, carrier.c.id))))


def test_delays_talk_and_failures(engine, one):
    rang, answered = NOON + 3 * SECOND, NOON + 10 * SECOND
    put(engine, one, ringing_at=rang, answered_at=answered, hangup_cause=16)
    put(engine, one, ringing_at=NOON + 5 * SECOND, hangup_cause=127)
    put(engine, one, hangup_cause=38)
    of_one = found(engine).of["one"]
    assert of_one.delays == [3.0, 5.0]
    assert of_one.acd == 50.0  # from 10 to 60
    assert of_one.failures == {Party.CALLED: 1, Party.CARRIER: 1}


def test_a_carrier_that_failed_has_its_share(engine, one):
    own = ids(engine)
    values = {"carrier_id": own["two"], "tried": str(own["one"]), "answered_at": NOON + 9 * SECOND}
    put(engine, one, **values)
    put(engine, one, tried=str(own["one"]), hangup_cause=34)  # none was left after it
    of = found(engine).of
    assert of["one"].failures == {Party.CARRIER: 2}
    assert (of["two"].asr, of["two"].delays) == (1.0, [])  # the wait was the first one's


def test_what_is_left_out(engine, one):
    ask(engine, one, outbound())  # nobody knows yet
    ask(engine, one, inbound())
    put(engine, one, at=NOON - 2 * SECOND, hangup_cause=38)
    assert found(engine).of == {}


def test_what_goes_on_and_was_answered_counts(engine, one):
    put(engine, one, answered_at=NOON + SECOND, ended_at=None)
    of_one = found(engine).of["one"]
    assert (of_one.answered, of_one.ended, of_one.acd) == (1, 0, None)


def test_only_the_newest_are_read(engine, one):
    for number in range(3):
        put(engine, one, at=NOON + number * SECOND, hangup_cause=38 if number else 17)
    some = found(engine, most=2)
    assert (some.calls, some.is_part) == (2, True)
    assert some.of["one"].failures == {Party.CARRIER: 2}
    assert not found(engine).is_part


def test_refusals(engine, one):
    for _ in range(3):
        ask(engine, one, outbound())
    for _ in range(2):
        ask(engine, one, outbound())
    ask(engine, one, inbound("+33999999999"))
    with reading(engine) as connection:
        refused = quality.refusals(connection, NOON - SECOND)
    assert refused.reasons == {
        (Direction.OUTBOUND, Reason.CHANNELS_FULL): 2,
        (Direction.INBOUND, Reason.UNKNOWN_NUMBER): 1,
    }
    assert refused.parties == {Party.CUSTOMER: 2, Party.CALLER: 1}
    assert (refused.total, refused.is_part) == (3, False)
