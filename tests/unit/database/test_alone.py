"""Admission by memory: the same decision, and rows for what it told."""

from dataclasses import replace

import pytest

from asterisk_siptrunk.call import Direction, Verdict, Via, Way
from asterisk_siptrunk.call.lease import KNOWN_SECONDS, LEASE_SECONDS, WHOLE, Lease
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.database import calls, provider, suspensions, trunks
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.alone import AloneAdmission, Later
from asterisk_siptrunk.database.calls import CallFilter
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.trunk import Suspension, SuspensionScope
from tests.unit.database.builders import (
    BY,
    MAIN,
    NOON,
    SECOND,
    ask,
    carrier,
    inbound,
    outbound,
    provide,
    trunk,
)

UNPAID = Suspension(SuspensionScope.ALL, "unpaid")


class Server:
    """One server's service, with a database that it has used already."""

    def __init__(self, engine, *upstream, share=WHOLE, **terms) -> None:
        provide(engine, *upstream, **terms)
        self.engine = engine
        self.calls, memory = CallMemory(), TermsMemory()
        self.terms = memory
        self.lease = Lease(share, beat_at=0.0)
        self.with_database = Admission("FR", lambda: 0.0, Via.SERVICE, self.calls, memory)
        self.alone = AloneAdmission("FR", lambda: 0.0, self.calls, memory, self.lease)
        self.later: list[Later] = []

    def by_database(self, attempt):
        return ask(self.engine, self.with_database, attempt).decision

    def by_memory(self, attempt, now=1.0):
        found = self.alone.admit(attempt, now)
        if found is None:
            return None
        ruling, later = found
        self.later.append(later)
        return ruling.decision

    def reasons(self, *attempts, now=1.0):
        return [self.by_memory(attempt, now).reason for attempt in attempts]

    def next_way(self, uniqueid) -> Way | None:
        """The carrier that a call is put to after one failed it."""
        found = self.alone.reroute("lab", uniqueid, 1.0)
        assert found is not None
        way, later = found
        self.later += [later] if later else []
        return way

    def write(self):
        """The database is back."""
        with transaction(self.engine) as connection:
            for work in self.later:
                work(connection)

    def records(self):
        with reading(self.engine) as connection:
            return list(calls.every(connection, CallFilter()))


def test_the_limit_holds_over_calls_of_before_and_of_now(engine):
    server = Server(engine, channels=2)
    before = outbound()
    server.by_database(before)
    assert server.reasons(outbound(), outbound()) == ["admitted", "channels-full"]
    server.calls.end(before.uniqueid)
    assert server.reasons(outbound(), inbound()) == ["admitted", "inbound-full"]


def test_all_that_was_told_is_written_afterwards(engine):
    server = Server(engine, channels=2)
    server.by_database(outbound())
    passed, refused = outbound(), outbound("0899123456")
    server.reasons(passed, refused, inbound())
    server.write()
    first, second, third, fourth = server.records()
    assert [first.via, second.via] == [Via.SERVICE, Via.MEMORY]
    assert (second.uniqueid, second.verdict, second.carrier) == (
        passed.uniqueid,
        Verdict.ADMITTED,
        "one",
    )
    assert second.ended_at is None
    assert second.facts.endswith("; by memory: the database was away")
    assert (third.reason, third.ended_at) == ("destination-blocked", NOON)
    assert (fourth.direction, fourth.trunk, fourth.carrier) == (
        Direction.INBOUND,
        "acme-paris",
        "one",
    )


def test_what_the_database_wrote_too_late_gives_way_to_what_was_told(engine):
    """It gave no answer in time, and its work went through all the same."""
    server = Server(engine, channels=1)
    server.by_database(blocking := outbound())
    late = outbound()
    assert server.by_database(late).reason == "channels-full"
    server.calls.end(blocking.uniqueid)
    assert server.reasons(late) == ["admitted"]
    server.write()
    record = server.records()[1]
    assert (record.verdict, record.ended_at, record.evidence) == (Verdict.ADMITTED, None, None)


def test_a_trunk_that_did_not_call_yet_is_left_to_the_dialplan(engine):
    server = Server(engine)
    server.by_database(outbound())
    assert server.by_memory(outbound(entry="stranger")) is None
    assert server.by_memory(inbound("+33199999999")) is None


def test_a_number_that_went_to_another_trunk_is_left_to_the_dialplan(engine):
    server = Server(engine)
    server.by_database(outbound())
    assert server.reasons(inbound(SECOND)) == ["admitted"]
    with transaction(engine) as connection:
        trunks.add(connection, BY, trunk("other"), None)
        trunks.remove_number(connection, BY, SECOND)
        trunks.add_number(connection, BY, "other", SECOND, main=True)
    server.by_database(outbound())
    assert server.by_memory(inbound(SECOND)) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: suspensions.suspend(c, BY, "acme-paris", UNPAID), None),
        (provider.touch, None),
        (lambda _: None, "admitted"),
    ],
    ids=["the trunk's", "everybody's", "none"],
)
def test_terms_that_have_changed_are_forgotten(engine, change, told):
    """The trunk has not called since: nobody read its new ones, and the old ones let it pass."""
    server = Server(engine)
    server.by_database(outbound())
    with transaction(engine) as connection:
        change(connection)
        server.terms.forget_changed(connection)
    decision = server.by_memory(outbound())
    assert (decision.reason if decision else None) == told


def test_the_pace_holds(engine):
    server = Server(engine, channels=9, calls_per_second=2)
    server.by_database(outbound())
    assert server.reasons(outbound(), outbound(), outbound()) == ["admitted"] * 2 + ["too-fast"]


def test_a_carrier_s_limit_holds(engine):
    server = Server(engine, carrier(channels=1), channels=9)
    server.by_database(outbound())
    assert server.reasons(outbound()) == ["carriers-full"]


def test_emergency_calls_beyond_a_limit_make_it_no_wider(engine):
    server = Server(engine, carrier(channels=2), channels=9, share=50)
    held = [outbound(), outbound(), outbound("112"), outbound("112")]
    for attempt in held:
        server.by_database(attempt)
    server.alone.cut(frozenset())
    server.calls.end(held[0].uniqueid)
    assert server.reasons(outbound()) == ["channels-full"]
    server.calls.end(held[2].uniqueid)
    server.calls.end(held[3].uniqueid)
    assert server.reasons(outbound(), outbound()) == ["admitted", "channels-full"]


def test_an_emergency_passes_whatever_is_full(engine):
    server = Server(engine, carrier(channels=1), channels=1, share=0)
    server.by_database(outbound())
    server.alone.cut(frozenset())
    assert server.reasons(outbound("112"), now=LEASE_SECONDS) == ["emergency"]


def test_a_server_among_several_takes_no_more_calls_than_it_had(engine):
    server = Server(engine, channels=9, share=0)
    held = [outbound(), outbound()]
    for attempt in held:
        server.by_database(attempt)
    server.alone.cut(frozenset())
    assert server.reasons(outbound()) == ["channels-full"]
    server.calls.end(held[0].uniqueid)
    assert server.reasons(outbound(), outbound()) == ["admitted", "channels-full"]
    server.calls.end(held[1].uniqueid)
    assert server.reasons(outbound(), now=LEASE_SECONDS) == ["channels-full"]


def test_a_sign_of_life_after_the_lease_makes_no_old_call_count_again(engine):
    """As when a server that was frozen gives one, and still decides alone for a moment."""
    server = Server(engine, channels=9, share=0)
    held = outbound()
    server.by_database(held)
    server.alone.cut(frozenset())
    server.calls.end(held.uniqueid)
    server.lease.beat_at = 2 * LEASE_SECONDS
    assert server.reasons(outbound(), now=2 * LEASE_SECONDS) == ["channels-full"]


def test_a_share_may_be_used_once_the_others_keep_it_free(engine):
    server = Server(engine, carrier(channels=4), channels=4, share=50)
    server.by_database(outbound())
    server.alone.cut(frozenset())
    assert server.reasons(outbound(), now=1.0) == ["channels-full"]
    told = server.reasons(outbound(), outbound(), now=KNOWN_SECONDS)
    assert told == ["admitted", "channels-full"]


def test_no_call_takes_the_place_of_an_emergency_beyond_the_limit(engine):
    server = Server(engine, channels=1, share=0)
    server.by_database(outbound())
    server.by_database(emergency := outbound("112"))
    server.alone.cut(frozenset())
    server.calls.end(emergency.uniqueid)
    assert server.reasons(outbound()) == ["channels-full"]


def test_a_call_that_the_database_may_not_have_stored_is_no_call_that_it_had(engine):
    server = Server(engine, channels=9, share=0)
    server.by_database(outbound())
    server.by_database(asking := outbound())
    server.alone.cut(frozenset({asking.uniqueid}))
    assert server.reasons(outbound()) == ["channels-full"]


def test_a_call_that_its_carrier_failed_goes_to_the_next_one(engine):
    server = Server(engine, carrier(), carrier("two", priority=20), carrier("last", priority=30))
    server.by_database(attempt := outbound())
    way = server.next_way(attempt.uniqueid)
    assert way is not None
    assert (way.carrier.name, way.caller) == ("two", MAIN)
    server.write()
    assert server.records()[0].carrier == "two"
    way = server.next_way(attempt.uniqueid)
    assert way is not None
    assert way.carrier.name == "last"
    assert server.next_way(attempt.uniqueid) is None
    assert server.alone.reroute("lab", "never heard of", 1.0) is None


def test_the_next_carrier_s_limit_holds_but_for_an_emergency(engine):
    server = Server(engine, carrier(), carrier("two", priority=20, channels=1), channels=9)
    server.by_database(first := outbound())
    assert server.next_way(first.uniqueid) is not None
    server.by_database(second := outbound())
    assert server.next_way(second.uniqueid) is None
    server.by_database(emergency := outbound("112"))
    way = server.next_way(emergency.uniqueid)
    assert way is not None
    assert way.carrier.name == "two"


@pytest.mark.parametrize("by", ["by_database", "by_memory"])
def test_a_call_that_is_refused_holds_nothing(engine, by):
    server = Server(engine)
    server.by_database(attempt := outbound())
    getattr(server, by)(replace(attempt, dialled="0899123456"))
    assert len(server.calls) == 0
