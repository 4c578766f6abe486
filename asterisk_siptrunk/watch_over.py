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
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from asterisk_siptrunk.anomaly import Action, Finding, Rule, Watch
from asterisk_siptrunk.database import findings, sightings, watch_rules, watching
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.logins import LoginFeed
from asterisk_siptrunk.database.replay import Replay, make_watch, release
from asterisk_siptrunk.database.sightings import CallFeed
from asterisk_siptrunk.database.watching import Followed, Watched
from asterisk_siptrunk.errors import AmiError, DatabaseUnavailable

LOOK_SECONDS = 1.0
"""Between two looks: a call is judged so long after it asked, at most."""
AGAIN_SECONDS = 60.0
"""After a defect, until the watch begins anew."""
REPLAYED = timedelta(days=1)
"""What is seen again at a start; what was usual before is kept."""
NOTED = timedelta(seconds=10)
"""How often it is noted until when all is seen: so much may be found twice after a crash."""
TIDIED = timedelta(hours=1)
LEARNED = timedelta(days=1)
_TICK_OF_THE_PAST = 60.0
_PROFILES_TOGETHER = 500

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """What the watch goes by.

    Attributes:
        server: this one's name.
        country: the provider's.
        deck: the rates of trunks without a subscription, "" for none.
        base: the rules before anything was changed of them.
    """

    server: str
    country: str
    deck: str
    base: tuple[Rule, ...]
    business: Business

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


@dataclass(slots=True)
class _Watching:
    """What there is while this server watches."""

    watch: Watch
    feed: CallFeed
    logins: LoginFeed
    edition: object
    standing: object
    released_to: datetime
    released: set[int] = field(default_factory=set)


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
        self._noted = self._tidied = datetime.min.replace(tzinfo=UTC)
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
        self._engine.dispose()

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
            self._follow()
            self._keep(now)
        self._end_calls()

    # --- seeing ---

    def _see(self, mine: Watched, now: datetime) -> None:
        with reading(self._engine) as connection:
            edition = watch_rules.edition(connection)
            current = self._watching
            if current is None or current.edition != edition:
                current = self._watching = self._begin(connection, mine, edition, now)
            self._know_trunks(connection, current, now)
            fresh = findings.released_since(connection, current.released_to)
            logins = current.logins.look(connection, now)
            seen = current.feed.look(connection, now.timestamp())
        for one in fresh:
            if one.id not in current.released:
                release(current.watch, one)
        current.released = {one.id for one in fresh}
        current.released_to = max(
            (o.changed_at for o in fresh if o.changed_at), default=current.released_to
        )
        for login in logins:
            self._found += current.watch.login(login)
        for sighting in seen:
            self._found += current.watch.take(sighting)
        self._found += current.watch.tick(now.timestamp())

    def _begin(
        self, connection: Connection, mine: Watched, edition: object, now: datetime
    ) -> _Watching:
        """Rebuild from the last day; what it finds up to what was seen already is known."""
        began = time.monotonic()
        book = sightings.read_book(connection, self._terms.zone, now, self._terms.deck)
        rules = watch_rules.book(connection, self._terms.base)
        watch = make_watch(rules, book, self._terms.country)
        since = now - REPLAYED
        as_of = watching.profiles_as_of(connection, since)
        if as_of is not None:
            since = as_of
            for name, packed in watching.profiles(connection, as_of):
                watch.remember(name, packed)
        feed = CallFeed(book)
        releases = findings.released_since(connection, since)
        replay = Replay(watch, releases, _TICK_OF_THE_PAST)
        known, count, found = mine.seen_to.timestamp(), 0, []
        for sighting in feed.begin(connection, sightings.history(connection, book, since)):
            found += [one for one in replay.take(sighting) if one.at > known]
            count += 1
        self._found += found
        logins = LoginFeed()
        for login in logins.begin(connection, now):
            watch.login(login)
        log.info(
            "Watching over abnormal use: %d moments of calls seen in %.1f s.",
            *(count, time.monotonic() - began),
        )
        standing = sightings.standing(connection, now)
        return _Watching(watch, feed, logins, edition, standing, now, {one.id for one in releases})

    def _know_trunks(self, connection: Connection, current: _Watching, now: datetime) -> None:
        standing = sightings.standing(connection, now)
        if standing != current.standing:
            current.feed.book.become(
                sightings.read_book(connection, self._terms.zone, now, self._terms.deck)
            )
            current.standing = standing

    # --- what follows ---

    def _follow(self) -> None:
        """Do what each finding asks for; one that could not be stored is tried again."""
        while self._found:
            found = self._found[0]
            by = By(watching.AUTHOR, self._clock())
            with transaction(self._engine) as connection:
                followed = watching.follow(connection, by, self._terms.business, found)
            self._found.popleft()
            say = log.warning if found.action.stops else log.info
            say(
                "Finding %d: %s Stopped: %s; %d calls to be ended.",
                *(followed.number, found.sentence, followed.stopped, followed.ending),
            )
            self._announce(found, followed)

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
            self._try_ami(lambda ending: log.info("Calls ended: %d.", ending.hang_up(uniqueids)))

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
            with transaction(self._engine) as connection:
                watching.note_seen(connection, self._terms.server, now)
            self._noted = now
        if self._watching is None or now - self._tidied < TIDIED:
            return
        self._tidied = now
        self._watching.watch.forget(now.timestamp())
        with transaction(self._engine) as connection:
            watching.forget_ended(connection, now)
            last = watching.profiles_as_of(connection, now)
        if last is None or now - last >= LEARNED:
            self._learn(self._watching.watch, now)

    def _learn(self, watch: Watch, now: datetime) -> None:
        """Keep what is usual, in pieces: calls come in between."""
        learned = list(watch.learned())
        for first in range(0, len(learned), _PROFILES_TOGETHER):
            with transaction(self._engine) as connection:
                some = learned[first : first + _PROFILES_TOGETHER]
                watching.keep_profiles(connection, now, some)
        with transaction(self._engine) as connection:
            watching.forget_profiles(connection, now - REPLAYED)
