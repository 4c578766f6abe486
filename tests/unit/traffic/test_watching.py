from datetime import UTC, date, datetime

import pytest

from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.anomaly.sighting import Moment, Sighting
from asterisk_siptrunk.call.security import SecurityEvent
from tests.traffic import measure
from tests.traffic.attacks import MINUTE, PremiumPumping
from tests.traffic.days import HOUR
from tests.traffic.detector import Level, Part, Scope
from tests.traffic.habits import HABITS
from tests.traffic.scenes import World
from tests.traffic.watching import TheWatch, verdict
from tests.unit.anomaly.builders import NIGHT, TUESDAY, call, rule, watched


@pytest.mark.parametrize(
    ("per", "action", "scope"),
    [
        ("zone", "block-zone", Scope(Part.ZONE, "mv:mobile")),
        ("caller", "block-caller", Scope(Part.CALLER, "+33123456789")),
        ("trunk", "block-international", Scope(Part.INTERNATIONAL)),
        ("trunk", "block-outbound", Scope(Part.OUTBOUND)),
        ("trunk", "block-all", Scope(Part.ALL)),
    ],
)
def test_what_a_finding_stops(per, action, scope):
    watch = watched(rule(per=per, critical=1, on_critical=action, expiry="2 hours"))
    watch.begin(TUESDAY)
    said = verdict(watch.found[0])
    assert (said.scope, said.level, said.until) == (scope, Level.CRITICAL, TUESDAY + 2 * HOUR)


def test_what_only_tells_stops_nothing():
    watch = watched(rule(critical=1, on_critical=str(Action.NOTIFY)))
    watch.begin(TUESDAY)
    assert verdict(watch.found[0]).level is Level.WARNING


def test_calls_and_logins_are_shown_to_it():
    watch = TheWatch(())
    assert list(watch.take(Sighting(Moment.BEGUN, NIGHT, call(1, NIGHT))))
    assert not list(watch.tick(TUESDAY))
    at = datetime.fromtimestamp(TUESDAY, UTC)
    said = [
        watch.notice(SecurityEvent("192.0.2.1", "acme", "acme", "ChallengeResponseFailed", at))
        for _ in range(50)
    ]
    assert [len(list(each)) for each in said] == [0] * 49 + [1]  # the note before is for nobody


def test_it_stops_an_attack_that_it_saw_the_trunk_s_ordinary_days_before():
    strike = PremiumPumping(("mv:mobile",), 8, 30 * MINUTE, 9 * HOUR)
    world = World("watched", date(2026, 3, 30), HABITS[1:2], 1, (strike,))
    (result,) = measure.run([world], ["watch"])
    (damage,) = result.damages
    assert damage.stopped_at is not None
    assert damage.spent < 20
    assert not result.suspended
