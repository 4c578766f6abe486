"""A rule tried on stored calls: what it would have found and stopped, and a threshold proposed.

It is the code that watches live. What a rule would have stopped is taken out of what it sees
afterwards: a call that would have been refused is seen as a refused one, one that would have been
ended as ended. What is blocked without an expiry is taken to be released after `RELEASED_AFTER`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from asterisk_siptrunk.anomaly import Finding, Moment, Rule, Seen, Sighting
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.call import Direction, Reason
from asterisk_siptrunk.database import sightings, trunks
from asterisk_siptrunk.database.replay import Replay, make_watch
from asterisk_siptrunk.database.sightings import Book
from asterisk_siptrunk.database.watch_rules import RuleBook
from asterisk_siptrunk.database.watching import is_in, part_of
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import Suspension

LEARNED_BEFORE = timedelta(days=28)
"""Calls before the period that tell what is usual; nothing is found in them."""
RELEASED_AFTER = timedelta(days=1)
MONTH = timedelta(days=30)
MOST_AMOUNT = 10**12
"""No threshold is proposed beyond: a million of any currency."""
_TICK = 10.0
_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Span:
    """Which calls: from `since` to before `until`, of one trunk or of all."""

    since: datetime
    until: datetime
    trunk: str | None = None

    @property
    def months(self) -> float:
        """How many months of 30 days it is."""
        return (self.until - self.since) / MONTH


@dataclass(slots=True)
class Trial:
    """A finding that would have been, and what would have followed.

    Attributes:
        part: what would have been suspended, None for nothing.
        until: when that is over.
        refused, ended: the calls that it would have stopped.
        saved: what they cost after they would have been stopped.
    """

    finding: Finding
    part: Suspension | None
    until: float
    refused: list[Seen] = field(default_factory=list)
    ended: list[Seen] = field(default_factory=list)
    saved: Decimal = Decimal(0)

    @property
    def at(self) -> datetime:
        """When it would have been found."""
        return datetime.fromtimestamp(self.finding.at, UTC)


def backtest(
    connection: Connection, book: Book, rules: RuleBook, country: str, span: Span
) -> list[Trial]:
    """What these rules would have found in a span of stored calls, in that order.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: the span is empty.
    """
    seen = sightings.in_order(_calls(connection, book, span))
    return _Run(book, rules, country, span).all(seen)


def propose(  # noqa: PLR0913, PLR0917 - what is tried on what, and what is wanted
    connection: Connection,
    book: Book,
    rule: Rule,
    country: str,
    span: Span,
    wanted: float,
) -> int | None:
    """The lowest threshold by which a rule speaks at most `wanted` times a month of these calls.

    In the unit of what the rule measures; None where even the highest is passed too often.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: the span is empty.
    """
    seen = list(sightings.in_order(_calls(connection, book, span)))

    def speaks(threshold: int) -> float:
        tried = replace(rule, critical=threshold, warning=None).dry()
        found = _Run(book, RuleBook((tried,)), country, span).all(seen)
        return len(found) / span.months

    most = 100 if rule.among is not None else MOST_AMOUNT
    return _lowest(lambda threshold: speaks(threshold) <= wanted, most)


def _lowest(is_enough: Callable[[int], bool], most: int) -> int | None:
    """The lowest number that is enough; where one is, all above it are."""
    high = 1
    while not is_enough(high):
        if high >= most:
            return None
        high = min(most, high * 2)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if is_enough(middle):
            high = middle
        else:
            low = middle
    return high


def _calls(connection: Connection, book: Book, span: Span) -> Iterator[Seen]:
    if span.since >= span.until:
        raise InvalidInput("The period is empty: give --from before --to.")
    trunk_id = None if span.trunk is None else trunks.get(connection, span.trunk).id
    return sightings.history(connection, book, span.since - LEARNED_BEFORE, span.until, trunk_id)


class _Run:
    """One pass over calls, with what would have been stopped taken out."""

    def __init__(self, book: Book, rules: RuleBook, country: str, span: Span) -> None:
        self._book = book
        self._country = country
        self._watch = make_watch(rules, book, country)
        self._replay = Replay(self._watch, (), _TICK)
        self._since = span.since.timestamp()
        self._trials: list[Trial] = []
        self._standing: list[Trial] = []
        self._running: dict[int, Seen] = {}
        self._stopped: set[int] = set()

    def all(self, seen: Iterable[Sighting]) -> list[Trial]:
        """Go through all of them."""
        for sighting in seen:
            self._found(self._replay.pass_to(sighting.at))
            self._release(sighting.at)
            for each in self._shown(sighting):
                self._found(self._watch.take(each))
        return self._trials

    def _release(self, at: float) -> None:
        over = [trial for trial in self._standing if trial.until <= at]
        for trial in over:
            self._standing.remove(trial)
            finding = trial.finding
            self._watch.release(finding.trunk, finding.rule.name, finding.key, trial.until)

    def _shown(self, sighting: Sighting) -> Sequence[Sighting]:
        """A moment as it would have been, if it would."""
        seen = sighting.seen
        if sighting.moment is not Moment.BEGUN:
            if seen.id in self._stopped:
                return ()
            if sighting.moment is Moment.ENDED:
                self._running.pop(seen.id, None)
            return (sighting,)
        trial = self._stopping(seen) if seen.admitted else None
        if trial is None:
            if seen.admitted:
                self._running[seen.id] = seen
            return (sighting,)
        self._stopped.add(seen.id)
        trial.refused.append(seen)
        trial.saved += _cost(seen, seen.started_at)
        refused = replace(
            seen,
            admitted=False,
            reason=Reason.SUSPENDED,
            answered_at=None,
            ended_at=sighting.at,
        )
        return (
            replace(sighting, seen=refused),
            Sighting(Moment.ENDED, sighting.at, refused),
        )

    def _stopping(self, seen: Seen) -> Trial | None:
        return next((trial for trial in self._standing if self._is_in(trial, seen)), None)

    def _is_in(self, trial: Trial, seen: Seen) -> bool:
        home = self._book.countries.get(seen.trunk, self._country)
        is_same = trial.finding.trunk == seen.trunk and bool(seen.zone)
        return is_same and trial.part is not None and is_in(trial.part, seen, home)

    def _found(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            if finding.at >= self._since:
                self._try(finding)

    def _try(self, finding: Finding) -> None:
        at = datetime.fromtimestamp(finding.at, UTC)
        part = part_of(finding, at)
        ends = (part and part.expires_at) or at + RELEASED_AFTER
        trial = Trial(finding, part, ends.timestamp())
        self._trials.append(trial)
        if part is None:
            return
        self._standing.append(trial)
        if finding.rule.end_calls:
            for seen in [each for each in self._running.values() if self._is_in(trial, each)]:
                self._end(trial, seen)

    def _end(self, trial: Trial, seen: Seen) -> None:
        at = trial.finding.at
        self._stopped.add(seen.id)
        del self._running[seen.id]
        trial.ended.append(seen)
        trial.saved += _cost(seen, at)
        answered = seen.answered_at if (seen.answered_at or at) < at else None
        ended = replace(seen, answered_at=answered, ended_at=at)
        self._found(self._watch.take(Sighting(Moment.ENDED, at, ended)))


def _cost(seen: Seen, since: float) -> Decimal:
    """What a call cost from a time on."""
    if seen.answered_at is None or seen.direction is not Direction.OUTBOUND:
        return Decimal(0)
    ended = seen.ended_at or since
    seconds = max(0.0, ended - max(since, seen.answered_at))
    fee = seen.fee if since <= seen.answered_at else 0
    return Decimal(fee + int(seen.price * seconds / _MINUTE)).scaleb(-PRICE_DIGITS)
