"""The operators upstream, and how a call is put to each of them."""

from dataclasses import dataclass, field
from enum import StrEnum

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk.trunk import IPNetwork, Transport

# What people are let give: more than any carrier has, and what the database's integers hold.
MOST_CARRIER_CHANNELS = 1_000_000
HIGHEST_PRIORITY = 1_000_000
HIGHEST_WEIGHT = 1_000_000
LONGEST_QUALIFY = 86_400  # a day; Asterisk's qualify_frequency is seconds too


class CarrierMode(StrEnum):
    """How the carrier knows us."""

    REGISTER = "register"
    """We register; inbound calls come back along the registration."""
    CREDENTIALS = "credentials"
    """We answer its challenge on each call; it calls us from known addresses."""
    ADDRESS = "address"
    """It knows our address, and we know its."""


class NumberFormat(StrEnum):
    """How a carrier writes +33123456789."""

    PLUS = "plus"
    """+33123456789"""
    DIGITS = "digits"
    """33123456789"""
    ZEROS = "zeros"
    """0033123456789"""
    NATIONAL = "national"
    """0123456789, and numbers abroad with 00"""


class CallerHeader(StrEnum):
    """Where a carrier wants to see the true caller number."""

    FROM = "from"
    PAI = "pai"
    """P-Asserted-Identity, RFC 3325"""
    RPID = "rpid"
    """Remote-Party-ID, the draft that came before it"""


@dataclass(frozen=True, slots=True)
class CarrierProfile:
    """A provider's ways, as its profile file tells them; see `carrier_profiles/README`.

    Attributes:
        server: host of the SIP server; empty where each customer has its own.
        expiry: seconds between registrations.
        qualify: seconds between OPTIONS that tell whether the carrier answers; 0 is never.
        tech_prefix: digits put before every called number.
        from_user: "username", or "" for the caller number.
        match: addresses that inbound calls come from.
        number_in_to: the called number of inbound calls stands in To, not in the request URI.
        source: where these facts come from; as_of: the day they were collected.
    """

    name: str
    title: str
    mode: CarrierMode
    source: str
    as_of: str
    server: str = ""
    port: int = 5060
    transport: Transport = Transport.UDP
    outbound_proxy: str = ""
    called_format: NumberFormat = NumberFormat.PLUS
    caller_format: NumberFormat = NumberFormat.PLUS
    caller_header: CallerHeader = CallerHeader.FROM
    from_user: str = ""
    from_domain: str = ""
    tech_prefix: str = ""
    send_diversion: bool = False
    codecs: tuple[str, ...] = ("alaw", "ulaw")
    dtmf: str = "rfc4733"
    expiry: int = 3600
    forbidden_retry: int = 300
    qualify: int = 60
    match: tuple[IPNetwork, ...] = ()
    number_in_to: bool = False
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Carrier:
    """One carrier as it stands now.

    Attributes:
        priority: carriers of the lowest number are tried first.
        weight: share of the calls among carriers of one priority.
        channels: calls at once that it takes from us; None is no limit.
        country: how it writes national numbers ("FR").
        match: addresses it calls from, besides its profile's.
        enabled: a carrier out of service keeps its place and gets no calls.
        qualify: seconds between OPTIONS instead of its profile's; 0 for a carrier that answers
            none, since who does not answer gets no calls.
        secret: the password for its registrar; Asterisk's registration needs it in clear.
    """

    id: int
    name: str
    profile: CarrierProfile
    server: str
    country: str
    version: int = 1
    priority: int = 10
    weight: int = 10
    channels: int | None = None
    enabled: bool = True
    username: str = ""
    secret: str = field(default="", repr=False)
    match: tuple[IPNetwork, ...] = ()
    qualify: int | None = None

    def __post_init__(self) -> None:
        """Refuse what could not work.

        Raises:
            InvalidInput: a part that the profile's mode needs is missing.
        """
        if not self.server:
            raise InvalidInput(
                f"carrier {self.name}: the profile {self.profile.name} names no server; "
                "give the host that calls go to (--server)."
            )
        if self.profile.mode is not CarrierMode.ADDRESS and not (self.username and self.secret):
            raise InvalidInput(
                f"carrier {self.name}: the profile {self.profile.name} needs a user name "
                "(--username) and a secret (--secret-file)."
            )
        too_few = self.channels is not None and self.channels < 1
        if self.qualify is not None and self.qualify < 0:
            raise InvalidInput(f"carrier {self.name}: qualify is 0 or more seconds.")
        if self.priority < 0 or self.weight < 1 or too_few:
            raise InvalidInput(
                f"carrier {self.name}: priority is 0 or more, weight and channels 1 or more."
            )

    @property
    def qualify_seconds(self) -> int:
        """Seconds between OPTIONS; 0 is never."""
        return self.profile.qualify if self.qualify is None else self.qualify
