"""One `siptrunk serve` beside one Asterisk, as it tells of itself in the database."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from asterisk_siptrunk.call.lease import BLIND_SECONDS


class ServerState(StrEnum):
    """What a server's signs of life say of it."""

    SERVING = "serving"
    SILENT = "silent"
    """It gave none for some seconds."""
    STOPPED = "stopped"
    """It was stopped in order; its channels are free some seconds later."""
    LOST = "lost"
    """It gave none for so long that its channels are free."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a server's service is, told with each sign of life.

    Attributes:
        program: its version.
        share: percent of each trunk's limit that it may use alone.
        link: how its connection to Asterisk's manager interface stands, one word; since when; and
            why, in a sentence.
        journal_behind: bytes of the call journal that are not recorded yet; None where there is
            no journal.
    """

    program: str
    started_at: datetime
    share: int
    link: str
    link_since: datetime
    link_detail: str = ""
    journal_behind: int | None = None


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """A server as the database knows it; times are UTC.

    Attributes:
        beat: number of its sign of life; `beat_at` is when it gave that, by its own clock.
        seen_at: the same by the database's clock; `silent_for` is the time since then, by that.
        stopped_at: it was stopped in order, and has not begun again.
        lost_at: another server took it for lost, and its calls with it.
        config_applied: the `config apply` that it followed last, by number; `config_generation` is
            what that made there, `config_error` why it failed ("" if it did not).
        follows: it followed the newest one.
        calls: how many of its calls hold a channel.
    """

    name: str
    beat: int
    beat_at: datetime
    seen_at: datetime
    silent_for: timedelta
    stopped_at: datetime | None
    lost_at: datetime | None
    vitals: Vitals
    config_applied: int
    config_generation: str
    config_error: str
    follows: bool
    calls: int

    def is_due(self, apply: int) -> bool:
        """Whether it gives signs of life, and has not followed that apply yet."""
        return self.state is ServerState.SERVING and self.config_applied < apply

    @property
    def state(self) -> ServerState:
        """What its signs of life say."""
        if self.stopped_at is not None:
            return ServerState.STOPPED
        if self.lost_at is not None:
            return ServerState.LOST
        if self.silent_for.total_seconds() > BLIND_SECONDS:
            return ServerState.SILENT
        return ServerState.SERVING


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a server learns when it gives a sign of life.

    Attributes:
        others: the number of each other server's sign, of those that nobody takes for lost.
        was_lost: this server had been taken for lost.
        last_at: when it gave the sign before this one; None for its first.
        config_wanted: number of the newest `config apply`; `config_applied` is the one that this
            server followed last.
    """

    others: dict[str, int]
    was_lost: bool
    last_at: datetime | None
    config_wanted: int
    config_applied: int
