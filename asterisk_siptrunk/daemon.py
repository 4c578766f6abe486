"""`siptrunk serve`: admission and usage of one Asterisk server, until it is told to stop."""

import asyncio
import logging
import random
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

from sqlalchemy import Engine

from asterisk_siptrunk.admission_service import AdmissionService
from asterisk_siptrunk.anomaly import Countries, Rule
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiLogin, utc_now
from asterisk_siptrunk.asterisk.control import AmiControl
from asterisk_siptrunk.asterisk.ending import AmiEnding
from asterisk_siptrunk.asterisk.fastagi import FastAgiServer
from asterisk_siptrunk.asterisk.listener import Listener
from asterisk_siptrunk.asterisk.registrations import ContactList
from asterisk_siptrunk.asterisk.variables import LISTEN_USER, NEXT, REASON
from asterisk_siptrunk.beat import Beat
from asterisk_siptrunk.call import Via
from asterisk_siptrunk.call.lease import BEAT_SECONDS, Lease
from asterisk_siptrunk.call.memory import CallMemory
from asterisk_siptrunk.call.server import Vitals
from asterisk_siptrunk.database import servers
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.alone import AloneAdmission
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import open_engine
from asterisk_siptrunk.database.gate import Gate, Submit
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.store import ServerUsage
from asterisk_siptrunk.database.terms import TermsMemory
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.database.upkeep import Periods, keep_months_ahead
from asterisk_siptrunk.deliver import Delivery
from asterisk_siptrunk.desk import Desk
from asterisk_siptrunk.errors import DatabaseUnavailable
from asterisk_siptrunk.follow import Bring, Follower
from asterisk_siptrunk.metrics import Answer, Answering, Metrics, Standing
from asterisk_siptrunk.notify import ServiceManager
from asterisk_siptrunk.settings import Settings
from asterisk_siptrunk.watch_over import WatchOver, WatchTerms
from asterisk_siptrunk.web.server import WebServer

Ready = Callable[[int], None]
"""Told the port of the admission service once calls may come."""

END_SECONDS = 3.0
"""For the database to take what waits, once we are told to stop, and for its thread to end: one
that does not answer must keep nobody from starting the service anew (`TimeoutStopSec` is 20)."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What the daemon works with.

    Attributes:
        engine: the usage database.
        control: is asked who is registered: the listening user has no right to.
        bring: applies what the database says to the Asterisk beside us.
        web: serves over HTTP; None where nothing is.
        business: how the provider sells: by it new periods begin.
        rules: of the watch over abnormal use, before anything was changed of them.
        countries: where addresses are, as far as a file says.
        ending: ends calls of the Asterisk beside us; None where it may not.
    """

    engine: Engine
    control: AmiControl
    bring: Bring
    web: WebServer | None
    business: Business
    rules: tuple[Rule, ...]
    countries: Countries
    ending: AmiEnding | None


def run(settings: Settings, means: Means, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls that are asking finish asking.

    Raises:
        SiptrunkError: the service cannot listen.
    """
    try:
        import uvloop  # noqa: PLC0415 - an extra; without it all works, at two to three times the cost
    except ImportError:
        log.info("uvloop is not installed: the admission service costs more processor time")
        asyncio.run(serve(settings, means, ready))
    else:
        uvloop.run(serve(settings, means, ready))


async def serve(settings: Settings, means: Means, ready: Ready) -> None:
    """Run the daemon in this event loop; see `run`."""
    stop = _stop_on_signals()
    _allow_open_files()
    parts = _Parts(settings, means)
    await parts.begin()
    try:
        ready(await parts.agi.start(settings.agi.host, settings.agi.port))
        parts.manager.ready()
        await parts.work(stop)
    finally:
        await parts.end()


class _Parts:
    """What the daemon is made of, wired together."""

    def __init__(self, settings: Settings, means: Means) -> None:
        asterisk, country = settings.asterisk, settings.provider.country
        loop = asyncio.get_running_loop()
        self._server, self._share, self._began = asterisk.server, asterisk.alone_share, utc_now()
        calls, terms = CallMemory(), TermsMemory()
        lease = Lease(self._share, loop.time())
        self._database = DatabaseThread(means.engine, loop)
        # What can wait has a thread of its own, and waits for locks there: calls ask the other.
        self._chores_engine = open_engine(settings.database.url)
        self._chores = DatabaseThread(self._chores_engine, loop)
        self._periods = Periods(self._chores, means.business, utc_now)
        self._short = _short_way(means.engine, self._database)
        self._client = AmiClient(
            AmiLogin(settings.ami.host, settings.ami.port, LISTEN_USER, settings.secrets.ami_listen)
        )
        self._alone = AloneAdmission(country, random.random, calls, terms, lease)
        self._beat = Beat(self._server, calls, lease, self._vitals, utc_now)
        self._gate = Gate(self._short, self._database, lease, self)
        self._follower = Follower(self._server, means.bring, self._gate.submit_long)
        self._usage = ServerUsage(self._gate, self._server, calls, terms)
        contacts = _contacts(means.control)
        self._listener = Listener(self._client, self._usage, asterisk.journal, contacts)
        admission = Admission(country, random.random, Via.SERVICE, calls, terms)
        service = AdmissionService(self._server, admission, utc_now, asterisk.admission_seconds)
        self._desk = Desk(service, self._alone, self._gate)
        answer = _told_of(self._desk.answer)
        self._loop, self._lease, self._outages = loop, lease, 0
        self.manager = ServiceManager(self._status)
        self._metrics = self._open_metrics(settings)
        self._web = means.web
        if self._web is not None:
            self._web.start()
        self._delivery = Delivery(settings)
        self._watch = _watch_over(settings, means)
        self.agi = FastAgiServer(
            self._metrics.watching(answer) if self._metrics else answer,
            # An answer that Asterisk never confirmed may have left a row without a channel.
            lambda _: self._listener.resync(),
            frozenset(settings.agi.peers),
        )

    async def begin(self) -> None:
        """Give the first sign of life, and learn which calls are open.

        Raises:
            DatabaseUnavailable: a service cannot begin without its database.
        """
        self._database.start()
        self._chores.start()
        pulse = await self._beat.once(self._database.submit)
        if pulse.last_at is not None:  # the next sign, which did not come, was to be so much later
            self._listener.seen_until(pulse.last_at + timedelta(seconds=BEAT_SECONDS))
        await self._usage.open_calls()

    async def work(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; then let the calls that ask hear their answer."""
        self._delivery.start()
        self._watch.start()
        listening = asyncio.create_task(self._listener.run())
        keeping = [
            asyncio.create_task(self._gate.run()),
            asyncio.create_task(self._beat.run(self._gate.submit_long, self._follower.hear)),
            # Not by the gate: a lock that is not had at once is no database that is away.
            asyncio.create_task(keep_months_ahead(self._chores, utc_now)),
            asyncio.create_task(self._periods.run()),
        ]
        stopping = asyncio.create_task(stop.wait())
        over, _ = await asyncio.wait(
            {listening, stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED
        )
        self.manager.stopping()
        await self.agi.stop()
        await self._follower.stop()
        for task in keeping:
            task.cancel()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._gate.finish()
                self._listener.stop()
                await listening
        except TimeoutError:
            self._gate.close("it gave no answer at the end; the journal has what it did not take")
        for ended in over:
            ended.result()  # a defect that ended one of them is no orderly end

    async def end(self) -> None:
        """Store what waits, say that this was meant, and let the database go."""
        with suppress(DatabaseUnavailable):
            at = utc_now()
            await self._gate.submit_long(lambda c: servers.stop(c, self._server, at))
        if isinstance(self._short, LoopDatabase):
            self._short.close()
        ending = [self._database.stop, self._chores.stop, self._delivery.stop, self._watch.stop]
        if self._web is not None:
            ending.append(self._web.stop)
        await asyncio.gather(*(asyncio.to_thread(stop, END_SECONDS) for stop in ending))
        self._chores_engine.dispose()
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.stop)

    # --- what the gate asks for ---

    def closing(self) -> None:
        """The database is away: what is held now may be held on."""
        self._outages += 1
        self._alone.cut(self._desk.asking)

    async def returning(self, submit: Submit) -> None:
        """This server lives, and so do its calls: said before anyone is admitted."""
        await self._beat.once(submit)

    def opened(self) -> None:
        """What happened meanwhile is looked for."""
        self._listener.resync()

    def _vitals(self) -> Vitals:
        state = self._client.state
        return Vitals(
            program=version("asterisk-siptrunk"),
            started_at=self._began,
            share=self._share,
            link=state.link,
            link_since=state.since,
            link_detail=state.detail,
            journal_behind=self._listener.journal_behind,
        )

    def _open_metrics(self, settings: Settings) -> Metrics | None:
        if not settings.metrics.port:
            return None
        metrics = Metrics(open_engine(settings.database.url), self._server, self._standing)
        metrics.start(settings.metrics)
        return metrics

    def _standing(self) -> Standing:
        """For metrics, which ask from their own thread: each value is read at one stroke."""
        state = self._client.state
        return Standing(
            link=state.link,
            link_since=state.since.timestamp(),
            database=not self._gate.away_seconds,
            database_age=self._loop.time() - self._lease.beat_at,
            outages=self._outages,
            journal_behind=self._listener.journal_behind or 0,
            waiting=self._listener.waiting,
            closed=dict(self._usage.closed),
        )

    def _status(self) -> str:
        """For `systemctl status`."""
        away = self._gate.away_seconds
        database = f"database away for {away:.0f} s" if away else "database there"
        return f"Admitting calls; manager interface {self._client.state.link}, {database}."


def _watch_over(settings: Settings, means: Means) -> WatchOver:
    terms = WatchTerms(
        server=settings.asterisk.server,
        country=settings.provider.country,
        deck=settings.watch.deck,
        base=means.rules,
        business=means.business,
        countries=means.countries,
    )
    return WatchOver(terms, open_engine(settings.database.url, patient=True), means.ending, utc_now)


def _short_way(engine: Engine, thread: DatabaseThread) -> LoopDatabase | DatabaseThread:
    """PostgreSQL is a network away: nothing of it is done in the event loop."""
    return LoopDatabase(engine, thread) if engine.dialect.name == "sqlite" else thread


def _told_of(answering: Answering) -> Answering:
    """The same answers, each with a line of the log where that is wanted."""
    if not log.isEnabledFor(logging.DEBUG):
        return answering

    def tell(request: AgiRequest, told: asyncio.Future[Answer]) -> None:
        values = {} if told.cancelled() or told.exception() else told.result()
        verdict = f"{values.get(NEXT, 'no verdict')} {values.get(REASON, '')}".strip()
        log.debug("%s %s: %s", request.script, request.dialled, verdict, extra=request.named)

    def answer(request: AgiRequest) -> asyncio.Future[Answer]:
        told = answering(request)
        told.add_done_callback(lambda told: tell(request, told))
        return told

    return answer


def _contacts(control: AmiControl) -> ContactList:
    """Ask who is registered, beside the event loop: for 10,000 that takes 0.3 s of work."""
    return lambda: asyncio.to_thread(control.contacts)


def _allow_open_files() -> None:
    """Have as many sockets as the system lets us: the usual 1,024 are fewer than MOST_SESSIONS."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
