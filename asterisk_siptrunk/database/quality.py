"""How the newest calls went: by carrier, and those that were refused, by their reason.

What is read is bounded, by the index on the start of calls: where more began in a time, it is the
newest of them that tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from asterisk_siptrunk.call import Direction, Reason, Verdict, reason_of
from asterisk_siptrunk.call.fault import Course, Party, party_of
from asterisk_siptrunk.call.quality import Quality, Trial, quality_of
from asterisk_siptrunk.database.calls import begun_in
from asterisk_siptrunk.database.tables import call, carrier

MOST_CALLS = 10_000
"""Read at once; it takes a tenth of a second or two."""


@dataclass(frozen=True, slots=True)
class CarrierQuality:
    """How calls went by each carrier, by its name.

    Attributes:
        calls: so many were looked at; `is_part`: there were more in that time.
    """

    of: Mapping[str, Quality]
    calls: int
    is_part: bool


@dataclass(frozen=True, slots=True)
class Refusals:
    """Calls that were refused, by the reason and whose doing it was; `is_part` as above."""

    reasons: Mapping[tuple[Direction, Reason], int]
    is_part: bool

    @property
    def parties(self) -> Counter[Party]:
        """How many there were by each party."""
        found: Counter[Party] = Counter()
        for (direction, reason), count in self.reasons.items():
            found[party_of(Course(direction, reason))] += count
        return found

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.reasons.values())


def by_carrier(connection: Connection, since: datetime, most: int = MOST_CALLS) -> CarrierQuality:
    """How the newest calls went that began since then."""
    columns = (
        *(call.c.carrier_id, call.c.tried, call.c.direction, call.c.reason, call.c.hangup_cause),
        *(call.c.started_at, call.c.ringing_at, call.c.answered_at, call.c.ended_at),
    )
    newest = call.c.started_at.desc()
    query = select(*columns).where(*begun_in(connection, since, None)).order_by(newest).limit(most)
    names: dict[int, str] = dict(connection.execute(select(carrier.c.id, carrier.c.name)).all())
    trials: dict[str, list[Trial]] = defaultdict(list)
    count = 0
    for row in connection.execute(query):
        count += 1
        for carrier_id, trial in _trials(row):
            trials[names[carrier_id]].append(trial)
    found = {name: quality_of(own) for name, own in trials.items()}
    return CarrierQuality(found, count, count == most)


def _trials(row: Row[*tuple[Any, ...]]) -> Iterator[tuple[int, Trial]]:
    """Each carrier that a call was put to: those before the last one failed it."""
    if row.direction != Direction.OUTBOUND or row.carrier_id is None:
        return
    for failed in map(int, row.tried.split()):
        if failed != row.carrier_id:
            yield failed, Trial(Party.CARRIER)
    if row.answered_at is None and row.ended_at is None:
        return  # nobody knows yet
    course = Course(
        Direction(row.direction),
        reason_of(row.reason),
        answered=row.answered_at is not None,
        ended=row.ended_at is not None,
        rang=row.ringing_at is not None,
        cause=row.hangup_cause,
    )
    yield row.carrier_id, Trial(party_of(course), _delay(row), _talk(row))


def _delay(row: Row[*tuple[Any, ...]]) -> float | None:
    """Of a call that was put to one carrier only: the others' time is in it."""
    heard = row.ringing_at or row.answered_at
    if heard is None or row.tried:
        return None
    return max(0.0, float((heard - row.started_at).total_seconds()))


def _talk(row: Row[*tuple[Any, ...]]) -> float | None:
    if row.answered_at is None or row.ended_at is None:
        return None
    return max(0.0, float((row.ended_at - row.answered_at).total_seconds()))


def refusals(connection: Connection, since: datetime, most: int = MOST_CALLS) -> Refusals:
    """Why the newest calls were refused that began since then."""
    columns = (call.c.direction, call.c.reason, call.c.verdict)
    newest = call.c.started_at.desc()
    looked_at = (
        select(*columns)
        .where(*begun_in(connection, since, None))
        .order_by(newest)
        .limit(most)
        .subquery()
    )
    kinds = (looked_at.c.direction, looked_at.c.reason, looked_at.c.verdict)
    rows = connection.execute(select(*kinds, func.count().label("calls")).group_by(*kinds)).all()
    reasons = {
        (Direction(row.direction), reason_of(row.reason)): row.calls
        for row in rows
        if row.verdict == Verdict.REFUSED
    }
    return Refusals(reasons, sum(row.calls for row in rows) == most)
