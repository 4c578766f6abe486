import pytest

from asterisk_siptrunk.generation.escape import UnsafeValue
from asterisk_siptrunk.generation.uris import proxy_uri, sip_uri
from asterisk_siptrunk.trunk import Transport


@pytest.mark.parametrize(
    ("server", "port", "transport", "user", "uri"),
    [
        ("sip.example", None, Transport.UDP, "", "sip:sip.example"),
        ("sip.example", 5060, Transport.UDP, "", "sip:sip.example:5060"),
        ("sip.example:5070", 5060, Transport.UDP, "", "sip:sip.example:5070"),
        ("192.0.2.1", 0, Transport.TCP, "", r"sip:192.0.2.1\;transport=tcp"),
        ("2001:db8::1", None, Transport.TLS, "", r"sip:[2001:db8::1]\;transport=tls"),
        ("[2001:db8::1]:5061", None, Transport.UDP, "", "sip:[2001:db8::1]:5061"),
        ("sip.example", None, Transport.UDP, "+331", "sip:+331@sip.example"),
        ("sip.example", None, Transport.UDP, "a@b;c", "sip:a%40b%3Bc@sip.example"),
    ],
)
def test_uris(server, port, transport, user, uri):
    assert sip_uri(server, port, transport, user) == uri


def test_proxy_is_a_loose_router():
    assert proxy_uri("proxy.example:5080") == r"sip:proxy.example:5080\;lr"


@pytest.mark.parametrize(
    "server",
    [
        "",
        "a b",
        "a;b",
        "a:0",
        "a:x",
        "a:65536",
        "[::1",
        "[::1]x",
        "a\nb",
        "-",
        "a@b",
        "::g",
        "fe80::1%a;b",
    ],
)
def test_no_hosts(server):
    with pytest.raises(UnsafeValue):
        sip_uri(server)
