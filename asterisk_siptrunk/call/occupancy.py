"""How many channels were held at once, and how many there was a demand for: by the calls alone.

A call holds its channel from its start until its end, the end not included: one that begins in the
very moment in which another ends takes that one's channel.

What a refused call would have held nobody can know. It is taken to last as long as calls last
there, and another try for the same number meanwhile is the same wish: a PBX that tries again each
second does not need a channel for each try.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from asterisk_siptrunk.call.reason import Reason

SLOT = timedelta(minutes=15)
"""The grain of a chart."""
FULL = frozenset({Reason.CHANNELS_FULL, Reason.INBOUND_FULL, Reason.AWAY_FULL})
"""The reasons of refusals that more channels would have prevented."""
USUAL_LENGTH = timedelta(minutes=3)
"""For refused calls where no call passed to go by."""

Span = tuple[datetime, datetime]
"""From a moment until before another."""


@dataclass(frozen=True, slots=True)
class Use:
    """A call as far as channels are concerned.

    Attributes:
        ended_at: None while it lasts.
        full: whether it was refused for want of a channel.
        callee: whom it was for.
    """

    started_at: datetime
    ended_at: datetime | None
    full: bool = False
    callee: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """How a span of time went, slot by slot.

    Attributes:
        starts: when each slot begins; `until` is the end of the last.
        peaks: the most channels that were held at once in each.
        wanted: the most that would have been, had no call been refused for want of a channel.
        refused: how many calls were.
    """

    starts: tuple[datetime, ...]
    until: datetime
    peaks: tuple[int, ...]
    wanted: tuple[int, ...]
    refused: tuple[int, ...]

    @property
    def peak(self) -> int:
        """The most channels that were held at once."""
        return max(self.peaks, default=0)


@dataclass(frozen=True, slots=True)
class Need:
    """What a number of stretches say about how many channels are needed.

    Attributes:
        peak: the most that were held at once.
        sufficient: how many would have been enough for every call.
        refused: calls refused for want of a channel; `refused_in`: in how many stretches.
        worst: when the slot with the most of them began, `worst_refused`; None without any.
    """

    peak: int
    sufficient: int
    refused: int
    refused_in: int
    worst: datetime | None
    worst_refused: int


def borders(since: datetime, until: datetime) -> list[datetime]:
    """Where slots begin and end; `until` is the last border, however short the last slot is."""
    found = [since]
    while found[-1] + SLOT < until:
        found.append(found[-1] + SLOT)
    return [*found, until]


def peaks(spans: Iterable[Span], between: Sequence[datetime]) -> list[int]:
    """The most spans that hold at one moment, between each border and the next; borders rise."""
    # Of one moment the ends come first: what they hold is free for what begins.
    turns = sorted(
        turn for since, until in spans if since < until for turn in ((since, 1), (until, -1))
    )
    found, held, place = [], 0, 0
    for begin, end in pairwise(between):
        while place < len(turns) and turns[place][0] <= begin:
            held += turns[place][1]
            place += 1
        most = held
        while place < len(turns) and turns[place][0] < end:
            held += turns[place][1]
            most = max(most, held)
            place += 1
        found.append(most)
    return found


def stretch(uses: Sequence[Use], since: datetime, until: datetime, now: datetime) -> Stretch:
    """How a span of time went; `uses` are all calls of it, those too that began before.

    A call that still lasts is taken to last beyond it.
    """
    between = borders(since, until)
    held = [(one.started_at, _end(one, until)) for one in uses if not one.full]
    tries = [one for one in uses if one.full and since <= one.started_at < until]
    wishes = _wishes(tries, _mean_length(uses, now))
    found = peaks(held, between)
    return Stretch(
        starts=tuple(between[:-1]),
        until=until,
        peaks=tuple(found),
        wanted=tuple(peaks([*held, *wishes], between) if wishes else found),
        refused=tuple(_counted(tries, between)),
    )


def need(stretches: Iterable[Stretch]) -> Need:
    """What stretches say together."""
    peak = sufficient = refused = refused_in = worst_refused = 0
    worst = None
    for one in stretches:
        peak = max(peak, one.peak)
        sufficient = max((sufficient, *one.wanted))
        refused += sum(one.refused)
        refused_in += any(one.refused)
        for start, count in zip(one.starts, one.refused, strict=True):
            if count > worst_refused:
                worst, worst_refused = start, count
    return Need(peak, sufficient, refused, refused_in, worst, worst_refused)


def _end(one: Use, until: datetime) -> datetime:
    return until if one.ended_at is None else one.ended_at


def _mean_length(uses: Iterable[Use], now: datetime) -> timedelta:
    """How long calls held their channel; one that lasts, until now."""
    lengths = [(one.ended_at or now) - one.started_at for one in uses if not one.full]
    lengths = [length for length in lengths if length > timedelta()]
    return sum(lengths, timedelta()) / len(lengths) if lengths else USUAL_LENGTH


def _wishes(tries: Iterable[Use], length: timedelta) -> list[Span]:
    """What refused calls would have held."""
    until: dict[str, datetime] = {}
    found = []
    for one in sorted(tries, key=lambda each: each.started_at):
        if one.started_at >= until.get(one.callee, one.started_at):
            until[one.callee] = one.started_at + length
            found.append((one.started_at, until[one.callee]))
    return found


def _counted(tries: Iterable[Use], between: Sequence[datetime]) -> list[int]:
    counts = [0] * (len(between) - 1)
    for one in tries:
        counts[int((one.started_at - between[0]) / SLOT)] += 1
    return counts
