import sys
from collections import deque
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.anomaly.login import Login, LoginKind
from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.anomaly.rule_file import shipped_rules
from asterisk_siptrunk.anomaly.sighting import Moment, Sighting
from asterisk_siptrunk.anomaly.watch import PROVIDER, Watch
from asterisk_siptrunk.call import Direction, Reason
from tests.unit.anomaly.builders import DAY, HOME, NIGHT, OWN, TUESDAY, call, rule, watched

LANDLINE = {"zone": "fr:fixed", "price": 12_000}
EUR = 1_000_000


def french(number):
    return LANDLINE | {"callee": f"+331{number:08}"}


# --- what is counted, of which calls, for whom ---


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ([], 2),
        (["outbound", "international", "risky", "dear"], 2),
        (["quiet-hour"], 0),
        (["inbound"], 0),
        (["new", "first"], 2),
    ],
    ids=["all", "risky", "quiet", "inbound", "new"],
)
def test_calls_are_counted_that_have_all_traits(of, told):
    watch = watched(rule(of=of, warning=1, critical=3))
    for at in range(3):
        watch.begin(TUESDAY + at)
    assert len(watch.found) == told


def test_a_window_slides():
    watch = watched(rule(window="10 minutes", critical=3))
    for at in (0, 300, 700, 1400):  # never three within ten minutes
        watch.begin(TUESDAY + at)
    assert watch.told == []
    watch.begin(TUESDAY + 1450)
    watch.begin(TUESDAY + 1500)
    assert watch.told == [("a-rule", 2)]


def test_there_is_no_midnight():
    watch = watched(rule(window="1 hour", critical=3))
    midnight = TUESDAY + 14 * 3600
    for at in (-60, -30, 30):
        watch.begin(midnight + at)
    assert watch.told == [("a-rule", 2)]


def test_refused_calls_are_attempts_and_emergency_calls_are_nothing():
    watch = watched(rule(critical=2))
    for at in range(5):
        watch.begin(TUESDAY + at, zone="fr:emergency", callee="112", reason=Reason.EMERGENCY)
    assert watch.found == []
    for at in range(2):
        watch.begin(TUESDAY + 10 + at, admitted=False, reason=Reason.SUSPENDED)
    assert watch.told == [("a-rule", 2)]


@pytest.mark.parametrize(
    ("per", "values", "told"),
    [
        ("trunk", [{}, {"callee": "+9607000001"}, {"zone": "so:mobile"}], 1),
        ("zone", [{}, {"zone": "so:mobile"}, {"zone": "gm:mobile"}], 0),
        ("zone", [{}, {"zone": "so:mobile"}, {}, {}], 1),
        ("caller", [{}, {"caller": "+33123456788"}, {}, {}], 1),
        ("callee", [{"callee": f"+960700000{n}"} for n in range(4)], 0),
        ("trunk", [{"trunk": name} for name in ("a", "b", "c")], 0),
        ("provider", [{"trunk": name} for name in ("a", "b", "c")], 1),
    ],
)
def test_for_whom_it_is_counted(per, values, told):
    watch = watched(rule(per=per, critical=3))
    for at, each in enumerate(values):
        watch.begin(TUESDAY + at, **each)
    assert len(watch.found) == told


@pytest.mark.parametrize(
    ("measure", "values", "told"),
    [
        ("callers", {"presented": "+3714400{n:04}"}, True),
        ("callers", {}, False),
        ("callees", {"callee": "+96071{n:05}"}, True),
        ("callees", {}, False),
        ("places", {"zone": "{n}"}, True),
        ("places", {}, False),
    ],
)
def test_different_things_are_counted_once(measure, values, told):
    countries = ["mv:mobile", "so:mobile", "gm:mobile", "de:fixed"]
    watch = watched(rule(measure=measure, critical=4))
    for n in range(4):
        given_values = {key: text.format(n=n) for key, text in values.items()}
        if "zone" in given_values:
            given_values["zone"] = countries[n]
        watch.begin(TUESDAY + n, **given_values)
    assert bool(watch.found) is told


# --- running calls ---


def test_calls_at_once():
    watch = watched(rule(measure="simultaneous", per="zone", warning=2, critical=3))
    first, _ = (watch.begin(TUESDAY + at) for at in range(2))
    assert watch.told == [("a-rule", 1)]
    watch.end(first, TUESDAY + 10)
    watch.begin(TUESDAY + 20)
    assert watch.told == [("a-rule", 1)]
    watch.begin(TUESDAY + 30)
    assert watch.told == [("a-rule", 1), ("a-rule", 2)]


def test_what_a_call_costs_counts_while_it_runs():
    watch = watched(rule(measure="cost", window="1 hour", critical=3))
    watch.answer(watch.begin(TUESDAY), TUESDAY + 10)
    watch.tick(TUESDAY + 10 + 599)  # 0.30 a minute
    assert watch.found == []
    watch.tick(TUESDAY + 10 + 600)
    assert watch.told == [("a-rule", 2)]
    assert watch.found[0].amount == 3 * EUR
    assert watch.found[0].zone == "mv:mobile"


def test_fees_count_from_the_answer_and_ended_calls_for_a_window_more():
    watch = watched(rule(measure="cost", window="1 hour", critical=3))
    watch.whole(TUESDAY, talk=240, fee=EUR)  # 1 + 4 * 0.30 = 2.20
    watch.begin(TUESDAY + 1000, fee=EUR)  # not answered: nothing
    watch.tick(TUESDAY + 1100)
    assert watch.found == []
    watch.answer(watch.begin(TUESDAY + 1200, fee=EUR), TUESDAY + 1201)
    watch.tick(TUESDAY + 1202)
    assert [each.amount for each in watch.found] == [3_205_000]


def test_an_end_is_enough_to_be_told_of_a_dear_call():
    watch = watched(rule(measure="cost", window="1 hour", critical=3))
    watch.whole(TUESDAY, talk=600)
    assert [each.amount for each in watch.found] == [3 * EUR]


def test_a_long_call_is_forgotten_a_window_after_its_end():
    watch = watched(rule(measure="cost", window="1 hour", critical=3))
    watch.whole(TUESDAY, talk=500)
    watch.whole(TUESDAY + 5000, talk=500)
    assert watch.found == []


def test_committed_is_what_calls_will_cost_before_anyone_can_end_them():
    watch = watched(rule(measure="committed", window="1 hour", critical=1.5))
    for at in range(3):  # two minutes of each: 0.60
        watch.begin(TUESDAY + at)
    assert [each.amount for each in watch.found] == [1_800_000]


def test_minutes_of_talk():
    watch = watched(rule(measure="talk", of=["outbound"], per="callee", critical=5))
    for at in range(2):
        watch.answer(watch.begin(TUESDAY + at), TUESDAY + at)
    watch.tick(TUESDAY + 149)
    assert watch.found == []
    watch.tick(TUESDAY + 152)
    assert watch.found[0].amount >= 300
    assert watch.found[0].key == "+9607123456"


def test_a_tick_judges_nothing_before_it_can_matter():
    watch = watched(rule(measure="cost", window="1 hour", critical=3))
    watch.answer(watch.begin(TUESDAY), TUESDAY)
    watch.tick(TUESDAY + 1)
    due = watch.watch._states["acme"].due
    assert due == TUESDAY + 600  # 3.00 at 0.30 a minute
    watch.tick(TUESDAY + 2)
    assert watch.watch._states["acme"].due == due


def test_a_tick_finds_no_zone_where_the_call_is_of_no_trunk_that_it_keeps():
    watch = watched(rule(measure="cost", window="1 hour", per="provider", critical=3))
    watch.answer(watch.begin(TUESDAY), TUESDAY)
    watch.tick(TUESDAY + 700)
    assert [(each.trunk, each.zone) for each in watch.found] == [(PROVIDER, "")]
    watch.end(watch.begin(TUESDAY + 700), TUESDAY + 701)


def test_calls_that_began_before_the_watch_are_begun_when_they_are_seen():
    watch = watched(rule(measure="talk", critical=10))
    seen = call(7, TUESDAY - 1000)
    watch.take(Moment.ANSWERED, TUESDAY, replace(seen, answered_at=TUESDAY))
    watch.take(Moment.ANSWERED, TUESDAY + 1, replace(seen, answered_at=TUESDAY))
    watch.tick(TUESDAY + 600)
    assert watch.told == [("a-rule", 2)]
    watch.end(replace(call(8, TUESDAY), answered_at=TUESDAY + 1), TUESDAY + 700)
    watch.end(call(9, TUESDAY), TUESDAY + 700)
    watch.end(seen, TUESDAY + 800)
    assert not watch.watch._busy


# --- shares ---


def test_a_share_is_one_of_enough_calls():
    share = rule(
        measure="ends",
        of=["outbound", "one-ring"],
        among=["outbound"],
        window="1 hour",
        least=4,
        critical=60,
    )
    watch = watched(share)
    for at in range(3):
        watch.whole(TUESDAY + at, talk=None, ring=2)
    assert watch.found == []
    watch.whole(TUESDAY + 10, talk=60)  # three of four, but a share is judged when it grows
    watch.whole(TUESDAY + 90, talk=None, ring=2)
    assert [each.amount for each in watch.found] == [80]


def test_a_share_may_be_one_callee_s():
    share = rule(per="callee", of=["dear"], among=["outbound"], least=4, critical=50)
    watch = watched(share)
    for at in range(4):
        watch.begin(TUESDAY + at, callee=f"+960700000{at % 3}")  # the first has two of four
    assert [(each.key, each.amount) for each in watch.found] == [("+9607000000", 50)]


def test_an_amount_is_judged_of_enough_calls():
    watch = watched(rule(measure="cost", window="1 hour", least=2, critical=1))
    watch.whole(TUESDAY, talk=1000)
    assert watch.found == []
    watch.whole(TUESDAY + 1100, talk=60)
    assert watch.told == [("a-rule", 2)]


# --- what calls before a call say of it ---


@pytest.mark.parametrize(
    ("trait", "callees", "told"),
    [
        ("sequential", ["+33612345601", "+33612345602", "+33612345603"], 2),
        ("sequential", ["+33612345601", "+33612345601", "+33698765402"], 0),
        ("sequential", ["3949", "3950", "3951"], 0),
        ("variant", ["+33612345678", "+449612345678", "+33612345678"], 2),
    ],
    ids=["scan", "again", "short", "variants"],
)
def test_numbers_like_those_before(trait, callees, told):
    watch = watched(rule(of=[trait], warning=1, critical=2))
    for at, callee in enumerate(callees):
        watch.begin(TUESDAY + at, callee=callee, zone="fr:mobile")
    assert len(watch.found) == told


def test_numbers_of_long_ago_are_forgotten():
    watch = watched(rule(of=["sequential"], critical=1))
    for number in (0, *range(1000, 11_000, 1000), 1):
        watch.begin(TUESDAY + number, **french(number))
    assert watch.found == []


@pytest.mark.parametrize(
    ("rings", "lasts", "after", "told"),
    [((0, 60), 2, 600, True), ((0,), 2, 600, False), ((0, 60), 20, 600, False),
     ((0, 60), 2, 90_000, False), ((0, 90_000), 2, 90_600, False)],
    ids=["twice", "once", "slow", "late", "apart"],
)  # fmt: skip
def test_who_rings_twice_and_is_gone_is_called_back(rings, lasts, after, told):
    watch = watched(rule(of=["called-back"], critical=1))
    for at in rings:
        watch.ring(TUESDAY + at, "+9607123456", lasts=lasts)
    watch.begin(TUESDAY + after)
    assert bool(watch.found) is told


def test_who_was_answered_is_not_called_back_but_called():
    watch = watched(rule(of=["called-back"], critical=1))
    for at in (0, 60):
        watch.ring(TUESDAY + at, "+9607123456", answered=TUESDAY + at)
    watch.begin(TUESDAY + 600)
    assert watch.found == []


@pytest.mark.parametrize(("after", "told"), [(20, True), (40, False)])
def test_a_call_that_goes_through(after, told):
    watch = watched(rule(of=["through"], critical=1))
    watch.begin(TUESDAY)
    watch.take(Moment.BEGUN, TUESDAY, _came_in())
    watch.begin(TUESDAY + after)
    assert bool(watch.found) is told


def test_no_call_goes_through_when_the_one_before_is_over():
    watch = watched(rule(of=["through"], critical=1))
    watch.ring(TUESDAY, "+33612345678", lasts=5)
    watch.begin(TUESDAY + 10)
    assert watch.found == []


def _came_in():
    values = {"direction": Direction.INBOUND, "caller": "+33612345678", "callee": OWN}
    return call(99, TUESDAY, presented="+33612345678", zone="fr:fixed", **{"price": 0} | values)


def test_a_forwarded_call_borrows_nothing():
    watch = watched(rule(of=["borrowed"], critical=1))
    watch.take(Moment.BEGUN, TUESDAY, _came_in())
    watch.begin(TUESDAY + 1, presented="0612345678")
    assert watch.found == []
    watch.begin(TUESDAY + 2, presented="+33698765432")
    assert watch.told == [("a-rule", 2)]


def test_silence():
    watch = watched(rule(of=["after-silence"], critical=1))
    for at in (0, 29, 60):
        watch.begin(TUESDAY + at * DAY)
    assert [each.at for each in watch.found] == [TUESDAY + 60 * DAY]


# --- what is usual ---


def test_a_place_is_new_until_it_was_called_for_a_week():
    watch = watched(rule(of=["new"], per="zone", critical=1, window="1 hour"))
    for day in (0, 1, 2, 3, 7, 8):
        watch.whole(TUESDAY + day * DAY)
    assert [int((each.at - TUESDAY) / DAY) for each in watch.found] == [0, 1, 2, 3]


def test_home_is_never_new():
    watch = watched(rule(of=["new"], critical=1))
    watch.whole(TUESDAY, **french(1))
    assert watch.found == []


def test_a_new_trunk_that_calls_on_two_evenings_is_a_hotel():
    watch = watched(rule(of=["quiet-hour"], critical=1, window="1 hour"))
    for day in range(4):  # Tuesday to Friday
        for hour in (21, 22):  # the second learns the first
            watch.whole(TUESDAY + day * DAY + (hour - 10) * 3600, **french(day * 10 + hour))
    assert {int((each.at - TUESDAY) / DAY) for each in watch.found} == {0, 1}
    found = len(watch.found)
    watch.begin(TUESDAY + 4 * DAY + 11 * 3600)  # on Saturday at the same hour
    assert len(watch.found) == found
    watch.begin(TUESDAY + 4 * DAY + 16 * 3600)  # at two in the night
    assert len(watch.found) == found + 1


def test_a_new_office_is_no_hotel():
    watch = watched(rule(of=["quiet-hour"], critical=1, window="1 hour"))
    for day in range(4):  # Tuesday to Friday
        for hour in range(8, 18):
            watch.whole(TUESDAY + day * DAY + (hour - 10) * 3600, **french(day * 100 + hour))
    assert watch.found == []
    watch.begin(TUESDAY + 4 * DAY)
    assert len(watch.found) == 1  # Saturday
    night = watched(rule(of=["quiet-hour"], critical=1, window="1 hour"))
    for turn in range(3):  # of one night: two hours of it make no habit
        night.whole(NIGHT + turn * 3600, **french(turn))
    night.begin(NIGHT + DAY)
    assert len(night.found) == 4


def test_an_hour_is_quiet_that_the_trunk_does_not_call_in():
    watch = watched(rule(of=["quiet-hour"], critical=1))
    for week in range(4):
        for at in range(2):
            watch.whole(NIGHT + week * 7 * DAY + at * 600, **french(at))
        watch.whole(NIGHT + week * 7 * DAY + 7200, **french(9))  # learns the hours before
    told = [int((each.at - NIGHT) / DAY) for each in watch.found]
    assert told[0] == 0  # a night, of a trunk that is not known
    assert max(told) < 21  # by then it is known to call at night


def test_of_what_is_usual_so_many_times_are_taken_off():
    cost = rule(measure="cost", of=["dear"], per="zone", window="1 day", critical=2, usual_times=3)
    watch = watched(cost)
    for day in range(8):
        watch.whole(TUESDAY + day * DAY, talk=390)  # 1.95 a day
    watch.whole(TUESDAY + 8 * DAY, talk=1400)  # 7.00; about 1.9 is usual: 3 * 1.9 + 2 = 7.70
    assert watch.found == []
    watch.whole(TUESDAY + 8 * DAY + 2000, talk=200)
    (found,) = watch.found
    assert found.amount == 8 * EUR
    assert found.usual == pytest.approx(1.9 * EUR, rel=0.05)
    assert "stops from 2.00 above 3 times what is usual" not in found.sentence  # it notifies
    assert "warns from 2.00 above 3 times what is usual" in found.sentence


def test_what_is_usual_at_new_places_together():
    cost = rule(measure="cost", of=["new"], window="1 day", critical=2, usual_times=1)
    watch = watched(cost)
    watch.whole(TUESDAY, talk=2600)  # 13.00: a trunk that is not known may spend 12.00 + 2.00
    assert watch.found == []
    watch.whole(TUESDAY + 3000, talk=300)
    assert [each.usual for each in watch.found] == [12 * EUR]


# --- the number that costs most is left out ---


def but_dearest(**values):
    """A rule over 2.00 within an hour, the dearest number left out."""
    given = {"measure": "cost", "of": ["outbound", "dear"], "window": "1 hour", "critical": 2}
    return rule(**given | values, but_dearest=True)


def to(digit: int) -> str:
    """A number in the Maldives."""
    return f"+960712345{digit}"


def test_one_number_may_cost_what_it_will():
    watch = watched(but_dearest())
    for turn in range(3):
        watch.whole(TUESDAY + 1000 * turn, talk=900, callee=to(1))  # 4.50 each
    assert watch.found == []
    watch.whole(TUESDAY + 3000, talk=390, callee=to(2))  # 1.95
    assert watch.found == []
    watch.whole(TUESDAY + 3400, talk=10, callee=to(3))
    assert [each.amount for each in watch.found] == [2 * EUR]
    assert "calls for 2.00 (outbound, dear), the dearest number left out, within 1 hour" in (
        watch.found[0].sentence
    )


def test_a_running_call_is_the_dearest_as_long_as_it_is():
    watch = watched(but_dearest())
    watch.whole(TUESDAY, talk=360, callee=to(1))  # 1.80
    long = watch.begin(TUESDAY + 400, callee=to(2))
    watch.answer(long, TUESDAY + 400)
    watch.tick(TUESDAY + 400 + 600)  # 3.00 running: of 4.80 it is left out
    watch.whole(TUESDAY + 1000, talk=39, callee=to(3))  # 1.995
    assert watch.found == []
    watch.tick(TUESDAY + 3000)
    assert watch.found == []
    watch.whole(TUESDAY + 3001, talk=2, callee=to(4))
    assert [each.amount for each in watch.found] == [2_005_000]


def test_calls_that_ring_are_committed_but_for_one_number():
    watch = watched(but_dearest(measure="committed", critical=1))
    for turn in range(3):  # each will cost 0.60 within two minutes
        watch.begin(TUESDAY + turn, callee=to(1))
    watch.begin(TUESDAY + 3, callee=to(2))
    assert watch.found == []
    watch.begin(TUESDAY + 4, callee=to(3))
    assert [each.amount for each in watch.found] == [1_200_000]


def test_fees_are_of_their_number():
    watch = watched(but_dearest())
    for turn in range(3):
        watch.whole(TUESDAY + turn * 100, talk=60, fee=3 * EUR, callee=to(1))
    assert watch.found == []
    watch.whole(TUESDAY + 400, talk=60, fee=3 * EUR, callee=to(2))  # told when it is over
    assert [each.amount for each in watch.found] == [3_300_000]


def test_calls_to_one_number_that_are_forgiven_are_forgotten():
    watch = watched(but_dearest())
    watch.whole(TUESDAY, talk=900, callee=to(1))
    watch.whole(TUESDAY + 1000, talk=900, callee=to(2))
    assert len(watch.found) == 1
    watch.watch.release("acme", "a-rule", "", TUESDAY + 2000)
    watch.whole(TUESDAY + 2100, talk=900, callee=to(1))  # 4.50, as the other: one is left out
    assert len(watch.found) == 1
    watch.whole(TUESDAY + 3100, talk=390, callee=to(2))
    assert len(watch.found) == 1
    watch.whole(TUESDAY + 3500, talk=30, callee=to(2))
    assert [each.amount for each in watch.found] == [4_500_000, 2_100_000]


def test_what_is_left_out_is_of_the_calls_that_are_counted():
    watch = watched(but_dearest(measure="committed", critical=1))
    cheap = watch.begin(TUESDAY, zone="fr:mobile", price=190_000, callee="+33612345678")
    watch.answer(cheap, TUESDAY)
    for turn in range(3):  # each will cost 0.60 within two minutes; the cheap one has cost 11.40
        watch.begin(TUESDAY + 3600 + turn, callee=to(turn))
    assert [each.amount for each in watch.found] == [1_200_000]


# --- surcharged numbers at home ---


@pytest.mark.parametrize(
    ("callee", "zone"),
    [("+33899123456", "fr:premium"), ("+590690123456", "gp:mobile")],
    ids=["premium", "overseas"],
)
def test_where_calls_abroad_would_be_blocked_a_dear_zone_at_home_is(callee, zone):
    watch = watched(rule(of=["dear"], critical=2, on_critical="block-international"))
    watch.begin(TUESDAY, callee=callee, zone=zone)
    watch.begin(TUESDAY + 1, callee=callee, zone=zone)
    watch.begin(TUESDAY + 1, trunk="other")
    watch.begin(TUESDAY + 2, trunk="other")
    assert [(each.zone, each.action) for each in watch.found] == [
        (zone, Action.BLOCK_ZONE),
        ("mv:mobile", Action.BLOCK_INTERNATIONAL),
    ]


def test_calls_abroad_that_are_stopped_silence_nothing_at_home():
    watch = watched(rule(of=["risky"], critical=2, on_critical="block-international"))
    for turn in range(4):
        watch.begin(TUESDAY + turn)
    watch.begin(TUESDAY + 10, callee="+33899123456", zone="fr:premium")
    watch.begin(TUESDAY + 11, callee="+33899123456", zone="fr:premium")
    assert [each.zone for each in watch.found] == ["mv:mobile", "fr:premium"]
    watch.watch.release("acme", "a-rule", "", TUESDAY + 20)  # both are forgiven
    for turn in range(2):
        watch.begin(TUESDAY + 30 + turn, callee="+33899123456", zone="fr:premium")
    assert len(watch.found) == 3


def test_an_ordinary_call_at_home_that_shows_a_days_cost_stops_calls_abroad():
    day = rule(measure="cost", window="1 hour", critical=1, on_critical="block-international")
    watch = watched(day)
    watch.whole(TUESDAY, talk=6000, callee="+33612345678", zone="fr:mobile", price=20_000)
    assert [each.action for each in watch.found] == [Action.BLOCK_INTERNATIONAL]


def test_what_goes_on_at_home_is_stopped_there():
    zone = rule(of=["dear"], per="zone", critical=2, on_critical="block-zone")
    more = rule(name="goes-on", measure="stops", critical=2, on_critical="block-international")
    watch = watched(zone, more)
    for at, country in enumerate(["mv", "mv", "gp", "gp"]):
        watch.begin(TUESDAY + at, zone=f"{country}:mobile")
    assert [(each.zone, each.action) for each in watch.found][-1] == (
        *("gp:mobile", Action.BLOCK_ZONE),
    )


def test_a_zone_is_that_of_the_dearest_call_that_is_counted():
    watch = watched(rule(measure="cost", of=["dear"], critical=1, window="1 hour"))
    calls = ("fr:fixed", 190_000), ("mv:mobile", 300_000), ("lv:premium", 900_000)
    for turn, (zone, price) in enumerate(calls):
        number = watch.begin(TUESDAY + turn, zone=zone, price=price)
        watch.answer(number, TUESDAY + turn)
    watch.tick(TUESDAY + 120)
    assert [each.zone for each in watch.found] == ["lv:premium"]


@pytest.mark.parametrize(
    ("measure", "window", "usual"),
    [
        ("attempts", "1 hour", 60),
        ("attempts", "2 hours", 120),
        ("cost", "1 day", 13 * 5 * EUR),
        ("attempts", "7 days", 7 * 13 * 60),
    ],
)
def test_what_is_usual_in_hours_is_added_up(measure, window, usual):
    watch = watched(rule(measure=measure, window=window, warning=1, critical=10**6))
    for at in range(2):
        watch.whole(TUESDAY + at * 600, talk=500)
    assert [each.usual for each in watch.found] == [usual]


def test_an_attack_teaches_nobody():
    stop = rule(per="zone", critical=2, on_critical="block-zone", window="1 hour", expiry="1 hour")
    watch = watched(stop)
    for day in range(9):
        for at in range(2):
            watch.whole(TUESDAY + day * DAY + at * 60, talk=30)
    assert not watch.watch._states["acme"].profile.places["mv"].is_familiar(10**6)


# --- who was told, is not told again ---


def test_it_says_a_thing_once_and_again_when_it_gets_worse():
    watch = watched(rule(warning=2, critical=4, window="10 minutes"))
    for at in range(10):
        watch.begin(TUESDAY + at)
    assert watch.told == [("a-rule", 1), ("a-rule", 2)]
    for at in range(4):
        watch.begin(TUESDAY + 3700 + at)  # what it has seen is out of its window
    assert watch.told == [("a-rule", 1), ("a-rule", 2)] * 2


def test_after_a_release_it_needs_new_evidence():
    stop = rule(per="zone", critical=3, on_critical="block-zone", window="1 day")
    watch = watched(stop)
    for at in range(5):
        watch.begin(TUESDAY + at)
    watch.watch.release("acme", "a-rule", "mv:mobile", TUESDAY + 100)
    watch.begin(TUESDAY + 200)
    watch.begin(TUESDAY + 201)
    assert len(watch.found) == 1
    watch.begin(TUESDAY + 202)
    assert len(watch.found) == 2


def test_after_a_release_running_calls_count_from_then_on():
    stop = rule(measure="cost", per="zone", critical=3, window="1 day", least=2)
    watch = watched(stop, rule(name="other", measure="cost", per="callee", critical=100))
    running = watch.answer(watch.begin(TUESDAY), TUESDAY)
    watch.begin(TUESDAY, zone="so:mobile")
    watch.begin(TUESDAY)
    watch.tick(TUESDAY + 700)
    assert watch.told == [("a-rule", 2)]
    watch.watch.release("acme", "a-rule", "mv:mobile", TUESDAY + 700)
    watch.begin(TUESDAY + 700)
    watch.begin(TUESDAY + 700)
    watch.tick(TUESDAY + 1250)
    assert len(watch.found) == 1
    watch.tick(TUESDAY + 1300)
    assert len(watch.found) == 2
    watch.end(running, TUESDAY + 1300)
    assert len(watch.found) == 2


def test_a_share_is_released_with_what_it_was_one_of():
    share = rule(of=["risky"], among=["outbound"], least=3, critical=60)
    watch = watched(share)
    for at in range(3):
        watch.begin(TUESDAY + at)
    watch.watch.release("acme", "a-rule", "", TUESDAY + 5)
    for at in range(2):
        watch.begin(TUESDAY + 10 + at)
    assert len(watch.found) == 1
    watch.begin(TUESDAY + 20)
    assert len(watch.found) == 2


def test_a_release_of_what_is_not_known_does_nothing():
    watch = watched(rule(critical=1))
    watch.watch.release("nobody", "a-rule", "", TUESDAY)
    watch.watch.release(PROVIDER, "a-rule", "", TUESDAY)
    assert watch.found == []


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ({"on_critical": "notify", "window": "1 minute"}, 3600),  # told once an hour at most
        ({"on_critical": "notify", "window": "1 day"}, 86_400),  # its evidence has left the window
        ({"on_critical": "block-all", "window": "1 minute"}, 60),
        ({"on_critical": "block-all", "window": "1 minute", "expiry": "2 hours"}, 7200),
        ({"on_critical": "block-all", "window": "1 minute", "dry_run": True}, 3600),
    ],
    ids=["told", "long", "stops", "expires", "dry"],
)
def test_it_speaks_again_of_what_goes_on_only_after_a_while(values, seconds):
    watch = watched(rule(critical=1, **values))
    for at in (0, seconds - 1, seconds):
        watch.begin(TUESDAY + at)
    assert [each.at - TUESDAY for each in watch.found] == [0, seconds]


def test_what_it_remembers_to_have_said_is_bounded():
    watch = watched(rule(per="callee", critical=1, window="1 day"))
    for number in range(100):
        watch.begin(TUESDAY + number, **french(number))
    assert len(watch.found) > 64
    assert len(watch.watch._states["acme"].fired) <= 32


def test_stops_are_counted_and_escalate():
    zone = rule(per="zone", critical=2, on_critical="block-zone", window="1 hour")
    more = rule(name="goes-on", measure="stops", critical=2, on_critical="block-international")
    watch = watched(zone, more)
    for at, country in enumerate(["mv", "mv", "so", "so", "gm", "gm"]):
        watch.begin(TUESDAY + at, zone=f"{country}:mobile")
    told = [(each.rule.name, each.zone) for each in watch.found]
    assert told == [
        ("a-rule", "mv:mobile"),
        ("a-rule", "so:mobile"),
        ("goes-on", "so:mobile"),
        ("a-rule", "gm:mobile"),
    ]


def test_what_was_not_stopped_is_forgiven_and_is_no_stop():
    zone = rule(per="zone", critical=2, on_critical="block-zone", window="1 hour")
    more = rule(name="goes-on", measure="stops", critical=2, on_critical="block-international")
    watch = watched(zone, more)
    for at in range(2):
        watch.begin(TUESDAY + at, zone="mv:mobile")
    watch.watch.forgive(watch.found[0], TUESDAY + 1)
    for at in range(2, 4):
        watch.begin(TUESDAY + at, zone="mv:mobile")
    assert [each.rule.name for each in watch.found] == ["a-rule", "a-rule"]


def test_what_all_trunks_together_showed_can_be_forgiven():
    watch = watched(rule(per="provider", critical=2, window="1 hour"))
    for at in range(2):
        watch.begin(TUESDAY + at)
    watch.watch.forgive(watch.found[0], TUESDAY + 1)
    watch.begin(TUESDAY + 2)
    assert len(watch.found) == 1
    watch.begin(TUESDAY + 3)
    assert len(watch.found) == 2


# --- what a finding says ---


def test_a_finding_in_a_sentence():
    cost = rule(name="new-cost", measure="cost", of=["outbound", "new"], window="1 day", critical=3)
    watch = watched(replace(cost, on_critical=shipped_rules()[0].on_critical))
    watch.whole(TUESDAY, talk=660)
    (found,) = watch.found
    assert found.sentence == (
        "Trunk acme: calls for 3.30 (outbound, to places new for the trunk) within 1 day; usual is "
        "at most 12.00 on a day of the last weeks (rule new-cost, version 1: stops from 3.00)."
    )
    assert found.evidence == (1,)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"per": "provider", "warning": 1},
            "All trunks: 1 attempted calls within 1 minute (rule a-rule, version 1: warns from 1).",
        ),
        (
            {"measure": "simultaneous", "per": "callee", "critical": 1},
            "Trunk acme: 1 calls at once to +9607123456 (rule a-rule, version 1: warns from 1).",
        ),
        (
            {"of": ["dear"], "among": ["outbound"], "critical": 50},
            (
                "Trunk acme: 100 % attempted calls (dear) within 1 minute "
                "(rule a-rule, version 1: warns from 50 %)."
            ),
        ),
        (
            {"warning": 1, "window": "1 hour"},
            (
                "Trunk acme: 1 attempted calls within 1 hour; usual is at most 60 "
                "on Tuesdays at 10 h for a new trunk of class office "
                "(rule a-rule, version 1: warns from 1)."
            ),
        ),
    ],
    ids=["provider", "once", "share", "usual"],
)
def test_sentences(values, sentence):
    watch = watched(rule(**values))
    watch.begin(TUESDAY)
    assert [each.sentence for each in watch.found] == [sentence]


def test_a_zone_s_sentence_says_to_where():
    watch = watched(rule(measure="committed", per="zone", window="90 minutes", critical=0.1))
    watch.begin(TUESDAY)
    assert watch.found[0].sentence == (
        "Trunk acme: calls for 0.60, the next 2 minutes included, to mv:mobile within 90 minutes; "
        "usual is at most 0.00 on a day of the last weeks "
        "(rule a-rule, version 1: warns from 0.10)."
    )
    assert watch.found[0].action is Action.NOTIFY


def test_minutes_in_a_sentence():
    watch = watched(rule(measure="talk", critical=2))
    watch.whole(TUESDAY, talk=130)
    assert "2 minutes of calls within 1 minute" in watch.found[0].sentence


def test_evidence_is_the_last_calls_that_match():
    watch = watched(rule(of=["risky"], per="zone", critical=12, window="1 hour"))
    for at in range(12):
        watch.begin(TUESDAY + at)
        watch.begin(TUESDAY + at, **french(at))
    (found,) = watch.found
    assert found.evidence == (17, 19, 21, 23)  # of the last eight


# --- registrations ---


def login(at, **values):
    given_values: dict[str, Any] = {
        "kind": LoginKind.REGISTERED,
        "trunk": "acme",
        "source": "192.0.2.7",
    }
    at = TUESDAY + at + values.pop("late", 0)
    return Login(**given_values | {"at": at, "network": "192.0.2"} | values)


@pytest.mark.parametrize(
    ("of", "logins", "told"),
    [
        ("password", [{"kind": LoginKind.PASSWORD}] * 3, 1),
        ("password", [{}] * 3, 0),
        ("new-country", [{"country": "FR"}, {"country": "FR"}, {"country": "NG"}], 1),
        ("new-network", [{}, {}, {"network": "203.0.113"}], 1),
        ("new-user-agent", [{}, {"user_agent": "PBX 1"}, {"user_agent": "friendly"}], 1),
        ("two-places", [{}, {"network": "203.0.113"}, {}], 1),
        ("two-places", [{}, {"network": "203.0.113"}, {"network": "203.0.113"}], 0),
        ("two-places", [{}, {}, {"late": 9000, "network": "203.0.113"}], 0),
    ],
)
def test_registrations(of, logins, told):
    watch = watched(rule(measure="logins", of=[of], warning=1, window="1 day"))
    found = []
    for at, values in enumerate(logins):
        found += watch.watch.login(login(at, **values))
    assert len(found) == told


def test_unknown_accounts_are_nobody_s_and_counted_by_source():
    watch = watched(rule(measure="logins", of=["unknown"], per="provider", critical=2))
    for at in range(2):
        found = watch.watch.login(login(at, kind=LoginKind.UNKNOWN, trunk=""))
    assert [each.trunk for each in found] == [PROVIDER]
    watch = watched(rule(measure="logins", of=["password"], per="source", critical=2))
    for at, source in enumerate(["192.0.2.1", "192.0.2.2", "192.0.2.1"]):
        found = watch.watch.login(login(at, kind=LoginKind.PASSWORD, source=source))
    assert [each.key for each in found] == ["192.0.2.1"]


# --- restarts, memory, time ---


def ordinary(turn):
    """A busy office's call."""
    return {
        "trunk": f"trunk-{turn % 50}",
        "caller": f"+3312345{turn % 20:04}",
        "presented": f"+3312345{turn % 20:04}",
        "callee": f"+336{turn * 7919 % 10**8:08}",
        "zone": "fr:mobile",
        "price": 45_000,
    }


def stream(count):
    for turn in range(count):
        at = TUESDAY + turn * 0.5
        seen = call(turn, at, **ordinary(turn))
        yield Sighting(Moment.BEGUN, at, seen)
        yield Sighting(Moment.ANSWERED, at + 0.1, replace(seen, answered_at=at + 0.1))
        yield Sighting(
            Moment.ENDED, at + 0.4, replace(seen, answered_at=at + 0.1, ended_at=at + 0.4)
        )


def test_a_trunk_has_rules_of_its_own():
    strict = (rule(critical=1),)
    own = {"acme": strict, "other": strict}
    watch = Watch((rule(critical=5),), lambda _: HOME, own.get)
    found = [
        watch.take(Sighting(Moment.BEGUN, TUESDAY, call(1, TUESDAY, trunk=name)))
        for name in ("acme", "other", "third")
    ]
    assert [len(each) for each in found] == [1, 1, 0]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 600), st.sampled_from(["mv:mobile", "so:mobile", "fr:mobile"]),
        st.integers(0, 900), st.booleans(),
    ),
    max_size=40,
)  # fmt: skip


@settings(max_examples=60)
@given(STEPS, st.integers(0, 40))
def test_what_is_taken_again_after_a_restart_is_found_again(steps, restart):
    now, sightings = TUESDAY, []
    for number, (gap, zone, talk, answered) in enumerate(steps):
        now += gap
        seen = call(number, now, zone=zone)
        sightings.append(Sighting(Moment.BEGUN, now, seen))
        if answered:
            seen = replace(seen, answered_at=now + 1)
            sightings.append(Sighting(Moment.ANSWERED, now + 1, seen))
        end = now + 1 + talk
        sightings.append(Sighting(Moment.ENDED, end, replace(seen, ended_at=end)))
    sightings.sort(key=lambda each: (each.at, each.seen.id, each.moment))
    live, again = (Watch(shipped_rules(), lambda _: HOME) for _ in range(2))
    first = [live.take(each) for each in sightings]
    for each in sightings[:restart]:
        again.take(each)
    assert [again.take(each) for each in sightings[restart:]] == first[restart:]


def test_what_is_learned_goes_over_into_another_watch():
    before = watched(rule(critical=10**6))
    for day in range(9):
        before.whole(TUESDAY + day * DAY, talk=600)
    ((name, packed),) = before.watch.learned()
    after = watched(rule(of=["new"], critical=1))
    after.watch.remember(name, packed)
    after.begin(TUESDAY + 9 * DAY)
    assert after.found == []


def test_what_was_handed_over_outlives_a_start_before_the_trunk_calls_again():
    before = watched(rule(critical=10**6))
    for day in range(9):
        before.whole(TUESDAY + day * DAY, talk=600)
    ((name, packed),) = before.watch.learned()
    after = watched(
        rule(of=["new"], critical=1), rule(name="long", of=["after-silence"], critical=1)
    )
    after.watch.remember(name, packed)
    after.watch.forget(TUESDAY + 10 * DAY)
    after.begin(TUESDAY + 11 * DAY)
    assert after.found == []
    after.watch.remember(name, packed)
    after.begin(TUESDAY + 40 * DAY)
    assert [each.rule.name for each in after.found] == ["long"]


def test_a_trunk_that_only_registers_is_not_forgotten_at_once():
    watch = watched(rule(measure="logins", of=["new-network"], critical=1))
    for network in ("192.0.2.0/24", "198.51.100.0/24"):
        found = watch.watch.login(
            Login(LoginKind.REGISTERED, TUESDAY, "acme", "192.0.2.7", network)
        )
        watch.watch.forget(TUESDAY + 3600)
    assert [each.rule.name for each in found] == ["a-rule"]


def test_silent_trunks_lose_their_windows_then_all():
    watch = watched(rule(critical=10**6))
    watch.whole(TUESDAY)
    running = watch.begin(TUESDAY, trunk="busy")
    states = watch.watch._states
    watch.watch.forget(TUESDAY + 7 * DAY)
    assert any(states["acme"].windows)
    watch.watch.forget(TUESDAY + 9 * DAY)
    assert not any(states["acme"].windows)
    assert states["acme"].profile.places
    watch.watch.forget(TUESDAY + 57 * DAY)
    assert list(states) == ["busy"]
    watch.end(running, TUESDAY + 58 * DAY)


def test_a_trunk_takes_less_than_20_kb():
    watch = Watch(shipped_rules(), lambda _: HOME)
    for each in stream(10_000):
        watch.take(each)
    for turn in range(200):  # each calls abroad, too
        at = TUESDAY + 6000 + turn
        zone = ("de:fixed", "gb:mobile", "es:fixed", "ma:mobile")[turn // 50]
        watch.take(
            Sighting(Moment.BEGUN, at, call(turn, at, trunk=f"trunk-{turn % 50}", zone=zone))
        )
    shared = {id(watch._plan), id(HOME), *map(id, watch._plan.rules)}
    sizes = [size(state, set(shared)) for state in watch._states.values()]
    assert len(sizes) == 50
    assert max(sizes) < 20_000


def size(thing, known):
    """Bytes of a thing and of all that it alone refers to."""
    if id(thing) in known or isinstance(thing, type):
        return 0
    known.add(id(thing))
    parts = []
    if isinstance(thing, dict):
        parts = [*thing, *thing.values()]
    elif isinstance(thing, (list, tuple, set, frozenset, deque)):
        parts = list(thing)
    for kind in type(thing).__mro__:
        parts += [getattr(thing, name) for name in getattr(kind, "__slots__", ())]
    return sys.getsizeof(thing) + sum(size(part, known) for part in parts)
