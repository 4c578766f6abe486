"""A watch that goes on from what was kept knows what one knows that was never stopped."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.anomaly import Login, LoginKind, Moment, Sighting, Watch, shipped_rules
from asterisk_siptrunk.anomaly.keeping import pack, unpack
from asterisk_siptrunk.anomaly.window import Distinct, Gauge, Leaders, Ring
from tests.unit.anomaly.builders import DAY, HOME, TUESDAY, call, inbound, rule

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


def gone_on(watch):
    """A watch that goes on where that one is, by way of JSON."""
    other = Watch(RULES, lambda _: HOME)
    for name, packed in json.loads(json.dumps(list(watch.kept()))):
        other.resume(name, packed)
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
    every = sorted(sightings_of(steps), key=lambda each: each.at)
    for each in every[:stop]:
        for found in take(live, each):
            if is_released:
                live.release(found.trunk, found.rule.name, found.key, found.at)
    again = gone_on(live)
    for each in every[stop:]:
        assert take(again, each) == take(live, each)
    assert list(again.kept()) == list(live.kept())
    later = TUESDAY + 9 * DAY
    live.forget(later)
    again.forget(later)
    assert list(again.learned()) == list(live.learned())


ADDED = st.lists(st.tuples(st.integers(0, 90), st.sampled_from("abc"), st.integers(1, 9)))


@pytest.mark.parametrize("kind", [Ring, Leaders, Distinct])
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
    again = unpack(pack(state), "acme", state.plan, HOME)
    other = {"trunk", "plan", "home", "place", "usuals", "profile", "windows", "gauges"}
    for name in set(state.__slots__) - other:
        assert getattr(again, name) == getattr(state, name), name
    assert pack(again) == pack(state)
