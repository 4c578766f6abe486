"""What goes into the rules of the packet filter, and what cannot."""

import re
from dataclasses import replace
from ipaddress import ip_network

import pytest

from asterisk_siptrunk.errors import InvalidInput, TemplateFailed
from asterisk_siptrunk.generation.firewall import Limits, ruleset, unknown_carriers
from asterisk_siptrunk.generation.templates import Templates
from tests.unit.generation.samples import CARRIERS, OVH, VOXBONE, settings


def rules(carriers=CARRIERS, limits=None, **asterisk):
    return ruleset(settings(**asterisk).asterisk, carriers, limits or Limits(), Templates())


def accepted(text):
    return re.findall(r"ip6? saddr \{ (.*) \} accept", text)


@pytest.mark.parametrize(
    ("asterisk", "more", "udp", "tcp"),
    [
        ({}, (), "5060", "5060, 5061"),
        ({"sip_port": 5070, "tls_port": 5071}, (), "5070", "5070, 5071"),
        ({"tls_certificate": "", "tls_key": ""}, (), "5060", "5060"),
        ({}, (5160, 5060), "5060, 5160", "5060, 5061, 5160"),
        # Asterisk's own transports: its TLS port is not ours to know either
        ({"sip_port": 0}, (5160, 5161), "5160, 5161", "5160, 5161"),
    ],
)
def test_the_ports_are_those_that_are_listened_on(asterisk, more, udp, tcp):
    text = rules(limits=Limits(ports=more), **asterisk)
    assert f"        udp dport {{ {udp} }} goto datagrams" in text
    assert f"        tcp dport {{ {tcp} }} goto connected" in text


def test_ports_that_nobody_knows_are_asked_for():
    with pytest.raises(InvalidInput, match="--port"):
        rules(sip_port=0)


@pytest.mark.parametrize(
    ("bind", "beginnings"),
    [
        (("0.0.0.0",), [""]),
        (("192.0.2.1", "::"), [""]),
        (("192.0.2.1",), ["ip daddr { 192.0.2.1/32 } "]),
        (
            ("2001:db8::1", "192.0.2.1"),
            ["ip daddr { 192.0.2.1/32 } ", "ip6 daddr { 2001:db8::1/128 } "],
        ),
    ],
)
def test_other_addresses_of_the_machine_are_others_business(bind, beginnings):
    found = re.findall(r"^ *(.*)udp dport", rules(bind=bind), re.MULTILINE)
    assert found == beginnings


@pytest.mark.parametrize(
    ("match", "server", "networks"),
    [
        (
            ("203.0.113.0/28", "2001:db8:5::/64"),
            "sip.example",
            ["203.0.113.0/28", "2001:db8:5::/64"],
        ),
        # overlapping ones, which nftables refuses: /28 and its upper half are /28
        (("203.0.113.0/28", "203.0.113.8/29"), "sip.example", ["203.0.113.0/28"]),
        ((), "203.0.113.9:5070", ["203.0.113.9/32"]),
        ((), "[2001:db8::9]:5070", ["2001:db8::9/128"]),
        ((), "sip.example", []),
    ],
)
def test_carriers_have_no_limit(match, server, networks):
    one = replace(VOXBONE, match=tuple(map(ip_network, match)), server=server)
    one = replace(one, profile=replace(one.profile, match=()))
    assert accepted(rules([one])) == networks
    assert unknown_carriers([one]) == ([] if networks else ["voxbone"])


def test_a_carrier_out_of_service_is_not_missed():
    assert unknown_carriers([OVH, replace(OVH, name="old", enabled=False)]) == ["ovh"]


def test_all_is_in_proportion_to_the_invites():
    text = rules(limits=Limits(invites=7))
    limits = re.findall(r"limit rate over (.*) \} counter name (\w+) drop", text)
    assert sorted(set(limits)) == [
        ("14 kbytes/second burst 64 kbytes", "streams_dropped"),  # 7 x 2 kB; the longest segment
        ("7/second burst 7 packets", "calls_dropped"),
        ("7/second burst 7 packets", "connections_dropped"),
        ("70/second burst 70 packets", "messages_dropped"),  # 7 x 10
    ]
    assert len(limits) == 8  # each for both families


def test_what_is_no_call_is_told_by_its_first_letters():
    found = re.findall(r"0x([0-9a-f]{8}), # ([A-Z/2.0]+)\n", rules())
    assert {bytes.fromhex(letters).decode().rstrip() for letters, _ in found} == {
        name[:4] for _, name in found
    }
    assert "INVITE" not in {name for _, name in found}


@pytest.mark.parametrize("name", ["x\n}", "x;", "x#", "a]"])
def test_no_name_of_a_carrier_becomes_a_rule(name):
    with pytest.raises(TemplateFailed, match=r"nftables\.conf: "):
        rules([replace(VOXBONE, name=name)])


def test_a_site_s_template_stands_in_for_ours(tmp_path):
    (tmp_path / "nftables.conf.j2").write_text("limit {{ invites }} at {{ udp_ports | join }}\n")
    text = ruleset(settings().asterisk, CARRIERS, Limits(), Templates(tmp_path))
    assert text == "limit 50 at 5060\n"
