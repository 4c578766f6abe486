"""Choices made from bytes, so that one corpus serves every fuzzer."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Source:
    """Bytes that are used up; when there are none left, each choice is the first one."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def below(self, limit: int) -> int:
        """A number from 0 on, under a limit of 256 at most."""
        taken = self.take(1)
        return taken[0] % limit if taken else 0

    def one_of(self, items: Sequence[Item]) -> Item:
        return items[self.below(len(items))]

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken

    def some(self) -> bytes:
        """A few bytes: one tells how many."""
        return self.take(self.below(256))

    def text(self) -> str:
        """What the command line makes of bytes, those that are not UTF-8 included."""
        return self.some().decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        taken = self._data[self._at :]
        self._at = len(self._data)
        return taken


def pieces(data: bytes, sizes: bytes) -> Iterator[bytes]:
    """The data in pieces of these sizes, and then the rest."""
    at = 0
    for size in sizes:
        if at < len(data):
            yield data[at : at + 1 + size]
        at += 1 + size
    if at < len(data):
        yield data[at:]
