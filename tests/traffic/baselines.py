"""What others do, on the same traffic: nothing, OpenSIPS's five counters, and a daily spend cap.

**OpenSIPS.** `fraud_detection` counts for each user and called prefix, and compares at each new
call (`check_fraud`), the duration when a call has ended. Thresholds are the ones of its tutorial,
the only ones that the project has published: https://www.opensips.org/Documentation/
Tutorials-FraudDetection-2-3. That it resets all but the calls a minute at midnight and where
another rule's hours begin is in its source, `modules/fraud_detection/fraud_detection.c`
(`itv_reset`); that calls a minute are a sliding window, and start anew with the day, too.

The tutorial's rules are for one foreign prefix, so here each foreign country is one prefix, and
so are the home country's surcharged numbers; other calls within the country match no rule. The
module acts on nothing itself, so we assume what its users script: a critical value blocks the
trunk's calls abroad (or to surcharged numbers, where it was one of them) until the next morning at
8, and running calls go on.

**A daily spend cap** adds up what ended calls have cost since midnight, and blocks outbound calls
until the next midnight. Running calls go on, and count when they end.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from asterisk_siptrunk.anomaly.sighting import Moment
from asterisk_siptrunk.call import Direction
from tests.traffic.days import HOUR, local_day, midnight
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.zones import CURRENCY, is_abroad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from asterisk_siptrunk.anomaly.sighting import Seen, Sighting
    from asterisk_siptrunk.call.security import SecurityEvent
    from tests.traffic.plan import Line

_MINUTE = 60.0


class Thresholds(NamedTuple):
    """Of one rule: warning and critical for each counter, in the tutorial's order."""

    a_minute: tuple[int, int]
    duration: tuple[int, int]
    total: tuple[int, int]
    concurrent: tuple[int, int]
    sequential: tuple[int, int]


_BY_DAY = Thresholds((3, 5), (7200, 13200), (16, 35), (3, 5), (6, 20))
"""Monday to Friday, 9:00 to 17:00."""
_BY_EVENING = Thresholds((3, 5), (9600, 16000), (21, 35), (3, 5), (8, 26))
_BY_NIGHT = Thresholds((3, 4), (4800, 9600), (10, 20), (3, 4), (5, 15))
_ON_WEEKENDS = Thresholds((3, 5), (11400, 17400), (24, 40), (3, 5), (12, 30))


def rule_at(at: float) -> Thresholds:
    """The rule whose hours and days a moment is in."""
    day = local_day(at)
    if day.weekday() >= 5:
        return _ON_WEEKENDS
    hour = (at - midnight(day)) / HOUR
    if hour < 9:
        return _BY_NIGHT
    return _BY_DAY if hour < 17 else _BY_EVENING


class Nothing:
    """Sees nothing; other baselines neither look at a clock without a call, nor at passwords."""

    def __init__(self, _lines: Sequence[Line]) -> None:
        pass

    def take(self, _sighting: Sighting) -> Iterable[Verdict]:
        """Nothing."""
        return ()

    def tick(self, _now: float) -> Iterable[Verdict]:
        """Nothing."""
        return ()

    def notice(self, _event: SecurityEvent) -> Iterable[Verdict]:
        """Nothing."""
        return ()


@dataclass(slots=True)
class _Counters:
    """Of one trunk and prefix."""

    day: date = date.min
    rule: Thresholds | None = None
    interval: int = 0
    starts: deque[float] = field(default_factory=deque)
    total: int = 0
    concurrent: int = 0
    sequential: int = 0
    last: str = ""

    def begin(self, at: float, callee: str, rule: Thresholds) -> None:
        """A new call."""
        day = local_day(at)
        if day != self.day or rule is not self.rule:
            self.day, self.rule = day, rule
            self.interval += 1
            self.starts.clear()
            self.total = self.concurrent = self.sequential = 0
        self.sequential = self.sequential + 1 if callee == self.last else 1
        self.last = callee
        self.total += 1
        self.concurrent += 1
        self.starts.append(at)
        while self.starts[0] <= at - _MINUTE:
            self.starts.popleft()

    def values(self, rule: Thresholds) -> Iterator[tuple[str, int, tuple[int, int]]]:
        """Each counter with its thresholds."""
        yield "calls a minute", len(self.starts), rule.a_minute
        yield "total calls", self.total, rule.total
        yield "concurrent calls", self.concurrent, rule.concurrent
        yield "sequential calls", self.sequential, rule.sequential


class OpenSips(Nothing):
    """The five counters."""

    def __init__(self, lines: Sequence[Line]) -> None:
        super().__init__(lines)
        self._counters: dict[tuple[str, str], _Counters] = defaultdict(_Counters)
        self._begun: dict[int, tuple[_Counters, int, Thresholds]] = {}

    def take(self, sighting: Sighting) -> Iterable[Verdict]:
        """Count what matches a rule, as the calls that the server lets through do."""
        seen = sighting.seen
        prefix = _prefix(seen)
        if not prefix or not seen.admitted:
            return ()
        if sighting.moment is Moment.BEGUN:
            return self._begin(sighting.at, seen, prefix)
        return self._end(sighting.at, seen) if sighting.moment is Moment.ENDED else ()

    def _begin(self, at: float, seen: Seen, prefix: str) -> Iterator[Verdict]:
        counters, rule = self._counters[seen.trunk, prefix], rule_at(at)
        counters.begin(at, seen.callee, rule)
        self._begun[seen.id] = counters, counters.interval, rule
        for name, value, limits in counters.values(rule):
            yield from _compare(at, seen, name, value, limits)

    def _end(self, at: float, seen: Seen) -> Iterator[Verdict]:
        counters, interval, rule = self._begun.pop(seen.id)
        if interval == counters.interval:
            counters.concurrent -= 1
        lasted = at - seen.answered_at if seen.answered_at is not None else 0
        yield from _compare(at, seen, "call duration", lasted, rule.duration)


def _prefix(seen: Seen) -> str:
    """What the rules are for; "" where there is none."""
    if seen.direction is not Direction.OUTBOUND:
        return ""
    if is_abroad(seen.zone):
        return seen.zone.partition(":")[0]
    return seen.zone if seen.zone.endswith(":premium") else ""


def _compare(
    at: float, seen: Seen, name: str, value: float, limits: tuple[int, int]
) -> Iterator[Verdict]:
    warning, critical = limits
    if value < warning:
        return
    level = Level.CRITICAL if value >= critical else Level.WARNING
    abroad = is_abroad(seen.zone)
    scope = Scope(Part.INTERNATIONAL) if abroad else Scope(Part.ZONE, seen.zone)
    yield Verdict(at, seen.trunk, scope, level, name, _next_morning(at))


def _next_morning(at: float) -> float:
    """The next time that it is 8."""
    today = midnight(local_day(at)) + 8 * HOUR
    return today if at < today else midnight(local_day(at) + timedelta(days=1)) + 8 * HOUR


class SpendCap(Nothing):
    """Critical at the cap, a warning at four fifths of it; in the currency, each day."""

    def __init__(self, lines: Sequence[Line], cap: float) -> None:
        super().__init__(lines)
        self._cap = cap * CURRENCY
        self._day = date.min
        self._ends = 0.0
        self._spent: dict[str, float] = defaultdict(float)

    def take(self, sighting: Sighting) -> Iterable[Verdict]:
        """Add up what has ended."""
        seen = sighting.seen
        if sighting.moment is not Moment.ENDED or seen.answered_at is None:
            return ()
        if sighting.at >= self._ends:
            self._day = local_day(sighting.at)
            self._ends = midnight(self._day + timedelta(days=1))
            self._spent.clear()
        before = self._spent[seen.trunk]
        cost = seen.fee + seen.price * (sighting.at - seen.answered_at) / _MINUTE
        self._spent[seen.trunk] = before + cost
        return self._crossed(sighting.at, seen.trunk, before, before + cost)

    def _crossed(self, at: float, trunk: str, before: float, now: float) -> Iterator[Verdict]:
        for level, mark in ((Level.WARNING, 0.8 * self._cap), (Level.CRITICAL, self._cap)):
            if before < mark <= now:
                scope = Scope(Part.OUTBOUND)
                yield Verdict(at, trunk, scope, level, "daily spend", self._ends)
