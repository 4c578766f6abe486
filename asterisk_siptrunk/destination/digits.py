"""Sets of numbers that one Asterisk pattern can say: a set of digits at each place.

libphonenumber describes a plan by regular expressions, of which it uses few features; here they
become blocks, blocks are subtracted and merged, and written as Asterisk writes them.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product

Block = tuple[int, ...]
"""One place a number; at each a bit mask of the digits admitted there, bit 0 for the digit 0."""

ANY = 0b11_1111_1111
_RUN_OF_THREE = "|".join(
    "0123456789"[first : first + length]
    for length in range(10, 2, -1)
    for first in range(11 - length)
)
_NAMED = {ANY: "X", ANY & ~0b1: "Z", ANY & ~0b11: "N"}


def literal(digits: str) -> Block:
    """The block of exactly these digits."""
    return tuple(1 << int(digit) for digit in digits)


def expand(expression: str) -> list[Block]:
    r"""The blocks of a regular expression made of digits, `[...]`, `\d`, groups, `|`, `?`, `{n,m}`.

    Raises:
        ValueError: the expression uses anything else.
    """
    reader = _Reader(expression)
    blocks = reader.alternatives()
    if reader.rest:
        raise ValueError(f"Cannot read {reader.rest!r} in {expression!r}.")
    return blocks


class _Reader:
    """Reads an expression from the left; `rest` is what is still to be read."""

    def __init__(self, expression: str) -> None:
        self.rest = expression

    def alternatives(self) -> list[Block]:
        blocks = self._sequence()
        while self._take("|"):
            blocks += self._sequence()
        return blocks

    def _sequence(self) -> list[Block]:
        blocks: list[Block] = [()]
        while self.rest and self.rest[0] not in "|)":
            repeated = self._repeated(self._atom())
            blocks = [head + tail for head in blocks for tail in repeated]
        return blocks

    def _atom(self) -> list[Block]:
        if self._take("(?:") or self._take("("):
            blocks = self.alternatives()
            self._must_take(")")
            return blocks
        if self._take("["):
            return [(_mask(self._until("]")),)]
        if self._take("\\d"):
            return [(ANY,)]
        digit, self.rest = self.rest[0], self.rest[1:]
        return [literal(digit)]

    def _repeated(self, atom: list[Block]) -> list[Block]:
        least, most = self._times()
        return [
            tuple(place for block in choice for place in block)
            for times in range(least, most + 1)
            for choice in product(atom, repeat=times)
        ]

    def _times(self) -> tuple[int, int]:
        if self._take("?"):
            return 0, 1
        if not self._take("{"):
            return 1, 1
        least, _, most = self._until("}").partition(",")
        return int(least), int(most or least)

    def _take(self, text: str) -> bool:
        found = self.rest.startswith(text)
        if found:
            self.rest = self.rest.removeprefix(text)
        return found

    def _must_take(self, text: str) -> None:
        if not self._take(text):
            raise ValueError(f"{text!r} is missing before {self.rest!r}.")

    def _until(self, end: str) -> str:
        body, _, self.rest = self.rest.partition(end)
        return body


def _mask(members: str) -> int:
    """The mask of what stands between brackets: `13-5`."""
    mask = 0
    while members:
        first, last = members[0], members[0]
        if members[1:2] == "-":
            last = members[2:3]
        mask |= sum(1 << digit for digit in range(int(first), int(last) + 1))
        members = members[3:] if members[1:2] == "-" else members[1:]
    return mask


def subtract(blocks: Iterable[Block], taken: Iterable[Block]) -> list[Block]:
    """The blocks without the numbers that begin with one of `taken`."""
    left = list(blocks)
    for prefix in taken:
        left = [rest for block in left for rest in _without(block, prefix)]
    return left


def within(blocks: Iterable[Block], prefix: Block) -> list[Block]:
    """The part of the blocks whose numbers begin with `prefix`."""
    return [_narrowed(block, prefix) for block in blocks if _meet(block, prefix)]


def merged(blocks: Iterable[Block]) -> list[Block]:
    """The same numbers in fewer blocks, in a fixed order."""
    result = set(blocks)
    before = None
    while before != len(result):
        before = len(result)
        for place in range(max(map(len, result), default=0)):
            result = _merged_at(place, result)
    return sorted(result, key=lambda block: (len(block), [-(mask & -mask) for mask in block]))


def extremes(block: Block) -> tuple[str, str]:
    """The lowest and the highest number of the block."""
    lowest = "".join(str((mask & -mask).bit_length() - 1) for mask in block)
    highest = "".join(str(mask.bit_length() - 1) for mask in block)
    return lowest, highest


def written(block: Block) -> str:
    """The block in Asterisk's pattern language: `0[1-7]XXXXXXXX`."""
    return "".join(map(_written_place, block))


def _merged_at(place: int, blocks: set[Block]) -> set[Block]:
    """Blocks that differ at this place alone become one."""
    masks: dict[tuple[Block, Block], int] = {}
    result = {block for block in blocks if len(block) <= place}
    for block in blocks - result:
        others = block[:place], block[place + 1 :]
        masks[others] = masks.get(others, 0) | block[place]
    return result | {(*head, mask, *tail) for (head, tail), mask in masks.items()}


def _meet(block: Block, prefix: Block) -> bool:
    enough = len(block) >= len(prefix)
    return enough and all(a & b for a, b in zip(block, prefix, strict=False))


def _narrowed(block: Block, prefix: Block) -> Block:
    places = tuple(a & b for a, b in zip(block, prefix, strict=False))
    return places + block[len(prefix) :]


def _without(block: Block, prefix: Block) -> Iterator[Block]:
    """Up to one block for each place at which a number can differ from the prefix."""
    if not _meet(block, prefix):
        yield block
        return
    common = _narrowed(block, prefix)
    for place in range(len(prefix)):
        other = block[place] & ~prefix[place]
        if other:
            yield (*common[:place], other, *block[place + 1 :])


def _written_place(mask: int) -> str:
    if mask in _NAMED:
        return _NAMED[mask]
    digits = "".join(str(digit) for digit in range(10) if mask >> digit & 1)
    return digits if len(digits) == 1 else f"[{_runs(digits)}]"


def _runs(digits: str) -> str:
    """Sorted digits with their runs shortened: `12349` is `1-49`."""
    return re.sub(_RUN_OF_THREE, lambda run: f"{run[0][0]}-{run[0][-1]}", digits)
