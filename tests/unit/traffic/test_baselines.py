from datetime import datetime

import pytest

from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.call import Direction, Reason
from tests.traffic.baselines import OpenSips, SpendCap
from tests.traffic.days import PARIS
from tests.traffic.detector import Level, Part, Scope, Verdict

OWN = "+33123450001"
ABROAD, PREMIUM = Scope(Part.INTERNATIONAL), Scope(Part.ZONE, "fr:premium")


def moment(day: int, hour: int, minute: float = 0) -> float:
    """Of April 2026; the 14th is a Tuesday."""
    return datetime(2026, 4, day, hour, tzinfo=PARIS).timestamp() + 60 * minute


NOON, EVENING, NIGHT, SUNDAY = moment(14, 12), moment(14, 18), moment(14, 2), moment(12, 12)


class Calls:
    """Begins and ends calls before a detector, and keeps what it says."""

    def __init__(self, detector):
        self.detector = detector
        self.said: list[Verdict] = []
        self.count = 0

    def begin(self, at, callee="+9607234567", zone="mv:mobile", price=350_000, **values):
        self.count += 1
        way = values.get("direction", Direction.OUTBOUND)
        admitted = values.get("admitted", True)
        seen = Seen(
            *(self.count, "office", way, OWN, OWN, callee, zone, admitted, Reason.ADMITTED, at),
            price=price,
        )
        self.said += self.detector.take(Sighting(Moment.BEGUN, at, seen))
        return seen

    def end(self, seen, talked, ring=5):
        answered = seen.started_at + ring
        times = {"answered_at": answered, "ended_at": answered + talked}
        fields = {name: getattr(seen, name) for name in Seen.__slots__} | times
        self.said += self.detector.take(Sighting(Moment.ENDED, answered + talked, Seen(**fields)))

    def criticals(self):
        return [each.rule for each in self.said if each.level is Level.CRITICAL]


def sips() -> Calls:
    return Calls(OpenSips(()))


@pytest.mark.parametrize(
    ("at", "count"),
    [
        pytest.param(NOON, 5, id="by day"),
        pytest.param(EVENING, 5, id="in the evening"),
        pytest.param(NIGHT, 4, id="at night"),
        pytest.param(SUNDAY, 5, id="on a Sunday"),
    ],
)
def test_calls_a_minute(at, count):
    calls = sips()
    for turn in range(count - 1):
        calls.end(calls.begin(at + 10 * turn, f"+960723456{turn}"), 1)
    assert calls.criticals() == []
    assert calls.said
    calls.begin(at + 50)
    assert calls.criticals() == ["calls a minute"]


def test_calls_a_minute_slide():
    calls = sips()
    for turn in range(9):
        calls.end(calls.begin(NOON + 31 * turn, f"+960723456{turn}"), 1)
    assert calls.said == []


@pytest.mark.parametrize(
    ("at", "count"),
    [
        pytest.param(moment(14, 9), 35, id="by day"),
        pytest.param(NIGHT, 20, id="at night"),
        pytest.param(SUNDAY, 40, id="on a Sunday"),
    ],
)
def test_total_calls(at, count):
    calls = sips()
    for turn in range(count):
        assert calls.criticals() == []
        calls.end(calls.begin(at + 120 * turn, f"+96072345{turn:02}"), 1)
    assert calls.criticals() == ["total calls"]


def test_concurrent_calls():
    calls = sips()
    running = [calls.begin(NOON + 100 * turn, f"+960723456{turn}") for turn in range(4)]
    calls.end(running[0], 500)
    calls.begin(NOON + 600, "+9607234568")
    assert calls.criticals() == []
    calls.begin(NOON + 700, "+9607234569")
    assert calls.criticals() == ["concurrent calls"]


def test_sequential_calls():
    calls = sips()
    for turn in range(19):
        calls.end(calls.begin(NOON + 100 * turn), 1)
    assert calls.criticals() == []
    calls.begin(NOON + 1900)
    assert calls.criticals() == ["sequential calls"]


@pytest.mark.parametrize(
    ("at", "talked", "level"),
    [
        pytest.param(NOON, 7199, [], id="short"),
        pytest.param(NOON, 7200, [Level.WARNING], id="two hours"),
        pytest.param(NOON, 13_200, [Level.CRITICAL], id="three hours forty"),
        pytest.param(NIGHT, 9600, [Level.CRITICAL], id="at night"),
    ],
)
def test_the_duration_is_seen_at_the_end(at, talked, level):
    calls = sips()
    seen = calls.begin(at)
    assert calls.said == []
    calls.end(seen, talked)
    assert [each.level for each in calls.said] == level


@pytest.mark.parametrize(
    "later",
    [pytest.param(moment(15, 12), id="another day"), pytest.param(EVENING, id="another rule")],
)
def test_counters_begin_anew(later):
    calls = sips()
    for turn in range(4):
        calls.begin(NOON + 100 * turn)
    calls.said.clear()
    calls.begin(later)
    calls.begin(later + 100)
    assert calls.said == []


def test_a_call_of_another_day_does_not_lower_the_count():
    calls = sips()
    old = calls.begin(moment(14, 16, 50))
    for turn in range(4):
        calls.begin(EVENING + 100 * turn, f"+960723456{turn}")
    calls.end(old, 5000)
    calls.begin(EVENING + 9000, "+9607234569")
    assert "concurrent calls" in calls.criticals()


@pytest.mark.parametrize(
    ("values", "scope"),
    [
        pytest.param({}, ABROAD, id="abroad"),
        pytest.param({"zone": "fr:premium"}, PREMIUM, id="surcharged"),
        pytest.param({"zone": "fr:mobile"}, None, id="home"),
        pytest.param({"zone": ""}, None, id="unreadable"),
        pytest.param({"admitted": False}, None, id="refused"),
        pytest.param({"direction": Direction.INBOUND}, None, id="inbound"),
    ],
)
def test_what_matches_a_rule(values, scope):
    calls = sips()
    for turn in range(5):
        calls.begin(NOON + turn, **values)
    assert {each.scope for each in calls.said} == ({scope} if scope else set())


def test_countries_are_counted_apart():
    calls = sips()
    for turn, zone in enumerate(("mv:mobile", "lv:mobile", "so:mobile", "lv:fixed", "cu:mobile")):
        calls.begin(NOON + turn, zone=zone)
    assert calls.said == []


@pytest.mark.parametrize(
    ("at", "until"),
    [
        pytest.param(NOON, moment(15, 8), id="the next day"),
        pytest.param(NIGHT, moment(14, 8), id="the same day"),
    ],
)
def test_it_blocks_until_the_next_morning(at, until):
    calls = sips()
    for turn in range(5):
        calls.begin(at + turn)
    assert {each.until for each in calls.said} == {until}
    assert not any(each.ends_calls for each in calls.said)


def capped(*spans: tuple[float, float]) -> Calls:
    """Calls that begin then and last so many seconds, at 0.60 a minute, before a cap of 10."""
    calls = Calls(SpendCap((), 10))
    for at, talked in spans:
        calls.end(calls.begin(at, price=600_000), talked)
    return calls


@pytest.mark.parametrize(
    ("spans", "levels"),
    [
        # 0.60 x 10 = 6; x 14 = 8.40; x 20 = 12
        pytest.param([(NOON, 600)], [], id="below"),
        pytest.param([(NOON, 840)], [Level.WARNING], id="four fifths"),
        pytest.param([(NOON, 600), (NOON + 900, 600)], [Level.WARNING, Level.CRITICAL], id="over"),
        pytest.param(
            [(NOON, 1200), (NOON + 900, 1200)], [Level.WARNING, Level.CRITICAL], id="once"
        ),
        pytest.param([(NOON, 600), (moment(15, 12), 600)], [], id="another day"),
    ],
)
def test_a_cap_adds_up_what_has_ended_that_day(spans, levels):
    calls = capped(*spans)
    assert [each.level for each in calls.said] == levels
    assert {each.scope for each in calls.said} <= {Scope(Part.OUTBOUND)}
    assert {each.until for each in calls.said} <= {moment(15, 0)}


def test_a_cap_does_not_see_a_running_call():
    calls = Calls(SpendCap((), 10))
    calls.begin(NOON, price=10_000_000)
    assert list(calls.detector.tick(NOON + 9000)) == []
    assert calls.said == []
