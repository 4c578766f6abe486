"""Values: what is let into Asterisk's files comes back from them as it was, and adds nothing."""

from collections.abc import Callable

from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.generation import escape, uris
from asterisk_siptrunk.generation.parse import parse
from asterisk_siptrunk.trunk import writable
from tests.fuzz.source import Source

_WRITERS: tuple[Callable[[str], str], ...] = (
    escape.safe,
    escape.secret,
    escape.context,
    escape.digits,
    uris.bracketed,
    uris.sip_uri,
    uris.proxy_uri,
    lambda text: uris.sip_uri("sip.example.net", user=text),
)
# What people are let give is written without a refusal, or one customer stops everybody's apply.
_ADMITTED: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (writable.parse_server, uris.sip_uri),
    (writable.parse_server, uris.proxy_uri),
    (writable.parse_context, escape.context),
    (writable.parse_username, escape.safe),
    (writable.parse_secret, escape.secret),
)


def check(data: bytes) -> None:
    source = Source(data)
    writer, (admit, write) = source.one_of(_WRITERS), source.one_of(_ADMITTED)
    text = source.rest().decode("utf-8", "surrogateescape")
    try:
        written = writer(text)
    except escape.UnsafeValue:
        pass
    else:
        _stays_one_value(written)
    try:
        admit(text)
    except InvalidInput:
        return
    written = write(text)
    _stays_one_value(written)
    if write in {escape.safe, escape.secret, escape.context}:
        assert read_back(written) == text


def _stays_one_value(written: str) -> None:
    text = f"[before]\nkey = value\n\n[own]\nfirst = {written}\nlast = 2\n\n[after]\nkey = value\n"
    parsed = parse({"top.conf": text}, "top.conf")
    assert not parsed.problems or not written.strip() or len(written) > 8000
    if len(written) <= 8000:
        names = [(section.name, [e.key for e in section.entries]) for section in parsed.sections]
        assert names == [("before", ["key"]), ("own", ["first", "last"]), ("after", ["key"])]
        assert parsed.sections[1].entries[0].value == written.strip(" \t")


def read_back(written: str) -> str:
    """What Asterisk takes a written value for (main/config.c)."""
    return written.replace("\\;", ";")
