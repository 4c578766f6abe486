"""No two address trunks or carriers are known by the same address."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import Carrier, Trunk, TrunkKind
from asterisk_siptrunk.trunk.addresses import Claim, carrier_claim, check_claim, trunk_claim
from asterisk_siptrunk.trunk.profiles import load_profile

PLANT = Trunk(
    id=1,
    name="plant",
    customer="acme",
    kind=TrunkKind.ADDRESS,
    channels=2,
    country="FR",
    addresses=(ip_network("192.0.2.0/28"), ip_network("2001:db8:1::/48")),
    contact="192.0.2.1",
)
TELCO = Carrier(
    id=1, name="telco", profile=load_profile("generic"), server="sip.example", country="FR",
    username="us", secret="s", match=(ip_network("198.51.100.7"),),
)  # fmt: skip


def claim(*known_by: str, name="other", noun="trunk", server: str = "") -> Claim:
    return Claim(
        noun, name, tuple(map(ip_network, known_by)), (ip_network(server),) if server else ()
    )


def overlaps(new: Claim, other: Claim) -> bool:
    try:
        check_claim(new, [other])
    except InvalidInput:
        return True
    return False


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("192.0.2.15", True),
        ("192.0.2.16", False),
        ("192.0.2.0/24", True),
        ("0.0.0.0/0", True),
        ("2001:db8:1:2::1", True),
        ("2001:db8:2::/48", False),
        ("::ffff:192.0.2.3", True),  # the same IPv4 address, as an IPv6 socket sees it
        ("::ffff:192.0.2.64/122", False),
        ("203.0.113.0/24", False),
    ],
)
def test_an_address_means_one_trunk(address, is_refused):
    assert overlaps(claim(address), trunk_claim(PLANT)) is is_refused


def test_the_error_names_both_and_says_what_to_do():
    with pytest.raises(InvalidInput) as refused:
        check_claim(claim("198.51.100.0/24"), [trunk_claim(PLANT), carrier_claim(TELCO)])
    said = str(refused.value)
    assert said.startswith("trunk other: 198.51.100.0/24 overlaps 198.51.100.7 of carrier telco")
    assert "'siptrunk carrier show telco'" in said


def test_its_own_earlier_claim_is_no_obstacle():
    check_claim(claim("192.0.2.0/24", name="plant"), [trunk_claim(PLANT)])
    # Trunks and carriers have names of their own.
    assert overlaps(claim("192.0.2.0/24", name="plant", noun="carrier"), trunk_claim(PLANT))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": TrunkKind.REGISTERED},
        {"kind": TrunkKind.LOCAL, "inbound_context": "phones"},
        {"ended": True},
    ],
)
def test_who_is_not_known_by_address_claims_none(changes):
    assert trunk_claim(replace(PLANT, **changes)) == Claim("trunk", "plant")


@pytest.mark.parametrize(
    ("server", "address"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("203.0.113.5:5080", "203.0.113.5"),
        ("2001:db8:7::1", "2001:db8:7::1"),
        ("[2001:db8:7::1]", "2001:db8:7::1"),
        ("[2001:db8:7::1]:5080", "2001:db8:7::1"),
        ("sip.example.net", None),
        ("sip.example.net:5060", None),
        ("[nonsense", None),
    ],
)
def test_a_carriers_server_counts_where_it_is_an_address(server, address):
    found = carrier_claim(replace(TELCO, server=server)).server
    assert found == ((ip_network(address),) if address else ())


def test_a_carrier_out_of_service_is_still_known():
    assert carrier_claim(replace(TELCO, enabled=False)) == carrier_claim(TELCO)


def test_what_the_profile_knows_counts_too():
    known = carrier_claim(replace(TELCO, profile=load_profile("twilio"))).known_by
    assert set(load_profile("twilio").match) < set(known)


def test_a_server_is_refused_only_where_it_means_someone_else():
    address = "198.51.100.7"
    assert overlaps(claim(address), claim(name="c", noun="carrier", server=address))
    assert overlaps(claim(name="c", noun="carrier", server=address), claim(address))
    # Two accounts at one operator: neither is told by the address.
    assert not overlaps(
        claim(name="c", noun="carrier", server=address),
        claim(name="d", noun="carrier", server=address),
    )


IPV4 = st.builds(
    lambda number, bits: IPv4Network((number >> (32 - bits) << (32 - bits), bits)),
    st.integers(0xC000_0200, 0xC000_02FF),
    st.integers(22, 32),
)
IPV6 = st.builds(
    lambda number, bits: IPv6Network((number >> (128 - bits) << (128 - bits), bits)),
    st.integers(0x20010DB8 << 96, (0x20010DB8 << 96) + 255),
    st.integers(118, 128),
)
NETWORKS = st.lists(st.one_of(IPV4, IPV6), max_size=4).map(tuple)


def addresses(networks):
    """Every address of some small networks, one by one."""
    return {ip_address(address) for network in networks for address in network}


@given(mine=NETWORKS, theirs=NETWORKS)
def test_a_claim_is_refused_exactly_when_an_address_is_in_both(mine, theirs):
    shared = bool(addresses(mine) & addresses(theirs))
    one, two = Claim("trunk", "one", mine), Claim("carrier", "two", theirs)
    assert overlaps(one, two) is shared
    assert overlaps(two, one) is shared


@given(networks=NETWORKS, server=st.text())
def test_no_text_of_a_server_does_harm(networks, server):
    one = carrier_claim(replace(TELCO, server=server or "x"))
    assert overlaps(one, Claim("trunk", "t", networks)) in {True, False}


@given(network=IPV4)
def test_ipv4_in_ipv6_is_ipv4(network):
    mapped = IPv6Network(((0xFFFF << 32) + int(network.network_address), 96 + network.prefixlen))
    assert overlaps(Claim("trunk", "one", (mapped,)), Claim("trunk", "two", (network,)))
