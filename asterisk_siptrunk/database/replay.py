"""A watch made of what the database knows, and the past shown to it."""

from collections import deque
from collections.abc import Iterable
from functools import cache

from asterisk_siptrunk.anomaly import (
    PROVIDER,
    Calendar,
    Finding,
    Home,
    Sighting,
    Watch,
    shipped_holidays,
)
from asterisk_siptrunk.database.findings import FindingRecord
from asterisk_siptrunk.database.sightings import Book
from asterisk_siptrunk.database.watch_rules import RuleBook


def make_watch(rules: RuleBook, book: Book, country: str) -> Watch:
    """A watch that has seen nothing; `country` is where trunks are that nobody knows any more."""

    @cache
    def calendar(of: str) -> Calendar:
        return Calendar(book.zone, shipped_holidays(of))

    def home_of(name: str) -> Home:
        of = country if name == PROVIDER else book.countries.get(name, country)
        return Home(of, calendar(of))

    return Watch(rules.every, home_of, rules.own.get)


class Replay:
    """Has a watch see the past: the same code as of the present, with releases in their turn.

    `tick` is how often time passes by itself, in seconds: running calls go on between two moments.
    """

    def __init__(self, watch: Watch, releases: Iterable[FindingRecord], tick: float) -> None:
        self._watch = watch
        self._releases = deque(releases)
        self._tick = tick
        self._next: float | None = None

    def take(self, sighting: Sighting) -> list[Finding]:
        """See a moment, and what time did before it."""
        found = self.pass_to(sighting.at)
        found += self._watch.take(sighting)
        return found

    def pass_to(self, at: float) -> list[Finding]:
        """See time pass, with no moment of any call in it."""
        found: list[Finding] = []
        due = at if self._next is None else self._next
        while due <= at:
            self._release(due)
            found += self._watch.tick(due)
            due += self._tick
        self._next = due
        self._release(at)
        return found

    def _release(self, at: float) -> None:
        while self._releases and _moment(self._releases[0]) <= at:
            release(self._watch, self._releases.popleft())


def release(watch: Watch, one: FindingRecord) -> None:
    """Have a watch forgive what somebody released."""
    watch.release(one.trunk or PROVIDER, one.rule, one.key, _moment(one))


def _moment(one: FindingRecord) -> float:
    return (one.changed_at or one.at).timestamp()
