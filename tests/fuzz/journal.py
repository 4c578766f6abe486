"""The journal: whole good lines are found, whatever stands between them and however it is read."""

from asterisk_siptrunk.asterisk import journal
from asterisk_siptrunk.asterisk.journal import JournalLine, fold, parse_lines, read_lines
from tests.fuzz.source import Source, pieces
from tests.unit.asterisk.lines import row

_FORGEABLE = ("src", "dialled", "channel", "userfield", "linkedid")


def check(data: bytes) -> None:
    source = Source(data)
    sizes = source.some()
    block, torn = b"", False
    planted: list[str] = []
    while source:
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
        return source.some() * (1 + source.below(256)) + b"\n", []
    values = {key: source.some() for key in _FORGEABLE}
    uniqueid = f"lab-{number}.1"
    if kind == 2 or after_garbage:  # a torn line could take a record of several lines with it
        values = {key: value.replace(b"\n", b" ") for key, value in values.items()}
    text = {key: value.decode("latin-1") for key, value in values.items()}
    record = row(uniqueid=uniqueid, **text)
    assert len(record) <= journal.LONGEST_LINE
    return record + b"\n", [uniqueid]


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
