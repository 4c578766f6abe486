"""Configurations on a real Asterisk: applied, read back, rolled back, tried out."""

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from asterisk_siptrunk.asterisk.ami import AmiLogin
from asterisk_siptrunk.asterisk.control import AmiControl
from asterisk_siptrunk.asterisk.variables import APPLY_USER
from asterisk_siptrunk.errors import ApplyFailed, CheckFailed
from asterisk_siptrunk.generation.apply import apply_plan, roll_back
from asterisk_siptrunk.generation.install import install, install_edits
from asterisk_siptrunk.generation.inventory import TrunkFacts, shard_of
from asterisk_siptrunk.generation.plan import Plan, make_plan, render_all
from asterisk_siptrunk.generation.store import Store
from asterisk_siptrunk.generation.templates import shipped_folder
from asterisk_siptrunk.generation.trial import try_out
from asterisk_siptrunk.settings import AgiSettings, AmiSettings, AsteriskSettings, Secrets, Settings
from asterisk_siptrunk.trunk import (
    Carrier,
    CarrierMode,
    CarrierProfile,
    Transport,
    Trunk,
    TrunkKind,
    digest,
)
from tests.lab import sandbox
from tests.lab.asterisk import AsteriskServer
from tests.lab.certificate import self_signed
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippAnswerer, SippCaller, place_calls, register

pytestmark = pytest.mark.asterisk

CARRIER_HOST, PBX_HOST, OTHER_HOST = "127.0.0.2", "127.0.0.3", "127.0.0.4"
SECRET = "a-secret"
ACME = Trunk(
    id=1,
    name="acme",
    customer="acme",
    kind=TrunkKind.REGISTERED,
    channels=5,
    country="FR",
    numbers=("+33123456789",),
)
FENCED = replace(
    ACME, id=2, name="fenced", numbers=("+33123456790",), addresses=(ip_network(PBX_HOST),)
)
PROFILE = CarrierProfile(
    name="test", title="test", mode=CarrierMode.ADDRESS, source="", as_of="2026-11-23", qualify=0
)
CALL = Call("+33123456789", "0198765432", "trunk-acme", SECRET)


class Inventory:
    """Trunks and a carrier in memory."""

    def __init__(self, carrier_port: int, trunks: Sequence[Trunk]) -> None:
        self.by_name = {trunk.name: trunk for trunk in trunks}
        server = f"{CARRIER_HOST}:{carrier_port}"
        match = (ip_network(CARRIER_HOST),)
        self._carrier = Carrier(
            id=1, name="telco", profile=PROFILE, server=server, country="FR", match=match
        )

    def set(self, trunk: Trunk) -> None:
        version = self.by_name[trunk.name].version + 1 if trunk.name in self.by_name else 1
        self.by_name[trunk.name] = replace(trunk, version=version)

    def fingerprints(self) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for name, trunk in sorted(self.by_name.items()):
            found[shard_of(name)] = f"{found.get(shard_of(name), '')} {name}={trunk.version}"
        return found

    def trunks(self, shard: int) -> Sequence[TrunkFacts]:
        return [
            TrunkFacts(trunk, digest(f"trunk-{name}", "siptrunk", SECRET))
            for name, trunk in self.by_name.items()
            if shard_of(name) == shard
        ]

    def carriers(self) -> Sequence[Carrier]:
        return [self._carrier]


@dataclass
class Site:
    """A real Asterisk with our files in it. No admission service runs: the dialplan is alone."""

    server: AsteriskServer
    inventory: Inventory
    settings: Settings
    carrier_port: int

    @property
    def store(self) -> Store:
        return Store(self.server.etc)

    @property
    def control(self) -> AmiControl:
        ami = self.settings.ami
        return AmiControl(AmiLogin(ami.host, ami.port, APPLY_USER, self.settings.secrets.ami_apply))

    def plan(self, settings: Settings | None = None) -> Plan:
        return make_plan(self.inventory, settings or self.settings, self.store)

    def apply(self, settings: Settings | None = None) -> Plan:
        plan = self.plan(settings)
        apply_plan(plan, self.store, self.control)
        return plan

    def files(self) -> dict[str, bytes]:
        folder = self.store.folder
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix}


# As a server may have it: what is included before [general] must not add to that section.
MANAGER = """\
#include manager.d/*.conf
[general]
enabled=yes
bindaddr=127.0.0.1
port={port}
"""
OPERATOR = "[wallboard]\nsecret=a\nread=call\n"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    server = AsteriskServer(systemname="configuration")
    server.write("pjsip.conf", "; all of it is included\n")
    server.write("manager.conf", MANAGER.format(port=server.ami_port))
    server.write("manager.d/own.conf", OPERATOR)
    carrier_port, agi_port = (*free_ports(1, "udp"), *free_ports(1, "tcp"))
    settings = Settings(
        file=Path("/none"),
        agi=AgiSettings(port=agi_port),
        ami=AmiSettings(port=server.ami_port),
        asterisk=AsteriskSettings(
            config_dir=server.etc,
            group="",
            bind=("127.0.0.1",),
            sip_port=server.sip_port,
            binary=server.program.path,
            root=str(server.place.root or ""),
        ),
        kept=Secrets(ami_listen="listen", ami_apply="apply"),
    )
    place = Site(server, Inventory(carrier_port, [ACME, FENCED]), settings, carrier_port)
    install(install_edits(settings.asterisk), place.store)
    # Before Asterisk's first start nobody is there to apply to: the files as they are to be.
    for name, text in render_all(place.inventory, settings).items():
        (place.store.folder / name).write_text(text)
    with server:
        place.apply()
        yield place


def findings(provider: Provider) -> dict[str, tuple[str, str]]:
    """What doctor finds, by check."""
    rows = json.loads(provider.run("doctor", "--format", "json").stdout)
    return {row["check"]: (row["state"], row["found"]) for row in rows}


def test_journal_is_kept_where_the_server_had_no_mapping_of_its_own():
    provider = Provider()
    provider.asterisk.write("cdr_custom.conf", "; as Debian ships it: all of it is a comment\n")
    with provider:
        assert findings(provider)["records"][0] == "fail"
        applied = provider.run("config", "apply", "--yes")
        assert (applied.returncode, "Warning" in applied.stderr) == (0, False), applied.stderr
        assert " Running" in provider.asterisk.cli("module show like cdr_custom")
        assert "Not Running" not in provider.asterisk.cli("module show like cdr_custom")
        assert findings(provider)["records"][0] == "ok"
        provider.asterisk.restart()
        assert findings(provider)["records"][0] == "ok"
        provider.asterisk.cli("module unload cdr_custom.so")
        assert findings(provider)["records"][0] == "fail"
        assert "Nothing to change" in provider.run("config", "apply").stderr
        assert findings(provider)["records"][0] == "ok"


def test_what_was_uninstalled_is_read_again_once_it_is_installed():
    with Provider() as provider:
        provider.do("config", "apply", "--yes")
        generation = provider.asterisk.cli("dialplan show siptrunk-generation")
        provider.do("config", "uninstall", "--yes")
        provider.asterisk.cli("core reload")
        assert "lack 6 of our lines" in provider.run("config", "apply").stderr
        provider.do("config", "install", "--yes")
        provider.asterisk.cli("manager reload")
        assert "now it has" in provider.run("config", "apply").stderr
        assert provider.asterisk.cli("dialplan show siptrunk-generation") == generation


def test_a_port_that_asterisk_does_not_listen_at_is_told_until_it_is_restarted():
    with Provider(own_transports=True) as provider:
        assert "Warning" not in provider.run("config", "apply", "--yes").stderr
        (udp,) = free_ports(1, "udp")
        provider.environment["SIPTRUNK_ASTERISK_SIP_PORT"] = str(udp)
        for _ in range(2):
            said = provider.run("config", "apply", "--yes").stderr
            assert f"still listens at {provider.asterisk.sip_address}, and not at" in said
            assert "core restart when convenient" in said
            assert "still listens" in findings(provider)["transports"][1]
        provider.asterisk.restart()
        assert "Warning" not in provider.run("config", "apply").stderr
        # An address that this machine does not have: the reload is content, a start is not.
        provider.environment["SIPTRUNK_ASTERISK_BIND"] = "192.0.2.77"
        assert "and not at 192.0.2.77" in provider.run("config", "apply", "--yes").stderr
        provider.asterisk.restart()
        assert "has no transport siptrunk-udp" in provider.run("config", "apply").stderr
        assert findings(provider)["transports"][0] == "fail"


def test_a_certificate_is_looked_for_before_and_another_one_asks_for_a_restart():
    with Provider(own_transports=True) as provider:
        provider.do("config", "apply", "--yes")
        other = provider.asterisk.etc / "keys" / "other.pem"
        provider.environment |= {
            f"SIPTRUNK_ASTERISK_TLS_{part}": provider.asterisk.place.short(other)
            for part in ("CERTIFICATE", "KEY")
        }
        refused = provider.run("config", "apply", "--yes")
        assert refused.returncode == 1
        assert "other.pem is not there" in refused.stderr
        other.write_text(self_signed())
        said = provider.run("config", "apply", "--yes").stderr
        assert "Transport siptrunk-tls has other options now. Restart Asterisk" in said
        for part in ("CERTIFICATE", "KEY"):
            provider.environment[f"SIPTRUNK_ASTERISK_TLS_{part}"] = ""
        said = provider.run("config", "apply", "--yes").stderr
        assert (
            f"siptrunk-tls is gone, but Asterisk listens at 127.0.0.1:{provider.tls_port}" in said
        )
        socket.create_connection(("127.0.0.1", provider.tls_port), 1).close()
        provider.asterisk.restart()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", provider.tls_port), 1)


def endpoint(site: Site, name: str, option: str) -> str:
    return site.control.endpoint_values([name], option).get(name, "")


def test_what_was_applied_is_there(site):
    assert site.control.generation() == f"g{site.store.manifest().generation}"
    assert site.control.endpoints() == {"trunk-acme", "trunk-fenced", "carrier-telco"}
    assert endpoint(site, "trunk-acme", "accountcode") == "acme"
    assert endpoint(site, "trunk-acme", "allow_transfer") == "false"
    # Asterisk's own defaults, that we rely on:
    assert endpoint(site, "trunk-acme", "trust_id_inbound") == "false"
    assert endpoint(site, "trunk-acme", "trust_id_outbound") == "false"
    assert endpoint(site, "trunk-acme", "force_rport") == "true"
    assert endpoint(site, "trunk-acme", "timers") == "yes"
    assert endpoint(site, "trunk-acme", "context") == "trunk-acme"


def test_asterisk_complains_of_nothing_of_ours(site):
    log = site.server.log_text()
    ours = ("siptrunk", "pjsip.conf", "extensions", "res_sorcery_config", "config_options")
    lines = [line for line in log.splitlines() if "ERROR" in line or "WARNING" in line]
    assert [line for line in lines if any(word in line for word in ours)] == []


def test_applying_again_touches_nothing(site):
    before = site.files()
    stamps = {path: path.stat().st_mtime_ns for path in site.store.folder.glob("*")}
    assert site.apply().is_empty
    assert site.files() == before
    assert {path: path.stat().st_mtime_ns for path in stamps if path.suffix} == {
        path: stamp for path, stamp in stamps.items() if path.suffix
    }


def test_a_trunk_comes_changes_and_goes(site):
    fresh = replace(ACME, id=9, name="fresh", numbers=("+33123456799",))
    site.inventory.set(fresh)
    assert len(site.apply().new) == 3
    assert "trunk-fresh" in site.control.endpoints()
    site.inventory.set(replace(fresh, transport=Transport.TLS, srtp=True))
    site.apply()
    assert endpoint(site, "trunk-fresh", "media_encryption") == "sdes"
    site.inventory.set(replace(fresh, ended=True))
    site.apply()
    assert "trunk-fresh" not in site.control.endpoints()
    del site.inventory.by_name["fresh"]
    site.apply()


def test_pbx_registers_with_either_digest(site):
    # SIPp answers the challenge by what it finds first, or knows: both stand in the same auth.
    shown = site.server.cli("pjsip show auth trunk-acme")
    assert "SHA-256" in shown
    assert "MD5" in shown
    call = register(site.server.sip_address, "trunk-acme", SECRET, free_ports(1, "udp")[0])
    assert call.status == 200
    wrong = register(site.server.sip_address, "trunk-acme", "wrong", free_ports(1, "udp")[0])
    assert wrong.status == 401


def test_unknown_names_are_challenged_like_known_ones(site):
    def challenge(name):
        call = register(site.server.sip_address, name, "wrong", free_ports(1, "udp")[0])
        offered = next(message for message in call.messages if message.status == 401)
        return offered.header("WWW-Authenticate").partition("algorithm=")[2]

    assert challenge("trunk-nobody") == challenge("trunk-acme") != ""


def test_fenced_trunk_registers_from_its_address_alone(site):
    target = site.server.sip_address
    inside = register(target, "trunk-fenced", SECRET, free_ports(1, "udp")[0], host=PBX_HOST)
    outside = register(target, "trunk-fenced", SECRET, free_ports(1, "udp")[0], host=OTHER_HOST)
    assert inside.status == 200
    assert outside.status in {401, 403}


def test_endpoint_with_a_value_asterisk_refuses_is_rolled_back_with_its_line(site, tmp_path):
    ours = (shipped_folder("dialplan_templates") / "pjsip_trunk.conf.j2").read_text()
    # Our own parser knows options, not their values: only Asterisk can tell.
    broken = ours.replace(
        "accountcode = {{ trunk.name }}", "accountcode = {{ trunk.name }}\ndtmf_mode = nonsense"
    )
    (tmp_path / "pjsip_trunk.conf.j2").write_text(broken)
    settings = replace(
        site.settings, asterisk=replace(site.settings.asterisk, templates=str(tmp_path))
    )
    before, generation = site.files(), site.control.generation()
    with pytest.raises(ApplyFailed, match=r"siptrunk/pjsip_trunks_\d\d\.conf:\d+: ") as failed:
        site.apply(settings)
    assert "back in place" in str(failed.value)
    assert site.files() == before
    assert site.control.generation() == generation
    assert {"trunk-acme", "trunk-fenced"} <= site.control.endpoints()


def test_broken_site_template_changes_nothing_and_names_its_line(site, tmp_path):
    (tmp_path / "extensions_trunk.conf.j2").write_text(
        "[{{ endpoint }}]\nexten => _X.,1,Dial(PJSIP/${EXTEN}@carrier-telco)\n"
    )
    settings = replace(
        site.settings, asterisk=replace(site.settings.asterisk, templates=str(tmp_path))
    )
    before = site.files()
    with pytest.raises(CheckFailed, match=r"extensions_trunks_\d\d\.conf:3: .*more than digits"):
        site.apply(settings)
    assert site.files() == before


def disabled_events(site: Site) -> str:
    shown = site.server.cli("manager show settings")
    return next(line for line in shown.splitlines() if "Disabled events" in line).partition(":")[2]


def test_events_are_switched_off_and_on_again_and_no_manager_user_is_lost(site):
    users = site.server.cli("manager show users")
    assert all(name in users for name in ("wallboard", "siptrunk-listen", "siptrunk-apply"))
    dedicated = replace(site.settings, asterisk=replace(site.settings.asterisk, dedicated=True))
    for settings, disabled in ((dedicated, "VarSet"), (site.settings, ""), (dedicated, "VarSet")):
        site.apply(settings)
        assert disabled in disabled_events(site)
        assert bool(disabled_events(site).strip()) is bool(disabled)
        assert site.server.cli("manager show users") == users
    site.apply()


def test_calls_survive_a_reload_and_a_rollback(site):
    with (
        SippAnswerer(port=site.carrier_port, host=CARRIER_HOST) as carrier,
        SippCaller(site.server.sip_address, [CALL], host=PBX_HOST, hold_ms=8000) as caller,
    ):
        deadline = time.monotonic() + 5
        while len(site.server.live_channels()) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        channels = site.server.live_channels()
        site.inventory.set(replace(ACME, channels=6, transport=Transport.TLS, srtp=True))
        assert site.apply().changed_endpoints
        roll_back(site.store, site.control)
        assert site.server.live_channels() == channels
        result = caller.wait()
        assert [invite.to_user for invite in carrier.received()] == ["+33198765432"]
    assert result.statuses == [200]
    site.inventory.set(ACME)
    site.apply()


def test_diversion_adds_no_line_and_withheld_number_goes_to_the_network(site):
    headers = ["Diversion: <sip:1%0Aagi_arg_9%3A%20evil@x>;reason=unknown", "Privacy: id"]
    with SippAnswerer(port=site.carrier_port, host=CARRIER_HOST) as carrier:
        result = place_calls(site.server.sip_address, [CALL], host=PBX_HOST, headers=headers)
        (invite,) = carrier.received()
    assert result.statuses == [200]
    assert invite.from_user == "anonymous"
    assert "+33123456789" in invite.pai
    assert invite.header("Privacy") == "id"
    assert invite.header("Diversion") == ""


def test_hyphens_are_taken_out_of_numbers(site):
    call = replace(CALL, callee="01-98-76-54-32")
    with SippAnswerer(port=site.carrier_port, host=CARRIER_HOST) as carrier:
        result = place_calls(site.server.sip_address, [call], host=PBX_HOST)
        assert [invite.to_user for invite in carrier.received()] == ["+33198765432"]
    assert result.statuses == [200]


@pytest.mark.parametrize("user", ["T", "dial", "away", "i", "h", "again", "1" * 21, "+1", "*98"])
def test_what_the_logic_uses_cannot_be_dialled(site, user):
    result = place_calls(site.server.sip_address, [replace(CALL, callee=user)], host=PBX_HOST)
    assert result.statuses == [404]


def test_trial_finds_what_our_parser_cannot(site):
    files = render_all(site.inventory, site.settings)
    assert try_out(files, site.settings.asterisk) == []
    name = f"pjsip_trunks_{shard_of('acme'):02}.conf"
    files[name] = files[name].replace("accountcode = acme", "dtmf_mode = nonsense", 1)
    told = "\n".join(try_out(files, site.settings.asterisk))
    assert "nonsense" in told
    assert "no endpoint trunk-acme" in told


def test_trial_leaves_nothing_behind(site):
    root = sandbox.asterisk().place.root
    folder = root / "tmp" if root else Path("/tmp")
    before = set(folder.glob("siptrunk-*"))
    try_out(render_all(site.inventory, site.settings), site.settings.asterisk)
    assert set(folder.glob("siptrunk-*")) <= before
