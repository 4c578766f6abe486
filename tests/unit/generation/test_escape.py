"""No value adds a line, a section or a comment to Asterisk's files."""

import contextlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation import escape
from asterisk_siptrunk.generation.inventory import TrunkFacts, shard_of
from asterisk_siptrunk.generation.parse import parse
from asterisk_siptrunk.generation.render import Renderer
from asterisk_siptrunk.generation.templates import Templates
from asterisk_siptrunk.trunk import Credentials
from tests.unit.generation.samples import ACME, BANK, HOTEL, OVH, PHONES, credentials_of, settings

RENDERER = Renderer(settings(), Templates())
HOSTILE = st.text(
    alphabet=st.one_of(st.sampled_from("\n\r\0;[]#\\,(){}$\"'=> \t&|"), st.characters()), min_size=1
)


@pytest.mark.parametrize("character", "\r\n\0;[]#")
def test_values_with_a_meaning_to_asterisk_are_refused(character):
    with pytest.raises(escape.UnsafeValue):
        escape.safe(f"a{character}b")


@pytest.mark.parametrize(
    ("text", "written"),
    [("plain", "plain"), ("a;b", "a\\;b"), ("a#b[c]", "a#b[c]"), ("a b", "a b"), (";", "\\;")],
)
def test_secrets_of_carriers(text, written):
    assert escape.secret(text) == written


@pytest.mark.parametrize("text", [" a", "a ", "a\nb", "a\\;b", "a\\", "a\tb", "a\0"])
def test_secrets_that_asterisk_could_not_read_back(text):
    with pytest.raises(escape.UnsafeValue):
        escape.secret(text)


def shape(trunk, credentials):
    """The lines of a trunk's file without their values."""
    number = shard_of(trunk.name)
    files = RENDERER.shard(number, [TrunkFacts(trunk, credentials)]).files
    texts = "".join(files.values())
    assert "\r" not in texts
    assert "\0" not in texts
    # A number's context is named after its last two digits.
    texts = re.sub(r"\[siptrunk-numbers-\+?\d{1,2}\]", "[siptrunk-numbers]", texts)
    return [line.partition("=")[0] for line in texts.split("\n")]


def unchanged_or_refused(trunk, credentials, like):
    with contextlib.suppress(TemplateFailed):
        assert shape(trunk, credentials) == like


@given(HOSTILE)
def test_contact(text):
    like = shape(HOTEL, None)
    unchanged_or_refused(replace(HOTEL, contact=text), None, like)


@given(HOSTILE)
def test_context_of_phones(text):
    like = shape(PHONES, None)
    unchanged_or_refused(replace(PHONES, inbound_context=text), None, like)


@given(HOSTILE)
def test_numbers(text):
    like = shape(BANK, credentials_of(BANK))
    unchanged_or_refused(replace(BANK, numbers=(text,)), credentials_of(BANK), like)


@given(HOSTILE, HOSTILE)
def test_credentials(username, realm):
    like = shape(ACME, credentials_of(ACME))
    made = Credentials(username, realm, "0" * 32, "0" * 64)
    unchanged_or_refused(ACME, made, like)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_carriers(server, username, secret):
    like = [entry.key for entry in entries(OVH)]
    carrier = replace(OVH, server=server, username=username, secret=secret)
    with contextlib.suppress(TemplateFailed):
        assert [entry.key for entry in entries(carrier)] == like


def entries(carrier):
    files = RENDERER.common([carrier], []).files
    parsed = parse(
        {"top.conf": files["pjsip_base.conf"] + files["pjsip_carriers.conf"]}, "top.conf"
    )
    assert parsed.problems == []
    return [entry for section in parsed.sections for entry in section.entries]


@pytest.mark.parametrize(
    ("trunk", "field"),
    [
        (replace(HOTEL, contact="a;b"), "contact"),
        (replace(PHONES, inbound_context="a,b"), "inbound_context"),
        (replace(BANK, numbers=("+331", "1;2")), "numbers"),
    ],
)
def test_trunk_and_field_are_named(trunk, field):
    with pytest.raises(TemplateFailed, match=f"^trunk {trunk.name}: {field}: "):
        shape(trunk, credentials_of(trunk))


def test_carrier_and_field_are_named_without_the_secret():
    carrier = replace(OVH, secret="top\nsecret")
    with pytest.raises(TemplateFailed, match=r"^carrier ovh: secret: ") as refused:
        RENDERER.common([carrier], [])
    assert "top" not in str(refused.value)
