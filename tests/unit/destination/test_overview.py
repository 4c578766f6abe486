"""What a policy says of zones and countries, and what a change of it does."""

import pytest

from asterisk_siptrunk.destination import (
    Action,
    Kind,
    Layer,
    Policy,
    Rule,
    Target,
    default_rules,
    shipped_risk,
)
from asterisk_siptrunk.destination.overview import Openness, dangerous, difference, openness
from asterisk_siptrunk.destination.zones import Zone, zones_of

LV, LV_PREMIUM = Zone("LV", Kind.MOBILE), Zone("LV", Kind.PREMIUM)
BB_PREMIUM = Zone("BB", Kind.PREMIUM)


def rule(text: str) -> Rule:
    """From "block lv", "own allow lv", "lock block lv"."""
    *whose, action, target = text.split()
    layer = Layer.CUSTOMER if "own" in whose else Layer.PROVIDER
    return Rule(Target.parse(target), Action(action), layer, locked="lock" in whose)


def policy(*texts: str, home: str = "FR") -> Policy:
    return Policy(map(rule, texts), home)


@pytest.mark.parametrize(
    ("texts", "zone", "action", "decides", "exceptions"),
    [
        ([], LV, "allow", None, []),
        (["block lv"], LV, "block", "lv", []),
        (["block +371"], LV, "block", "+371", []),
        (["block +3"], LV, "block", "+3", []),
        (["block lv", "allow lv:mobile"], LV, "allow", "lv:mobile", []),
        (["block lv", "allow lv:mobile"], LV_PREMIUM, "block", "lv", []),
        (["block *:premium", "own allow lv"], LV_PREMIUM, "block", "*:premium", []),
        # a prefix that is all of the zone decides on it, one that is some of it is an exception
        (["block +3712"], LV, "block", "+3712", []),
        (["block lv", "allow +37129"], LV, "block", "lv", ["+37129"]),
        (["allow lv", "allow +37129"], LV, "allow", "lv", []),
        (["lock block lv", "own allow +37129"], LV, "block", "lv", []),
        (["block +37190"], LV, "allow", None, []),
        # a list that names a part of a zone
        (["block risk:high"], BB_PREMIUM, "allow", None, ["risk:high"]),
        (["block risk:high", "allow bb"], BB_PREMIUM, "allow", "bb", []),
        (["block risk:high"], LV, "block", "risk:high", []),
    ],
)
def test_a_zone_is_judged_as_a_whole(texts, zone, action, decides, exceptions):
    found = policy(*texts).judge_zone(zone)
    assert found.action == action
    assert (found.rule and str(found.rule.target)) == decides
    assert [str(one.target) for one in found.exceptions] == exceptions


@pytest.mark.parametrize(
    ("texts", "country", "state"),
    [
        ([], "LV", Openness.OPEN),
        (["block *:premium"], "LV", Openness.OPEN),  # by its phones alone
        (["block lv"], "LV", Openness.BLOCKED),
        (["block lv:mobile"], "LV", Openness.PARTLY),
        (["block +37129"], "LV", Openness.PARTLY),
        (["block lv", "allow +37129"], "LV", Openness.PARTLY),
        (["lock block lv"], "LV", Openness.LOCKED),
        (["lock block lv:mobile", "block lv"], "LV", Openness.BLOCKED),
        (["block *:satellite"], "001", Openness.PARTLY),  # it has no phones: all of it counts
        (["block 001"], "001", Openness.BLOCKED),
    ],
)
def test_a_country_at_a_glance(texts, country, state):
    judged = [policy(*texts).judge_zone(zone) for zone in zones_of(country, "FR")]
    assert openness(judged) is state


def names(zones) -> set[str]:
    return {zone.name for zone in zones}


@pytest.mark.parametrize(
    ("before", "after", "opened", "closed"),
    [
        (["block *:premium"], ["block *:premium", "allow lv:premium"], {"lv:premium"}, set()),
        (["block lv:mobile"], ["block lv:mobile"], set(), set()),
        ([], ["block lv:mobile"], set(), {"lv:mobile"}),
        (["block lv:mobile"], ["block lv:mobile", "allow +37129"], {"lv:mobile"}, set()),
        ([], ["block +37129"], set(), {"lv:mobile"}),
        (["lock block lv"], ["lock block lv", "own allow lv"], set(), set()),
    ],
)
def test_what_a_change_does(before, after, opened, closed):
    found = difference(policy(*before), policy(*after), "FR")
    assert (names(found.opened), names(found.closed)) == (opened, closed)


def test_what_ships_leaves_europe_open():
    shipped = Policy(default_rules(), "FR")
    for country in ("FR", "DE", "GB", "US", "RE"):
        judged = [shipped.judge_zone(zone) for zone in zones_of(country, "FR")]
        assert openness(judged) is Openness.OPEN


def test_what_toll_fraud_prefers():
    germany = [Zone("DE", kind) for kind in (Kind.FIXED, Kind.PREMIUM)]
    satellite = Zone("001", Kind.SATELLITE)
    found = dangerous([*germany, LV, BB_PREMIUM, satellite], "FR", shipped_risk())
    assert names(found) == {"de:premium", "lv:mobile", "bb:premium", "001:satellite"}
    assert dangerous([LV], "LV", shipped_risk()) == ()
