"""Proof that usage is complete: the rows of a period against Asterisk's own call journal.

Calls are matched by their UniqueID first, and only then is it asked which of them are of the
period: a call has two starts, ours and Asterisk's, some milliseconds apart, and the border of a
period may lie between them. A call is of the period that its row began in, since that is the one
it is billed in; one without a row is of the period that it began in by the journal.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from asterisk_siptrunk.call.record import Evidence
from asterisk_siptrunk.call.witness import JournalCall

TOLERANCE = timedelta(seconds=1)
"""Asterisk's events and its journal tell of one answer or end within milliseconds."""
BORDER = timedelta(hours=1)
"""The two starts of a call are never this far apart, even where a clock was put right: rows and
journal are read this much beyond both ends of the period."""
LONGEST = timedelta(days=1)
"""A line that cannot be read may hide a call of the period only if it was written, by its good
neighbours, no later than this after the period. A call leaves its line when it ends."""
SETTLED = timedelta(seconds=5)
"""Asterisk writes the line, and we the row's end, at the hangup, but neither in no time."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until before `until`, by the start of calls."""

    since: datetime
    until: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    def overlaps(self, begun: datetime, ended: datetime) -> bool:
        """Whether something that lasted from `begun` to `ended` had a part of it."""
        return begun < self.until and self.since <= ended

    def with_border(self) -> "Period":
        """The period with what has to be read around it."""
        return Period(self.since - BORDER, self.until + BORDER)


@dataclass(frozen=True, slots=True)
class Times:
    """What decides how much a call is billed for; `ended_at` is None while it lasts."""

    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None

    @property
    def billable(self) -> timedelta:
        """From the answer to the end; zero for a call that was not answered or still lasts."""
        if self.answered_at is None or self.ended_at is None:
            return timedelta()
        return max(timedelta(), self.ended_at - self.answered_at)


@dataclass(frozen=True, slots=True)
class UsageRow:
    """What the proof needs of a call record, which a month has a million of."""

    uniqueid: str
    times: Times
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class BadLines:
    """Lines of the journal that cannot be read, one after the other: any may hide a call.

    Attributes:
        file: name of the file.
        after: when the newest call of a line before them ended; None where they come first.
        before: when the call of the next good line ended; None where they come last.
    """

    file: str
    count: int
    after: datetime | None = None
    before: datetime | None = None

    def may_hide_a_call_of(self, period: Period) -> bool:
        """Whether a call of the period may have been written there.

        The line of an attempt that failed bears its end, though it is written at the call's: so
        `before`, too, may be as much too early as a call is long.
        """
        if self.before is not None and self.before + LONGEST < period.since:
            return False
        return self.after is None or self.after <= period.until + LONGEST


class Kind(StrEnum):
    """How a call is not the same on both sides."""

    NO_ROW = "no-row"
    """The journal has it, the database does not: usage is lost."""
    NOT_IN_JOURNAL = "not-in-journal"
    """The row has ended, and no line of the journal bears it out."""
    ANSWERED_ONCE = "answered-on-one-side"
    """One side says that it was answered, the other that it was not."""
    TIMES = "times-differ"
    """Its answer or its end is not the same."""
    NOT_ENDED = "not-ended"
    """It ended by the journal, and its row still holds a channel."""
    OPEN = "open"
    """It lasts, as far as both sides know. Billed by its start, it would never be billed if its
    period were billed now: a period that is over is not complete before its last call ended. In
    one that still goes on it contradicts nothing."""
    ESTIMATED = "estimated"
    """Its end is an estimate, as of a call that a killed Asterisk took with it: such a call never
    had a line. It contradicts nothing, and is counted apart."""

    CLOCK_SET = "clock-set"
    """The clock was set while it lasted: the journal's times are of two clocks, the row's of one.
    It contradicts nothing, and is counted apart."""


_SAID_OF = {
    Kind.NO_ROW: "in the journal without a row",
    Kind.NOT_IN_JOURNAL: "ended without a line in the journal",
    Kind.ANSWERED_ONCE: "answered on one side only",
    Kind.TIMES: "with other times in the journal",
    Kind.NOT_ENDED: "ended in the journal and not in the database",
    Kind.OPEN: "not ended yet",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that is not the same on both sides, with what either has of it."""

    uniqueid: str
    kind: Kind
    row: Times | None
    journal: Times | None

    @property
    def started_at(self) -> datetime:
        """When it began, by its row if there is one."""
        times = self.row or self.journal
        # A difference has a side.
        assert times is not None  # noqa: S101 # nosec B101
        return times.started_at

    @property
    def words(self) -> str:
        """What is wrong, for people; its times are UTC."""
        if said := self._said_of_kind():
            return said
        if self.row is None:
            return f"ended {_end(self.journal)} by the journal; there is no row of it"
        if self.journal is None:
            return f"ended {_end(self.row)} by its row; the journal has no line of it"
        return "; ".join(_apart(self.row, self.journal))

    def _said_of_kind(self) -> str:
        """What is to be said where the kind tells all; "" where the two sides do."""
        match self.kind:
            case Kind.OPEN:
                return "had not ended when the journal was read"
            case Kind.ESTIMATED:
                return f"ended {_end(self.row)} by estimate; the journal has no line of it"
            case Kind.CLOCK_SET:
                return f"ended {_end(self.row)} by a steady clock; the journal's was set meanwhile"
            case Kind.NOT_ENDED:
                return f"ended {_end(self.journal)} by the journal; its row is still open"
        return ""


def _end(times: Times | None) -> str:
    return _at(times.ended_at if times else None)


def _apart(row: Times, journal: Times) -> Iterable[str]:
    moments = {
        "answered": (row.answered_at, journal.answered_at),
        "ended": (row.ended_at, journal.ended_at),
    }
    for what, (here, there) in moments.items():
        if not _agree(here, there):
            yield f"{what} {_at(here)} by its row, {_at(there)} by the journal"


def _at(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _agree(one: datetime | None, other: datetime | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE


@dataclass(frozen=True, slots=True)
class Verification:
    """What the comparison of a period found.

    Every row is one that agrees or that has a difference.

    Attributes:
        over: the period had ended when the journal was read.
        rows, journal_calls: calls of the period on each side.
        agreed: calls that are the same on both sides.
        billable: of ended rows but estimated ones; `journal_billable` of the journal's calls.
        estimated_billable: of rows whose end is an estimate that the journal cannot bear out.
        differences: in the order of their start.
        bad_lines: by file, lines that may hide a call of the period.
    """

    over: bool
    rows: int
    journal_calls: int
    agreed: int
    billable: timedelta
    journal_billable: timedelta
    estimated_billable: timedelta
    differences: tuple[Difference, ...]
    bad_lines: Mapping[str, int]

    @property
    def counts(self) -> Counter[Kind]:
        """How many differences there are of each kind."""
        return Counter(difference.kind for difference in self.differences)

    @property
    def objections(self) -> tuple[str, ...]:
        """What keeps the usage from being complete, in words; none where it is."""
        counts = self.counts
        found = [
            f"{counts[kind]} calls {said}" if counts[kind] > 1 else f"1 call {said}"
            for kind, said in _SAID_OF.items()
            if counts[kind] and (self.over or kind is not Kind.OPEN)
        ]
        bad = [f"lines of {file} that cannot be read: {n}" for file, n in self.bad_lines.items()]
        return (*found, *bad)

    @property
    def is_complete(self) -> bool:
        """Whether every call of the period is proven to be in the usage, and nothing else."""
        return not self.objections


def verify(
    rows: Iterable[UsageRow],
    journal: Iterable[JournalCall | BadLines],
    period: Period,
    looked_at: datetime,
) -> Verification:
    """Compare the rows of a server with its journal, both of `period.with_border()` or more.

    The journal is read first, to its end, from `looked_at` on, then the rows: a call that began
    meanwhile has a row, and one that ended meanwhile is told by its end. A call may come from the
    journal in several parts. Only the journal's times are held in memory, and the differences.
    """
    told, bad_lines = _gather(journal, period)
    comparison = _Comparison(period, looked_at - SETTLED)
    for row in rows:
        comparison.compare(row, told.pop(row.uniqueid, None))
    for uniqueid, times in told.items():
        comparison.note_without_row(uniqueid, times)
    return comparison.result(bad_lines, over=period.until <= looked_at)


def _gather(
    journal: Iterable[JournalCall | BadLines], period: Period
) -> tuple[dict[str, Times], Counter[str]]:
    """The times of each call that had a part of the period, and the bad lines that matter."""
    read = period.with_border()
    told: dict[str, Times] = {}
    bad_lines: Counter[str] = Counter()
    for one in journal:
        if isinstance(one, BadLines):
            if one.may_hide_a_call_of(period):
                bad_lines[one.file] += one.count
        elif known := told.get(one.uniqueid):
            told[one.uniqueid] = _span(known, one)
        elif read.overlaps(one.started_at, one.ended_at):
            told[one.uniqueid] = Times(one.started_at, one.answered_at, one.ended_at)
    return told, bad_lines


def _span(known: Times, more: JournalCall) -> Times:
    """The times of a call whose lines came in two parts, as `UsageStore` has them, too."""
    answers = [at for at in (known.answered_at, more.answered_at) if at is not None]
    return Times(
        started_at=min(known.started_at, more.started_at),
        answered_at=min(answers, default=None),
        ended_at=max(known.ended_at or more.ended_at, more.ended_at),
    )


@dataclass(slots=True)
class _Comparison:
    """Counts and collects; `settled` is until when both sides had written what happened."""

    period: Period
    settled: datetime
    rows: int = 0
    journal_calls: int = 0
    agreed: int = 0
    billable: timedelta = timedelta()
    journal_billable: timedelta = timedelta()
    estimated_billable: timedelta = timedelta()
    differences: list[Difference] = field(default_factory=list)

    def compare(self, row: UsageRow, journal: Times | None) -> None:
        """Take a row, with what the journal has of its call."""
        if row.times.started_at not in self.period:
            return
        kind = self._kind(row, journal)
        self.rows += 1
        if kind is Kind.ESTIMATED:
            self.estimated_billable += row.times.billable
        elif kind is not Kind.OPEN:
            self.billable += row.times.billable
            # Where the clock was set the journal tells that there was a call, and not how long.
            self._count_journal(row.times if kind is Kind.CLOCK_SET else journal)
        if kind is None:
            self.agreed += 1
        else:
            self.differences.append(Difference(row.uniqueid, kind, row.times, journal))

    def note_without_row(self, uniqueid: str, journal: Times) -> None:
        """Take a call that only the journal has."""
        if journal.started_at in self.period:
            self._count_journal(journal)
            self.differences.append(Difference(uniqueid, Kind.NO_ROW, None, journal))

    def result(self, bad_lines: Mapping[str, int], *, over: bool) -> Verification:
        """What was found."""
        self.differences.sort(key=lambda one: one.started_at)
        return Verification(
            over=over,
            rows=self.rows,
            journal_calls=self.journal_calls,
            agreed=self.agreed,
            billable=self.billable,
            journal_billable=self.journal_billable,
            estimated_billable=self.estimated_billable,
            differences=tuple(self.differences),
            bad_lines=bad_lines,
        )

    def _count_journal(self, journal: Times | None) -> None:
        if journal is not None:
            self.journal_calls += 1
            self.journal_billable += journal.billable

    def _kind(self, row: UsageRow, journal: Times | None) -> Kind | None:
        """How the two differ; None where they agree."""
        if journal is None:
            return self._kind_without_line(row)
        if row.times.ended_at is None:
            return Kind.NOT_ENDED if self._is_settled(journal) else Kind.OPEN
        if (row.times.answered_at is None) is not (journal.answered_at is None):
            return Kind.ANSWERED_ONCE
        if row.evidence is Evidence.STEADY:
            return Kind.CLOCK_SET
        # A refused row is born ended; when Asterisk had told the caller so is of no account.
        refused = row.evidence is Evidence.ADMISSION
        same_end = refused or _agree(row.times.ended_at, journal.ended_at)
        same_answer = _agree(row.times.answered_at, journal.answered_at)
        return None if same_end and same_answer else Kind.TIMES

    def _kind_without_line(self, row: UsageRow) -> Kind:
        if not self._is_settled(row.times):
            return Kind.OPEN
        if row.evidence is Evidence.RECONCILED:
            return Kind.ESTIMATED
        return Kind.NOT_IN_JOURNAL

    def _is_settled(self, times: Times) -> bool:
        return times.ended_at is not None and times.ended_at <= self.settled
