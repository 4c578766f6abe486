"""A chart of channel occupancy, as the numbers that an SVG is drawn with."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from asterisk_siptrunk.call.occupancy import Stretch

WIDTH, HEIGHT = 960, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 22, 26
_MOST_LINES = 5
_MARK = 6
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Column:
    """A slot in which something happened."""

    x: float
    width: float
    start: datetime
    until: datetime
    peak: int
    refused: int


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn.

    Attributes:
        used, wanted: outlines of the channels held, and of those that there was a demand for.
        limit: the height of the line of the trunk's channels.
        columns: for what is told of a slot; those with refusals are marked.
        rows, marks: where lines of the scale stand, and the times below, with what they say.
    """

    used: str
    wanted: str
    limit: float
    columns: tuple[Column, ...]
    rows: tuple[tuple[float, int], ...]
    marks: tuple[tuple[float, datetime], ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    base: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT
    mark: int = _MARK


def draw(stretches: Sequence[Stretch], limit: int, marks: Sequence[datetime]) -> Chart:
    """Lay stretches that follow each other beside each other; there is one at least."""
    scale = _Scale(stretches, limit)
    return Chart(
        used="".join(scale.outline(one.starts, one.until, one.peaks) for one in stretches),
        wanted="".join(scale.outline(one.starts, one.until, one.wanted) for one in stretches),
        limit=scale.y(limit),
        columns=tuple(column for one in stretches for column in scale.columns(one)),
        rows=tuple((scale.y(value), value) for value in scale.lines()),
        marks=tuple((scale.x(at), at) for at in marks),
    )


class _Scale:
    def __init__(self, stretches: Sequence[Stretch], limit: int) -> None:
        self._since, self._until = stretches[0].starts[0], stretches[-1].until
        self._most = max(limit, *(most for one in stretches for most in one.wanted))

    def x(self, at: datetime) -> float:
        part: float = (at - self._since) / (self._until - self._since)
        return round(_LEFT + part * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, channels: int) -> float:
        return round(HEIGHT - _BOTTOM - channels / self._most * (HEIGHT - _TOP - _BOTTOM), 1)

    def lines(self) -> list[int]:
        """Round numbers, few of them."""
        size = 1
        while True:
            for step in _STEPS:
                if self._most <= _MOST_LINES * step * size:
                    return list(range(0, self._most + 1, step * size))
            size *= 10

    def outline(self, starts: Sequence[datetime], until: datetime, values: Sequence[int]) -> str:
        return "".join(
            f"M{self.x(begin)} {self.y(0)}V{self.y(value)}H{self.x(end)}V{self.y(0)}Z"
            for (begin, end), value in zip(pairwise([*starts, until]), values, strict=True)
            if value
        )

    def columns(self, one: Stretch) -> Iterator[Column]:
        slots = pairwise([*one.starts, one.until])
        for (begin, end), peak, refused in zip(slots, one.peaks, one.refused, strict=True):
            if peak or refused:
                x = self.x(begin)
                width = round(self.x(end) - x, 1)
                yield Column(x, width, begin, end, peak, refused)


def every(since: datetime, until: datetime, step: timedelta) -> list[datetime]:
    """Moments at the same distance, the first one included."""
    found = [since]
    while found[-1] + step < until:
        found.append(found[-1] + step)
    return found
