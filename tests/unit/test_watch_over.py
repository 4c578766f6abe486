"""The watch at work: what it sees it acts on, once, on whichever server, whatever is away."""

import logging
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from asterisk_siptrunk import watch_over
from asterisk_siptrunk.anomaly import read_countries
from asterisk_siptrunk.anomaly.rule import Action, Count, Measure, Per, Rule
from asterisk_siptrunk.anomaly.trait import Trait
from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.call.security import SecurityCount
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import (
    findings,
    security,
    servers,
    suspensions,
    trunks,
    usage,
    watch_rules,
    watch_state,
    watching,
)
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.findings import FindingFilter
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.database.tables import watch_state as watch_state_table
from asterisk_siptrunk.errors import AmiUnavailable, DatabaseUnavailable
from asterisk_siptrunk.watch_over import NOTED, REPLAYED, STATE_KEPT, WatchOver, WatchTerms
from tests.unit.database.builders import NOON, admission, ask, outbound, provide
from tests.unit.database.shop import BUSINESS
from tests.unit.database.watching import RULE

SECOND = timedelta(seconds=1)
GERMANY, POLAND = "004930123456", "0048221234567"
COUNTRIES = read_countries(["192.0.2.0/24,FR", "198.51.100.0/24,FR", "203.0.113.0/24,RO"], "a.csv")
VITALS = Vitals("1", NOON, 100, "up", NOON, "", 0)


class Ending:
    """Ends calls, or fails; `told` are the UserEvents."""

    def __init__(self):
        self.ended, self.told, self.away = [], [], False

    def hang_up(self, uniqueids):
        if self.away:
            raise AmiUnavailable("Nobody answers.")
        self.ended += uniqueids
        return len(uniqueids)

    def tell(self, facts):
        if self.away:
            raise AmiUnavailable("Nobody answers.")
        self.told.append(facts)


class Scene:
    """A trunk that may call everywhere, and a watch whose rule allows two calls to a zone."""

    def __init__(self, url):
        self.engine = open_engine(url)
        provide(self.engine, channels=30)
        with transaction(self.engine) as connection:
            for name in ("one", "two"):
                servers.beat(connection, name, VITALS, (), NOON)
        self.now, self.ending, self._admission = NOON, Ending(), admission()
        self.rules = (RULE,)
        self.url, self.engines = url, [self.engine]
        self.watch = self.server("one")

    def server(self, name):
        terms = WatchTerms(name, "FR", "", self.rules, BUSINESS, COUNTRIES)
        self.engines.append(open_engine(self.url))
        return WatchOver(terms, self.engines[-1], self.ending, lambda: self.now)

    def calls(self, *dialled):
        """One after another, a second each, and a look; gives what they were told."""
        reasons = []
        for each in dialled:
            self.now += SECOND
            attempt = outbound(each, at=self.now, server="one")
            reasons.append(str(ask(self.engine, self._admission, attempt).decision.reason))
        self.watch.look()
        return reasons

    def put(self, values, trunk_name=None):
        with transaction(self.engine) as connection:
            by = By("alice", self.now)
            watch_rules.put(connection, by, self.rules, RULE.name, values, trunk_name=trunk_name)

    def found(self):
        with reading(self.engine) as connection:
            return findings.listed(connection, FindingFilter(done=True), 99)

    def stopped(self):
        with reading(self.engine) as connection:
            return [one.suspension.part for one in suspensions.listed(connection)]

    def resume(self):
        with transaction(self.engine) as connection:
            return suspensions.resume(connection, By("alice", self.now), "acme-paris")


@pytest.fixture(params=[True, False], ids=["kept", "not_kept"])
def scene(database_url, request, monkeypatch):
    if not request.param:  # each start sees the last day again
        monkeypatch.setattr(watch_state, "find", lambda *_: None)
    yield from made(database_url)


@pytest.fixture
def kept(database_url):
    """A scene where a start goes on from what was kept."""
    yield from made(database_url)


def made(url):
    scene = Scene(url)
    scene.watch.look()
    yield scene
    for each in scene.engines:
        each.dispose()


def test_the_third_call_to_a_zone_suspends_it_and_ends_what_runs(scene):
    assert scene.calls(GERMANY, POLAND, GERMANY) == ["admitted"] * 3
    assert (scene.found(), scene.stopped()) == ([], [])
    scene.calls(GERMANY)
    assert scene.stopped() == ["destination de:fixed"]
    assert len(scene.ending.ended) == 3  # and the call to Poland goes on
    assert [each["Trunk"] for each in scene.ending.told] == ["acme-paris"]
    assert scene.calls(GERMANY, POLAND, "112") == ["suspended", "admitted", "emergency"]


def test_what_was_released_is_no_evidence_any_more_and_what_is_new_is(scene):
    scene.calls(GERMANY, GERMANY, GERMANY)
    scene.now += SECOND
    assert scene.resume() == 1
    scene.now += SECOND
    assert scene.calls(GERMANY, GERMANY) == ["admitted", "admitted"]
    assert (len(scene.found()), scene.stopped()) == (1, [])
    scene.calls(GERMANY)
    assert (len(scene.found()), scene.stopped()) == (2, ["destination de:fixed"])


def test_a_start_finds_nothing_anew_and_forgets_neither_evidence_nor_release(scene):
    scene.calls(GERMANY, GERMANY, GERMANY)
    scene.now += SECOND
    scene.resume()
    scene.calls(GERMANY, GERMANY)
    scene.now += NOTED
    scene.watch.look()
    scene.watch = scene.server("one")
    scene.watch.look()
    assert len(scene.found()) == 1
    scene.calls(GERMANY)
    assert len(scene.found()) == 2


def test_a_release_holds_over_a_start_though_nobody_has_called_since(scene):
    scene.calls(GERMANY, GERMANY, GERMANY)
    scene.now += SECOND
    scene.resume()
    scene.watch = scene.server("one")
    scene.watch.look()
    assert len(scene.found()) == 1  # it is noted at once that it is known
    scene.calls(GERMANY, GERMANY)
    assert len(scene.found()) == 1
    scene.calls(GERMANY)
    assert len(scene.found()) == 2


def test_a_release_by_a_clock_that_is_behind_holds_once(scene):
    scene.calls(GERMANY, GERMANY, GERMANY)
    scene.now -= timedelta(minutes=2)
    scene.resume()
    scene.now += timedelta(minutes=2)
    scene.calls(GERMANY, GERMANY)
    assert len(scene.found()) == 1
    scene.calls(GERMANY)
    assert len(scene.found()) == 2


@pytest.mark.parametrize("by", ["a_start", "a_command"])
def test_a_rule_that_is_armed_stops_what_goes_on_though_it_has_noted_it(scene, by):
    goes_on = Count(Measure.STOPS, Trait(0), Per.TRUNK, 3600.0)
    escalation = Rule("goes-on", 1, goes_on, critical=2, on_critical=Action.BLOCK_ALL)
    scene.rules = (RULE.dry(), escalation)
    scene.watch = scene.server("one")
    scene.calls(GERMANY, GERMANY, GERMANY)
    assert ([each.dry_run for each in scene.found()], scene.stopped()) == ([True], [])
    if by == "a_start":
        scene.watch._keep_at_the_end()
        scene.rules = (RULE, escalation)
        scene.watch = scene.server("one")
    else:
        scene.put({"dry-run": False})
    scene.calls(GERMANY, GERMANY)
    assert scene.stopped() == []
    scene.calls(GERMANY)
    assert scene.stopped() == ["destination de:fixed"]  # and it is the first stop, not the second


def test_what_came_while_nobody_watched_is_found_at_the_start(scene):
    for _ in range(3):
        ask(scene.engine, admission(), outbound(GERMANY, at=scene.now + SECOND, server="one"))
    scene.server("one").look()
    assert scene.stopped() == ["destination de:fixed"]


@pytest.mark.parametrize("ends", ["in_order", "killed"])
def test_a_start_goes_on_from_what_was_kept_and_sees_the_calls_since(kept, ends):
    kept.calls(GERMANY)
    if ends == "in_order":
        kept.watch._keep_at_the_end()
    else:
        kept.now += STATE_KEPT
        kept.watch.look()
    with transaction(kept.engine) as connection:  # so nobody can see it again
        connection.execute(delete(call))
    for _ in range(2):
        kept.now += SECOND
        ask(kept.engine, admission(), outbound(GERMANY, at=kept.now, server="one"))
    kept.server("one").look()
    assert [each.amount for each in kept.found()] == [3]
    assert kept.stopped() == ["destination de:fixed"]


@pytest.mark.parametrize(
    "why", ["too_old", "new_count", "another_form", "unreadable", "broken_off"]
)
def test_what_was_kept_is_left_where_it_says_nothing(kept, why, caplog, monkeypatch):
    kept.calls(GERMANY, GERMANY)
    kept.watch._keep_at_the_end()
    with transaction(kept.engine) as connection:
        if why == "unreadable":
            some = watch_state_table.c.part == 1
            body = watch_state._body([["acme-paris", {}]])
            connection.execute(update(watch_state_table).where(some).values(body=body))
        if why == "another_form":
            monkeypatch.setattr(watch_state, "FORM", "another")
        if why == "broken_off":
            connection.execute(delete(watch_state_table).where(watch_state_table.c.part == 0))
        connection.execute(delete(call))
    if why == "too_old":
        kept.now += REPLAYED + SECOND
    if why == "new_count":
        kept.rules = (replace(RULE, count=replace(RULE.count, window=60.0)),)
    kept.watch = kept.server("one")
    kept.calls(GERMANY, GERMANY)
    assert kept.found() == []
    assert ("cannot be read" in caplog.text) == (why == "unreadable")


@pytest.mark.parametrize("trunk_name", [None, "acme-paris"], ids=["all", "own"])
@pytest.mark.parametrize("starts", [True, False], ids=["at_a_start", "at_once"])
def test_a_changed_threshold_judges_what_was_counted_without_any_call_seen_again(
    kept, starts, trunk_name
):
    kept.calls(GERMANY, GERMANY)
    kept.put({"critical": 4}, trunk_name)
    with transaction(kept.engine) as connection:  # so nobody can see it again
        connection.execute(delete(call))
    if starts:
        kept.watch._keep_at_the_end()
        kept.watch = kept.server("one")
    kept.calls(GERMANY)
    assert kept.found() == []
    kept.calls(GERMANY)
    assert [each.amount for each in kept.found()] == [4]


def test_a_rule_that_counts_something_new_for_a_trunk_has_the_last_day_seen_again(kept, caplog):
    caplog.set_level(logging.INFO)
    kept.calls(GERMANY, POLAND)
    kept.watch._keep_at_the_end()
    kept.put({"per": "trunk", "critical": 3, "on-critical": "block-outbound"}, "acme-paris")
    kept.calls(GERMANY)
    assert [each.amount for each in kept.found()] == [3]
    assert kept.stopped() == ["outbound"]
    assert "counts what none counted before" in caplog.text


def test_attempts_at_logging_in_count_over_a_start(kept):
    of = Count(Measure.LOGINS, Trait.PASSWORD, Per.TRUNK, 3600.0)
    kept.rules = (Rule("guessed", 1, of, critical=5),)
    kept.watch = kept.server("one")
    kept.watch.look()
    for count in (3, 2):
        kept.now += SECOND
        with transaction(kept.engine) as connection:
            event = ("192.0.2.7", "trunk-acme-paris", "acme-paris", "ChallengeResponseFailed")
            counted = SecurityCount(NOON, *event, count, kept.now, kept.now)
            security.record(connection, "one", [counted])
        kept.watch.look()
        kept.watch._keep_at_the_end()
        kept.watch = kept.server("one")
    kept.watch.look()
    assert [each.amount for each in kept.found()] == [5]


def test_nothing_is_kept_by_a_server_that_does_not_watch_any_more(kept):
    first, second = kept.watch, kept.server("two")
    with transaction(kept.engine) as connection:
        servers.declare_lost(connection, "one", 1, kept.now)
    kept.now += SECOND
    second.look()
    kept.now += SECOND
    first._keep_at_the_end()
    with reading(kept.engine) as connection:
        times = set(connection.execute(select(watch_state_table.c.as_of)).scalars())
    assert times == {kept.now - SECOND}


def test_a_database_that_is_away_at_the_end_keeps_nobody_from_ending(kept, monkeypatch):
    def away(*_):
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(watch_state, "write", away)
    kept.watch._keep_at_the_end()


def test_one_server_watches_and_another_goes_on_when_it_is_lost(scene):
    first, second = scene.watch, scene.server("two")
    scene.calls(GERMANY, GERMANY)
    scene.watch = second
    scene.calls(GERMANY)
    assert scene.found() == []
    with transaction(scene.engine) as connection:
        servers.declare_lost(connection, "one", 1, scene.now)
        connection.execute(update(call).values(ended_at=None))
    second.look()
    assert (len(scene.found()), scene.stopped()) == (1, ["destination de:fixed"])
    first.look()
    assert len(scene.found()) == 1


def test_each_server_ends_its_own_calls(scene):
    scene.watch.look()
    scene.calls(GERMANY, GERMANY)
    ask(scene.engine, admission(), outbound(GERMANY, at=scene.now, server="two"))
    scene.watch.look()
    assert len(scene.ending.ended) == 2
    scene.server("two").look()
    assert len(scene.ending.ended) == 3


def test_that_calls_are_ended_is_said_once(scene, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    there = iter([3, 0, 0])  # their rows are open until the listener hears of their end
    monkeypatch.setattr(scene.ending, "hang_up", lambda _: next(there))
    scene.calls(GERMANY, GERMANY, GERMANY)
    scene.watch.look()
    scene.watch.look()
    assert next(there, "all asked") == "all asked"
    assert [each for each in caplog.messages if "ended:" in each] == ["Calls ended: 3."]


def test_asterisk_away_holds_up_nothing_and_its_calls_are_ended_when_it_is_back(scene, caplog):
    scene.ending.away = True
    scene.calls(GERMANY, GERMANY, GERMANY)
    assert (scene.stopped(), scene.ending.ended) == (["destination de:fixed"], [])
    scene.watch.look()
    scene.ending.away = False
    scene.watch.look()
    assert len(scene.ending.ended) == 3
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR]
    assert said == ["The watch cannot end calls: Nobody answers."]


def test_what_could_not_be_stored_is_stored_at_the_next_look(scene, monkeypatch):
    def away(*_):
        raise DatabaseUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(watching, "follow", away)
        with pytest.raises(DatabaseUnavailable):
            scene.calls(GERMANY, GERMANY, GERMANY)
    assert scene.found() == []
    scene.watch.look()
    assert (len(scene.found()), scene.stopped()) == (1, ["destination de:fixed"])


def test_a_finding_that_shows_a_defect_keeps_no_other_from_being_followed(
    scene, monkeypatch, caplog
):
    follow = watching.follow

    def defect_in_germany(connection, by, business, found):
        if found.key == "de:fixed":
            raise ValueError("a defect")
        return follow(connection, by, business, found)

    monkeypatch.setattr(watching, "follow", defect_in_germany)
    scene.calls(*[GERMANY] * 3, *[POLAND] * 3)
    assert scene.stopped() == ["destination pl:fixed"]
    assert "What rule new-zone found of trunk 'acme-paris' cannot be followed" in caplog.text


@pytest.mark.parametrize("starts_anew", [True, False], ids=["past", "present"])
def test_a_call_that_cannot_be_judged_keeps_no_other_from_being_judged(scene, caplog, starts_anew):
    ask(scene.engine, admission(), outbound(POLAND, at=scene.now, server="one"))
    with transaction(scene.engine) as connection:
        connection.execute(update(call).values(zone="pl:odd"))
    if starts_anew:
        scene.watch = scene.server("one")
    scene.calls(GERMANY, GERMANY, GERMANY)
    assert scene.stopped() == ["destination de:fixed"]
    assert "cannot be judged by the watch" in caplog.text


def test_a_profile_that_is_spoilt_keeps_nobody_from_being_watched(scene, caplog):
    with transaction(scene.engine) as connection:
        before = scene.now - timedelta(days=2)
        watching.keep_profiles(connection, before, [("acme-paris", {})])
        connection.execute(delete(watch_state_table))
    scene.watch = scene.server("one")
    scene.calls(GERMANY, GERMANY, GERMANY)
    assert scene.stopped() == ["destination de:fixed"]
    assert "Trunk acme-paris: A stored profile of a trunk cannot be read" in caplog.text


def test_asterisk_is_told_when_all_is_stopped(scene, monkeypatch):
    then = []
    monkeypatch.setattr(scene.ending, "tell", lambda _: then.append(scene.stopped()))
    scene.calls(*[GERMANY] * 3, *[POLAND] * 3)
    assert then == [["destination pl:fixed", "destination de:fixed"]] * 2


def test_a_rule_that_is_changed_holds_from_the_next_look(scene):
    with transaction(scene.engine) as connection:
        watch_rules.put(connection, By("alice", NOON), (RULE,), RULE.name, {"critical": 5})
    scene.calls(*[GERMANY] * 4)
    assert scene.found() == []
    scene.calls(GERMANY)
    assert [each.amount for each in scene.found()] == [5]


def test_a_trunk_that_is_opened_meanwhile_is_watched(scene):
    with transaction(scene.engine) as connection:
        first = trunks.get(connection, "acme-paris")
        by = By("alice", scene.now)
        trunks.add(
            connection, by, replace(first, name="acme-lyon", numbers=(), suspensions=()), None
        )
        trunks.add_number(connection, by, "acme-lyon", "+33423456789", main=True)
    for _ in range(3):
        attempt = outbound(GERMANY, entry="acme-lyon", at=scene.now, caller="+33423456789")
        ask(scene.engine, admission(), attempt)
    scene.watch.look()
    assert [each.trunk for each in scene.found()] == ["acme-lyon"]


def test_wrong_passwords_are_counted_by_the_rules_for_logins(scene):
    of = Count(Measure.LOGINS, Trait.PASSWORD, Per.TRUNK, 3600.0)
    guessed = Rule("guessed", 1, of, critical=5)
    scene.rules = (RULE, guessed)
    scene.watch = scene.server("one")
    scene.watch.look()
    with transaction(scene.engine) as connection:
        event = ("192.0.2.7", "trunk-acme-paris", "acme-paris", "ChallengeResponseFailed")
        count = SecurityCount(NOON, *event, 5, scene.now, scene.now)
        security.record(connection, "one", [count])
    scene.watch.look()
    assert [(each.rule, each.trunk) for each in scene.found()] == [("guessed", "acme-paris")]


def test_a_registration_from_a_new_country_is_found(scene):
    of = Count(Measure.LOGINS, Trait.NEW_COUNTRY, Per.TRUNK, 3600.0)
    scene.rules = (Rule("abroad", 1, of, critical=1),)
    scene.watch = scene.server("one")
    for address in ("192.0.2.7", "198.51.100.7", "203.0.113.7", "198.51.100.7"):
        scene.now += SECOND
        change = RegistrationChange("acme-paris", True, scene.now, f"{address}:5060", "FPBX")  # noqa: FBT003
        with transaction(scene.engine) as connection:
            usage.note_registrations(connection, "one", [change])
        scene.watch.look()
    (one,) = scene.found()
    assert (one.rule, one.trunk, one.at) == ("abroad", "acme-paris", scene.now - SECOND)


def test_what_is_usual_is_kept_once_a_day(scene):
    scene.calls(GERMANY)
    for hours in (1, 2, 26):
        scene.now = NOON + timedelta(hours=hours)
        scene.watch.look()
    with reading(scene.engine) as connection:
        as_of = watching.profiles_as_of(connection, scene.now)
        assert as_of == scene.now
        assert [name for name, _ in watching.profiles(connection, as_of)] == ["acme-paris"]
    again = scene.server("one")
    scene.now += timedelta(hours=25)
    again.look()  # reads it


def test_a_defect_does_not_end_the_thread_and_it_begins_anew(scene, caplog, monkeypatch):
    monkeypatch.setattr(watch_over, "AGAIN_SECONDS", 0.0)
    looked = threading.Event()
    errors = iter([ValueError("a defect"), DatabaseUnavailable("away")])

    def look():
        if (error := next(errors, None)) is not None:
            raise error
        looked.set()

    monkeypatch.setattr(watch_over, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(scene.watch, "look", look)
    scene.watch.start()
    assert looked.wait(5)
    scene.watch.stop(5)
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.ERROR] == [
        "The watch over abnormal use fails, and begins anew in a minute"
    ]
