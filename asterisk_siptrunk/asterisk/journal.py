"""Asterisk's own call journal (cdr_custom), the second witness: read from where we stopped.

A call has a line for each dial attempt, written together when the caller's channel is gone. The
lines of one call are folded into one. A line that cannot be read is counted and passed over: the
call it stood for is still known to AMI, and to `usage verify`.
"""

import logging
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from glob import escape as glob_escape
from pathlib import Path

from asterisk_siptrunk.asterisk.reading import (
    OUR_CONTEXTS,
    Leg,
    is_number,
    is_uniqueid,
    leg_of,
    moment,
)
from asterisk_siptrunk.asterisk.variables import JOURNAL_FIELDS
from asterisk_siptrunk.call import Direction
from asterisk_siptrunk.call.witness import JournalCall, JournalPosition

LONGEST_LINE = 4096
"""Bytes: Asterisk's fields hold 80 to 256 characters each, so a record has 2,000 at most."""
READ_BYTES = 16_384
"""Bytes of one reading, about 70 calls: each is one transaction, and admissions wait for its end.
Measured at 600 refusals/s: with pieces of 1,000 calls one in a hundred waited for 34 ms, with these
for 7 to 10."""

COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})
"""Ends of the names that rotated journals have once they are compressed."""

_ANSWERED = "ANSWERED"
# Every field is quoted, and a quote in it doubled. Possessive (`*+`): no text, however it is made,
# costs more than one pass.
_FIELD = re.compile(rb'"((?:[^"]|"")*+)"')
# It begins with a UniqueID, in which no quote and no comma can be.
_FIRST_FIELD = re.compile(rb'"([^",]*+)",')
_RECORD = re.compile(
    _FIRST_FIELD.pattern + b",".join([_FIELD.pattern] * (len(JOURNAL_FIELDS) - 1)) + rb"\r?"
)
_DIGITS = re.compile(r"\d{1,18}", re.ASCII)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line of the journal: one attempt of one call. Times are UTC, exact to the microsecond.

    Attributes:
        uniqueid: of the caller's channel, the call's identity.
        sequence: tells the lines of a call apart, rising.
        account: its account code: the trunk's name, or the carrier's.
        channel, dstchannel: names of the caller's and of the called channel, "" for none.
        answered_at: None where nobody answered.
        reason: the CDR's userfield, where the verdict's word stands.
    """

    uniqueid: str
    sequence: int
    account: str
    src: str
    dialled: str
    context: str
    channel: str
    dstchannel: str
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime
    disposition: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading gave.

    Attributes:
        lines: those that could be read, in their order.
        bad: how many could not.
        position: where to go on; None where there is no journal yet.
        more: there is more to read at once.
        behind: bytes that are left after this, in all journals; None where there is none.
    """

    lines: tuple[JournalLine, ...] = ()
    bad: int = 0
    position: JournalPosition | None = None
    more: bool = False
    behind: int | None = None


def read_journal(file: Path, position: JournalPosition | None) -> Reading:
    """Read whole lines from a position on; none yet begins at the file's start.

    A journal that was rotated is first read to its end under its new name (`siptrunk.csv.1`),
    and then the next one. One that was emptied is read to its end in the copy that was made of it
    (logrotate's `copytruncate`), and then from its start; what is recorded already stays as it is.

    Raises:
        OSError: the file is there and cannot be read.
    """
    if position is not None:
        position = _after_emptying(file, position)
    here, *later = _from(file, position) or (None,)
    if here is None:
        return Reading(position=position)
    reading = _read(here, position)
    reading = replace(reading, behind=(reading.behind or 0) + sum(map(_size, later)))
    if reading.more or not later:
        return reading
    return _turned(reading, later[0])


def _size(file: Path) -> int:
    return file.stat().st_size


def _from(file: Path, position: JournalPosition | None) -> list[Path]:
    """The journals to read, in order: the one that the position is in, and those after it."""
    if position is None:
        return [file] if file.exists() else []
    journals = [path for path in all_journals(file) if path.suffix not in COMPRESSED]
    inodes = [path.stat().st_ino for path in journals]
    if position.inode in inodes:
        return journals[inodes.index(position.inode) :]
    if journals:
        log.error(
            "Journal: the file that was being read is gone from %s, or compressed: calls that "
            "ended in it unseen are missing ('siptrunk usage verify'). The others are read.",
            file.parent,
        )
    return journals


def is_lost(file: Path, position: JournalPosition) -> bool:
    """Whether the journal that a position is in is gone, or compressed, with others in its place.

    Raises:
        OSError: it cannot be looked for.
    """
    there = [path for path in all_journals(file) if path.suffix not in COMPRESSED]
    return bool(there) and all(path.stat().st_ino != position.inode for path in there)


def all_journals(file: Path) -> list[Path]:
    """The journal and its rotated ones, the oldest first.

    Raises:
        OSError: a name in its folder cannot be looked at.
    """
    rotated = [
        path for path in file.parent.glob(f"{glob_escape(file.name)}[.-]*") if path.is_file()
    ]
    rotated.sort(key=lambda path: path.stat().st_mtime_ns)
    return [*rotated, file] if file.exists() else rotated


def _after_emptying(file: Path, position: JournalPosition) -> JournalPosition:
    """Where to go on, should the file have been emptied: in its copy, or at its start."""
    if not file.exists() or file.stat().st_ino != position.inode:
        return position
    longer = position.offset <= file.stat().st_size
    if longer and _ends_a_line(file, position.offset):
        return position
    for copy in reversed(all_journals(file)):
        if copy.suffix not in COMPRESSED and _ends_a_line(copy, position.offset):
            log.info("Journal: it was emptied; what stood in it is read in %s.", copy)
            return JournalPosition(copy.stat().st_ino, position.offset)
    if longer:  # we stopped within a line without an end
        return position
    log.warning("Journal: it became shorter; it is read again from its start.")
    return JournalPosition(position.inode, 0)


def _ends_a_line(file: Path, offset: int) -> bool:
    """Whether a line ends there, as where we stop; past the end of the file none does."""
    with file.open("rb") as opened:
        opened.seek(max(0, offset - 1))
        return offset == 0 or opened.read(1) == b"\n"


def _read(file: Path, position: JournalPosition | None) -> Reading:
    with file.open("rb") as opened:
        inode = os.fstat(opened.fileno()).st_ino
        offset = position.offset if position is not None and position.inode == inode else 0
        opened.seek(offset)
        block = opened.read(READ_BYTES)
    lines, bad, done = parse_lines(block)
    position = JournalPosition(inode, offset + done)
    return Reading(lines, bad, position, more=len(block) == READ_BYTES)


def _turned(reading: Reading, following: Path) -> Reading:
    """The last reading of a journal that was rotated: the next one begins another file."""
    start = JournalPosition(following.stat().st_ino, 0)
    return replace(reading, position=start, more=True)


def parse_lines(block: bytes) -> tuple[tuple[JournalLine, ...], int, int]:
    """Parse a block: the good lines, how many records were bad, how many bytes are done with."""
    lines, done = read_lines(block)
    good = tuple(line for line in lines if line is not None)
    if bad := len(lines) - len(good):
        log.warning("Journal: %d line(s) cannot be read and were passed over.", bad)
    return good, bad, done


def read_lines(block: bytes) -> tuple[list[JournalLine | None], int]:
    """Read a block: its lines in their order, None for a bad one, and how many bytes they take."""
    records, done = _records(block)
    return [_line(record) if record else None for record in records], done


def _records(block: bytes) -> tuple[list[bytes], int]:
    """Take a block apart: its records, empty where one was torn, and how many bytes they take.

    A number that a caller forged may hold a line break, and its record then takes several lines.
    What such lines can never be is a record with values: CSV_QUOTE doubles their quotes. So a line
    that can be read by itself is always a record, and ends one that was torn before it (a crash, a
    full disk). So is what is whole at the end of a line: it was written behind the half of one.
    """
    records, done, begun = [], 0, b""
    for line in block.split(b"\n")[:-1]:
        joined = begun + line
        if _is_record(line) and (not begun or _line(line)):
            records += [b"", line] if begun else [line]
        elif whole := _behind_a_half(line):
            records += [b"", whole]
        elif _is_record(joined):
            records.append(joined)
        elif joined and len(joined) <= LONGEST_LINE:
            begun = joined + b"\n"
            continue
        elif joined:
            records.append(b"")
        done += len(begun) + len(line) + 1
        begun = b""
    if len(block) - done > LONGEST_LINE:
        # It never ends: skipped as it comes, but for what may be the beginning of another one.
        last = len(block) - block.rfind(b"\n") - 1
        return [*records, b""], len(block) - (last if last <= LONGEST_LINE else 0)
    return records, done


def _behind_a_half(line: bytes) -> bytes:
    """The record that a line ends with, behind something torn; empty where there is none."""
    if len(line) > 2 * LONGEST_LINE:
        return b""
    rests = (line[begin.start() :] for begin in _FIRST_FIELD.finditer(line))
    return next((rest for rest in rests if _is_record(rest) and _line(rest)), b"")


def _is_record(text: bytes) -> bool:
    return len(text) <= LONGEST_LINE and _RECORD.fullmatch(text) is not None


def _line(record: bytes) -> JournalLine | None:
    """Read a record; None where its values cannot be."""
    values = [
        value.replace(b'""', b'"').decode(errors="replace") for value in _FIELD.findall(record)
    ]
    return _from_fields(dict(zip(JOURNAL_FIELDS, values, strict=True)))


def _from_fields(field: dict[str, str]) -> JournalLine | None:
    started, ended = moment(field["start"]), moment(field["end"])
    sequence = field["sequence"]
    if not (started and ended and is_uniqueid(field["uniqueid"]) and _DIGITS.fullmatch(sequence)):
        return None
    return JournalLine(
        uniqueid=field["uniqueid"],
        sequence=int(sequence),
        account=field["accountcode"],
        src=field["src"],
        dialled=field["dialled"],
        context=field["dcontext"],
        channel=field["channel"],
        dstchannel=field["dstchannel"],
        started_at=started,
        answered_at=moment(field["answer"]),
        ended_at=ended,
        disposition=field["disposition"],
        reason=field["userfield"],
    )


def fold(lines: Iterable[JournalLine]) -> tuple[JournalCall, ...]:
    """Make one call of the lines that bear its UniqueID, in the order of their first lines.

    Lines of calls that are none of ours are left out.
    """
    calls: dict[str, list[JournalLine]] = {}
    for line in lines:
        if line.context.startswith(OUR_CONTEXTS):
            calls.setdefault(line.uniqueid, []).append(line)
    return tuple(_call(sorted(own, key=lambda line: line.sequence)) for own in calls.values())


def _call(lines: Sequence[JournalLine]) -> JournalCall:
    first, last = lines[0], lines[-1]
    # The attempt that was answered tells who carried the call; with none, the last one does.
    telling = next((line for line in lines if line.disposition == _ANSWERED), last)
    came_by, went_by = leg_of(first.channel), leg_of(telling.dstchannel)
    inbound = bool(came_by.carrier)
    return JournalCall(
        uniqueid=first.uniqueid,
        direction=Direction.INBOUND if inbound else Direction.OUTBOUND,
        trunk=_trunk(came_by, last.account),
        carrier=came_by.carrier or went_by.carrier,
        caller=first.src if is_number(first.src) else "",
        dialled=next((line.dialled for line in lines if is_number(line.dialled)), ""),
        started_at=min(line.started_at for line in lines),
        answered_at=min((line.answered_at for line in lines if line.answered_at), default=None),
        ended_at=max(line.ended_at for line in lines),
        disposition=telling.disposition,
        reason=next((line.reason for line in lines if line.reason), ""),
    )


def _trunk(came_by: Leg, account: str) -> str:
    """An inbound call bears its carrier's account code until it is admitted to a trunk."""
    return "" if account == came_by.carrier else account
