"""Sliding windows in little memory, each with a bound on its error.

A window of W seconds is cut into parts. What happened is added to the part of its moment, and a
part is dropped whole when its turn comes again. So nothing older than W is ever counted, and
nothing younger than W less one part is ever left out; there is no midnight at which all begins
anew. Times go forward: what comes late is counted as if it were now.
"""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Any
from zlib import crc32

PARTS = 12
"""Of a `Ring`: it is right to a twelfth of its window."""
GENERATIONS = 3
"""Of `Leaders` and `Distinct`: they are right to a third of their window."""
PLACES = 16
"""Keys that `Leaders` keep in each part."""
BITS = 512
"""Of `Distinct`, for each part: 100 different things are told to within about 5, 400 to within
about 20 (standard error of linear counting)."""


@cache
def _widths(span: float, parts: int) -> float:
    """Of a window's parts: one number for all windows of a length."""
    return span / parts


class Ring:
    """A sum over the last `span` seconds; of all keys together.

    Error: what came between `span` and eleven twelfths of it ago may be left out.
    """

    __slots__ = ("_cells", "_width")

    def __init__(self, span: float) -> None:
        self._width = _widths(span, PARTS)
        # The parts, then their sum, then the number of the newest: in one piece, which is smaller.
        self._cells = array("q", _NO_CELLS)

    def add(self, at: float, _key: str, amount: int) -> int:
        """Count something in; gives the sum."""
        cells = self._cells
        place, newest = int(at / self._width), cells[_NEWEST]
        if place > newest:
            self._turn(newest, place)
            newest = place
        cells[newest % PARTS] += amount
        cells[_TOTAL] += amount
        return cells[_TOTAL]

    def value(self, at: float, _key: str = "") -> int:
        """The sum at that time."""
        place, newest = int(at / self._width), self._cells[_NEWEST]
        if place > newest:
            self._turn(newest, place)
        return self._cells[_TOTAL]

    def _turn(self, newest: int, place: int) -> None:
        """Drop the parts whose turn has come again."""
        cells = self._cells
        if place - newest >= PARTS:
            self.forget("")
        else:
            for passed in range(newest + 1, place + 1):
                cells[_TOTAL] -= cells[passed % PARTS]
                cells[passed % PARTS] = 0
        cells[_NEWEST] = place

    def forget(self, _key: str) -> None:
        """Count from nothing again."""
        if self._cells[_TOTAL]:
            self._cells[:_NEWEST] = _NO_CELLS[:_NEWEST]

    def packed(self) -> list[Any]:
        """As JSON can hold it."""
        return self._cells.tolist()

    def fill(self, packed: list[Any]) -> None:
        """Be what was packed."""
        self._cells = array("q", packed)


_TOTAL, _NEWEST = PARTS, PARTS + 1
_NO_CELLS = array("q", bytes(8 * (PARTS + 2)))


class Leaders:
    """Sums by key over the last `span` seconds: of the keys that have much, in bounded memory.

    Each part keeps `PLACES` keys by the rule of Misra and Gries: where there is no place for a new
    key, as much as it brings is taken from all that are there, at most what they have. Error: a sum
    is too low by at most a seventeenth of all that was added in its window. A key is kept as its
    checksum, which takes a tenth of the room: a sum is too high where two keys share one, of which
    the chance is one in four billion.
    """

    __slots__ = ("_parts", "_place", "_width")

    def __init__(self, span: float) -> None:
        self._width = _widths(span, GENERATIONS)
        # In each part a key's mark, then its amount, then the next: in one piece, which is smaller.
        self._parts = [_NOTHING] * GENERATIONS
        self._place = 0

    def add(self, at: float, key: str, amount: int) -> int:
        """Count something in for a key; gives the key's sum."""
        self._turn(at)
        part, mark = self._parts[0], _mark(key)
        if mark in part:
            part[part.index(mark) + 1] += amount
        elif not part:
            self._parts[0] = array("q", (mark, amount))
        elif len(part) < 2 * PLACES:
            part.extend((mark, amount))
        else:
            self._crowd(mark, amount)
        return self._sum(mark)

    def value(self, at: float, key: str) -> int:
        """The key's sum at that time."""
        self._turn(at)
        return self._sum(_mark(key))

    def _sum(self, mark: int) -> int:
        return sum(part[part.index(mark) + 1] for part in self._parts if mark in part)

    def _crowd(self, mark: int, amount: int) -> None:
        part = self._parts[0]
        taken = min(amount, *part[1::2])
        every = [*_pairs(part), (mark, amount)]
        left = [(each, has - taken) for each, has in every if has > taken]
        self._parts[0] = array("q", chain.from_iterable(left))

    def _turn(self, at: float) -> None:
        place = int(at / self._width)
        if place <= self._place:
            return
        fresh = min(place - self._place, GENERATIONS)
        self._parts = [*[_NOTHING] * fresh, *self._parts[: GENERATIONS - fresh]]
        self._place = place

    def forget(self, key: str) -> None:
        """Count a key from nothing again."""
        mark = _mark(key)
        for part in self._parts:
            if mark in part:
                place = part.index(mark)
                del part[place : place + 2]

    def packed(self) -> list[Any]:
        """As JSON can hold it."""
        return [self._place, *map(list, self._parts)]

    def fill(self, packed: list[Any]) -> None:
        """Be what was packed."""
        self._place, *parts = packed
        self._parts = [array("q", part) if part else _NOTHING for part in parts]


_NOTHING = array("q")
"""A part in which nothing was: all share it, and nothing is ever added to it."""


def _mark(key: str) -> int:
    """A key in four bytes, below 0 as no amount is."""
    return ~crc32(key.encode())


def _pairs(part: "array[int]") -> Iterator[tuple[int, int]]:
    return zip(part[::2], part[1::2], strict=True)


class ButDearest(Leaders):
    """A sum over the last `span` seconds, without what the key has that has most of it.

    Error: see `Leaders`; what is left is too high by at most a seventeenth of the whole.
    """

    __slots__ = ("_totals",)

    def __init__(self, span: float) -> None:
        super().__init__(span)
        self._totals = array("q", _NO_TOTALS)

    def add(self, at: float, key: str, amount: int) -> int:
        """Count something in for a key; gives the sum of all."""
        super().add(at, key, amount)
        self._totals[0] += amount
        return sum(self._totals)

    def value(self, at: float, _key: str = "") -> int:
        """The sum of all at that time."""
        self._turn(at)
        return sum(self._totals)

    def dearest(self, at: float, more: Iterable[tuple[str, int]]) -> int:
        """What the key has that has most, with what is to come to some keys."""
        self._turn(at)
        sums: Counter[int] = Counter()
        for part in self._parts:
            for mark, amount in _pairs(part):
                sums[mark] += amount
        for key, amount in more:
            sums[_mark(key)] += amount
        return max(sums.values(), default=0)

    def _turn(self, at: float) -> None:
        before = self._place
        super()._turn(at)
        fresh = min(self._place - before, GENERATIONS)
        if fresh:
            self._totals = _NO_TOTALS[:fresh] + self._totals[: GENERATIONS - fresh]

    def forget(self, _key: str) -> None:
        """Count from nothing again."""
        self._parts = [_NOTHING] * GENERATIONS
        self._totals = array("q", _NO_TOTALS)

    def packed(self) -> list[Any]:
        """As JSON can hold it."""
        return [*super().packed(), *self._totals]

    def fill(self, packed: list[Any]) -> None:
        """Be what was packed."""
        super().fill(packed[:-GENERATIONS])
        self._totals = array("q", packed[-GENERATIONS:])


_NO_TOTALS = array("q", bytes(8 * GENERATIONS))


class Distinct:
    """How many different keys came in the last `span` seconds, by linear counting.

    Error: see `BITS`; never more than about 3,200 are told, which is when every bit is set.
    """

    __slots__ = ("_parts", "_place", "_width")

    def __init__(self, span: float) -> None:
        self._width = _widths(span, GENERATIONS)
        self._parts = [0] * GENERATIONS
        self._place = 0

    def add(self, at: float, key: str, _amount: int) -> int:
        """Count a key in; gives how many there are."""
        self._turn(at)
        self._parts[0] |= 1 << _bit(key)
        return self.value(at)

    def value(self, at: float, _key: str = "") -> int:
        """How many there are at that time."""
        self._turn(at)
        bits = 0
        for part in self._parts:
            bits |= part
        return _ESTIMATES[bits.bit_count()]

    def _turn(self, at: float) -> None:
        place = int(at / self._width)
        if place > self._place:
            fresh = [0] * min(place - self._place, GENERATIONS)
            self._parts = (fresh + self._parts)[:GENERATIONS]
            self._place = place

    def forget(self, _key: str) -> None:
        """Count from nothing again."""
        self._parts = [0] * GENERATIONS

    def packed(self) -> list[Any]:
        """As JSON can hold it."""
        return [self._place, *self._parts]

    def fill(self, packed: list[Any]) -> None:
        """Be what was packed."""
        self._place, *self._parts = packed


def _bit(key: str) -> int:
    """A key's bit; not by hash(), which differs from one start to the next: a replay must not."""
    # Checksums of numbers in sequence are not spread by chance; multiplied (Knuth) they are.
    return (crc32(key.encode()) * 2_654_435_761 >> 16) % BITS


def _estimate(bits: int) -> int:
    unset = max(BITS - bits, 1)
    return round(-BITS * math.log(unset / BITS))


_ESTIMATES = tuple(_estimate(bits) for bits in range(BITS + 1))

Window = Ring | Leaders | ButDearest | Distinct


class Gauge:
    """What calls that have not ended add up to now: their number, their seconds, their cost.

    Each call has a pace: what a minute of it adds (its price, or 60 seconds). It is exact, and
    costs the same for one call and for a thousand.
    """

    __slots__ = ("_pace", "_since", "_talking", "calls")

    def __init__(self) -> None:
        self.calls = 0
        self._pace = 0
        self._talking = 0
        self._since = 0

    def begin(self, pace: int) -> None:
        """A call rings."""
        self.calls += 1
        self._pace += pace

    def answer(self, at: float, pace: int) -> None:
        """One that rang is answered."""
        self._talking += pace
        self._since += pace * _milliseconds(at)

    def end(self, pace: int, answered_at: float | None) -> None:
        """A call is over."""
        self.calls -= 1
        self._pace -= pace
        if answered_at is not None:
            self._talking -= pace
            self._since -= pace * _milliseconds(answered_at)

    def so_far(self, at: float) -> int:
        """What the calls have added up to since each was answered."""
        return max(0, self._talking * _milliseconds(at) - self._since) // _MINUTE

    def in_a_minute(self) -> int:
        """What they add in each minute, once all are answered."""
        return self._pace

    def seconds_to(self, amount: int) -> float:
        """How long those that are answered take to add up to so much."""
        return 60.0 * amount / self._talking if self._talking else math.inf

    def packed(self) -> list[int]:
        """As JSON can hold it."""
        return [self.calls, self._pace, self._talking, self._since]

    @classmethod
    def unpacked(cls, packed: list[int]) -> "Gauge":
        """What was packed."""
        gauge = cls()
        gauge.calls, gauge._pace, gauge._talking, gauge._since = packed
        return gauge


_MINUTE = 60_000


def _milliseconds(at: float) -> int:
    return int(at * 1000)
