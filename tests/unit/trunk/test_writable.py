"""What can be written into Asterisk's files, by the one rule and by the rendering's own check."""

import pytest

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.generation.escape import UnsafeValue, context, safe, secret
from asterisk_siptrunk.generation.uris import sip_uri
from asterisk_siptrunk.trunk import parse_context, parse_secret, parse_server, parse_username


@pytest.mark.parametrize(
    "text",
    [
        "sip.example.net",
        "sip.example.net.",
        "pbx",
        "pbx:5060",
        "192.0.2.10",
        "192.0.2.10:65535",
        "2001:db8::1",
        "[2001:db8::1]",
        "[2001:db8::1]:5060",
    ],
)
def test_a_server_that_is_taken_can_be_rendered(text):
    assert parse_server(text) == text
    assert sip_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "bad host;", "a b", "h;x:5060", "h\nx", "h#", "h\x00", "h\udcff", "héllo"),
        *("127.0.0.2:99999", "h:0", "h:", ":abc", ":5060", "h:5060:", "h:५", "h:-1"),
        *("sip:foo.example", "sips:h", "sip:h:5060", "u@h", "h/24", "h?x", "h,h"),
        *("[2001:db8::1", "[h]:5060", "[2001:db8::1]x", "[2001:db8::1]:", "fe80::1%eth0"),
        *("fe80::1%a;b", "300.1.1.1", "1.2.3", "-h", "h-", "h..x", "a" * 64, "a." * 130),
    ],
)
def test_what_is_no_server_is_refused(text):
    with pytest.raises(InvalidInput, match="is no host"):
        parse_server(text)


def test_a_uri_instead_of_a_host_is_told_so():
    with pytest.raises(InvalidInput, match="Leave 'sip:' out"):
        parse_server("sip:foo.example")


@pytest.mark.parametrize("text", ["from-trunk", "a", "A_b-1", "x" * 79])
def test_a_context_that_is_taken_can_be_rendered(text):
    assert parse_context(text) == context(text)


@pytest.mark.parametrize("text", ["", "a b]", "a]", "a b", "-a", "a\n", "x" * 80, "é", "a,b"])
def test_what_is_no_context_is_refused(text):
    with pytest.raises(InvalidInput, match="cannot be a context"):
        parse_context(text)


@pytest.mark.parametrize("text", ["0033123456789", "us@example.net", "a:b", "é", "x" * 80])
def test_a_username_that_is_taken_can_be_rendered(text):
    assert safe(parse_username(text)) == text


@pytest.mark.parametrize("text", ["", " ", "a b", "a;b", "[a", "a]", "#a", "a\n", "x" * 81])
def test_what_is_no_username_is_refused(text):
    with pytest.raises(InvalidInput, match="cannot be a user name"):
        parse_username(text)


@pytest.mark.parametrize("text", ["s3cret", "a;b", "a b", "a\\b", "#[]", "x" * 200])
def test_a_secret_that_is_taken_can_be_rendered(text):
    assert secret(parse_secret(text))


@pytest.mark.parametrize("text", ["", " s3cret", "s3cret\\", "s3cret\\;x", "s3\ncret", "x" * 201])
def test_what_is_no_secret_is_refused_and_not_shown(text):
    with pytest.raises(InvalidInput) as caught:
        parse_secret(text)
    assert "s3" not in str(caught.value)


def test_the_rendering_refuses_what_was_stored_before():
    with pytest.raises(UnsafeValue):
        sip_uri("bad host;")
