import pytest

from asterisk_siptrunk.anomaly.trait import (
    Trait,
    end_traits,
    is_emergency,
    place_of,
    trait_of,
    traits_of,
    words,
)
from asterisk_siptrunk.call import Reason
from tests.unit.anomaly.builders import OWN, TUESDAY, call, inbound

OUT = Trait.OUTBOUND | Trait.ADMITTED
ABROAD = OUT | Trait.INTERNATIONAL


@pytest.mark.parametrize(
    ("values", "traits"),
    [
        ({"zone": "fr:mobile", "callee": "+33612345678", "price": 45_000}, OUT),
        ({"zone": "re:mobile", "callee": "+262692123456", "price": 90_000}, OUT),
        ({"zone": "de:mobile", "callee": "+4915112345678", "price": 50_000}, ABROAD),
        ({}, ABROAD | Trait.RISKY | Trait.DEAR),
        ({"zone": "jm:mobile", "callee": "+18761234567", "price": 0}, ABROAD | Trait.RISKY),
        ({"zone": "us:fixed", "callee": "+12121234567", "price": 0}, ABROAD),
        ({"zone": "gb:premium", "callee": "+449091234567", "price": 0}, ABROAD | Trait.RISKY),
        (
            {"zone": "fr:premium", "callee": "+33899123456", "price": 0, "fee": 200_000},
            OUT | Trait.RISKY | Trait.DEAR,
        ),
        ({"zone": "", "callee": "", "price": 0}, OUT | Trait.UNREADABLE),
    ],
    ids=["home", "overseas", "near", "risk", "caribbean", "us", "premium", "fee", "unreadable"],
)
def test_traits_of_where_a_call_goes(values, traits):
    assert traits_of(call(1, TUESDAY, **values), "FR") == traits


@pytest.mark.parametrize(
    ("presented", "reason", "is_borrowed"),
    [
        (OWN, Reason.ADMITTED, False),
        ("0123456789", Reason.ADMITTED, False),  # its own, in national form
        ("101", Reason.ADMITTED, False),  # an extension's
        ("anonymous-caller", Reason.ADMITTED, False),
        ("+37129123456", Reason.ADMITTED, True),
        ("+37129123456", Reason.CALLER_NOT_OWNED, True),
        ("", Reason.ADMITTED, False),
    ],
    ids=["own", "national", "extension", "name", "other", "refused", "none"],
)
def test_a_caller_number_is_borrowed_that_the_trunk_was_not_given(presented, reason, is_borrowed):
    seen = call(1, TUESDAY, presented=presented, reason=reason)
    assert bool(traits_of(seen, "FR") & Trait.BORROWED) is is_borrowed


def test_a_refused_one_from_nobody_s_number_is_borrowed_too():
    values = {"caller": "+37129123456", "presented": "+37129123456"}
    seen = call(1, TUESDAY, admitted=False, reason=Reason.CALLER_NOT_OWNED, **values)
    assert traits_of(seen, "FR") & Trait.BORROWED


def test_a_call_in_goes_nowhere():
    assert traits_of(inbound(1, TUESDAY, "+9607123456"), "FR") == Trait.INBOUND | Trait.ADMITTED


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"reason": Reason.EMERGENCY}, True),
        ({"zone": "fr:emergency"}, True),
        ({}, False),
    ],
    ids=["reason", "zone", "other"],
)
def test_emergency(values, expected):
    assert is_emergency(call(1, TUESDAY, **values)) is expected


@pytest.mark.parametrize(
    ("lasted", "talked", "traits"),
    [
        (3, None, Trait.UNANSWERED | Trait.ONE_RING),
        (20, None, Trait.UNANSWERED),
        (20, 12, Trait.ANSWERED | Trait.SHORT_CALL),
        (20, 13, Trait.ANSWERED),
        (2000, 1800, Trait.ANSWERED | Trait.LONG_CALL),
    ],
    ids=["one-ring", "unanswered", "short", "answered", "long"],
)
def test_traits_of_an_end(lasted, talked, traits):
    assert end_traits(lasted, talked) == traits


@pytest.mark.parametrize(
    ("zone", "place"),
    [
        ("gb:mobile", "gb"),
        ("gb:premium", "gb:premium"),
        ("fr:mobile", "fr"),
        ("re:fixed", "fr"),
        ("fr:premium", "fr:premium"),
        ("", ""),
    ],
    ids=["mobile", "premium", "home", "overseas", "dear", "none"],
)
def test_places(zone, place):
    assert place_of(zone, "FR") == place


def test_each_trait_has_a_word_and_words():
    for trait in Trait:
        assert trait_of(str(trait.name).lower().replace("_", "-")) is trait
        assert words(int(trait))
    assert trait_of("none-such") is None
    assert words(int(Trait.OUTBOUND | Trait.RISKY)) == "outbound, to numbers of high risk"
