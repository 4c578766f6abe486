import hashlib
from dataclasses import replace
from ipaddress import ip_network

import pytest

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import (
    Carrier,
    CarrierMode,
    CarrierProfile,
    Suspension,
    SuspensionScope,
    Transport,
    Trunk,
    TrunkKind,
    digest,
    new_secret,
    parse_name,
)

PLAIN = Trunk(
    id=1, name="acme", customer="acme", kind=TrunkKind.REGISTERED, channels=5, country="FR"
)


@pytest.mark.parametrize("name", ["a", "acme", "acme-paris-2", "a" * 40])
def test_names_that_can_be(name):
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "Acme", "2acme", "acme_paris", "-a", "a-", "a--b", "a b", "a\n", "a;b", "é", "a" * 41],
)
def test_names_that_cannot(name):
    with pytest.raises(InvalidInput):
        parse_name(name)


@pytest.mark.parametrize(
    "terms",
    [
        {"channels": 0},
        {"channels": 10_001},
        {"reserved_inbound": -1},
        {"reserved_inbound": 6},
        {"calls_per_second": 0},
        {"srtp": True},
        {"kind": TrunkKind.ADDRESS},
        {"kind": TrunkKind.ADDRESS, "contact": "192.0.2.1"},
        {"kind": TrunkKind.LOCAL},
    ],
)
def test_terms_that_could_not_work_are_refused(terms):
    with pytest.raises(InvalidInput):
        replace(PLAIN, **terms)


@pytest.mark.parametrize(
    "terms",
    [
        {"reserved_inbound": 5},
        {"srtp": True, "transport": Transport.TLS},
        {
            "kind": TrunkKind.ADDRESS,
            "contact": "192.0.2.1",
            "addresses": (ip_network("192.0.2.1"),),
        },
        {"kind": TrunkKind.LOCAL, "inbound_context": "from-trunk"},
    ],
)
def test_terms_that_work(terms):
    assert replace(PLAIN, **terms)


def test_the_status_says_what_is_stopped():
    both = (
        Suspension(SuspensionScope.OUTBOUND, "x"),
        Suspension(SuspensionScope.INBOUND, "y"),
    )
    assert PLAIN.status == "active"
    assert replace(PLAIN, suspensions=both).status == "suspended: inbound, outbound"
    assert replace(PLAIN, ended=True).status == "ended"


def test_a_suspension_of_all_covers_each_part():
    unpaid = Suspension(SuspensionScope.ALL, "unpaid")
    suspended = replace(PLAIN, suspensions=(unpaid,))

    assert suspended.suspension_of(SuspensionScope.INBOUND) is unpaid
    assert PLAIN.suspension_of(SuspensionScope.INBOUND) is None


def test_the_main_number_is_the_first():
    assert PLAIN.main_number is None
    assert replace(PLAIN, numbers=("+331", "+332")).main_number == "+331"


def test_digests_are_those_that_a_challenge_is_answered_with():
    # RFC 2617 section 3.5's example: H(A1) of Mufasa.
    found = digest("Mufasa", "testrealm@host.com", "Circle Of Life")

    assert found.md5 == "939e7578ed9e3c518a452acee763bce9"
    expected = hashlib.sha256(b"Mufasa:testrealm@host.com:Circle Of Life").hexdigest()
    assert found.sha256 == expected


def test_secrets_are_long_and_never_the_same():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(secret) == 24 and secret.isalnum() for secret in secrets)


PROFILE = CarrierProfile(
    name="plain", title="Plain", mode=CarrierMode.REGISTER, source="a test", as_of="2026-11-23"
)
CARRIER = Carrier(
    id=1,
    name="one",
    profile=PROFILE,
    server="192.0.2.1",
    country="FR",
    username="us",
    secret="hidden",
)


def test_a_carriers_secret_is_in_no_repr():
    assert "hidden" not in repr(CARRIER)


@pytest.mark.parametrize(
    "changed",
    [
        {"server": ""},
        {"username": ""},
        {"secret": ""},
        {"priority": -1},
        {"weight": 0},
        {"channels": 0},
    ],
)
def test_carriers_that_could_not_work_are_refused(changed):
    with pytest.raises(InvalidInput):
        replace(CARRIER, **changed)


def test_a_carrier_that_knows_our_address_needs_no_credentials():
    by_address = replace(PROFILE, mode=CarrierMode.ADDRESS)
    assert replace(CARRIER, profile=by_address, username="", secret="")


@pytest.mark.parametrize(
    ("scope", "target"),
    [
        (SuspensionScope.DESTINATION, ""),
        (SuspensionScope.CALLER, ""),
        (SuspensionScope.ALL, "lv"),
        (SuspensionScope.INTERNATIONAL, "lv"),
    ],
)
def test_a_suspension_in_part_says_of_what_and_no_other_does(scope, target):
    with pytest.raises(InvalidInput, match=f"Suspension of {scope}: it (needs one|takes none)"):
        Suspension(scope, "x", target=target)


def test_the_status_names_the_part_that_is_stopped():
    part = Suspension(SuspensionScope.DESTINATION, "x", target="lv:premium")
    assert replace(PLAIN, suspensions=(part,)).status == "suspended: destination lv:premium"
