"""Work that takes longer than a page may: one piece of a kind at a time, in a thread of its own.

What it has come to stays to be seen until the next one begins. The thread ends with the process, so
only what may be killed at any moment, and run again, is work for it.
"""

import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import Generic, TypeVar

S = TypeVar("S")

log = logging.getLogger(__name__)


class Errand(Generic[S]):
    """One kind of work; `state` is how the last piece of it stands."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = Lock()
        self._thread: Thread | None = None
        self.state: S | None = None

    @property
    def is_running(self) -> bool:
        """Whether a piece is under way."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, state: S, work: Callable[[S], None]) -> bool:
        """Begin a piece, which notes in `state` what it comes to; False while one is under way."""
        with self._lock:
            if self.is_running:
                return False
            self.state = state
            self._thread = Thread(target=self._do, args=(state, work), name=self._name, daemon=True)
            self._thread.start()
            return True

    def join(self, seconds: float) -> None:
        """Wait until it is done, for so long at most."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _do(self, state: S, work: Callable[[S], None]) -> None:
        try:
            work(state)
        except Exception:
            log.exception("%s has stopped", self._name)
