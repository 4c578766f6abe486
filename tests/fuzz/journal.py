"""The journal: whole good lines are found, whatever stands between them and however it is read."""

from asterisk_siptrunk.asterisk import journal
from asterisk_siptrunk.asterisk.journal import JournalLine, fold, parse_lines, read_lines
from tests.fuzz.source import Source, pieces
from tests.unit.asterisk.lines import row

_MOST_READINGS, _MOST_PARTS = 6, 4
_ENOUGH = 24  # times 255 bytes is longer than any line may be
_FORGEABLE = ("linkedid", "src", "dialled", "channel", "userfield")  # as they follow each other
_ROW = row(uniqueid="%s", **dict.fromkeys(_FORGEABLE, "%s"))


def check(data: bytes) -> None:
    source = Source(data)
    sizes = source.some()[:_MOST_READINGS]
    block, torn = b"", False
    planted: list[str] = []
    for _ in range(_MOST_PARTS):
        if not source:
            break
        part, found = _part(source, len(planted), after_garbage=torn)
        block += part
        planted += found
        torn = not found
    lines, done = read_lines(block)
    assert 0 <= done <= len(block)
    good = [line for line in lines if line is not None]
    _holds_in_order(good, planted)
    _same_as_it_grows(block, sizes, good)
    assert len(fold(good)) <= len(good)


def _part(source: Source, number: int, *, after_garbage: bool) -> tuple[bytes, list[str]]:
    """A record of a call, or anything else; with the UniqueIDs that must be found in it."""
    kind = source.below(4)
    if kind == 0:
        return source.some() + b"\n", []
    if kind == 1:
        return source.some() * (1 + source.below(_ENOUGH)) + b"\n", []
    values = [source.some().replace(b'"', b'""') for _ in _FORGEABLE]
    uniqueid = f"lab-{number}.1"
    if kind == 2 or after_garbage:  # a torn line could take a record of several lines with it
        values = [value.replace(b"\n", b" ") for value in values]
    return _ROW % (uniqueid.encode(), *values) + b"\n", [uniqueid]


def _holds_in_order(good: list[JournalLine], planted: list[str]) -> None:
    told = iter(line.uniqueid for line in good)
    assert all(uniqueid in told for uniqueid in planted)


def _same_as_it_grows(block: bytes, sizes: bytes, good: list[JournalLine]) -> None:
    """Read as the daemon does: what there is so far, from where the reading before ended."""
    there, at = b"", 0
    found: list[JournalLine] = []
    for piece in pieces(block, sizes):
        there += piece
        lines, _, done = parse_lines(there[at:])
        found += lines
        at += done
        assert len(there) - at <= journal.LONGEST_LINE
    if all(len(line) <= journal.LONGEST_LINE for line in block.split(b"\n")):
        assert found == good
    else:  # where a line was too long, its parts may be counted apart; what is good stays
        planted = [line for line in good if line in found]
        assert planted == good
