"""Rendering: whatever a trunk's or a carrier's fields hold, the files have the sections meant."""

from dataclasses import replace
from functools import cache

from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation.inventory import TrunkFacts
from asterisk_siptrunk.generation.parse import Section, parse
from asterisk_siptrunk.generation.render import Renderer, _carrier_values
from asterisk_siptrunk.generation.templates import Templates
from asterisk_siptrunk.trunk import Carrier, Credentials
from tests.fuzz.source import Source
from tests.fuzz.values import read_back
from tests.unit.generation.samples import ACME, BANK, HOTEL, OVH, PHONES, TELEKOM, settings

Sections = list[Section]
Shape = list[tuple[str, list[str]]]
RENDERER = Renderer(settings(), Templates())
_HEX = "0" * 64


def check(data: bytes) -> None:
    source = Source(data)
    _KINDS[source.below(len(_KINDS))](source)


def _registered(source: Source) -> None:
    trunk = source.one_of((ACME, BANK))
    name, realm = source.text(), source.text()
    made = Credentials(name, realm, _HEX[:32], _HEX)
    values = _as_meant(TrunkFacts(trunk, made), TrunkFacts(trunk, _honest()))
    if values:
        assert (values["username"], values["realm"]) == (name.strip(" "), realm.strip(" "))


def _addressed(source: Source) -> None:
    changed = replace(HOTEL, contact=source.text() or "a")
    _as_meant(TrunkFacts(changed, None), TrunkFacts(HOTEL, None))


def _local(source: Source) -> None:
    changed = replace(PHONES, inbound_context=source.text() or "a")
    _as_meant(TrunkFacts(changed, None), TrunkFacts(PHONES, None))


def _numbered(source: Source) -> None:
    changed = replace(ACME, numbers=(source.text(), source.text()))
    _as_meant(TrunkFacts(changed, _honest()), TrunkFacts(ACME, _honest()))


def _carrier(source: Source) -> None:
    honest = source.one_of((OVH, TELEKOM))
    profile = replace(
        honest.profile,
        outbound_proxy=source.text(),
        from_domain=source.text() or honest.profile.from_domain,
        tech_prefix=source.text(),
        dtmf=source.text() or "rfc4733",
    )
    carrier = replace(
        honest,
        profile=profile,
        server=source.text() or honest.server,
        username=source.text() or honest.username,
        secret=source.text() or honest.secret,
    )
    try:
        text = RENDERER._carrier(_carrier_values(carrier))
    except TemplateFailed:
        return
    sections = _parsed(text)
    shown = _values(sections)
    assert shown["username"] == carrier.username.strip(" ")
    assert read_back(shown["password"]) == carrier.secret
    like = replace(
        honest,
        profile=replace(
            profile,
            outbound_proxy="proxy.example" if profile.outbound_proxy else "",
            from_domain="example.net" if profile.from_domain else "",
            tech_prefix="",
            dtmf="rfc4733",
        ),
    )
    assert _shape(sections) == _honest_shape(like)


_KINDS = (_registered, _addressed, _local, _numbered, _carrier)


def _honest() -> Credentials:
    return Credentials("trunk-acme", "siptrunk", _HEX[:32], _HEX)


def _as_meant(facts: TrunkFacts, like: TrunkFacts) -> dict[str, str]:
    """The values of the trunk's endpoint, if it is rendered at all."""
    try:
        pjsip, dialplan = RENDERER._trunk(facts)
    except TemplateFailed:
        return {}
    sections = _parsed(pjsip)
    assert (_shape(sections), *_size(dialplan)) == _honest_shapes(like)
    return _values(sections)


@cache
def _honest_shapes(facts: TrunkFacts) -> tuple[Shape, int, int]:
    pjsip, dialplan = RENDERER._trunk(facts)
    return (_shape(_parsed(pjsip)), *_size(dialplan))


@cache
def _honest_shape(carrier: Carrier) -> Shape:
    return _shape(_parsed(RENDERER._carrier(_carrier_values(carrier))))


def _size(dialplan: str) -> tuple[int, int]:
    """How many sections and lines."""
    return len(_parsed(dialplan)), dialplan.count("\n")


def _parsed(text: str) -> Sections:
    # Endpoints inherit from templates that stand in another file.
    parsed = parse({"top.conf": text}, "top.conf", within="top")
    assert parsed.problems == []
    return parsed.sections


def _shape(sections: Sections) -> Shape:
    return [(section.name, [entry.key for entry in section.entries]) for section in sections]


def _values(sections: Sections) -> dict[str, str]:
    return {entry.key: entry.value for section in sections for entry in section.entries}
