"""Lets people in by password and code: a few at a time, and from no place too often.

To look at a password takes tens of milliseconds of a processor and 19 MiB, on purpose. So guesses
over many accounts, of which none is closed yet, must not have all of the machine.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import TYPE_CHECKING

from asterisk_siptrunk.account import Account, second
from asterisk_siptrunk.account.bucket import Buckets, Pace
from asterisk_siptrunk.account.lockout import Strangers
from asterisk_siptrunk.account.password import hash_password, is_right
from asterisk_siptrunk.bootstrap import Closed, Keys, accounts
from asterisk_siptrunk.errors import TooBusy

if TYPE_CHECKING:
    from asterisk_siptrunk.web.house import House

AT_ONCE = 2
"""Passwords that are looked at in the same moment."""
WAITING = 6
"""And those that wait for their turn, each in a thread that pages need as well."""
WRONG = Pace(burst=20, seconds=300)
"""Of one place: an office may mistype so often, and a guesser gets one try each 15 seconds."""
MOST_PLACES = 10_000
"""Of which it is known; some two megabytes."""
MOST_STRANGERS = 2_000
"""Logins of nobody that are told apart."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """It was the right password, and the right code where one was asked for."""

    account: Account


class Turnstile:
    """One for the whole application."""

    def __init__(self, house: "House") -> None:
        self._house = house
        self._places = BoundedSemaphore(AT_ONCE + WAITING)
        self._working = BoundedSemaphore(AT_ONCE)
        self._lock = Lock()
        self._wrong: Buckets[str] = Buckets(WRONG, MOST_PLACES)
        self._strangers = Strangers(MOST_STRANGERS)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One of the few turns for what takes a processor for long.

        Raises:
            TooBusy: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            raise TooBusy("Too many people log in at this moment: try again in a few seconds.", 5)
        try:
            with self._working:
                yield
        finally:
            self._places.release()

    def hash(self, password: str) -> str:
        """What is kept of a new password; never in a transaction.

        Raises:
            TooBusy: too many passwords are worked on.
        """
        with self.turn():
            return hash_password(password)

    def open(
        self, place: str, login: str, password: str, code: str | None
    ) -> Opened | Closed | None:
        """Look at what somebody gives; None where it is wrong. A code of None is not asked for.

        Every try is kept with the account, whether it was right or wrong.

        Raises:
            TooBusy: too many were wrong from this place, or too many wait already.
            DatabaseUnavailable: the accounts cannot be had.
        """
        self._refuse_guesser(place)
        with self.turn():
            outcome = self._look(login, password, code)
        if outcome is None:
            with self._lock:
                self._wrong.take(place, self._now())
        return outcome

    def _now(self) -> float:
        return self._house.now().timestamp()

    def _refuse_guesser(self, place: str) -> None:
        with self._lock:
            wait = self._wrong.look(place, self._now()).wait
        if wait:
            raise TooBusy("Too many wrong tries came from your address: try again later.", wait)

    def _look(self, login: str, password: str, code: str | None) -> Opened | Closed | None:
        house, keys = self._house, self._keys(login)
        if isinstance(keys, Closed):
            return keys
        step, wrong = check(keys, password, code, self._now())
        with house.changing(login) as (connection, by):
            if (
                keys is not None
                and not wrong
                and accounts.succeeded(connection, keys.account, step)
            ):
                return Opened(keys.account)
            log.info("A login failed: %s", wrong or "a code that was used already")
            if keys is not None:
                accounts.failed(connection, by, login, wrong or "a code that was used already")
        return None

    def _keys(self, login: str) -> Keys | Closed | None:
        with self._house.changing("") as (connection, by):
            keys = accounts.try_login(connection, login, by.at)
        if keys is None:
            with self._lock:
                until = self._strangers.try_login(login, by.at)
            return Closed(until) if until else None
        return keys


def check(keys: Keys | None, password: str, code: str | None, now: float) -> tuple[int | None, str]:
    """Whether password and code let somebody in: the code's step, and what is wrong, "" nothing."""
    if not is_right(password, keys.password if keys else None) or keys is None:
        return None, "wrong password"
    if keys.account.disabled:
        return None, "the account is disabled"
    if keys.second_secret is None or code is None:
        return None, ""
    step = second.step_of(keys.second_secret, code, now, keys.second_used)
    return step, "" if step is not None else "wrong code"
