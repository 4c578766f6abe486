"""The world by country and kind: what is in a zone, what is all of it, and what is risky."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination import (
    Action,
    Kind,
    Layer,
    Policy,
    RiskList,
    Rule,
    Target,
    default_rules,
    normalise,
    shipped_risk,
)
from asterisk_siptrunk.destination.digits import extremes
from asterisk_siptrunk.destination.zones import (
    Zone,
    blocks_of,
    codes_of,
    common_names,
    countries,
    covered,
    is_risky,
    risky_prefixes,
    touches,
    world,
    zones_of,
)

LV_MOBILE, LV_PREMIUM = Zone("LV", Kind.MOBILE), Zone("LV", Kind.PREMIUM)
JM_MOBILE, US = Zone("JM", Kind.MOBILE), Zone("US", Kind.FIXED_OR_MOBILE)
FR_PREMIUM, RE = Zone("FR", Kind.PREMIUM), Zone("RE", Kind.MOBILE)
SATELLITE = Zone("001", Kind.SATELLITE)


def kinds(country: str, home: str = "FR") -> set[str]:
    return {str(zone.kind) for zone in zones_of(country, home)}


def test_kinds_are_those_of_the_plans():
    assert {"fixed", "mobile", "premium"} <= kinds("LV")
    assert "fixed_or_mobile" in kinds("US")
    assert not {"fixed", "mobile"} & kinds("US")  # North America does not tell them apart
    assert kinds("001") == {"free", "shared_cost", "satellite"}
    assert "short" in kinds("FR")
    assert "short" not in kinds("FR", home="LV")  # short numbers are dialled at home
    assert "other" not in kinds("FR")  # our corrections know better: they are shared-cost


def test_the_world_has_all_countries_once():
    zones = world("FR")
    assert len(set(zones)) == len(zones)
    assert {zone.country for zone in zones} == set(countries())


def test_names():
    assert LV_PREMIUM.name == "lv:premium"
    assert codes_of("LV") == ("371",)
    assert "881" in codes_of("001")
    assert set(common_names(LV_PREMIUM, "FR", RiskList(frozenset()))) == {
        *("+3", "+37", "+371", "lv", "lv:premium", "*:premium", "international", "all"),
    }
    assert set(common_names(SATELLITE, "FR", RiskList(frozenset()))) == {
        *("001", "001:satellite", "*:satellite", "international", "all"),
    }
    assert set(common_names(RE, "FR", shipped_risk())) == {
        *("+2", "+26", "+262", "re", "re:mobile", "*:mobile", "all"),
    }
    assert "risk:high" in set(common_names(LV_MOBILE, "FR", shipped_risk()))


@pytest.mark.parametrize(
    ("zone", "prefix", "touched", "is_all"),
    [
        (LV_MOBILE, "+3712", True, True),
        (LV_MOBILE, "+37129", True, False),
        (LV_MOBILE, "+37190", False, False),
        (LV_MOBILE, "+3", True, True),
        (LV_MOBILE, "+44", False, False),
        (JM_MOBILE, "+1876", True, False),
        (JM_MOBILE, "+1212", False, False),
        (SATELLITE, "+881", True, False),
        (FR_PREMIUM, "+3389", True, False),
        (Zone("FR", Kind.SHORT), "+33", False, False),  # short numbers have no prefix
    ],
)
def test_prefixes_in_zones(zone, prefix, touched, is_all):
    assert touches(zone, prefix) is touched
    assert covered(zone, [prefix]) is is_all


def test_several_prefixes_cover_together():
    assert covered(JM_MOBILE, ["+1876", "+1658"])


@pytest.mark.parametrize(
    ("zone", "home", "risky", "in_part"),
    [
        (LV_MOBILE, "FR", True, False),  # the list names the country
        (LV_MOBILE, "LV", False, False),  # no country is a risk to itself
        (JM_MOBILE, "FR", True, True),  # by both of its area codes
        (JM_MOBILE, "JM", False, False),
        (Zone("BB", Kind.PREMIUM), "FR", False, True),  # +1900 is not on the list, +1246 is
        (Zone("DE", Kind.FIXED), "FR", False, False),
    ],
)
def test_risk(zone, home, risky, in_part):
    assert is_risky(zone, home, shipped_risk()) is risky
    assert bool(risky_prefixes(zone, home, shipped_risk())) is in_part


def test_corrected_kinds_are_in_the_zone_that_they_are_corrected_to():
    assert touches(FR_PREMIUM, "+3382")
    assert not touches(Zone("FR", Kind.SHARED_COST), "+3382")


_WITH_BLOCKS = [zone for zone in world("FR") if blocks_of(zone)]


@given(st.sampled_from(_WITH_BLOCKS), st.data())
def test_prefixes_of_a_zone_s_numbers_touch_it(zone, data):
    number = f"+{extremes(data.draw(st.sampled_from(blocks_of(zone))))[0]}"
    end = data.draw(st.integers(2, len(number)))
    assert touches(zone, number[:end])


@given(st.sampled_from(_WITH_BLOCKS), st.data())
def test_a_policy_says_of_a_number_what_it_says_of_its_zone(zone, data):
    number = f"+{extremes(data.draw(st.sampled_from(blocks_of(zone))))[0]}"
    read = normalise(number, "FR")
    if read is None or (read.country, read.kind) != (zone.country, zone.kind):
        return  # plans overlap in places: the zone is what most of its numbers are
    rules = [*default_rules(), Rule(Target.parse("lv"), Action.ALLOW, Layer.CUSTOMER)]
    policy = Policy(rules, "FR")
    of_zone = policy.judge_zone(zone)
    assert of_zone.exceptions or policy.judge(read).action is of_zone.action
