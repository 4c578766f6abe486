"""Facts and settings to the text of files; no file is touched here."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zlib import crc32

from asterisk_siptrunk.asterisk import variables
from asterisk_siptrunk.asterisk.events import EVENT_FILTERS, OLD_EVENT_FILTERS, UNREAD_EVENTS
from asterisk_siptrunk.destination import emergency_numbers
from asterisk_siptrunk.destination.away import AwayPattern, domestic_patterns, open_patterns
from asterisk_siptrunk.destination.plan import country_code, metadata_of
from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation.escape import UnsafeValue, Verbatim, digits
from asterisk_siptrunk.generation.inventory import SHARDS, TrunkFacts
from asterisk_siptrunk.generation.templates import Templates, shipped_folder
from asterisk_siptrunk.generation.uris import bracketed, proxy_uri, sip_uri
from asterisk_siptrunk.settings import AsteriskSettings, Settings
from asterisk_siptrunk.trunk import (
    AwayPolicy,
    Carrier,
    CarrierMode,
    NumberFormat,
    SuspensionScope,
    Trunk,
    TrunkKind,
)

LONGEST_DIALLED = 20
"""Digits that an entry pattern admits: 15 of E.164, an international prefix, a carrier's."""
SHORTEST_WITH_PLUS = 3

_CARRIER_CAUSES = (0, 3, 18, 23, 27, 34, 38, 41, 42, 44, 102, 127)
"""Hangup causes (Q.850) after which the next carrier is tried.

Measured on Asterisk 22: a carrier that answers no OPTIONS 3; no answer to the INVITE (after 32 s),
and 408: 18; 302: 23; 502: 27; 503: 34; 500: 38; 504: 102; other 4xx: 127. Final are 404 (1), 486
and 600 (17), 480 (19), 401, 403 and 603 (21), 410 (22), 484 (28), 488 (58).
"""
# No parentheses: with them Asterisk's =~ gives what they hold, and "0" counts as false.
CARRIER_FAILED = "|".join(f"^{cause}$" for cause in _CARRIER_CAUSES)

MARKER_OPTION = "mwi_from_user"
"""An endpoint's option without effect, since no trunk has a mailbox: it holds the digest of the
endpoint's own text, and is read back after a reload."""

_MARKER = re.compile(rf"^{MARKER_OPTION}\s*=\s*(\w+)$", re.MULTILINE)
_MARKER_SLOT = Verbatim("@marker@")
_MARKER_LENGTH = 12
_QUALIFY_SECONDS, _QUALIFY_SPREAD = 90, 60
TRUNK_LINE = "; trunk "

_COMMON = (
    "extensions_base",
    "extensions_away",
    "extensions_carriers",
    "pjsip_base",
    "manager",
    "manager_general",
    "cdr",
    "cdr_custom",
    "cdr_custom_mapping",
)


@dataclass(frozen=True, slots=True)
class ShardText:
    """The files of one shard.

    Attributes:
        countries: whose emergency numbers and number plans its trunks need.
        endpoints: the marker of each endpoint, by name.
    """

    files: Mapping[str, str]
    countries: frozenset[str]
    endpoints: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CommonText:
    """The files beside the shards, and the markers of the carriers' endpoints."""

    files: Mapping[str, str]
    endpoints: Mapping[str, str]


def digest(text: str) -> str:
    """A short digest: what a file, a marker or the whole is known by."""
    return hashlib.sha256(text.encode()).hexdigest()[:_MARKER_LENGTH]


class Renderer:
    """Renders files from facts, by these settings and templates."""

    def __init__(self, settings: Settings, templates: Templates) -> None:
        self._templates = templates
        self._common = _common_values(settings)

    def shard(self, number: int, trunks: Iterable[TrunkFacts]) -> ShardText:
        """Render the trunks of one shard.

        Raises:
            TemplateFailed: which trunk and field, or which template and line.
        """
        ordered = sorted(trunks, key=lambda facts: facts.trunk.name)
        parts = [(facts.trunk.name, *self._trunk(facts)) for facts in ordered]
        return ShardText(
            files={
                pjsip_shard(number): _headed((name, pjsip) for name, pjsip, _ in parts),
                extensions_shard(number): _headed((name, dialplan) for name, _, dialplan in parts),
            },
            countries=frozenset(facts.trunk.country for facts in ordered),
            endpoints=_markers(variables.TRUNK_PREFIX, ((name, text) for name, text, _ in parts)),
        )

    def common(self, carriers: Sequence[Carrier], countries: Iterable[str]) -> CommonText:
        """Render what stands beside the shards; `countries` are those of all trunks.

        Raises:
            TemplateFailed: which carrier and field, or which template and line.
        """
        in_order = sorted(carriers, key=lambda each: (each.priority, -each.weight, each.name))
        shown = [_carrier_values(carrier) for carrier in in_order]
        values = {
            "carriers": shown,
            "countries": _countries(countries),
            "carrier_countries": _countries(carrier.country for carrier in in_order),
        }
        texts = [(each.carrier.name, self._carrier(each)) for each in shown]
        files = {f"{name}.conf": self._render(name, values) for name in _COMMON}
        files["pjsip_carriers.conf"] = "\n".join(text for _, text in texts)
        return CommonText(files, _markers(variables.CARRIER_PREFIX, texts))

    def top(self, generation: str) -> dict[str, str]:
        """Render the two files that include the others."""
        values = {
            "generation": f"g{generation}",
            "shards": [f"{number:02}" for number in range(SHARDS)],
        }
        return {f"{name}.conf": self._render(name, values) for name in ("pjsip", "extensions")}

    def _trunk(self, facts: TrunkFacts) -> tuple[str, str]:
        """The trunk's part of the two files of its shard."""
        trunk = facts.trunk
        has_endpoint = trunk.kind is not TrunkKind.LOCAL and not trunk.ended
        with _naming(f"trunk {trunk.name}", facts):
            values = _trunk_values(facts)
            pjsip = self._marked("pjsip_trunk.conf", values) if has_endpoint else ""
            return pjsip, self._raw("extensions_trunk.conf", values)

    def _carrier(self, values: SimpleNamespace) -> str:
        with _naming(f"carrier {values.carrier.name}", values.carrier):
            return self._marked("pjsip_carrier.conf", vars(values))

    def _marked(self, name: str, values: Mapping[str, object]) -> str:
        text = self._raw(name, {**values, "marker": _MARKER_SLOT})
        return text.replace(_MARKER_SLOT, digest(text))

    def _render(self, name: str, values: Mapping[str, object]) -> str:
        try:
            return self._raw(f"{name}.conf", values)
        except UnsafeValue as unsafe:
            raise TemplateFailed(f"{name}.conf: {unsafe.value[:40]!r}: {unsafe}.") from None

    def _raw(self, name: str, values: Mapping[str, object]) -> str:
        return self._templates.render(name, {**self._common, **values})


def _headed(texts: Iterable[tuple[str, str]]) -> str:
    """The trunks' parts of a file, each under a line with its name."""
    return "".join(f"{TRUNK_LINE}{name}\n{text}\n" for name, text in texts if text)


def _markers(prefix: str, texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The marker that each endpoint's text holds; a text without one has no endpoint."""
    found = ((name, _MARKER.search(text)) for name, text in texts)
    return {f"{prefix}{name}": marker[1] for name, marker in found if marker}


def pjsip_shard(number: int) -> str:
    """The file of a shard's endpoints."""
    return f"pjsip_trunks_{number:02}.conf"


def extensions_shard(number: int) -> str:
    """The file of a shard's dialplan contexts."""
    return f"extensions_trunks_{number:02}.conf"


def dialled_patterns() -> tuple[Verbatim, ...]:
    """Patterns of digits only, each of one length: what may come in at all."""
    bare = ("_" + "X" * length for length in range(1, LONGEST_DIALLED + 1))
    plus = ("_+" + "X" * length for length in range(SHORTEST_WITH_PLUS, LONGEST_DIALLED + 1))
    return tuple(Verbatim(pattern) for pattern in (*bare, *plus))


def _agi(settings: Settings) -> Verbatim:
    """What stands before the word for what is asked, as AGI() has it."""
    agi = settings.agi
    if agi.process:
        launcher = shipped_folder("agi_scripts") / "siptrunk_agi.py"
        return Verbatim(f"{sys.executable},{launcher},{settings.file},")
    return Verbatim(f"agi://{bracketed(agi.host)}:{agi.port}/")


def _common_values(settings: Settings) -> dict[str, object]:
    names = dict(variables.CONTRACT)
    version = settings.asterisk.version_pair
    return {
        "settings": settings,
        "asterisk": settings.asterisk,
        "secrets": settings.secrets,
        "name": names,
        "value": {key: Verbatim(f"${{{text}}}") for key, text in names.items()},
        "agi": _agi(settings),
        "dialled": dialled_patterns(),
        "carrier_failed": CARRIER_FAILED,
        "unread_events": UNREAD_EVENTS,
        "event_filters": EVENT_FILTERS if takes_named_filters(version) else OLD_EVENT_FILTERS,
        "journal": settings.asterisk.journal.name,
        "journal_fields": variables.JOURNAL_FIELDS,
        "sha256": takes_password_digest(version),
        "transports": _transports(settings.asterisk),
    }


def _transports(asterisk: AsteriskSettings) -> list[dict[str, object]]:
    """The transports to open; none where the server's own pjsip.conf has them (port 0)."""
    if not asterisk.sip_port:
        return []
    ports = {"udp": asterisk.sip_port, "tcp": asterisk.sip_port}
    if asterisk.tls_certificate:
        ports["tls"] = asterisk.tls_port
    return [
        {
            "name": f"siptrunk-{protocol}" + (f"-{index}" if index else ""),
            "protocol": protocol,
            "bind": Verbatim(f"{bracketed(address)}:{port}"),
        }
        for index, address in enumerate(asterisk.bind)
        for protocol, port in ports.items()
    ]


def _trunk_values(facts: TrunkFacts) -> dict[str, object]:
    trunk = facts.trunk
    registers = trunk.kind is TrunkKind.REGISTERED
    endpoint = f"{variables.TRUNK_PREFIX}{trunk.name}"
    return {
        "trunk": trunk,
        "credentials": facts.credentials if registers else None,
        "auths": _auths(facts, endpoint) if registers else (),
        "endpoint": endpoint,
        "local": trunk.kind is TrunkKind.LOCAL,
        "contact": sip_uri(trunk.contact, None, trunk.transport) if trunk.contact else "",
        "qualify": _QUALIFY_SECONDS + crc32(trunk.name.encode()) % _QUALIFY_SPREAD,
        "away_out": _away_outbound(trunk),
        "takes_calls": not (trunk.ended or trunk.suspension_of(SuspensionScope.INBOUND)),
    }


def _auths(facts: TrunkFacts, endpoint: str) -> tuple[SimpleNamespace, ...]:
    """What lets a PBX in, each under a name that no trunk's can be.

    All of an endpoint's are tried, and its one challenge says by the first whether it is only the
    nonce that is old (res_pjsip_authenticator_digest.c). So the secret before comes first: whoever
    has not been told of the other notices nothing.
    """
    before = SimpleNamespace(name=f"{endpoint}.before", credentials=facts.previous)
    now = SimpleNamespace(name=endpoint, credentials=facts.credentials)
    return tuple(each for each in (before, now) if each.credentials)


def takes_password_digest(version: tuple[int, int]) -> bool:
    """Whether this Asterisk takes `password_digest`: from 20.12 and 22.2 on, and none of 21."""
    return (20, 12) <= version < (21, 0) or version >= (22, 2)


def takes_named_filters(version: tuple[int, int]) -> bool:
    """Whether this Asterisk takes `eventfilter(name(...))`."""
    oldest = {18: 26, 20: 11, 22: 1}
    return version >= (23, 0) or version[1] >= oldest.get(version[0], version[1] + 1)


def _away_outbound(trunk: Trunk) -> AwayPolicy:
    """What goes out while the service is away; suspensions hold then, too."""
    if trunk.ended or trunk.suspension_of(SuspensionScope.OUTBOUND):
        return AwayPolicy.CLOSED
    if trunk.suspension_of(SuspensionScope.INTERNATIONAL) and trunk.away_policy is AwayPolicy.OPEN:
        return AwayPolicy.DOMESTIC
    return trunk.away_policy


def _carrier_values(carrier: Carrier) -> SimpleNamespace:
    profile = carrier.profile
    with _naming(f"carrier {carrier.name}", carrier):
        return SimpleNamespace(
            carrier=carrier,
            profile=profile,
            enabled=carrier.enabled,
            country=carrier.country,
            endpoint=f"{variables.CARRIER_PREFIX}{carrier.name}",
            contact=sip_uri(carrier.server, profile.port, profile.transport),
            client=sip_uri(profile.from_domain or carrier.server, None, user=carrier.username),
            proxy=proxy_uri(profile.outbound_proxy) if profile.outbound_proxy else "",
            contact_user=_contact_user(carrier),
            registers=profile.mode is CarrierMode.REGISTER,
            matches=tuple(dict.fromkeys((*profile.match, *carrier.match))),
            called=Verbatim(
                (digits(profile.tech_prefix) if profile.tech_prefix else "")
                + _written("SIPTRUNK_TO", profile.called_format, carrier.country)
            ),
            caller=_written("SIPTRUNK_MAIN", profile.caller_format, carrier.country),
        )


def _contact_user(carrier: Carrier) -> str:
    """What stands in the request URI of calls along a registration, unless it is the number.

    Digits, since nothing else is admitted as dialled.
    """
    return carrier.username if re.fullmatch(r"[0-9]{1,20}", carrier.username) else "0"


def _written(variable: str, number_format: NumberFormat, country: str) -> Verbatim:
    """The dialplan expression for an E.164 number in a carrier's format."""
    bare = f"${{{variable}:1}}"
    if number_format is NumberFormat.PLUS:
        return Verbatim(f"${{{variable}}}")
    if number_format is NumberFormat.DIGITS:
        return Verbatim(bare)
    if number_format is NumberFormat.ZEROS:
        return Verbatim(f"${{IF($[${{LEN(${{{variable}}})}}]?00{bare}:)}}")
    code = country_code(country)
    cut = len(code) + 1
    return Verbatim(
        f'${{IF($["${{{variable}:0:{cut}}}" = "+{code}"]?'
        f"{_trunk_prefix(country)}${{{variable}:{cut}}}:00{bare})}}"
    )


def _trunk_prefix(country: str) -> str:
    metadata = metadata_of(country)
    return (metadata and metadata.national_prefix) or ""


def _countries(countries: Iterable[str]) -> list[SimpleNamespace]:
    return [_country_values(country) for country in sorted(set(countries))]


@cache
def _country_values(country: str) -> SimpleNamespace:
    return SimpleNamespace(
        code=country,
        calling_code=country_code(country),
        trunk_prefix=_trunk_prefix(country),
        emergency=emergency_numbers(country),
        policies=(
            (AwayPolicy.CLOSED, ()),
            (AwayPolicy.DOMESTIC, _routes(country, domestic_patterns)),
            (AwayPolicy.OPEN, _routes(country, open_patterns)),
        ),
    )


def _routes(
    country: str, patterns: Callable[[str], tuple[AwayPattern, ...]]
) -> tuple[SimpleNamespace, ...]:
    return tuple(
        SimpleNamespace(
            text=Verbatim(each.pattern),
            number=Verbatim(f"{each.prepend}${{EXTEN:{each.strip}}}"),
        )
        for each in patterns(country)
    )


@contextmanager
def _naming(owner: str, facts: object) -> Iterator[None]:
    """Say whose value was refused, and which field holds it; the value may be a secret."""
    try:
        yield
    except UnsafeValue as unsafe:
        where = next((path for path, text in _texts(facts) if text == unsafe.value), "a value")
        raise TemplateFailed(f"{owner}: {where}: {unsafe}.") from None


def _texts(value: Any, path: str = "") -> Iterable[tuple[str, str]]:  # noqa: ANN401 - any facts
    """All texts in a dataclass, each with the name of its field."""
    if is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name), field.name)
    elif isinstance(value, tuple):
        for part in value:
            yield from _texts(part, path)
    else:
        yield path, str(value)


def site_templates(asterisk: AsteriskSettings) -> Templates:
    """The templates that these settings ask for."""
    return Templates(Path(asterisk.templates) if asterisk.templates else None)


def shard_in(name: str) -> int | None:
    """The shard that a file holds; None for a file beside them."""
    found = re.fullmatch(r"(?:pjsip|extensions)_trunks_([0-9]{2})\.conf", name)
    return int(found[1]) if found else None
