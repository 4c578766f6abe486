"""AGI: what a caller wrote, in whatever pieces it comes, changes no key that is Asterisk's."""

from asterisk_siptrunk.asterisk.agi import (
    FASTAGI,
    MOST_HEADER_BYTES,
    PROCESS,
    AgiDialect,
    AgiParser,
    AgiReply,
    AgiRequest,
)
from asterisk_siptrunk.errors import ProtocolError
from tests.fuzz.source import Source, pieces
from tests.unit.asterisk.headers import ASKED, fastagi_header, process_header

Outcome = tuple[list[AgiRequest | AgiReply], bool]

# Asterisk writes these as they came over the network, or as a site's own dialplan made them.
FORGEABLE = (
    *("agi_callerid", "agi_calleridname", "agi_dnid", "agi_rdnis", "agi_extension"),
    *("dialled", "sip_call_id", "user_agent"),
)
_HEADERS = {0: (FASTAGI, fastagi_header()), 1: (PROCESS, process_header())}


def check(data: bytes) -> None:
    source = Source(data)
    raw, dialect, sizes = source.below(2), source.below(2), source.some()
    shape, header = _HEADERS[dialect]
    if raw:
        _same_in_pieces(source.rest(), sizes, shape)
        return
    values = {key: source.some() for key in FORGEABLE}
    writes = _written(header, shape, values)
    _same_in_pieces(b"".join(writes) + source.rest(), sizes, shape)
    _nothing_forged(writes, shape, values)


def _written(header: bytes, shape: AgiDialect, values: dict[str, bytes]) -> list[bytes]:
    """Asterisk's header with what a caller may write in its place, in Asterisk's own pieces."""
    named = dict(zip(("dialled", "sip_call_id", "user_agent"), shape.arguments, strict=False))
    written = {named.get(key, key).encode(): value for key, value in values.items()}
    lines = (line.partition(b": ") for line in header.split(b"\n")[:-2])
    return [
        *(key + b": " + written.get(key, value).split(b"\0")[0] + b"\n" for key, _, value in lines),
        b"\n",
    ]


def _nothing_forged(writes: list[bytes], shape: AgiDialect, values: dict[str, bytes]) -> None:
    events, failed = _outcome(writes, shape)
    plain = not any(b"\n" in value for value in values.values())
    assert not (plain and failed)  # eight values of 255 bytes are no header too long
    for event in events[:1]:
        assert isinstance(event, AgiRequest)
        fixed = (event.script, event.uniqueid, event.account)
        assert fixed == ("outbound", "lab-1.1", "acme")
        if plain:
            _as_written(event, values)


def _as_written(event: AgiRequest, values: dict[str, bytes]) -> None:
    text = {key: value.split(b"\0")[0].decode("utf-8", "replace") for key, value in values.items()}
    assert event.caller == ("" if text["agi_callerid"] == "unknown" else text["agi_callerid"])
    assert event.asked == ASKED
    told = (event.dialled, event.sip_call_id, event.user_agent)
    assert told == (text["dialled"], text["sip_call_id"], text["user_agent"])


def _same_in_pieces(sent: bytes, sizes: bytes, shape: AgiDialect) -> None:
    whole, whole_failed = _outcome([sent], shape)
    some, some_failed = _outcome(list(pieces(sent, sizes)), shape)
    assert whole_failed == some_failed
    # What came before the fault in one reading is lost with it.
    assert some[: len(whole)] == whole
    assert whole_failed or whole == some


def _outcome(parts: list[bytes], shape: AgiDialect) -> Outcome:
    parser, events = AgiParser(shape), []
    for part in parts:
        try:
            events += parser.receive(part)
        except ProtocolError:
            return events, True
        assert len(parser._buffer) <= MOST_HEADER_BYTES
    return events, False
