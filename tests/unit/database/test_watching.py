"""Who watches, and what follows a finding."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import findings, servers, suspensions, watching
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import call, customer, notice
from asterisk_siptrunk.notice.model import Ways
from tests.unit.database.builders import MAIN, NOON, admission, ask, inbound, outbound, provide
from tests.unit.database.shop import BUSINESS
from tests.unit.database.watching import RULE, found

HOUR = timedelta(hours=1)
TELLING = replace(BUSINESS, ways=Ways(mail=True, webhook=True))
WATCH = By("watch", NOON)
VITALS = Vitals("1", NOON, 100, "up", NOON, "", 0)
PREMIUM = "00371" + "90123456"


@pytest.fixture
def provided(engine):
    provide(engine, channels=9)
    with transaction(engine) as connection:
        connection.execute(update(customer).values(email="voice@acme.example"))
    return engine


def acting(action, **rule):
    return found(rule=replace(RULE, on_critical=action, **rule))


def follow(engine, finding):
    with transaction(engine) as connection:
        return watching.follow(connection, WATCH, TELLING, finding)


def test_one_server_watches_and_another_does_when_it_is_lost(engine):
    with transaction(engine) as connection:
        for name in ("one", "two"):
            servers.beat(connection, name, VITALS, (), NOON)
        mine = watching.claim(connection, "one", NOON)
        assert mine is not None
        assert (mine.server, mine.since, mine.seen_to) == ("one", NOON, NOON)
        assert watching.claim(connection, "two", NOON + HOUR) is None
        watching.note_seen(connection, "one", NOON + HOUR)
        servers.declare_lost(connection, "one", 1, NOON + HOUR)
        theirs = watching.claim(connection, "two", NOON + 2 * HOUR)
        assert theirs is not None
        assert (theirs.since, theirs.seen_to) == (NOON + 2 * HOUR, NOON + HOUR)
        servers.beat(connection, "one", VITALS, (), NOON + 2 * HOUR)
        assert watching.claim(connection, "one", NOON + 2 * HOUR) is None
        servers.stop(connection, "two", NOON + 2 * HOUR)
        assert watching.claim(connection, "one", NOON + 2 * HOUR) is not None


@pytest.mark.parametrize(
    ("action", "key", "part"),
    [
        (Action.BLOCK_ZONE, "lv:premium", "destination lv:premium"),
        (Action.BLOCK_CALLER, MAIN, f"caller {MAIN}"),
        (Action.BLOCK_INTERNATIONAL, "", "international"),
        (Action.BLOCK_OUTBOUND, "", "outbound"),
        (Action.BLOCK_ALL, "", "all"),
    ],
)
def test_a_finding_suspends_what_its_rule_says(provided, action, key, part):
    followed = follow(provided, replace(acting(action, expiry=7200.0), key=key))
    assert (followed.number, followed.stopped) == (1, part)
    with transaction(provided) as connection:
        (one,) = suspensions.listed(connection)
    assert (one.suspension.part, one.suspension.source, one.findings) == (part, "anomaly", (1,))
    assert one.suspension.expires_at == NOON + 2 * HOUR
    assert one.suspension.reason.startswith("finding 1: Trunk acme-paris: 3 attempted calls")
    assert "rule new-zone, version 3" in one.suspension.reason


@pytest.mark.parametrize(
    ("finding", "told"),
    [
        (acting(Action.NOTE), []),
        (acting(Action.NOTIFY), ["mail", "webhook"]),
        (acting(Action.BLOCK_ALL, dry_run=True), []),
        (replace(acting(Action.BLOCK_ZONE), zone=""), ["mail", "webhook"]),  # nobody can read it
        (replace(acting(Action.NOTIFY), trunk=""), ["webhook"]),  # of all trunks together
    ],
)
def test_what_stops_nothing_is_kept_and_told(provided, finding, told):
    assert follow(provided, finding).stopped == "nothing"
    with transaction(provided) as connection:
        assert suspensions.listed(connection) == []
        assert findings.get(connection, 1).sentence == finding.sentence
        rows = connection.execute(select(notice.c.way, notice.c.facts).order_by(notice.c.way)).all()
    assert [row.way for row in rows] == told
    assert all(json.loads(row.facts)["stopped"] == "nothing" for row in rows)


def test_what_is_found_for_the_same_part_is_evidence_for_the_one_suspension(provided):
    follow(provided, found())
    follow(provided, acting(Action.BLOCK_ALL))  # of another part
    other = replace(RULE, name="another-rule")
    assert follow(provided, found(rule=other, at=NOON.timestamp() + 9)).number == 3
    with transaction(provided) as connection:
        kept = {one.findings: one for one in suspensions.listed(connection)}
        assert sorted(kept) == [(1, 3), (2,)]
        suspensions.lift(connection, WATCH, kept[1, 3].id, "they rang")
        released = findings.released_since(connection, NOON)
    assert [one.id for one in released] == [1, 3]


def test_the_next_call_is_refused_by_rule_and_finding_and_an_emergency_passes(provided):
    follow(provided, acting(Action.BLOCK_ALL))
    refused, saved = (ask(provided, admission(), outbound(to)) for to in ("0612345678", "112"))
    assert refused.decision.reason == "suspended"
    assert refused.decision.facts.startswith("all: finding 1: ")
    assert "(rule new-zone, version 3" in refused.decision.facts
    assert saved.decision.reason == "emergency"


CALLS = {
    "home": outbound("0612345678"),
    "abroad": outbound("004930123456"),
    "other": outbound("0612345678", caller="+33123456790"),
    "emergency": outbound("112"),
    "in": inbound(),
}


@pytest.mark.parametrize(
    ("finding", "ended"),
    [
        (replace(acting(Action.BLOCK_ZONE), zone="de:fixed"), {"abroad"}),
        (replace(acting(Action.BLOCK_CALLER), key="+33123456790"), {"other"}),
        (acting(Action.BLOCK_INTERNATIONAL), {"abroad"}),
        (acting(Action.BLOCK_OUTBOUND), {"home", "abroad", "other"}),
        (acting(Action.BLOCK_ALL), {"home", "abroad", "other", "in"}),
        (acting(Action.BLOCK_ALL, end_calls=False), set()),
    ],
)
def test_running_calls_that_match_are_to_be_ended_and_no_emergency(provided, finding, ended):
    one = admission()
    for attempt in CALLS.values():
        ask(provided, one, attempt)
    assert follow(provided, finding).ending == len(ended)
    with transaction(provided) as connection:
        assert set(watching.to_end(connection, "lab")) == {CALLS[name].uniqueid for name in ended}
        assert watching.to_end(connection, "another") == []
        connection.execute(update(call).values(ended_at=NOON))
        assert watching.to_end(connection, "lab") == []


def test_a_call_of_unknown_zone_is_not_ended(provided):
    """It may be to an emergency number."""
    attempt = outbound()
    ask(provided, admission(), attempt)
    with transaction(provided) as connection:
        connection.execute(update(call).values(zone="", callee=""))
    assert follow(provided, acting(Action.BLOCK_ALL)).ending == 0


def test_what_is_usual_is_kept_and_the_old_forgotten(provided):
    times = [NOON + day * timedelta(days=1) for day in range(3)]
    with transaction(provided) as connection:
        for number, at in enumerate(times):
            learned = [("acme-paris", {"number": number}), ("gone", {})]
            watching.keep_profiles(connection, at, learned)
        assert watching.profiles_as_of(connection, NOON - HOUR) is None
        as_of = watching.profiles_as_of(connection, times[1] + HOUR)
        assert as_of is not None
        assert (as_of, dict(watching.profiles(connection, as_of))) == (
            *(times[1], {"acme-paris": {"number": 1}}),
        )
        watching.forget_profiles(connection, times[1])
        assert watching.profiles_as_of(connection, times[0] + HOUR) is None
        assert watching.profiles_as_of(connection, times[1]) == times[1]
