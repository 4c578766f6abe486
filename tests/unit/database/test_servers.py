"""Signs of life, and what follows where one is missing: on SQLite and on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from asterisk_siptrunk.call import Answered, Ended, Evidence, RegistrationChange
from asterisk_siptrunk.call.server import Pulse, ServerState, Vitals
from asterisk_siptrunk.database import calls, servers, usage
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import provider, registration, server
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import (
    BY,
    NOON,
    admission,
    ask,
    open_calls,
    outbound,
    provide,
)


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


def beat(engine, name="lab", *, share=100, alive=(), at=NOON) -> Pulse:
    vitals = Vitals("0.1.0", NOON, share, "up", NOON)
    with transaction(engine) as connection:
        return servers.beat(connection, name, vitals, alive, at)


def lose(engine, name="lab", seen=1, at=NOON):
    with transaction(engine) as connection:
        return servers.declare_lost(connection, name, seen, at)


def the_servers(engine):
    with reading(engine) as connection:
        return {one.name: one for one in servers.every(connection)}


def kept(engine) -> int:
    with reading(engine) as connection:
        return int(connection.execute(select(provider.c.kept)).scalar_one())


def the_call(engine):
    with reading(engine) as connection:
        (record,) = calls.every(connection, CallFilter())
    return record


def test_each_sign_is_another_one_and_tells_of_the_others(engine):
    assert beat(engine, "one").others == {}
    assert beat(engine, "two").others == {"one": 1}
    assert beat(engine, "one").others == {"two": 1}
    assert the_servers(engine)["one"].beat == 2
    assert the_servers(engine)["one"].vitals == Vitals("0.1.0", NOON, 100, "up", NOON)


def test_each_sign_tells_when_the_one_before_was_given(engine):
    assert beat(engine, "one").last_at is None
    assert beat(engine, "two", at=after(3)).last_at is None
    assert beat(engine, "one", at=after(5)).last_at == NOON
    assert beat(engine, "one", at=after(9)).last_at == after(5)


def test_a_lost_server_s_channels_are_free_and_its_calls_end_with_its_last_sign(engine):
    provide(engine, channels=1)
    beat(engine, at=after(30))
    ask(engine, admission(), outbound())
    assert lose(engine, at=after(60)) == 1
    assert open_calls(engine) == 0
    assert (the_call(engine).ended_at, the_call(engine).evidence) == (
        after(30),
        Evidence.RECONCILED,
    )
    assert ask(engine, admission(), outbound(server="two")).decision.reason == "admitted"


def test_a_call_after_the_last_sign_ends_no_earlier_than_it_began(engine):
    provide(engine)
    beat(engine, at=after(-30))
    ask(engine, admission(), outbound())
    lose(engine, at=after(60))
    assert the_call(engine).ended_at == NOON


def test_a_call_that_was_answered_after_the_last_sign_ends_no_earlier_than_that(engine):
    provide(engine)
    beat(engine, at=after(30))
    ask(engine, admission(), attempt := outbound())
    with transaction(engine) as connection:
        usage.apply(connection, "lab", [Answered(attempt.uniqueid, after(31))])
    lose(engine, at=after(60))
    assert the_call(engine).ended_at == after(31)


def test_who_gave_another_sign_is_not_lost_and_nobody_is_lost_twice(engine):
    beat(engine)
    beat(engine)
    assert lose(engine, seen=1) is None
    assert lose(engine, seen=2) == 0
    assert lose(engine, seen=2) is None
    assert beat(engine, "two").others == {}


def test_a_server_that_was_only_out_of_reach_holds_its_living_calls_again(engine):
    provide(engine)
    beat(engine)
    lives, ended = outbound(), outbound()
    for attempt in (lives, ended):
        ask(engine, admission(), attempt)
    lose(engine)
    assert beat(engine, alive=[lives.uniqueid, "never stored"]).was_lost
    with reading(engine) as connection:
        ((call, _),) = usage.open_calls(connection, "lab")
    assert call.uniqueid == lives.uniqueid
    assert not beat(engine).was_lost


def test_an_exact_end_is_not_taken_back(engine):
    provide(engine)
    beat(engine)
    attempt = outbound()
    ask(engine, admission(), attempt)
    lose(engine)
    with transaction(engine) as connection:
        usage.apply(connection, "lab", [Ended(attempt.uniqueid, after(9), 16)])
    beat(engine, alive=[attempt.uniqueid])
    assert open_calls(engine) == 0


def test_what_a_lost_server_may_use_alone_is_left_free(engine):
    provide(engine, channels=4)
    beat(engine, "other", share=50)
    lose(engine, "other")
    assert kept(engine) == 50
    reasons = [ask(engine, admission(), outbound()).decision for _ in range(3)]
    assert [one.reason for one in reasons] == ["admitted", "admitted", "channels-full"]
    assert "2 left to servers out of reach" in reasons[2].facts
    beat(engine, "other", share=50)
    assert kept(engine) == 0
    assert ask(engine, admission(), outbound()).decision.reason == "admitted"


def test_a_server_that_is_gone_for_good_is_removed(engine):
    beat(engine, "old", share=50)
    with pytest.raises(InvalidInput, match="gives signs of life"), transaction(engine) as c:
        servers.remove(c, BY, "old")
    lose(engine, "old")
    with transaction(engine) as connection:
        servers.remove(connection, BY, "old")
    assert (the_servers(engine), kept(engine)) == ({}, 0)
    with pytest.raises(NotFound, match="no server 'old'"), transaction(engine) as c:
        servers.remove(c, BY, "old")


def test_one_that_was_stopped_in_order_may_be_removed_with_its_calls(engine):
    provide(engine)
    beat(engine)
    ask(engine, admission(), outbound())
    with transaction(engine) as connection:
        servers.stop(connection, "lab", after(5))
        servers.remove(connection, BY, "lab")
    assert open_calls(engine) == 0


def test_one_that_is_back_is_not_stopped_any_more(engine):
    beat(engine)
    with transaction(engine) as connection:
        servers.stop(connection, "lab", after(5))
    assert the_servers(engine)["lab"].stopped_at == after(5)
    beat(engine)
    assert the_servers(engine)["lab"].stopped_at is None


def test_what_is_applied_after_a_server_was_first_seen_is_asked_of_it(engine):
    assert beat(engine).config_applied == 0
    with transaction(engine) as connection:
        connection.execute(update(provider).values(config_wanted=3))
    late, known = beat(engine, "new"), beat(engine)
    assert (late.config_wanted, late.config_applied) == (3, 3)
    assert (known.config_wanted, known.config_applied) == (3, 0)


def silence(engine, name, seconds):
    """Let so much time pass by the database's clock, in which it hears nothing of a server."""
    ago = the_servers(engine)[name].seen_at - timedelta(seconds=seconds)
    with transaction(engine) as connection:
        connection.execute(update(server).where(server.c.name == name).values(seen_at=ago))


def test_what_the_signs_of_life_say_of_a_server_is_told_by_the_database_s_clock(engine):
    beat(engine, "serving", at=after(-9999))
    for name in ("silent", "stopped", "lost"):
        beat(engine, name, at=after(9999))
    silence(engine, "silent", 7)
    lose(engine, "lost")
    with transaction(engine) as connection:
        servers.stop(connection, "stopped", NOON)
    assert {name: one.state for name, one in the_servers(engine).items()} == {
        each.value: each for each in ServerState
    }


def test_a_stopped_server_stays_so_when_its_channels_are_freed(engine):
    beat(engine)
    with transaction(engine) as connection:
        servers.stop(connection, "lab", NOON)
    lose(engine)
    assert the_servers(engine)["lab"].state is ServerState.STOPPED


def test_the_calls_that_hold_a_channel_are_counted_for_each_server(engine):
    provide(engine)
    for name in ("one", "two"):
        beat(engine, name)
    for attempt in (outbound(server="one"), outbound(server="one"), outbound(server="two")):
        ask(engine, admission(), attempt)
    assert {name: one.calls for name, one in the_servers(engine).items()} == {"one": 2, "two": 1}


def test_the_only_server_is_removed_once_it_is_silent(engine):
    """There is no other one to take it for lost."""
    provide(engine)
    beat(engine)
    ask(engine, admission(), outbound())
    with transaction(engine) as connection:
        registered = RegistrationChange("acme-paris", registered=True, at=NOON, contact="sip:a@b")
        usage.note_registrations(connection, "lab", [registered])
    silence(engine, "lab", 7)
    with transaction(engine) as connection:
        servers.remove(connection, BY, "lab")
        assert connection.execute(select(registration)).all() == []
    assert (the_servers(engine), open_calls(engine)) == ({}, 0)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_is_back_while_it_is_taken_for_lost_has_its_calls_again(engine):
    provide(engine)
    beat(engine)
    attempt = outbound()
    ask(engine, admission(), attempt)
    with ThreadPoolExecutor() as threads:
        with transaction(engine) as connection:
            servers.declare_lost(connection, "lab", 1, NOON)
            back = threads.submit(beat, engine, alive=[attempt.uniqueid])
            with pytest.raises(TimeoutError):
                back.result(timeout=0.5)
        assert back.result(timeout=5).was_lost
    assert open_calls(engine) == 1
