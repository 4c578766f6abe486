"""Carrier profiles: those that ship can be read, and a mistake in one is named."""

import pytest

from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import Carrier
from asterisk_siptrunk.trunk.profiles import load_profile, parse_profile, profiles

GOOD = 'title = "Telco"\nmode = "address"\nsource = "its guide"\nas_of = "2026-11-24"\n'


def test_every_profile_that_ships_can_be_read():
    assert {"generic", "ovh", "twilio", "telnyx", "voipms", "sipgate"} <= set(profiles())
    assert [load_profile(name).name for name in profiles()] == list(profiles())


def test_a_profile_that_is_not_there_names_those_that_are():
    with pytest.raises(NotFound, match=r"no carrier profile nobody; there are .*generic"):
        load_profile("nobody")


def test_lists_and_networks_are_read():
    profile = parse_profile("telco", f'{GOOD}match = ["192.0.2.0/24"]\ncodecs = ["alaw"]\n')
    assert [str(network) for network in profile.match] == ["192.0.2.0/24"]
    assert profile.codecs == ("alaw",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not TOML"),
        (f"{GOOD}colour = 1", "no key 'colour'"),
        (f'{GOOD}name = "other"', "no key 'name'"),
        ('title = "Telco"', "'as_of' is missing"),
        (GOOD.replace('"address"', '"pigeon"'), "mode: 'pigeon'"),
        (f'{GOOD}match = ["here"]', "match: 'here'"),
        (f'{GOOD}expiry = "long"', "expiry: 'long' is not int"),
    ],
)
def test_a_mistake_is_named(text, said):
    with pytest.raises(InvalidInput, match=f"Carrier profile telco: .*{said}"):
        parse_profile("telco", text)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"server": ""}, "names no server"),
        ({"qualify": -1}, "qualify is 0 or more"),
        ({"priority": -1}, "priority is 0 or more"),
        ({"weight": 0}, "weight and channels 1 or more"),
        ({"channels": 0}, "weight and channels 1 or more"),
        ({"profile": load_profile("ovh")}, "needs a user name"),
    ],
)
def test_a_carrier_that_could_not_work_is_refused(wrong, said):
    values = {
        "id": 1,
        "name": "telco",
        "profile": load_profile("generic"),
        "server": "192.0.2.1",
        "country": "FR",
    }
    with pytest.raises(InvalidInput, match=said):
        Carrier(**values | wrong)
