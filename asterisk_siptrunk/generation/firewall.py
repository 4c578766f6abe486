"""What the kernel's packet filter (nftables) is told, to keep a flood from Asterisk.

Asterisk makes a channel of an INVITE before anyone can refuse it, and PJSIP knows no limit by
endpoint. So what one address may send is limited before Asterisk reads it: a flood takes nothing
from other addresses then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import TYPE_CHECKING

from asterisk_siptrunk.errors import InvalidInput, TemplateFailed
from asterisk_siptrunk.generation.escape import UnsafeValue
from asterisk_siptrunk.settings import AsteriskSettings
from asterisk_siptrunk.trunk import Carrier, IPNetwork
from asterisk_siptrunk.trunk.addresses import carrier_claim

if TYPE_CHECKING:
    from asterisk_siptrunk.generation.templates import Templates

INVITES_A_SECOND = 50
"""Of one address. A call that is challenged takes two, so this is 25 calls a second: what 4,500
channels need, at three minutes a call. And five addresses at once stay below 250 a second, up to
which the calls of others were measured to be as fast as ever."""
MOST_INVITES_A_SECOND = 100_000

# Twice a call: two INVITEs, two ACKs and a BYE of the caller's, its answers, and room.
_MESSAGES_AN_INVITE = 10
# A challenged call's messages have 4 kB. Of the smallest INVITEs, 400 bytes, five times as many
# pass in a stream as in datagrams.
_KBYTES_AN_INVITE = 2
_LONGEST_SEGMENT = 64
"""Kilobytes that the kernel may hand on at once (GRO): with less room none of them would pass."""
_SOURCES = 65_536
"""Addresses that are counted at the same time, in each set: some 200 bytes each."""
_OTHER_MESSAGES = (
    *("ACK ", "BYE ", "CANCEL", "INFO", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH"),
    *("REFER", "REGISTER", "SIP/2.0", "SUBSCRIBE", "UPDATE"),
)
_LETTERS_READ = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one address may send.

    Attributes:
        invites: a second; what else it sends is limited in proportion.
        exempt: networks without a limit, beside the carriers'.
        ports: where SIP is listened for, beside the settings' ports.
    """

    invites: int = INVITES_A_SECOND
    exempt: tuple[IPNetwork, ...] = ()
    ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Exempt:
    whose: str
    networks4: Sequence[IPv4Network]
    networks6: Sequence[IPv6Network]


def ruleset(
    asterisk: AsteriskSettings,
    carriers: Iterable[Carrier],
    limits: Limits,
    templates: "Templates",
) -> str:
    """Write the table of nftables, ready for `nft -f`.

    Raises:
        InvalidInput: it is not known where SIP is listened for.
        TemplateFailed: a template cannot be used.
    """
    try:
        return templates.render("nftables.conf", _values(asterisk, carriers, limits))
    except UnsafeValue as unsafe:
        raise TemplateFailed(f"nftables.conf: {unsafe.value[:40]!r}: {unsafe}.") from None


def unknown_carriers(carriers: Iterable[Carrier]) -> list[str]:
    """The carriers in service of which no address is known: they are limited like anyone."""
    return [each.name for each in carriers if each.enabled and not _networks_of(each)]


def _values(
    asterisk: AsteriskSettings, carriers: Iterable[Carrier], limits: Limits
) -> dict[str, object]:
    udp_ports, tcp_ports = _ports(asterisk, limits)
    owned = [(f"carrier {each.name}", _networks_of(each)) for each in carriers]
    kbytes = limits.invites * _KBYTES_AN_INVITE
    exempts = [*owned, ("by --exempt", limits.exempt)]
    return {
        "exempts": [_exempt(whose, networks) for whose, networks in exempts if networks],
        "listening": _listening(asterisk),
        "udp_ports": udp_ports,
        "tcp_ports": tcp_ports,
        "invites": limits.invites,
        "messages": limits.invites * _MESSAGES_AN_INVITE,
        "kbytes": kbytes,
        "kbytes_at_once": max(kbytes, _LONGEST_SEGMENT),
        "sources": _SOURCES,
        "other_messages": [
            {"name": each.strip(), "letters": f"0x{each[:_LETTERS_READ].encode().hex()}"}
            for each in _OTHER_MESSAGES
        ],
    }


def _networks_of(carrier: Carrier) -> tuple[IPNetwork, ...]:
    claim = carrier_claim(carrier)
    return (*claim.known_by, *claim.server)


def _exempt(whose: str, networks: Iterable[IPNetwork]) -> _Exempt:
    """The networks without overlaps: nftables refuses a set that has some."""
    every = list(networks)
    return _Exempt(
        whose,
        list(collapse_addresses(each for each in every if isinstance(each, IPv4Network))),
        list(collapse_addresses(each for each in every if isinstance(each, IPv6Network))),
    )


def _ports(asterisk: AsteriskSettings, limits: Limits) -> tuple[list[int], list[int]]:
    """The ports of UDP and of TCP."""
    udp = {asterisk.sip_port, *limits.ports} - {0}
    if not udp:
        raise InvalidInput(
            "[asterisk] sip_port is 0: Asterisk's own pjsip.conf says where SIP is listened for. "
            "Give each of its ports with --port."
        )
    tls = {asterisk.tls_port} if asterisk.sip_port and asterisk.tls_certificate else set()
    return sorted(udp), sorted(udp | tls)


def _listening(asterisk: AsteriskSettings) -> list[str]:
    """The beginnings of rules for the addresses that are listened on; one for all is empty."""
    networks = [ip_network(address) for address in asterisk.bind]
    everywhere = any(each.network_address.is_unspecified for each in networks)
    if everywhere or not asterisk.sip_port:
        return [""]
    at = _exempt("", networks)
    both = (("ip", at.networks4), ("ip6", at.networks6))
    return [f"{family} daddr {{ {_listed(own)} }} " for family, own in both if own]


def _listed(networks: Iterable[IPNetwork]) -> str:
    return ", ".join(map(str, networks))
