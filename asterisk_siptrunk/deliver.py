"""Delivers notices beside the calls: in a thread of its own for each way.

A server that answers nobody then holds up neither a call nor what goes by the other way. Notices
are taken one at a time, so what is under way when the service ends is one for each way.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Engine

from asterisk_siptrunk.database import notices
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.database.notices import Claimed
from asterisk_siptrunk.delivery.courier import Courier
from asterisk_siptrunk.delivery.ways import ways_of
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError
from asterisk_siptrunk.notice.backoff import pause_after
from asterisk_siptrunk.notice.model import Notice, Way
from asterisk_siptrunk.settings import Settings

LOOK_SECONDS = 5.0
"""Between two looks for what is due; also while the database is away, which others tell of."""

log = logging.getLogger(__name__)


class Deliverer:
    """Delivers by one way until it is stopped; `engine` is for this alone."""

    def __init__(
        self,
        way: Way,
        engine: Engine,
        carry: Callable[[Notice], None],
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._way = way
        self._engine = engine
        self._carry = carry
        self._clock = clock
        self._jitter = jitter
        self._stopping = threading.Event()
        # It may wait for another server when all else has ended: nobody waits for it then.
        self._thread = threading.Thread(target=self._run, name=f"deliver-{way}", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing more."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for what is under way, for so long at most: then another try will be made of it."""
        self._thread.join(seconds)

    def deliver_next(self) -> bool:
        """Deliver what is due first; whether anything was.

        Raises:
            DatabaseUnavailable: nobody knows what is due, or that it has arrived.
        """
        with transaction(self._engine) as connection:
            claimed = notices.claim(connection, self._way, self._clock())
        if claimed is None:
            return False
        error = self._error_of(claimed.notice)
        if error is None:
            self._note_arrival(claimed.notice)
        else:
            self._note_failure(claimed, error)
        return True

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                more = self.deliver_next()
            except DatabaseUnavailable:  # told by the gate
                more = False
            except Exception:
                log.exception("Notices cannot be delivered")
                more = False
            if not more:
                self._stopping.wait(LOOK_SECONDS)
        self._engine.dispose()

    def _error_of(self, notice: Notice) -> str | None:
        """Carry it; gives why it did not arrive."""
        try:
            self._carry(notice)
        except SiptrunkError as error:
            return str(error)
        except Exception as error:
            log.exception("Notice %d cannot be delivered", notice.id)
            return f"{type(error).__name__}: a defect; see the log of siptrunk."
        return None

    def _note_arrival(self, notice: Notice) -> None:
        with transaction(self._engine) as connection:
            notices.delivered(connection, notice.id, self._clock())
        log.info("Notice %d (%s) has arrived by %s.", notice.id, notice.kind, self._way)

    def _note_failure(self, claimed: Claimed, error: str) -> None:
        notice, pause = claimed.notice, pause_after(claimed.tries, self._jitter())
        with transaction(self._engine) as connection:
            notices.failed(connection, notice.id, error, self._clock() + pause)
        log.warning(
            "Notice %d (%s) did not arrive by %s, and is tried again in %.0f s: %s",
            *(notice.id, notice.kind, self._way, pause.total_seconds(), error),
        )


class Delivery:
    """A deliverer for each way that is set up here; the other ones are left to other servers."""

    def __init__(self, settings: Settings) -> None:
        courier = Courier(settings, _now)
        self._all = [
            Deliverer(way, open_engine(settings.database.url), courier.carry, _now, random.random)
            for way in ways_of(settings)
        ]

    def start(self) -> None:
        """Begin to deliver."""
        for one in self._all:
            one.start()

    def stop(self, seconds: float) -> None:
        """End; blocks until what is under way has arrived, or for so long."""
        deadline = time.monotonic() + seconds
        for one in self._all:
            one.stop()
        for one in self._all:
            one.join(max(deadline - time.monotonic(), 0))


def _now() -> datetime:
    return datetime.now(UTC)
