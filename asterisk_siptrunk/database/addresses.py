"""No two address trunks or carriers may be known by the same address."""

from collections.abc import Iterator
from ipaddress import ip_network

from sqlalchemy import Connection, select

from asterisk_siptrunk.database import provider
from asterisk_siptrunk.database.tables import carrier, trunk
from asterisk_siptrunk.trunk import IPNetwork, TrunkKind
from asterisk_siptrunk.trunk.addresses import Claim, check_claim, claim_of_carrier
from asterisk_siptrunk.trunk.profiles import load_profile


def hold(connection: Connection) -> None:
    """Have no other claim made until this transaction ends.

    Before anything is read: of two commands at once the second must see what the first stored.
    """
    provider.hold(connection)


def check(connection: Connection, new: Claim) -> None:
    """Refuse a claim that overlaps what is stored; `hold` comes first.

    Raises:
        InvalidInput: it does.
    """
    if new.known_by or new.server:
        check_claim(new, _every(connection))


def _every(connection: Connection) -> Iterator[Claim]:
    """All claims. Ended trunks have none; carriers out of service still have theirs."""
    in_force = (trunk.c.kind == TrunkKind.ADDRESS, trunk.c.ended.is_(False))
    known = select(trunk.c.name, trunk.c.addresses).where(*in_force)
    for name, addresses in connection.execute(known):
        yield Claim("trunk", name, networks(addresses))
    query = select(carrier.c.name, carrier.c.profile, carrier.c.match, carrier.c.server)
    for name, profile, match, server in connection.execute(query):
        yield claim_of_carrier(name, load_profile(profile), networks(match), server)


def networks(text: str) -> tuple[IPNetwork, ...]:
    """Networks as a column holds them."""
    return tuple(ip_network(part) for part in text.split())
