"""A small provider: a trunk of each kind and state, and three carriers."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from asterisk_siptrunk.generation.inventory import TrunkFacts, shard_of
from asterisk_siptrunk.settings import AgiSettings, AsteriskSettings, Secrets, Settings
from asterisk_siptrunk.trunk import (
    AwayPolicy,
    CallerPolicy,
    Carrier,
    Credentials,
    Suspension,
    SuspensionScope,
    Transport,
    Trunk,
    TrunkKind,
    digest,
)
from asterisk_siptrunk.trunk.profiles import load_profile

ACME = Trunk(
    id=1,
    name="acme",
    customer="acme-sa",
    kind=TrunkKind.REGISTERED,
    channels=10,
    country="FR",
    reserved_inbound=2,
    numbers=("+33972101010", "+33972101011"),
)
BANK = Trunk(
    id=2,
    name="bank",
    customer="bank",
    kind=TrunkKind.REGISTERED,
    channels=30,
    country="FR",
    transport=Transport.TLS,
    srtp=True,
    caller_policy=CallerPolicy.REFUSE,
    away_policy=AwayPolicy.OPEN,
    addresses=(ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/48")),
    numbers=("+33972102020",),
)
HOTEL = Trunk(
    id=3,
    name="hotel",
    customer="hotel",
    kind=TrunkKind.ADDRESS,
    channels=4,
    country="FR",
    away_policy=AwayPolicy.CLOSED,
    addresses=(ip_network("198.51.100.7"), ip_network("2001:db8::7")),
    contact="[2001:db8::7]:5070",
    transport=Transport.TCP,
    numbers=("+33972103030",),
)
PHONES = Trunk(
    id=4,
    name="phones",
    customer="ourselves",
    kind=TrunkKind.LOCAL,
    channels=2,
    country="FR",
    inbound_context="from-outside",
    numbers=("+33972104040",),
)
LATE = Trunk(
    id=5,
    name="late-payer",
    customer="late",
    kind=TrunkKind.REGISTERED,
    channels=2,
    country="FR",
    suspensions=(Suspension(SuspensionScope.ALL, "unpaid"),),
    numbers=("+33972105050",),
)
TRAVEL = Trunk(
    id=6,
    name="travel",
    customer="travel",
    kind=TrunkKind.REGISTERED,
    channels=2,
    country="FR",
    away_policy=AwayPolicy.OPEN,
    suspensions=(Suspension(SuspensionScope.INTERNATIONAL, "fraud"),),
)
GONE = Trunk(
    id=7,
    name="gone",
    customer="gone",
    kind=TrunkKind.REGISTERED,
    channels=2,
    country="FR",
    ended=True,
    numbers=("+33972107070",),
)
TRUNKS = (ACME, BANK, HOTEL, PHONES, LATE, TRAVEL, GONE)

OVH = Carrier(
    id=1,
    name="ovh",
    profile=load_profile("ovh"),
    server="siptrunk.ovh.net",
    country="FR",
    username="0033972109999",
    secret="pass;word#1",
)
TELEKOM = Carrier(
    id=2,
    name="telekom",
    profile=replace(load_profile("telekom"), outbound_proxy="proxy.example"),
    server="tel.t-online.de",
    country="DE",
    priority=20,
    username="+4930123456",
    secret="secret",
)
VOXBONE = Carrier(
    id=3,
    name="voxbone",
    profile=replace(load_profile("voxbone"), tech_prefix="7788"),
    server="outbound.voxbone.com",
    country="FR",
    priority=30,
    match=(ip_network("203.0.113.0/28"), ip_network("2001:db8:5::/64")),
)
CARRIERS = (OVH, TELEKOM, VOXBONE)


# In a time of grace: its PBX may have the secret before.
GRACE = {TRAVEL.name: digest("trunk-travel", "siptrunk", "secret-of-before")}


def credentials_of(trunk: Trunk) -> Credentials | None:
    """What a registering trunk's PBX is checked with."""
    if trunk.kind is not TrunkKind.REGISTERED:
        return None
    return digest(f"trunk-{trunk.name}", "siptrunk", f"secret-of-{trunk.name}")


class Provider:
    """An inventory in memory, that counts how often its shards are read."""

    def __init__(
        self, trunks: Sequence[Trunk] = TRUNKS, carriers: Sequence[Carrier] = CARRIERS
    ) -> None:
        self.by_name = {trunk.name: trunk for trunk in trunks}
        self.own_carriers = list(carriers)
        self.read: list[int] = []

    def set(self, trunk: Trunk) -> None:
        """Store a changed trunk, under its next version."""
        before = self.by_name.get(trunk.name)
        version = before.version + 1 if before else 1
        self.by_name[trunk.name] = replace(trunk, version=version)

    def fingerprints(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for name, trunk in sorted(self.by_name.items()):
            shard = shard_of(name)
            found[shard] = f"{found.get(shard, '')} {name}={trunk.version}"
        return found

    def trunks(self, shard: int) -> Sequence[TrunkFacts]:
        self.read.append(shard)
        own = (trunk for name, trunk in self.by_name.items() if shard_of(name) == shard)
        return [TrunkFacts(trunk, credentials_of(trunk), GRACE.get(trunk.name)) for trunk in own]

    def carriers(self) -> Sequence[Carrier]:
        return self.own_carriers


def settings(config_dir: Path = Path("/etc/asterisk"), **asterisk: object) -> Settings:
    """Settings with each part of the configuration in use."""
    with_tls = {"tls_certificate": "/etc/ssl/sip.pem", "tls_key": "/etc/ssl/sip.key"}
    own = {"group": "", "bind": ("0.0.0.0", "::"), **with_tls, **asterisk}
    return Settings(
        file=Path("/etc/siptrunk/siptrunk.toml"),
        agi=AgiSettings(host="127.0.0.1", port=4573),
        asterisk=AsteriskSettings(config_dir=config_dir, **own),  # type: ignore[arg-type]
        kept=Secrets(ami_listen="listen-secret", ami_apply="apply-secret", ami_end="end-secret"),
    )
