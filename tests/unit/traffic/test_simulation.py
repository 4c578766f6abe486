from datetime import UTC, datetime

import pytest

from asterisk_siptrunk.anomaly.sighting import Moment
from asterisk_siptrunk.call import Reason
from asterisk_siptrunk.call.security import SecurityEvent
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.plan import inbound, outbound, unreadable
from tests.traffic.simulation import PERSON_COMES_AFTER, TICK, Attack, Simulation
from tests.unit.traffic.players import (
    AT,
    LATVIA,
    LINE,
    MALDIVES,
    OUT,
    OWN,
    Watcher,
    call,
    critical_at_first,
    play,
    script,
)

ADMITTED, SUSPENDED = "admitted", "suspended"
HOME = ("+33612345678", "fr:mobile")


def test_a_call_is_seen_three_times_as_it_was_known_then():
    watcher = Watcher()
    play(watcher, [call(0)])
    assert watcher.moments() == [
        ("BEGUN", 0, ADMITTED),
        ("ANSWERED", 5, ADMITTED),
        ("ENDED", 605, ADMITTED),
    ]
    begun, answered, ended = (each.seen for each in watcher.seen)
    assert (begun.answered_at, begun.ended_at) == (None, None)
    assert (answered.answered_at, answered.ended_at) == (AT + 5, None)
    assert (ended.answered_at, ended.ended_at) == (AT + 5, AT + 605)
    assert (ended.fee, ended.price) == (0, 350_000)  # 0.35 a minute


def test_an_inbound_call_costs_nothing():
    watcher = Watcher()
    play(watcher, [inbound(AT, LINE, "+33612345678", OWN, (3, 10))])
    assert {each.seen.price for each in watcher.seen} == {0}


@pytest.mark.parametrize(
    ("calls", "reason"),
    [
        pytest.param([unreadable(AT, LINE, OWN)], "unknown-number", id="unreadable"),
        pytest.param([call(0), call(1), call(2), call(3)], "channels-full", id="full"),
        pytest.param(
            [call(0), call(1), call(2), inbound(AT + 3, LINE, "+331", OWN, (3, 10))],
            "inbound-full",
            id="inbound full",
        ),
    ],
)
def test_a_refused_call_is_born_ended(calls, reason):
    watcher = Watcher()
    play(watcher, calls, until=4)
    at = calls[-1].at - AT
    assert watcher.moments()[-2:] == [("BEGUN", at, reason), ("ENDED", at, reason)]
    assert watcher.seen[-2].seen.ended_at == watcher.seen[-1].seen.ended_at == AT + at


def test_sightings_and_ticks_come_in_order():
    watcher = Watcher()
    play(watcher, [call(50, talk=9), call(3, talk=100), call(4, talk=None)], until=300)
    times = [each.at for each in watcher.seen]
    assert times == sorted(times)
    assert watcher.ticks == [AT + TICK * turn for turn in range(11)]


def test_a_stop_holds_a_second_after_its_verdict():
    watcher = Watcher(critical_at_first())
    simulation = play(watcher, [call(0), call(0.5), call(1.5)])
    assert [each.seen.admitted for each in watcher.seen if each.moment == 0] == [True, True, False]
    assert simulation.refused == 1
    assert [stop.rule for stop in simulation.stops["office"]] == ["test"]


@pytest.mark.parametrize(
    ("scope", "refused"),
    [
        pytest.param(Scope(Part.ZONE, "mv:mobile"), {"mv:mobile"}, id="zone"),
        pytest.param(Scope(Part.INTERNATIONAL), {"mv:mobile", "lv:mobile"}, id="international"),
        pytest.param(OUT, {"mv:mobile", "lv:mobile", "fr:mobile"}, id="outbound"),
        pytest.param(
            Scope(Part.ALL), {"mv:mobile", "lv:mobile", "fr:mobile", "fr:fixed"}, id="all"
        ),
        pytest.param(Scope(Part.CALLER, "+33999"), set(), id="another caller"),
        pytest.param(
            Scope(Part.CALLER, OWN), {"mv:mobile", "lv:mobile", "fr:mobile"}, id="the caller"
        ),
    ],
)
def test_a_stop_covers_its_scope_and_no_emergency(scope, refused):
    watcher = Watcher(critical_at_first(scope))
    ways = [MALDIVES, LATVIA, HOME, ("112", "fr:emergency")]
    calls = [call(10 + 20 * turn, way, 1) for turn, way in enumerate(ways)]
    calls.append(inbound(AT + 200, LINE, "+33612345678", OWN, (3, 1)))
    play(watcher, [call(0, HOME, 1), *calls])
    assert {each.seen.zone for each in watcher.seen if not each.seen.admitted} == refused


def test_an_emergency_call_passes_where_all_channels_are_taken():
    watcher = Watcher()
    play(watcher, [call(0), call(1), call(2), call(3, ("112", "fr:emergency"))])
    assert all(each.seen.admitted for each in watcher.seen)


@pytest.mark.parametrize(
    ("until", "holds"),
    [
        pytest.param(None, PERSON_COMES_AFTER, id="until somebody lifts it"),
        pytest.param(AT + 3600, 3599.0, id="until its end"),
        pytest.param(AT + 7 * 86_400, PERSON_COMES_AFTER, id="somebody comes before its end"),
    ],
)
def test_a_stop_for_nothing_ends(until, holds):
    watcher = Watcher(critical_at_first(until=until))
    calls = [call(0, talk=1), call(holds, talk=1), call(holds + 2, talk=1)]
    play(watcher, calls)
    assert [each.seen.admitted for each in watcher.seen if each.moment == 0] == [True, False, True]


def test_a_verdict_for_what_is_stopped_is_no_further_stop():
    def judge(sighting):
        yield Verdict(sighting.at, "office", OUT, Level.CRITICAL, "again")

    simulation = play(Watcher(judge), [call(10 * turn, talk=1) for turn in range(20)])
    assert len(simulation.stops["office"]) == 1


@pytest.mark.parametrize(
    ("after", "admitted"),
    [
        pytest.param(3000, False, id="within the first"),
        pytest.param(5000, False, id="within the second"),
        pytest.param(13 * 3600, True, id="somebody came"),
    ],
)
def test_a_further_verdict_makes_a_stop_longer(after, admitted):
    def judge(sighting):
        if sighting.moment is Moment.BEGUN and sighting.at < AT + 2000:
            until = sighting.at + 3600 if sighting.at == AT else sighting.at + 86_400
            yield Verdict(sighting.at, "office", OUT, Level.CRITICAL, "test", until)

    watcher = Watcher(judge)
    simulation = play(watcher, [call(0, talk=1), call(1800, talk=1), call(after, talk=1)])
    assert [each.seen.admitted for each in watcher.seen if each.moment == 0][-1] is admitted
    assert len(simulation.stops["office"]) == 1


def test_a_warning_stops_nothing():
    def judge(sighting):
        yield Verdict(sighting.at, "office", OUT, Level.WARNING, "warns")

    simulation = play(Watcher(judge), [call(0), call(9)], until=900)
    assert not simulation.stops
    assert simulation.warned == {("office", int(AT // 86_400))}


# --- attacks ---


def test_an_attack_costs_what_its_calls_cost():
    first, _ = script(call(0, talk=60), call(100, LATVIA, 61))
    simulation = play(Watcher(), (), first)
    assert simulation.damages[0].spent == pytest.approx(0.35 + 2 * 0.35)  # begun minutes count
    assert simulation.damages[0].tried == 2
    assert simulation.damages[0].stopped_at is None


def test_what_is_refused_costs_nothing_and_is_told_to_the_attacker():
    first, outcomes = script(call(0, talk=60), call(100), call(200, LATVIA, 60))
    watcher = Watcher(critical_at_first(Scope(Part.ZONE, "mv:mobile")))
    damage = play(watcher, (), first).damages[0]
    assert [each.reason for each in outcomes] == [
        Reason.ADMITTED,
        Reason.SUSPENDED,
        Reason.ADMITTED,
    ]
    assert damage.spent == pytest.approx(0.35 + 0.35)
    assert (damage.refused, damage.stopped_at, damage.warned_at) == (1, AT + 100, AT)


def test_a_running_call_that_is_cut_costs_until_then():
    # Answered after 5 s, cut a second after the second call began at 300: 296 s, 5 minutes.
    first, outcomes = script(call(0, talk=7200))
    second, _ = script(call(300, talk=7200))
    watcher = Watcher(critical_at_first(ends_calls=True, begun=2))
    damage = play(watcher, (), first, second).damages[0]
    assert damage.spent == pytest.approx(5 * 0.35)
    assert damage.stopped_at == AT + 301
    assert [each.at for each in outcomes] == [AT + 301]
    assert watcher.moments()[-1] == ("ENDED", 301, ADMITTED)


def test_a_running_call_goes_on_where_none_is_ended():
    first, _ = script(call(0, talk=7200))
    damage = play(Watcher(critical_at_first()), (), first).damages[0]
    assert damage.spent == pytest.approx(120 * 0.35)
    assert damage.stopped_at is None


def test_a_person_locks_the_attacker_out_twelve_hours_after_the_first_stop():
    # Stopped where it is not, so it goes on: 12 h and 1 s after the first call, less the ring.
    first, _ = script(call(0, talk=20 * 3600), call(20 * 3600 + 60))
    watcher = Watcher(critical_at_first(Scope(Part.ZONE, "lv:mobile")))
    damage = play(watcher, (), first).damages[0]
    assert damage.spent == pytest.approx(12 * 60 * 0.35)
    assert (damage.over, damage.tried) == (True, 1)


def test_nobody_comes_where_nothing_was_stopped():
    first, _ = script(call(0, talk=20 * 3600))
    assert play(Watcher(), (), first).damages[0].spent == pytest.approx(20 * 60 * 0.35)


def test_an_attack_ends_by_itself():
    first, _ = script(call(0, talk=60), call(3000, talk=60))
    assert play(Watcher(), (), first, until=2000).damages[0].tried == 1


def test_the_attacker_dials_again_and_finds_the_stop_still_there():
    first, outcomes = script(call(10), again=60)
    watcher = Watcher(critical_at_first())
    damage = play(watcher, [call(0, talk=1)], first, until=300).damages[0]
    assert [each.at - AT for each in outcomes] == [10, 70, 130, 190, 250]
    assert damage.spent == 0


def test_ordinary_calls_of_the_victim_that_are_refused_are_bystanders():
    first, _ = script(call(0, talk=60))
    watcher = Watcher(critical_at_first(ends_calls=True, begun=2))
    others = [call(60, HOME, 900), call(100, HOME)]
    simulation = play(watcher, others, first)
    assert simulation.damages[0].bystanders == 2  # one was cut, one refused
    assert simulation.refused == 0
    assert not simulation.stops


@pytest.mark.parametrize(
    ("after", "found"),
    [
        pytest.param(11 * 3600, True, id="soon after its end"),
        pytest.param(14 * 3600, False, id="the day after"),
    ],
)
def test_what_is_found_long_after_an_attack_is_not_the_attack(after, found):
    first, _ = script(call(0, talk=60))
    watcher = Watcher(critical_at_first(begun=2))
    attack = Attack("t", LINE, AT, AT + 3600, [first])
    simulation = Simulation(watcher, [attack], AT)
    simulation.play([call(after, talk=9)], AT + 86_400)
    assert (simulation.damages[0].warned_at is not None) is found


def test_a_stop_before_the_attack_is_for_nothing():
    first, _ = script(call(2 * 86_400, talk=60))
    attack = Attack("t", LINE, AT + 2 * 86_400, AT + 3 * 86_400, [first])
    simulation = Simulation(Watcher(critical_at_first()), [attack], AT)
    simulation.play([call(0, talk=9), call(100, talk=9)], AT + 3 * 86_400)
    assert len(simulation.stops["office"]) == simulation.refused == 1
    assert simulation.damages[0].spent == pytest.approx(0.35)
    assert not simulation.damages[0].over


def test_attempts_on_the_account_are_noticed_and_count_as_its_beginning():
    when = datetime.fromtimestamp(AT + 10, UTC)
    event = SecurityEvent("198.51.100.66", "office", "office", "ChallengeResponseFailed", when)
    first, _ = script(call(600, talk=60))
    watcher = Watcher(critical_at_first())
    simulation = Simulation(watcher, [Attack("t", LINE, AT + 600, AT + 9000, [first], [event])], AT)
    simulation.play([outbound(AT + 20, LINE, OWN, HOME, (3, 9))], AT + 9000)
    assert watcher.events == [event]
    assert simulation.damages[0].warned_at == AT + 20
    assert not simulation.stops
