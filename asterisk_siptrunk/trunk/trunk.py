"""What a customer has: a trunk, its numbers, and the terms that go with them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

from asterisk_siptrunk.errors import InvalidInput

IPNetwork = IPv4Network | IPv6Network

# A technical maximum: beyond it one Asterisk server runs out before the trunk does.
MOST_CHANNELS = 10_000
# The same: no server of ours admits so many, and a count must fit into the database's integers.
MOST_CALLS_PER_SECOND = 10_000


class TrunkKind(StrEnum):
    """How the customer's side is told from everyone else's."""

    REGISTERED = "registered"
    """A PBX that registers with the credentials we issued."""
    ADDRESS = "address"
    """A PBX known by its IP addresses alone."""
    LOCAL = "local"
    """The phones of this same Asterisk: a dialplan context to include, no endpoint."""


class Transport(StrEnum):
    """What SIP runs over between the PBX and us."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class CallerPolicy(StrEnum):
    """What becomes of an outbound call whose caller number is not the trunk's own."""

    REPLACE = "replace"
    """It goes out under the trunk's main number."""
    REFUSE = "refuse"


class AwayPolicy(StrEnum):
    """What the dialplan lets through by itself while the admission service is away."""

    DOMESTIC = "domestic"
    """Emergency and the ordinary numbers of the trunk's home country."""
    CLOSED = "closed"
    """Emergency only."""
    OPEN = "open"
    """Every number that can be dialled."""


class SuspensionScope(StrEnum):
    """The parts of the service that can be suspended; emergency calls are in none of them."""

    ALL = "all"
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNATIONAL = "international"
    """Outbound calls beyond the trunk's home country."""
    DESTINATION = "destination"
    """Outbound calls to the destinations that the suspension names."""
    CALLER = "caller"
    """Calls from the number that the suspension names, either way."""


IN_PART = frozenset({SuspensionScope.DESTINATION, SuspensionScope.CALLER})
"""Scopes that take a target."""
Part = tuple[SuspensionScope, str]
"""A scope, and the target that it takes, "" where it takes none."""


class SuspensionSource(StrEnum):
    """Who suspended, and so may lift it without being asked to."""

    ADMIN = "admin"
    BILLING = "billing"
    """An invoice is not paid; its payment lifts the suspension."""
    ANOMALY = "anomaly"
    """The watch over abnormal use found something."""

    @property
    def is_lifted_by_customers(self) -> bool:
        """Whether the customer may lift it: it knows best whether those calls were its own."""
        return self is SuspensionSource.ANOMALY


@dataclass(frozen=True, slots=True)
class Suspension:
    """A part of a trunk's service that is stopped, and why.

    Attributes:
        target: the name of a destination ("lv:premium", "+37190"), or a caller's number in E.164
            or as the PBX writes it; "" for the scopes that take none.
        expires_at: when it is over by itself; None until somebody lifts it.
    """

    scope: SuspensionScope
    reason: str
    source: SuspensionSource = SuspensionSource.ADMIN
    target: str = ""
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse a part that nobody could tell.

        Raises:
            InvalidInput: a target is missing, or is one too many.
        """
        if (self.scope in IN_PART) != bool(self.target):
            need = "needs one" if self.scope in IN_PART else "takes none"
            raise InvalidInput(
                f"Suspension of {self.scope}: it {need}: give a target with the scopes "
                f"{' and '.join(sorted(IN_PART))} alone."
            )

    @property
    def part(self) -> str:
        """What is stopped, for people: "international", "destination lv:premium"."""
        return f"{self.scope} {self.target}".rstrip()

    def holds(self, at: datetime) -> bool:
        """Whether it stops calls at that time."""
        return self.expires_at is None or at < self.expires_at


@dataclass(frozen=True, slots=True)
class Trunk:
    """One trunk as it stands now.

    Attributes:
        id: the database's key.
        version: goes up by one at each change of the trunk, its numbers, rules or suspensions.
        channels: calls at once, inbound and outbound together.
        reserved_inbound: how many of them outbound calls may never take.
        calls_per_second: how fast calls may arrive, both ways together; None is no limit.
        country: where the trunk's PBX is, as in ISO 3166 ("FR"): how it dials, its emergencies.
        ended: the contract is over: no endpoint, every call refused.
        addresses: where an ADDRESS trunk calls from, and what a REGISTERED one is restricted to
            (empty: from anywhere).
        contact: where inbound calls of an ADDRESS trunk go: "host" or "host:port".
        inbound_context: the dialplan context that gets inbound calls of a LOCAL trunk.
        numbers: its phone numbers in E.164, the main number first.
    """

    id: int
    name: str
    customer: str
    kind: TrunkKind
    channels: int
    country: str
    version: int = 1
    reserved_inbound: int = 0
    calls_per_second: int | None = None
    transport: Transport = Transport.UDP
    srtp: bool = False
    caller_policy: CallerPolicy = CallerPolicy.REPLACE
    away_policy: AwayPolicy = AwayPolicy.DOMESTIC
    ended: bool = False
    addresses: tuple[IPNetwork, ...] = ()
    contact: str | None = None
    inbound_context: str | None = None
    numbers: tuple[str, ...] = ()
    suspensions: tuple[Suspension, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            InvalidInput: the numbers disagree, or a part that this kind of trunk needs is missing.
        """
        _check_channels(self.channels, self.reserved_inbound, self.calls_per_second)
        if self.srtp and self.transport is not Transport.TLS:
            raise InvalidInput(
                f"trunk {self.name}: SRTP keys would cross the network in clear; "
                "use it with TLS as transport (--transport tls)."
            )
        if self.kind is TrunkKind.ADDRESS and not (self.addresses and self.contact):
            raise InvalidInput(
                f"trunk {self.name}: a trunk known by its address needs at least one address "
                "(--address), and the host that inbound calls go to (--contact)."
            )
        if self.kind is TrunkKind.LOCAL and not self.inbound_context:
            raise InvalidInput(
                f"trunk {self.name}: a trunk for this server's own phones needs the dialplan "
                "context that its inbound calls go to (--inbound-context)."
            )

    @property
    def main_number(self) -> str | None:
        """The number that stands in for caller numbers that are not the trunk's."""
        return self.numbers[0] if self.numbers else None

    @property
    def status(self) -> str:
        """One word or list for people: active, ended, or what is suspended."""
        if self.ended:
            return "ended"
        if self.suspensions:
            return "suspended: " + ", ".join(sorted(s.part for s in self.suspensions))
        return "active"

    def suspension_of(self, *scopes: SuspensionScope) -> Suspension | None:
        """The suspension that covers any of these parts, if there is one; ALL covers each."""
        covering = {SuspensionScope.ALL, *scopes}
        return next((s for s in self.suspensions if s.scope in covering), None)

    def suspension_at(self, at: datetime, parts: Collection[Part]) -> Suspension | None:
        """The suspension that stops a call at that time; the call is in these parts."""
        return next(
            (s for s in self.suspensions if (s.scope, s.target) in parts and s.holds(at)), None
        )


def _check_channels(channels: int, reserved_inbound: int, calls_per_second: int | None) -> None:
    if not 1 <= channels <= MOST_CHANNELS:
        raise InvalidInput(f"{channels} channels: a trunk has between 1 and {MOST_CHANNELS}.")
    if not 0 <= reserved_inbound <= channels:
        raise InvalidInput(
            f"{reserved_inbound} channels reserved for inbound calls (--reserved-inbound): "
            f"the trunk has {channels} in all."
        )
    if calls_per_second is not None and calls_per_second < 1:
        raise InvalidInput("calls per second: give 1 or more, or leave the limit out.")
