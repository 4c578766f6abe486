"""The port that a customer's PBX is told."""

import pytest

from asterisk_siptrunk.generation.pbx import PbxKind, pbx_settings
from asterisk_siptrunk.generation.templates import Templates
from tests.unit.generation.samples import ACME, BANK, settings


@pytest.mark.parametrize(
    ("trunk", "ports", "shown", "uri"),
    [
        (ACME, {}, "5060", "sip:sip.example"),
        (ACME, {"sip_port": 5070}, "5070", "sip:sip.example:5070"),
        # Transports of the server's own: their port is not ours to know, and 0 is none.
        (ACME, {"sip_port": 0}, "5060", "sip:sip.example"),
        (BANK, {}, "5061", r"sip:sip.example:5061\;transport=tls"),
        # Left out, it would be 5061.
        (BANK, {"tls_port": 5060}, "5060", r"sip:sip.example:5060\;transport=tls"),
    ],
)
def test_the_port_is_shown_and_stands_in_uris(trunk, ports, shown, uri):
    asterisk = settings(address="sip.example", **ports).asterisk
    sheets = {
        kind: pbx_settings(trunk, "us", asterisk, kind, Templates()).splitlines()
        for kind in PbxKind
    }
    for kind in (PbxKind.GENERIC, PbxKind.THREE_CX):
        assert f"  {'Port':27} {shown}" in sheets[kind]
    assert f"  {'SIP Server Port':27} {shown}" in sheets[PbxKind.FREEPBX]
    assert f"server_uri = {uri}" in sheets[PbxKind.ASTERISK]
