"""What a customer has, and what stands upstream: trunks, credentials, numbers, carriers."""

from asterisk_siptrunk.trunk.carrier import (
    CallerHeader,
    Carrier,
    CarrierMode,
    CarrierProfile,
    NumberFormat,
)
from asterisk_siptrunk.trunk.credentials import Credentials, digest, new_secret
from asterisk_siptrunk.trunk.names import parse_name
from asterisk_siptrunk.trunk.trunk import (
    AwayPolicy,
    CallerPolicy,
    IPNetwork,
    Suspension,
    SuspensionScope,
    Transport,
    Trunk,
    TrunkKind,
)
from asterisk_siptrunk.trunk.writable import (
    parse_context,
    parse_secret,
    parse_server,
    parse_username,
)

__all__ = [
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
    "Transport",
    "Trunk",
    "TrunkKind",
    "digest",
    "new_secret",
    "parse_context",
    "parse_name",
    "parse_secret",
    "parse_server",
    "parse_username",
]
