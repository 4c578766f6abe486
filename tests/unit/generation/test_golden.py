"""Complete rendered configurations, to be read by people when they change.

Write them anew with SIPTRUNK_GOLDEN=write, and review the difference like code.
"""

import os
from ipaddress import ip_network
from pathlib import Path

import pytest

from asterisk_siptrunk.generation.check import check
from asterisk_siptrunk.generation.firewall import Limits, ruleset
from asterisk_siptrunk.generation.pbx import PbxKind, pbx_settings
from asterisk_siptrunk.generation.plan import render_all
from asterisk_siptrunk.generation.templates import Templates
from tests.unit.generation.samples import ACME, BANK, CARRIERS, HOTEL, Provider, settings

GOLDEN = Path(__file__).parents[2] / "golden"
WRITING = os.environ.get("SIPTRUNK_GOLDEN") == "write"


def compare(folder: Path, files: dict[str, str]) -> None:
    if WRITING:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text)
    expected = {path.name: path.read_text() for path in folder.iterdir()}
    assert files == expected


@pytest.mark.usefixtures("few_patterns")
@pytest.mark.parametrize(
    ("folder", "asterisk"),
    [
        ("provider", {}),
        (
            "old-asterisk-own-transports",
            {"version": "18.20", "sip_port": 0, "global_section": False},
        ),
    ],
)
def test_provider(folder, asterisk):
    files = render_all(Provider(), settings(**asterisk))
    compare(GOLDEN / folder, files)


@pytest.mark.parametrize("kind", PbxKind)
def test_pbx_settings(kind):
    asterisk = settings(address="sip.provider.example").asterisk
    texts = {
        f"{trunk.name}.txt": pbx_settings(trunk, f"trunk-{trunk.name}", asterisk, kind, Templates())
        for trunk in (ACME, BANK, HOTEL)
    }
    compare(GOLDEN / f"pbx-{kind}", texts)


def test_firewall():
    here = settings(bind=("192.0.2.1", "2001:db8::1"))
    elsewhere = settings(sip_port=0)
    proxies = (ip_network("198.51.100.0/24"), ip_network("2001:db8:6::1"))
    texts = {
        "as-shipped.conf": ruleset(settings().asterisk, CARRIERS, Limits(), Templates()),
        "own-addresses.conf": ruleset(here.asterisk, (), Limits(10, proxies), Templates()),
        "own-transports.conf": ruleset(
            elsewhere.asterisk, (), Limits(ports=(5160, 5060)), Templates()
        ),
    }
    compare(GOLDEN / "nftables", texts)


def test_real_number_plans_make_a_configuration_without_problems():
    assert check(render_all(Provider(), settings())) == []


def test_no_secret_of_a_trunk_is_anywhere():
    text = "".join(render_all(Provider(), settings()).values())
    assert "secret-of-" not in text
