"""Which PBX a User-Agent tells of, and the list that ships."""

from dataclasses import replace
from datetime import date

import pytest

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.generation.pbx import PbxKind
from asterisk_siptrunk.trunk.pbx import Pbx, PbxState, pbx_of, shipped_pbxs

DAY = date(2026, 11, 24)
PLAIN = Pbx("Plain", "Plain", PbxState.WORKS, "", "", DAY)
PLAIN_2 = replace(PLAIN, name="Plain 2", agent="Plain 2", state=PbxState.UNSUPPORTED)
ANY = replace(PLAIN, name="Any other", agent="")


@pytest.mark.parametrize(
    ("agent", "found"),
    [
        ("Plain", PLAIN),
        ("Plain 1.7", PLAIN),
        ("plain 1.7", PLAIN),
        ("Plain 2.0", PLAIN_2),
        ("My Plain", None),
        ("", None),
    ],
)
def test_the_longest_beginning_tells_which_it_is(agent, found):
    for listed in ((ANY, PLAIN, PLAIN_2), (PLAIN_2, PLAIN, ANY)):
        assert pbx_of(listed, agent) == found


@pytest.mark.parametrize(
    ("state", "recommended"),
    [("tested", True), ("works", True), ("unsupported", False), ("removed", False)],
)
def test_what_a_customer_may_rely_on(state, recommended):
    assert PbxState(state).is_recommended is recommended


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "has a name"),
        ({"name": "x" * 81}, "The name of a PBX is one line of up to 80"),
        ({"agent": "a\nb"}, "The User-Agent of a PBX is one line"),
        ({"agent": " a"}, "The User-Agent of a PBX is one line"),
        ({"note": "x" * 501}, "The note of a PBX is one line of up to 500"),
    ],
)
def test_what_cannot_be_shown_is_refused(values, said):
    with pytest.raises(InvalidInput, match=said):
        replace(PLAIN, **values)


@pytest.mark.parametrize(
    ("agent", "name", "state"),
    [
        ("Asterisk PBX 22.10.1", "Asterisk (PJSIP), 18 and later", PbxState.TESTED),
        ("FPBX-16.0.33(18.9-cert1)", "FreePBX (chan_pjsip)", PbxState.WORKS),
        ("3CXPhoneSystem 18.0.3.461", "3CX", PbxState.WORKS),
    ],
)
def test_the_list_that_ships_knows_what_they_call_themselves(agent, name, state):
    found = pbx_of(shipped_pbxs(), agent)
    assert found is not None
    assert (found.name, found.state) == (name, state)


def test_its_ready_settings_are_there_and_only_what_our_tests_connect_is_tested():
    assert {one.settings for one in shipped_pbxs()} == set(PbxKind)
    assert [one.name for one in shipped_pbxs() if one.state is PbxState.TESTED] == [
        "Asterisk (PJSIP), 18 and later"  # tests/lab/pbx.py
    ]
