"""The whole call journal, rotated and compressed files too: what a proof is read from.

`journal.py` reads on from a position, for the service. Here a file is read from its start, nothing
is remembered, and nothing is passed over: what cannot be read is told, with its place.
"""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, cast

from asterisk_siptrunk.asterisk.journal import (
    COMPRESSED,
    JournalLine,
    all_journals,
    fold,
    read_lines,
)
from asterisk_siptrunk.call.verify import BadLines
from asterisk_siptrunk.call.witness import JournalCall
from asterisk_siptrunk.errors import JournalUnreadable

READ_BYTES = 262_144
"""Bytes at a time, about 1,000 calls: nobody waits for them."""

Done = Callable[[int], None]
"""Told how many bytes of all were read so far."""

_OPENERS: Mapping[str, Callable[[BinaryIO], object]] = MappingProxyType(
    {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
)
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError)


class JournalArchive:
    """The files of a journal that can hold calls which ended at a moment or later."""

    def __init__(self, file: Path, since: datetime) -> None:
        """Find them; a file that was last written before the moment holds none of those calls.

        Raises:
            JournalUnreadable: there is no journal, or it cannot be looked for.
        """
        self._file = file
        with _explained(file):
            found = all_journals(file)
            self._inodes = _inodes(found)
            self._sizes = {path: path.stat().st_size for path in found if _written(path) >= since}
        if not found:
            raise JournalUnreadable(
                f"The journal {file} is not there, or its folder cannot be read: without it "
                "nothing is proven. Look at [asterisk] journal in the settings, and run this on "
                "the server whose Asterisk writes it, by an account that may read it."
            )

    @property
    def size(self) -> int:
        """Bytes on disk, of compressed files as they are."""
        return sum(self._sizes.values())

    def read(self, done: Done) -> Iterator[JournalCall | BadLines]:
        """Every call of ours, some in several parts, and where lines cannot be read.

        Raises:
            JournalUnreadable: a file cannot be read to its end, or they were rotated meanwhile.
        """
        before = 0
        for path, size in self._sizes.items():
            with _explained(path):
                yield from _read_file(path, before, done)
            before += size
        with _explained(self._file):
            inodes = _inodes(all_journals(self._file))
        if not self._inodes <= inodes:
            raise JournalUnreadable(
                f"The journal {self._file} was rotated or removed while it was read: calls may "
                "have been missed. Run this again."
            )


def _inodes(files: Sequence[Path]) -> set[tuple[Path, int]]:
    return {(path, path.stat().st_ino) for path in files}


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        said = (isinstance(error, OSError) and error.strerror) or str(error) or "damaged"
        raise JournalUnreadable(
            f"The journal {file} cannot be read to its end ({said}): it may hold calls of the "
            "period. Give this account the right to read it, or put a whole copy in its place."
        ) from None


def _read_file(path: Path, before: int, done: Done) -> Iterator[JournalCall | BadLines]:
    if path.suffix in COMPRESSED - _OPENERS.keys():
        raise JournalUnreadable(
            f"The journal {path} is compressed in a way that is not read here: uncompress it, or "
            "use gzip, bzip2 or xz."
        )
    places = _BadPlaces(path.name)
    with path.open("rb") as raw:
        opener = _OPENERS.get(path.suffix)
        stream = cast("BinaryIO", opener(raw)) if opener else raw
        for lines in _pieces(stream):
            yield from places.among(lines)
            yield from fold(line for line in lines if line is not None)
            done(before + raw.tell())
    yield from places.at_the_end()


def _pieces(stream: BinaryIO) -> Iterator[Sequence[JournalLine | None]]:
    """All lines of a file; the last one need not have an end of its own."""
    rest = b""
    while read := stream.read(READ_BYTES):
        block = rest + read
        lines, taken = read_lines(block)
        rest = block[taken:]
        yield lines
    lines, taken = read_lines(rest + b"\n")
    torn = taken <= len(rest)
    yield [*lines, None] if torn else lines


class _BadPlaces:
    """Where lines of a file cannot be read, each place told by its good neighbours."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._count = 0
        self._after: datetime | None = None

    def among(self, lines: Sequence[JournalLine | None]) -> Iterator[BadLines]:
        """Go on through the next lines of the file."""
        for line in lines:
            if line is None:
                self._count += 1
                continue
            if self._count:
                yield self._place(before=line.ended_at)
            self._after = max(self._after or line.ended_at, line.ended_at)

    def at_the_end(self) -> Iterator[BadLines]:
        """The place after which no good line comes."""
        if self._count:
            yield self._place(before=None)

    def _place(self, before: datetime | None) -> BadLines:
        count, self._count = self._count, 0
        return BadLines(self._file, count, self._after, before)
