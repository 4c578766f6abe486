"""A watch that goes on from what was kept knows what one knows that was never stopped.

It may go on by other rules: then it finds what one finds that had these rules all along.
"""

import json
from dataclasses import replace
from enum import IntFlag

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.anomaly import Login, LoginKind, Moment, Sighting, Watch, shipped_rules
from asterisk_siptrunk.anomaly.keeping import FORM, Basis, Legend, form_of, pack, unpack
from asterisk_siptrunk.anomaly.plan import Key
from asterisk_siptrunk.anomaly.profile import Profile
from asterisk_siptrunk.anomaly.rule import Level, Per
from asterisk_siptrunk.anomaly.state import State
from asterisk_siptrunk.anomaly.trait import Trait
from asterisk_siptrunk.anomaly.window import ButDearest, Distinct, Gauge, Leaders, Ring
from tests.unit.anomaly.builders import DAY, HOME, TUESDAY, Watched, call, inbound, rule

RULES = (
    *shipped_rules(),
    rule(
        name="own-talk", measure="talk", of=["outbound"], per="caller", window="1 day", critical=9
    ),
    rule(name="own-places", measure="callees", per="trunk", window="1 day", critical=4),
)
ZONES = ("mv:mobile", "fr:mobile", "lv:premium", "de:fixed")
STEPS = st.lists(
    st.tuples(
        *(st.integers(0, 4000), st.sampled_from(ZONES), st.integers(0, 3000), st.booleans()),
        *(st.sampled_from(["acme", "other"]), st.sampled_from(["out", "in", "refused", "login"])),
    ),
    max_size=40,
)


def kept(watch):
    return list(watch.kept(Legend()))


def gone_on(watch, rules=RULES, at=TUESDAY):
    """A watch that goes on where that one is, by way of JSON."""
    other, legend = Watch(rules, lambda _: HOME), Legend()
    states = list(watch.kept(legend))
    states, packed = json.loads(json.dumps([states, legend.packed()]))
    basis = Basis.unpacked(packed, at)
    assert all(other.resume(name, state, basis) for name, state in states)
    return other


def sightings_of(steps):
    now = TUESDAY
    for number, (gap, zone, talk, answered, trunk, kind) in enumerate(steps):
        now += gap
        callee = f"+9607{number % 7:06}"
        if kind == "login":
            network = f"192.0.{number % 3}.0/24"
            yield Login(LoginKind.REGISTERED, now, trunk, "192.0.2.7", network, zone[:2].upper())
            continue
        if kind == "in":
            seen = inbound(number, now, callee, trunk=trunk)
        else:
            admitted = kind == "out"
            seen = call(number, now, trunk=trunk, zone=zone, callee=callee, admitted=admitted)
        yield Sighting(Moment.BEGUN, now, seen)
        if answered and kind != "refused":
            seen = replace(seen, answered_at=now + 1)
            yield Sighting(Moment.ANSWERED, now + 1, seen)
        end = now + 1 + talk
        yield Sighting(Moment.ENDED, end, replace(seen, ended_at=end))


def take(watch, each):
    found = watch.login(each) if isinstance(each, Login) else watch.take(each)
    return found + watch.tick(each.at)


@settings(max_examples=80)
@given(STEPS, st.integers(0, 100), st.booleans())
def test_whoever_goes_on_finds_what_one_finds_that_was_never_stopped(steps, stop, is_released):
    live = Watch(RULES, lambda _: HOME)
    every = in_order(steps)
    for each in every[:stop]:
        for found in take(live, each):
            if is_released:
                live.release(found.trunk, found.rule.name, found.key, found.at)
    again = gone_on(live)
    for each in every[stop:]:
        assert take(again, each) == take(live, each)
    assert kept(again) == kept(live)
    later = TUESDAY + 9 * DAY
    live.forget(later)
    again.forget(later)
    assert list(again.learned()) == list(live.learned())


def in_order(steps):
    return sorted(sightings_of(steps), key=lambda each: each.at)


@settings(max_examples=80)
@given(STEPS, st.integers(0, 100), st.permutations(RULES))
def test_rules_in_another_order_find_what_they_find_that_were_always_so(steps, stop, others):
    before, live = Watch(RULES, lambda _: HOME), Watch(others, lambda _: HOME)
    for each in in_order(steps)[:stop]:
        take(before, each)
        take(live, each)
    again = gone_on(before, others)
    for each in in_order(steps)[stop:]:
        assert take(again, each) == take(live, each)


@settings(max_examples=80)
@given(STEPS, st.integers(0, 100), st.permutations(RULES), st.integers(0, 20))
def test_other_bounds_and_actions_judge_all_that_was_counted(steps, stop, others, gone):
    """Rules that have said nothing become ones that speak; some are gone."""
    silent = [replace(each, critical=10**9, warning=None, dry_run=True) for each in RULES]
    own = [each for each in others if each.count.per is not Per.PROVIDER][gone:]
    others = [each.dry() for each in others if each in own or each.count.per is Per.PROVIDER]
    before, live = Watch(silent, lambda _: HOME), Watch(others, lambda _: HOME)
    for each in in_order(steps)[:stop]:
        assert take(before, each) == []
        take(live, each)
    for state in (*live._states.values(), live._together):  # by its rules nothing was said yet
        state.fired.clear()
        state.due = 0.0
    again = gone_on(before, others)
    for each in in_order(steps)[stop:]:
        assert take(again, each) == take(live, each)


BOUND = {"critical": 3, "window": "1 hour", "on_critical": "block-all"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [  # three calls, the change, then four; calls since the change when each is told
        ({}, {}, []),
        ({}, {"version": 2}, []),
        ({}, {"critical": 2}, []),
        ({}, {"critical": 5}, [2]),
        ({}, {"least": 5}, [2]),
        ({}, {"usual_times": 0.01}, [1]),
        ({}, {"warning": 3, "critical": 9, "on_warning": "notify"}, [1]),
        ({}, {"on_critical": "notify"}, []),
        ({}, {"dry_run": True}, []),
        ({"critical": 9}, {"critical": 3}, [1]),
        ({"critical": 9}, {"critical": 7}, [4]),
        ({"critical": 9, "dry_run": True}, {"critical": 9}, []),
        ({"dry_run": True}, {}, [3]),
        ({"dry_run": True}, {"dry_run": True}, []),
        ({"dry_run": True}, {"critical": 4}, [4]),
        ({"on_critical": "notify"}, {}, [3]),
        ({"on_critical": "notify"}, {"on_critical": "note"}, []),
        ({"on_critical": "notify"}, {"on_critical": "notify", "critical": 4}, [1]),
        ({"per": "zone", "dry_run": True}, {"per": "zone"}, [3]),
        ({"name": "another"}, {}, [1]),
    ],
)
def test_a_changed_rule_speaks_of_what_it_has_not_spoken_of(before, after, told):
    watch = Watched((rule(**(BOUND | before)),))
    for at in range(3):
        watch.begin(TUESDAY + at)
    watch.found.clear()
    watch.watch = gone_on(watch.watch, (rule(**(BOUND | after)),), TUESDAY + 2)
    heard = []
    for at in range(4):
        watch.begin(TUESDAY + 3 + at)
        heard += [at + 1 for _ in watch.found]
        watch.found.clear()
    assert heard == told


def test_what_was_noted_before_and_is_quiet_no_more_is_not_forgiven():
    """It noted three calls; an hour later it would speak anew, and two that came since count."""
    watch = Watched((rule(**BOUND, dry_run=True),))
    for at in (0, 0, 0, 3590, 3591):
        watch.begin(TUESDAY + at)
    watch.watch = gone_on(watch.watch, (rule(**BOUND),), TUESDAY + 4000)
    watch.found.clear()
    watch.begin(TUESDAY + 4001)
    assert watch.told == [("a-rule", 2)]


def test_a_lower_bound_holds_at_once_for_what_runs():
    talk = {"measure": "talk", "window": "1 day"}
    watch = Watched((rule(**talk, critical=60),))
    seen = replace(watch.begin(TUESDAY), answered_at=TUESDAY)
    watch.take(Moment.ANSWERED, TUESDAY, seen)
    watch.tick(TUESDAY + 600)
    watch.watch = gone_on(watch.watch, (rule(**talk, critical=5),))
    watch.tick(TUESDAY + 601)
    assert [each.amount // 60 for each in watch.found] == [10]


NEW_COUNTS = [
    {"window": "2 hours"},
    {"of": ["outbound"]},
    {"per": "zone"},
    {"measure": "callees"},
    {"least": 2, "of": [], "measure": "ends"},
]


@pytest.mark.parametrize("changed", NEW_COUNTS, ids=["window", "of", "per", "measure", "least"])
def test_what_was_never_counted_has_to_be_seen_anew(changed):
    watch = Watched((rule(**BOUND),))
    watch.begin(TUESDAY)
    bounds = {"critical": 3, "window": "1 hour"}
    other = Watch((rule(**BOUND), rule(name="other", **(bounds | changed))), lambda _: HOME)
    assert not other.take_over(watch.watch, TUESDAY)


def test_a_rule_that_counts_what_another_counted_has_not_spoken_of_it():
    other = rule(name="other", of=["outbound"], critical=99, window="1 hour")
    watch = Watched((rule(**BOUND), other))
    for at in range(3):
        watch.begin(TUESDAY + at)
    watch.watch = gone_on(watch.watch, (rule(**BOUND, of=["outbound"]), other))
    watch.begin(TUESDAY + 3)
    assert [each.amount for each in watch.found] == [3, 4]


def test_running_calls_are_found_by_rules_in_another_order():
    rules = (
        rule(name="talk", measure="talk", window="1 day", critical=20),
        rule(name="at-once", measure="simultaneous", per="zone", critical=3),
    )
    watch = Watched(rules)
    for _ in range(2):
        seen = replace(watch.begin(TUESDAY), answered_at=TUESDAY)
        watch.take(Moment.ANSWERED, TUESDAY, seen)
    watch.watch = gone_on(watch.watch, rules[::-1])
    watch.begin(TUESDAY)
    watch.tick(TUESDAY + 600)
    assert [(each.rule.name, each.amount) for each in watch.found] == [
        ("at-once", 3),
        ("talk", 1200),
    ]


def test_what_no_rule_asks_for_any_more_is_left():
    talk = rule(name="talk", measure="talk", window="1 day", critical=9)
    watch = Watched((talk, rule(**BOUND)))
    seen = watch.begin(TUESDAY)
    watch.watch = gone_on(watch.watch, (rule(**BOUND),))
    watch.end(seen, TUESDAY + 1)
    for at in (2, 3):
        watch.begin(TUESDAY + at)
    assert watch.told == [("a-rule", 2)]
    assert not Watch((talk,), lambda _: HOME).take_over(watch.watch, TUESDAY + 4)


def test_trunks_with_rules_of_their_own_go_on_by_them():
    every, own = rule(critical=9, window="1 hour"), rule(critical=9, window="2 hours")
    before = Watch((every,), lambda _: HOME, {"acme": (own,)}.get)
    for at in range(3):
        for trunk in ("acme", "other"):
            take(before, Sighting(Moment.BEGUN, TUESDAY + at, call(at, TUESDAY, trunk=trunk)))
    less = replace(own, critical=4)
    after = Watch((every,), lambda _: HOME, {"acme": (less,)}.get)
    assert after.take_over(before, TUESDAY + 3)
    found = []
    for trunk in ("acme", "other"):
        found += take(after, Sighting(Moment.BEGUN, TUESDAY + 3, call(3, TUESDAY, trunk=trunk)))
    assert [(each.trunk, each.amount) for each in found] == [("acme", 4)]
    # What is counted of one trunk was not counted of all.
    assert not Watch((own,), lambda _: HOME).take_over(after, TUESDAY + 4)


def test_numbers_that_are_kept_are_part_of_the_form():
    assert form_of((*Trait, *Key, *Level)) == FORM
    other = IntFlag("other", {"INBOUND": 1, "OUTBOUND": 2})
    assert form_of(other) != form_of((Trait.OUTBOUND, Trait.INBOUND))


ADDED = st.lists(st.tuples(st.integers(0, 90), st.sampled_from("abc"), st.integers(1, 9)))


@pytest.mark.parametrize("kind", [Ring, Leaders, ButDearest, Distinct])
@given(ADDED, ADDED)
def test_a_window_that_was_packed_counts_on(kind, before, after):
    window, again, at = kind(300.0), kind(300.0), 1e9
    for gap, key, amount in before:
        at += gap
        window.add(at, key, amount)
    again.fill(json.loads(json.dumps(window.packed())))
    for gap, key, amount in after:
        at += gap
        assert again.add(at, key, amount) == window.add(at, key, amount)
    assert again.value(at, "a") == window.value(at, "a")


def test_a_gauge_that_was_packed_goes_on():
    gauge = Gauge()
    for _ in range(2):
        gauge.begin(60)
    gauge.answer(1000.0, 60)
    again = Gauge.unpacked(json.loads(json.dumps(gauge.packed())))
    assert (again.calls, again.in_a_minute(), again.so_far(1090.0)) == (2, 120, 90)


def test_all_of_a_state_is_kept_but_what_follows_from_elsewhere():
    """A field that is added to a state is packed, or named here."""
    watch = Watch(RULES, lambda _: HOME)
    take(watch, Sighting(Moment.BEGUN, TUESDAY, call(1, TUESDAY)))
    (state,) = watch._states.values()
    legend, again = Legend(), State("acme", state.plan, HOME, Profile(HOME.trunk_class))
    packed = pack(state, legend)
    assert unpack(again, packed, Basis.unpacked(legend.packed(), TUESDAY))
    other = {"trunk", "plan", "home", "place", "usuals", "profile", "windows", "gauges"}
    for name in set(state.__slots__) - other:
        assert getattr(again, name) == getattr(state, name), name
    assert pack(again, legend) == pack(state, legend)
