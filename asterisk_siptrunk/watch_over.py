"""The watch over abnormal use, beside the calls: in a thread of its own.

One server watches for all. Each second it reads what is new of the call rows, has the rules judge
it, and does what they say, in the database: so it holds on every server from the next call on. Each
server ends those of its own running calls that are to be ended, whoever watches.

While the database is away nothing is seen, and nothing is lost: what has come meanwhile is seen
afterwards. While Asterisk's manager interface is away, calls are suspended as ever; that running
ones are to be ended stays in the database until it is done.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.anomaly import Action, Countries, Finding, Rule, Sighting, Watch
from asterisk_siptrunk.anomaly.keeping import Basis
from asterisk_siptrunk.database import findings, sightings, watch_rules, watch_state, watching
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.findings import FindingKey, FindingRecord
from asterisk_siptrunk.database.logins import LoginFeed
from asterisk_siptrunk.database.replay import Replay, make_watch, release
from asterisk_siptrunk.database.sightings import Book, CallFeed
from asterisk_siptrunk.database.watch_rules import RuleBook
from asterisk_siptrunk.database.watching import Followed, Watched
from asterisk_siptrunk.errors import AmiError, DatabaseUnavailable, InvalidInput

LOOK_SECONDS = 1.0
"""Between two looks: a call is judged so long after it asked, at most."""
AGAIN_SECONDS = 60.0
"""After a defect, until the watch begins anew."""
REPLAYED = timedelta(days=1)
"""What is seen again at a start where nothing was kept; what was usual before is."""
STATE_KEPT = timedelta(minutes=5)
"""How often all that the watch knows is kept: a start sees again what has come since."""
NOTED = timedelta(seconds=10)
"""How often it is noted until when all is seen; after a finding it is noted at once."""
RELEASED_LATE = timedelta(minutes=10)
"""How late a release may come in: its time is that of another clock, before it was stored."""
TIDIED = timedelta(hours=1)
LEARNED = timedelta(days=1)
_TICK_OF_THE_PAST = 60.0
_PROFILES_TOGETHER = 500
_COUNTS_ANEW = "A rule counts what none counted before: the watch sees the last day again."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """What the watch goes by.

    Attributes:
        server: this one's name.
        country: the provider's.
        deck: the rates of trunks without a subscription, "" for none.
        base: the rules before anything was changed of them.
        countries: where addresses are, as far as a file says.
    """

    server: str
    country: str
    deck: str
    base: tuple[Rule, ...]
    business: Business
    countries: Countries = field(default_factory=Countries)

    @property
    def zone(self) -> ZoneInfo:
        """The provider's."""
        return self.business.office.zone


class Ending(Protocol):
    """Ends calls of one Asterisk, and tells whoever listens there: `AmiEnding`."""

    def hang_up(self, uniqueids: Collection[str]) -> int:
        """End calls; gives how many of them were there."""

    def tell(self, facts: Mapping[str, str]) -> None:
        """Tell of a finding."""


Release = tuple[int, datetime | None]
"""The number of a finding, and when it was released."""


@dataclass(slots=True)
class _Watching:
    """What there is while this server watches."""

    watch: Watch
    feed: CallFeed
    logins: LoginFeed
    edition: object
    standing: object
    released: set[Release] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the past that is seen again: what was found in it, and what was stopped."""

    watch: Watch
    to: float
    acted: Collection[FindingKey]

    def new_of(self, found: Iterable[Finding]) -> list[Finding]:
        """Those that nobody knows.

        What would have been stopped, and was not, is forgiven: a rule that was armed since, or
        changed, would else be silent on an attack that goes on, as if it had stopped it.
        """
        new = []
        for one in found:
            if one.at > self.to:
                new.append(one)
            elif one.action.stops and (one.trunk, one.rule.name, one.key) not in self.acted:
                self.watch.forgive(one, one.at)
        return new


_Begun = tuple[Watch, CallFeed, LoginFeed, Sequence[FindingRecord]]
"""A watch that has seen all, what it sees by, and the releases that it knows."""


@dataclass(frozen=True, slots=True)
class _Start:
    """What a start goes by."""

    connection: Connection
    rules: RuleBook
    book: Book
    terms: WatchTerms
    mine: Watched
    now: datetime

    def fresh(self) -> tuple[Watch, CallFeed, LoginFeed]:
        """A watch that has seen nothing, and what it sees by."""
        watch = make_watch(self.rules, self.book, self.terms.country)
        return watch, CallFeed(self.book), LoginFeed(self.terms.countries)

    def known(self, watch: Watch, since: datetime) -> _Known:
        """What is known of the time since then."""
        acted = findings.acted_on(self.connection, since)
        return _Known(watch, self.mine.seen_to.timestamp(), acted)


class WatchOver:
    """Looks, each second, until it is stopped; `engine` is for this alone."""

    def __init__(
        self,
        terms: WatchTerms,
        engine: Engine,
        ending: Ending | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._terms = terms
        self._engine = engine
        self._ending = ending
        self._clock = clock
        self._watching: _Watching | None = None
        self._found: deque[Finding] = deque()
        self._noted = self._tidied = self._kept = datetime.min.replace(tzinfo=UTC)
        self._ami_fails = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End; blocks until a look that is under way is over, or for so long."""
        self._stopping.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            pause = LOOK_SECONDS
            try:
                self.look()
            except DatabaseUnavailable as error:  # told by the gate
                log.debug("The watch waits: %s", error)
                self._engine.dispose()
            except Exception:
                log.exception("The watch over abnormal use fails, and begins anew in a minute")
                self._watching = None
                pause = AGAIN_SECONDS
            self._stopping.wait(pause)
        self._keep_at_the_end()
        self._engine.dispose()

    def _keep_at_the_end(self) -> None:
        """Have the next start go on from here; without it, that goes on from minutes ago."""
        current = self._watching
        if current is None or self._found:
            return
        try:
            self._keep_state(current, self._clock())
        except DatabaseUnavailable as error:
            log.debug("What the watch knows is not kept: %s", error)

    def look(self) -> None:
        """See what is new, do what follows, and end those of our calls that are to be.

        Raises:
            DatabaseUnavailable: nobody knows what is new; what was found is kept.
        """
        now = self._clock()
        with transaction(self._engine) as connection:
            mine = watching.claim(connection, self._terms.server, now)
        if mine is None:
            self._watching = None
        else:
            self._see(mine, now)
            if self._follow():
                self._note_seen(now)
            self._keep(now)
        self._end_calls()

    # --- seeing ---

    def _see(self, mine: Watched, now: datetime) -> None:
        with reading(self._engine) as connection:
            edition = watch_rules.edition(connection)
            current = self._watching
            if current is None or not self._know_rules(connection, current, edition, now):
                current = self._watching = self._begin(connection, mine, edition, now)
            self._know_trunks(connection, current, now)
            releases = findings.released_since(connection, now - RELEASED_LATE)
            logins = current.logins.look(connection, now)
            seen = current.feed.look(connection, now.timestamp())
        for one in releases:
            if _release_of(one) not in current.released:
                release(current.watch, one)
        current.released = {_release_of(one) for one in releases}
        for login in logins:
            self._found += current.watch.login(login)
        for sighting in seen:
            self._found += _judged(current.watch.take, sighting)
        self._found += current.watch.tick(now.timestamp())

    def _begin(
        self, connection: Connection, mine: Watched, edition: object, now: datetime
    ) -> _Watching:
        """Go on from what was kept, or see the last day again.

        What is found up to what was seen already is known.
        """
        began = time.monotonic()
        book = sightings.read_book(connection, self._terms.zone, now, self._terms.deck)
        rules = watch_rules.book(connection, self._terms.base)
        start = _Start(connection, rules, book, self._terms, mine, now)
        begun = self._resumed(start) or self._rebuilt(start)
        watch, calls, logins, releases = begun
        log.info("Watching over abnormal use, after %.1f s.", time.monotonic() - began)
        standing = sightings.standing(connection, now)
        released = {_release_of(one) for one in releases}
        return _Watching(watch, calls, logins, edition, standing, released)

    def _resumed(self, start: _Start) -> _Begun | None:
        """Go on from what was kept, if that is there and can be read."""
        kept = watch_state.find(start.connection, start.now - REPLAYED)
        if kept is None:
            return None
        as_of, head = kept
        watch, calls, logins = start.fresh()
        try:
            basis = Basis.unpacked(head.legend, as_of.timestamp())
            for name, packed in watch_state.trunks(start.connection, as_of):
                if not watch.resume(name, packed, basis):
                    log.info(_COUNTS_ANEW)
                    return None
            calls.resume(head.calls)
            logins.resume(head.logins)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("What the watch knew cannot be read: it sees the last day again")
            return None
        releases = findings.released_since(start.connection, as_of - RELEASED_LATE)
        told = {tuple(each) for each in head.released}
        new = [one for one in releases if _kept(_release_of(one)) not in told]
        known = start.known(watch, as_of)
        now = start.now.timestamp()
        self._show(
            Replay(watch, new, _TICK_OF_THE_PAST), known, calls.look(start.connection, now), now
        )
        for login in logins.look(start.connection, start.now):
            self._found += known.new_of(watch.login(login))
        return watch, calls, logins, releases

    def _rebuilt(self, start: _Start) -> _Begun:
        """See the calls of the last day again, by what was usual before."""
        connection = start.connection
        watch, calls, logins = start.fresh()
        since = start.now - REPLAYED
        as_of = watching.profiles_as_of(connection, since)
        if as_of is not None:
            since = as_of
            for name, packed in watching.profiles(connection, as_of):
                _remember(watch, name, packed)
        releases = findings.released_since(connection, since)
        replay, known = Replay(watch, releases, _TICK_OF_THE_PAST), start.known(watch, since)
        past = calls.begin(connection, sightings.history(connection, start.book, since))
        self._show(replay, known, past, start.now.timestamp())
        for login in logins.begin(connection, start.now):
            watch.login(login)
        return watch, calls, logins, releases

    def _show(self, replay: Replay, known: _Known, past: Iterable[Sighting], now: float) -> None:
        """Have a watch see the past, and take what is found of it that nobody knows."""
        for sighting in past:
            self._found += known.new_of(_judged(replay.take, sighting))
        # Releases since the last moment of any call, and what running ones came to.
        self._found += known.new_of(replay.pass_to(now))

    def _know_rules(
        self, connection: Connection, current: _Watching, edition: object, now: datetime
    ) -> bool:
        """Have the watch go on by rules that were changed; False where it has to begin anew."""
        if current.edition == edition:
            return True
        rules = watch_rules.book(connection, self._terms.base)
        watch = make_watch(rules, current.feed.book, self._terms.country)
        if not watch.take_over(current.watch, now.timestamp()):
            return False
        current.watch, current.edition = watch, edition
        log.info("The watch goes by changed rules.")
        return True

    def _know_trunks(self, connection: Connection, current: _Watching, now: datetime) -> None:
        standing = sightings.standing(connection, now)
        if standing != current.standing:
            current.feed.book.become(
                sightings.read_book(connection, self._terms.zone, now, self._terms.deck)
            )
            current.standing = standing

    # --- what follows ---

    def _follow(self) -> bool:
        """Do what each finding asks for, then tell of them; gives whether there were some.

        One that could not be stored is tried again. Asterisk is told last: however long it takes to
        answer, what is to be stopped is stopped before.
        """
        done: list[tuple[Finding, Followed]] = []
        try:
            while self._found:
                found = self._found[0]
                followed = self._followed(found)
                self._found.popleft()
                if followed is not None:
                    done.append((found, followed))
        finally:
            for each in done:
                self._announce(*each)
        return bool(done)

    def _followed(self, found: Finding) -> Followed | None:
        """Do what one asks for; None where that shows a defect: the others must not wait for it."""
        by = By(watching.AUTHOR, self._clock())
        try:
            with transaction(self._engine) as connection:
                followed = watching.follow(connection, by, self._terms.business, found)
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception(
                "What rule %s found of trunk %r cannot be followed, and is left.",
                *(found.rule.name, found.trunk),
            )
            return None
        say = log.warning if found.action.stops else log.info
        say(
            "Finding %d: %s Stopped: %s; %d calls to be ended.",
            *(followed.number, found.sentence, followed.stopped, followed.ending),
        )
        return followed

    def _announce(self, found: Finding, followed: Followed) -> None:
        if self._ending is None or found.action is Action.NOTE:
            return
        self._try_ami(
            lambda ending: ending.tell(
                {
                    "Finding": str(followed.number),
                    "Trunk": found.trunk,
                    "Rule": found.rule.name,
                    "Level": found.level.name.lower(),
                    "Stopped": followed.stopped,
                    "Sentence": found.sentence,
                }
            )
        )

    def _end_calls(self) -> None:
        with reading(self._engine) as connection:
            uniqueids = watching.to_end(connection, self._terms.server)
        if uniqueids:
            self._try_ami(lambda ending: _hang_up(ending, uniqueids))

    def _try_ami(self, what: Callable[[Ending], None]) -> None:
        """Have it done; where the manager interface is away or refuses, that is said once."""
        if self._ending is None:
            return
        try:
            what(self._ending)
        except AmiError as error:
            if not self._ami_fails:
                log.error("The watch cannot end calls: %s", error)  # noqa: TRY400 - no defect
            self._ami_fails = True
        else:
            self._ami_fails = False

    # --- keeping ---

    def _keep(self, now: datetime) -> None:
        if now - self._noted >= NOTED:
            self._note_seen(now)
        if self._watching is not None and now - self._kept >= STATE_KEPT:
            self._keep_state(self._watching, now)
        if self._watching is None or now - self._tidied < TIDIED:
            return
        self._tidied = now
        self._watching.watch.forget(now.timestamp())
        with transaction(self._engine) as connection:
            watching.forget_ended(connection, now)
            last = watching.profiles_as_of(connection, now)
        if last is None or now - last >= LEARNED:
            self._learn(self._watching.watch, now)

    def _keep_state(self, current: _Watching, now: datetime) -> None:
        """Keep all that is known: a start goes on from there."""
        released = [list(_kept(one)) for one in current.released]
        parts = watch_state.pack(
            *(current.watch, current.feed.kept(), current.logins.kept(), released)
        )
        watch_state.write(self._engine, self._terms.server, now, parts)
        self._kept = now

    def _note_seen(self, now: datetime) -> None:
        with transaction(self._engine) as connection:
            watching.note_seen(connection, self._terms.server, now)
        self._noted = now

    def _learn(self, watch: Watch, now: datetime) -> None:
        """Keep what is usual, in pieces: calls come in between."""
        learned = list(watch.learned())
        for first in range(0, len(learned), _PROFILES_TOGETHER):
            with transaction(self._engine) as connection:
                some = learned[first : first + _PROFILES_TOGETHER]
                watching.keep_profiles(connection, now, some)
        with transaction(self._engine) as connection:
            watching.forget_profiles(connection, now - REPLAYED)


def _hang_up(ending: Ending, uniqueids: Collection[str]) -> None:
    """End calls; each look asks again until their rows are closed, and says nothing of it."""
    if ended := ending.hang_up(uniqueids):
        log.info("Calls ended: %d.", ended)


def _release_of(one: FindingRecord) -> Release:
    return one.id, one.changed_at


def _kept(release: Release) -> tuple[int, str]:
    """A release as JSON can hold it."""
    number, at = release
    return number, "" if at is None else at.isoformat()


def _remember(watch: Watch, name: str, packed: Mapping[str, Any]) -> None:
    """Have the watch know what was usual; who has a profile that is spoilt is judged without."""
    try:
        watch.remember(name, packed)
    except InvalidInput as error:
        log.warning("Trunk %s: %s", name, error)


def _judged(take: Callable[[Sighting], list[Finding]], sighting: Sighting) -> list[Finding]:
    """What there is to tell of a moment; one that shows a defect is left, and blinds nobody."""
    try:
        return take(sighting)
    except Exception:
        log.exception("Call %d cannot be judged by the watch, and is left.", sighting.seen.id)
        return []
