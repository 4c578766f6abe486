"""`siptrunk serve`: admission and usage of one Asterisk server, until it is told to stop."""

import asyncio
import logging
import random
import signal
from collections.abc import Callable, Mapping

from sqlalchemy import Engine

from asterisk_siptrunk.admission_service import AdmissionService
from asterisk_siptrunk.asterisk.agi import AgiRequest
from asterisk_siptrunk.asterisk.ami import AmiClient, AmiLogin, utc_now
from asterisk_siptrunk.asterisk.control import AmiControl
from asterisk_siptrunk.asterisk.fastagi import FastAgiServer
from asterisk_siptrunk.asterisk.listener import Listener
from asterisk_siptrunk.asterisk.registrations import ContactList
from asterisk_siptrunk.asterisk.variables import LISTEN_USER
from asterisk_siptrunk.call import Via
from asterisk_siptrunk.database.admission import Admission
from asterisk_siptrunk.database.loop import LoopDatabase
from asterisk_siptrunk.database.store import ServerUsage
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.database.upkeep import keep_months_ahead
from asterisk_siptrunk.settings import Settings

Ready = Callable[[int], None]
"""Told the port of the admission service once calls may come."""

log = logging.getLogger(__name__)


def run(settings: Settings, engine: Engine, control: AmiControl, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls that are asking finish asking.

    `control` is asked who is registered: the listening user has no right to.

    Raises:
        SiptrunkError: the service cannot listen.
    """
    try:
        import uvloop  # noqa: PLC0415 - an extra; without it all works, at two to three times the cost
    except ImportError:
        log.info("uvloop is not installed: the admission service costs more processor time")
        asyncio.run(serve(settings, engine, control, ready))
    else:
        uvloop.run(serve(settings, engine, control, ready))


async def serve(settings: Settings, engine: Engine, control: AmiControl, ready: Ready) -> None:
    """Run the daemon in this event loop; see `run`."""
    stop = _stop_on_signals()
    server = settings.asterisk.server
    database = DatabaseThread(engine, asyncio.get_running_loop())
    database.start()
    short = LoopDatabase(engine, database) if engine.dialect.name == "sqlite" else database
    client = AmiClient(
        AmiLogin(settings.ami.host, settings.ami.port, LISTEN_USER, settings.secrets.ami_listen)
    )
    usage = ServerUsage(short, database, server)
    listener = Listener(client, usage, settings.asterisk.journal, _contacts(control))
    admission = Admission(settings.provider.country, random.random, Via.SERVICE)
    service = AdmissionService(server, admission, utc_now, settings.asterisk.admission_seconds)

    def answer(request: AgiRequest) -> asyncio.Future[Mapping[str, str]]:
        return short.submit(service.work(request))

    # An answer that Asterisk never confirmed may have left a row without a channel.
    agi = FastAgiServer(answer, lambda _: listener.resync(), frozenset(settings.agi.peers))
    ready(await agi.start(settings.agi.host, settings.agi.port))
    listening = asyncio.create_task(listener.run())
    upkeep = asyncio.create_task(keep_months_ahead(database, utc_now))
    await asyncio.wait(
        {listening, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    upkeep.cancel()
    await agi.stop()
    listener.stop()
    await listening
    if isinstance(short, LoopDatabase):
        short.close()
    await asyncio.to_thread(database.stop)


def _contacts(control: AmiControl) -> ContactList:
    """Ask who is registered, beside the event loop: for 10,000 that takes 0.3 s of work."""
    return lambda: asyncio.to_thread(control.contacts)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
