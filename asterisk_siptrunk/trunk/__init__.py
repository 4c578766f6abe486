"""What a customer has, and what stands upstream: trunks, credentials, numbers, carriers."""

from asterisk_siptrunk.trunk.carrier import (
    HIGHEST_PRIORITY,
    HIGHEST_WEIGHT,
    LONGEST_QUALIFY,
    MOST_CARRIER_CHANNELS,
    CallerHeader,
    Carrier,
    CarrierMode,
    CarrierProfile,
    NumberFormat,
)
from asterisk_siptrunk.trunk.credentials import Credentials, digest, new_secret
from asterisk_siptrunk.trunk.names import PROVIDER, parse_name, parse_trunk_name
from asterisk_siptrunk.trunk.trunk import (
    MOST_CALLS_PER_SECOND,
    MOST_CHANNELS,
    AwayPolicy,
    CallerPolicy,
    IPNetwork,
    Suspension,
    SuspensionScope,
    SuspensionSource,
    Transport,
    Trunk,
    TrunkKind,
)
from asterisk_siptrunk.trunk.writable import (
    parse_context,
    parse_secret,
    parse_server,
    parse_username,
    port_of,
)

__all__ = [
    "HIGHEST_PRIORITY",
    "HIGHEST_WEIGHT",
    "LONGEST_QUALIFY",
    "MOST_CALLS_PER_SECOND",
    "MOST_CARRIER_CHANNELS",
    "MOST_CHANNELS",
    "PROVIDER",
    "AwayPolicy",
    "CallerHeader",
    "CallerPolicy",
    "Carrier",
    "CarrierMode",
    "CarrierProfile",
    "Credentials",
    "IPNetwork",
    "NumberFormat",
    "Suspension",
    "SuspensionScope",
    "SuspensionSource",
    "Transport",
    "Trunk",
    "TrunkKind",
    "digest",
    "new_secret",
    "parse_context",
    "parse_name",
    "parse_secret",
    "parse_server",
    "parse_trunk_name",
    "parse_username",
    "port_of",
]
