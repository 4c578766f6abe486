"""Check and take in one transaction: on a real SQLite file, and on PostgreSQL."""

import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from threading import Barrier

import pytest
from sqlalchemy import update

from asterisk_siptrunk.call import Admit, Direction, Reason, Refuse, State, Verdict
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition
from asterisk_siptrunk.database import calls, carriers, rules, suspensions, trunks, usage
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.tables import provider
from asterisk_siptrunk.destination import Action, Layer, Rule, Target
from asterisk_siptrunk.trunk import Suspension, SuspensionScope
from tests.unit.database.builders import (
    BY,
    MAIN,
    NOON,
    SECOND,
    admission,
    ask,
    carrier,
    end,
    inbound,
    open_calls,
    outbound,
    provide,
    trunk,
)


def reasons(engine, attempts):
    one = admission()
    return [ask(engine, one, attempt).decision.reason for attempt in attempts]


def records(engine, **wanted):
    with reading(engine) as connection:
        return list(calls.every(connection, CallFilter(**wanted)))


@pytest.mark.parametrize(
    ("terms", "attempts", "expected"),
    [
        (
            {"channels": 2},
            [outbound, outbound, outbound],
            ["admitted", "admitted", "channels-full"],
        ),
        # Both directions share the channels.
        ({"channels": 2}, [inbound, outbound, outbound], ["admitted", "admitted", "channels-full"]),
        ({"channels": 1}, [outbound, inbound], ["admitted", "inbound-full"]),
        # 3 channels, 2 kept for inbound: 1 outbound, then 2 inbound.
        (
            {"channels": 3, "reserved_inbound": 2},
            [outbound, outbound, inbound, inbound, inbound],
            ["admitted", "channels-full", "admitted", "admitted", "inbound-full"],
        ),
        # 2 calls a second, all asked in the same instant.
        (
            {"channels": 9, "calls_per_second": 2},
            [outbound, inbound, outbound],
            ["admitted", "admitted", "too-fast"],
        ),
    ],
)
def test_limits(engine, terms, attempts, expected):
    provide(engine, **terms)
    assert reasons(engine, [make() for make in attempts]) == expected


def test_channels_come_back_when_calls_end(engine):
    provide(engine, channels=1)
    one, first = admission(), outbound()
    assert ask(engine, one, first).decision.reason is Reason.ADMITTED
    assert ask(engine, one, outbound()).decision.reason is Reason.CHANNELS_FULL
    end(engine, first)
    assert ask(engine, one, outbound()).decision.reason is Reason.ADMITTED


def test_a_refused_call_is_born_ended_with_its_reason(engine):
    provide(engine, channels=1)
    refused = outbound("0899123456")
    assert reasons(engine, [refused]) == ["destination-blocked"]
    (record,) = records(engine)
    assert (record.verdict, record.state, record.hangup_cause) == (Verdict.REFUSED, State.ENDED, 21)
    assert "*:premium" in record.facts
    assert record.zone == "fr:premium"
    assert open_calls(engine) == 0


def test_the_pace_refills(engine):
    provide(engine, channels=9, calls_per_second=1)
    later = outbound(at=NOON + timedelta(seconds=1))
    assert reasons(engine, [outbound(), outbound(), later]) == ["admitted", "too-fast", "admitted"]


def test_a_refusal_takes_nothing_from_the_pace(engine):
    provide(engine, channels=9, calls_per_second=1)
    blocked = outbound("0899123456")
    assert reasons(engine, [blocked, outbound()]) == ["destination-blocked", "admitted"]


def test_a_carrier_s_limit_sends_calls_to_the_next(engine):
    provide(engine, carrier(channels=1), carrier("two", priority=20, channels=1), channels=9)
    one = admission()
    rulings = [ask(engine, one, outbound()) for _ in range(3)]
    assert [each.carrier and each.carrier.name for each in rulings] == ["one", "two", None]
    assert rulings[2].decision.reason is Reason.CARRIERS_FULL


def test_inbound_calls_take_their_carrier_s_channel(engine):
    provide(engine, carrier(channels=1), channels=9)
    assert reasons(engine, [inbound(), outbound()]) == ["admitted", "carriers-full"]


def test_what_lost_servers_may_use_alone_is_left_free_at_carriers_too(engine):
    provide(engine, carrier(channels=4), carrier("two", priority=20, channels=2), channels=99)
    with transaction(engine) as connection:
        connection.execute(update(provider).values(kept=50))
    one = admission()
    attempts = [outbound() for _ in range(4)]
    rulings = [ask(engine, one, attempt) for attempt in attempts]
    chosen = [each.carrier and each.carrier.name for each in rulings]
    assert chosen == ["one", "one", "two", None]
    with transaction(engine) as connection:
        assert one.reroute(connection, attempts[0].server, attempts[0].uniqueid) is None


@pytest.mark.parametrize("channels", [1, 3])
def test_emergency_passes_a_full_trunk(engine, channels):
    provide(engine, carrier(channels=1), channels=channels)
    calls_ = [
        *(inbound() for _ in range(channels)),
        outbound("112"),
        outbound("15", caller="0999999999"),
    ]
    assert reasons(engine, calls_)[-2:] == ["emergency", "emergency"]
    assert records(engine)[-1].caller == "+33999999999"


def test_emergency_passes_a_suspended_trunk_and_no_trunk(engine):
    provide(engine)
    with transaction(engine) as connection:
        suspensions.suspend(connection, BY, "acme-paris", Suspension(SuspensionScope.ALL, "unpaid"))
    attempts = [outbound(), outbound("112"), outbound("112", entry="nobody"), outbound(entry="no")]
    expected = ["suspended", "emergency", "emergency", "unknown-trunk"]
    assert reasons(engine, attempts) == expected


def test_a_retry_gets_the_first_answer_and_takes_nothing(engine):
    provide(engine, channels=2)
    one, attempt = admission(), outbound()
    first, again = ask(engine, one, attempt), ask(engine, one, attempt)
    assert isinstance(again.decision, Admit)
    assert again.decision.callee == first.decision.callee
    assert again.decision.caller == first.decision.caller
    assert again.carrier == first.carrier
    assert open_calls(engine) == 1


def test_a_retry_of_a_refused_call_stays_refused(engine):
    provide(engine, channels=1)
    one, holder, refused = admission(), outbound(), outbound()
    ask(engine, one, holder)
    assert ask(engine, one, refused).decision.reason is Reason.CHANNELS_FULL
    end(engine, holder)
    again = ask(engine, one, refused).decision
    assert isinstance(again, Refuse)
    assert again.reason is Reason.CHANNELS_FULL
    assert len(records(engine)) == 2


def test_the_same_id_on_two_servers_is_two_calls(engine):
    provide(engine)
    one, attempt = admission(), outbound()
    ask(engine, one, attempt)
    ask(engine, one, replace(attempt, server="other"))
    assert open_calls(engine) == 2


def test_a_rule_added_shows_at_once(engine):
    provide(engine)
    one = admission()
    assert ask(engine, one, outbound()).decision.reason is Reason.ADMITTED
    mobiles = Rule(Target.parse("fr:mobile"), Action.BLOCK, Layer.CUSTOMER)
    with transaction(engine) as connection:
        rules.put(connection, BY, mobiles, "acme-paris")
    assert ask(engine, one, outbound()).decision.reason is Reason.DESTINATION_BLOCKED


def test_a_rule_of_the_provider_shows_at_once_on_every_trunk(engine):
    provide(engine)
    one = admission()
    assert ask(engine, one, outbound()).decision.reason is Reason.ADMITTED
    mobiles = Rule(Target.parse("fr:mobile"), Action.BLOCK, Layer.PROVIDER, locked=True)
    with transaction(engine) as connection:
        rules.put(connection, BY, mobiles, None)
    assert ask(engine, one, outbound()).decision.reason is Reason.DESTINATION_BLOCKED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: trunks.change(c, BY, "acme-paris", channels=1), Reason.CHANNELS_FULL),
        (lambda c: trunks.change(c, BY, "acme-paris", ended=True), Reason.TRUNK_ENDED),
        (
            lambda c: suspensions.suspend(
                c, BY, "acme-paris", Suspension(SuspensionScope.OUTBOUND, "fraud")
            ),
            Reason.SUSPENDED,
        ),
        (lambda c: carriers.change(c, BY, "one", enabled=False), Reason.NO_CARRIER),
    ],
)
def test_a_change_of_the_trunk_or_a_carrier_shows_at_once(engine, change, expected):
    provide(engine, channels=2)
    one = admission()
    assert ask(engine, one, outbound()).decision.reason is Reason.ADMITTED
    with transaction(engine) as connection:
        change(connection)
    assert ask(engine, one, outbound()).decision.reason is expected


def test_a_number_moved_rings_at_its_new_trunk(engine):
    provide(engine, channels=1)
    one = admission()
    assert ask(engine, one, inbound(SECOND)).decision.reason is Reason.ADMITTED
    with transaction(engine) as connection:
        trunks.remove_number(connection, BY, SECOND)
    assert ask(engine, one, inbound(SECOND)).decision.reason is Reason.UNKNOWN_NUMBER
    assert ask(engine, one, outbound(caller=SECOND)).decision.reason is Reason.CHANNELS_FULL


@pytest.mark.parametrize(
    ("caller", "presented"), [("0123456790", SECOND), ("+33611111111", MAIN), ("", MAIN)]
)
def test_the_caller_number_kept_is_the_one_presented(engine, caller, presented):
    provide(engine)
    ask(engine, admission(), outbound(caller=caller))
    (record,) = records(engine)
    assert (record.caller, record.presented) == (presented, caller)


def test_a_failed_carrier_gives_way_to_the_next_once(engine):
    provide(engine, carrier(), carrier("two", priority=20))
    one, attempt = admission(), outbound()
    ask(engine, one, attempt)
    with transaction(engine) as connection:
        way = one.reroute(connection, attempt.server, attempt.uniqueid)
        assert way is not None
        assert (way.carrier.name, way.callee.number) == ("two", "+33612345678")
        assert one.reroute(connection, attempt.server, attempt.uniqueid) is None
        assert one.reroute(connection, attempt.server, "unknown") is None


def test_two_threads_race_for_the_last_channel_and_one_wins(engine):
    provide(engine, channels=1)
    start = Barrier(8)

    def call():
        start.wait()
        return ask(engine, admission(), outbound()).decision.reason

    with ThreadPoolExecutor(8) as pool:
        told = sorted(future.result() for future in [pool.submit(call) for _ in range(8)])
    assert told == ["admitted", *["channels-full"] * 7]
    assert open_calls(engine) == 1


def _ask_from_a_process(url: str, uniqueid: str, start) -> str:
    engine = open_engine(url)
    start.wait()
    reason = ask(engine, admission(), outbound(uniqueid=uniqueid)).decision.reason
    engine.dispose()
    return str(reason)


def test_two_processes_race_for_the_last_channel_and_one_wins(engine, database_url):
    provide(engine, channels=1)
    context = get_context("spawn")
    with context.Manager() as manager, context.Pool(2) as pool:
        start = manager.Barrier(2)
        asked = [(database_url, f"race-{number}", start) for number in range(2)]
        told = pool.starmap(_ask_from_a_process, asked)
    assert sorted(told) == ["admitted", "channels-full"]
    assert open_calls(engine) == 1


def test_an_admission_and_who_writes_calls_of_several_trunks_never_wait_for_each_other(engine):
    """A journal that is caught up on names trunks and carriers that other servers admit for."""
    provide(engine, carrier(channels=9))
    with transaction(engine) as connection:
        trunks.add(connection, BY, trunk("other"), None)
        trunks.add_number(connection, BY, "other", "+33123456799", main=True)
    asked = []

    def lines(pool):
        yield journalled("acme-paris")
        asked.append(pool.submit(ask, engine, admission(), outbound(entry="other", server="two")))
        wait(asked, timeout=0.5)  # where it waits for us, what we write next would wait for it
        yield journalled("other")

    with ThreadPoolExecutor() as pool, transaction(engine) as connection:
        usage.record_journal(connection, "lab", lines(pool), JournalPosition(1, 1))
    assert asked[0].result().decision.reason == "admitted"


def journalled(name: str) -> JournalCall:
    return JournalCall(
        uniqueid=outbound().uniqueid,
        direction=Direction.OUTBOUND,
        trunk=name,
        carrier="one",
        caller=MAIN,
        dialled="0612345678",
        started_at=NOON,
        answered_at=None,
        ended_at=NOON + timedelta(seconds=9),
        disposition="NO ANSWER",
        reason="",
    )


def test_a_hundred_at_once_over_ten_channels(engine):
    provide(engine, channels=10)

    def burst():
        with ThreadPoolExecutor(8) as pool:
            attempts = [outbound() for _ in range(100)]
            return list(pool.map(lambda a: ask(engine, admission(), a).decision.reason, attempts))

    assert burst().count(Reason.ADMITTED) == 10
    for record in records(engine, live=True):
        end(engine, outbound(uniqueid=record.uniqueid))
    assert burst().count(Reason.ADMITTED) == 10


def test_terms_of_another_database_are_not_remembered(sqlite_url, tmp_path):
    """A backup that was put back has the same versions of other terms."""
    other_url = f"sqlite:///{shutil.copy(tmp_path / 'siptrunk.db', tmp_path / 'other.db')}"
    narrow, wide = open_engine(sqlite_url), open_engine(other_url)
    provide(narrow, channels=1)
    provide(wide, channels=2)
    one = admission()
    assert [ask(narrow, one, outbound()).decision.reason for _ in range(2)] == [
        Reason.ADMITTED,
        Reason.CHANNELS_FULL,
    ]
    assert [ask(wide, one, outbound()).decision.reason for _ in range(2)] == [Reason.ADMITTED] * 2
    narrow.dispose()
    wide.dispose()
