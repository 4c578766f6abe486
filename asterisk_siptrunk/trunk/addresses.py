"""Which addresses mean whom: no two may be the same, or calls are billed to the wrong one.

Asterisk tells an address trunk and a carrier by their `identify` sections. Where two of them hold
an address, whichever it finds first gets the call (res_pjsip_endpoint_identifier_ip.c). The
addresses of a registered trunk only restrict who may use its name, so they may be anyone's.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import (
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk.carrier import Carrier, CarrierProfile
from asterisk_siptrunk.trunk.trunk import IPNetwork, Trunk, TrunkKind

# An IPv4 address as IPv6 sockets see it (RFC 4291 section 2.5.5.2); Asterisk compares it as IPv4.
_MAPPED = IPv6Network("::ffff:0:0/96")


@dataclass(frozen=True, slots=True)
class Claim:
    """The addresses that a trunk or a carrier is known by.

    Attributes:
        noun: "trunk" or "carrier", as the command has it.
        known_by: calls from there are its calls.
        server: where a carrier's calls go, if that is an address; they may come from there too.
            Two carriers may share one: without `known_by` neither is told by it.
    """

    noun: str
    name: str
    known_by: tuple[IPNetwork, ...] = ()
    server: tuple[IPNetwork, ...] = ()

    @property
    def owner(self) -> str:
        """Whose they are, for people."""
        return f"{self.noun} {self.name}"


def parse_network(text: str) -> IPNetwork:
    """An address, or a network without host bits.

    Raises:
        InvalidInput: it is none; where host bits stand, with the network that was meant.
    """
    try:
        return ip_network(text)
    except ValueError:
        raise InvalidInput(_network_advice(text)) from None


def _network_advice(text: str) -> str:
    try:
        network = ip_interface(text).network
    except ValueError:
        return (
            f"{text!r} is no IP address or network; give one like 192.0.2.10, 192.0.2.0/24 or "
            "2001:db8::/32."
        )
    address = ip_address(text.partition("/")[0])
    return f"{text} has host bits set; for the network give {network}, for the host {address}."


def trunk_claim(trunk: Trunk) -> Claim:
    """What a trunk is known by: nothing where it registers, is local or has ended."""
    known = trunk.kind is TrunkKind.ADDRESS and not trunk.ended
    return Claim("trunk", trunk.name, trunk.addresses if known else ())


def carrier_claim(carrier: Carrier) -> Claim:
    """What a carrier is known by; one that is out of service may still call us."""
    return claim_of_carrier(carrier.name, carrier.profile, carrier.match, carrier.server)


def claim_of_carrier(
    name: str, profile: CarrierProfile, match: tuple[IPNetwork, ...], server: str
) -> Claim:
    """The same, from the parts that it takes."""
    return Claim("carrier", name, (*profile.match, *match), _literal(server))


def check_claim(new: Claim, others: Iterable[Claim]) -> None:
    """Refuse a claim that overlaps one of the others; its own earlier one is none of them.

    Raises:
        InvalidInput: both owners and addresses are named, and what to do.
    """
    for other in others:
        if (other.noun, other.name) == (new.noun, new.name):
            continue
        overlap = _overlap(new, other)
        if overlap is not None:
            mine, theirs = map(_shown, overlap)
            raise InvalidInput(
                f"{new.owner}: {mine} overlaps {theirs} of {other.owner}, and calls from there "
                f"would be billed to only one of the two. Give {new.owner} addresses of its own, "
                f"or change those of {other.owner} first; 'siptrunk {other.noun} show "
                f"{other.name}' has them all."
            )


def _overlap(new: Claim, other: Claim) -> tuple[IPNetwork, IPNetwork] | None:
    """The first addresses of both that Asterisk could not keep apart."""
    pairs = (
        (new.known_by, (*other.known_by, *other.server)),
        (new.server, other.known_by),
    )
    for some, against in pairs:
        for mine in some:
            for theirs in against:
                if _plain(mine).overlaps(_plain(theirs)):
                    return mine, theirs
    return None


def _plain(network: IPNetwork) -> IPNetwork:
    """The network as Asterisk compares it: IPv4 where it is IPv4 in IPv6's clothes."""
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        bits = network.prefixlen - _MAPPED.prefixlen
        return IPv4Network((int(network.network_address) & 0xFFFF_FFFF, bits))
    return network


def _literal(server: str) -> tuple[IPNetwork, ...]:
    """The address in `host`, `host:port` or `[host]:port`; none in a name: only DNS knows it."""
    host = server
    if server.startswith("["):
        host = server[1:].partition("]")[0]
    elif server.count(":") == 1:
        host = server.partition(":")[0]
    with suppress(ValueError):
        address = ip_address(host)
        # A scope (fe80::1%eth0) belongs to this machine and to no network.
        bare = IPv6Address(int(address)) if isinstance(address, IPv6Address) else address
        return (ip_network(bare),)
    return ()


def _shown(network: IPNetwork) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)
