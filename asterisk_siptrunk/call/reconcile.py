"""Comparing what we hold open with what Asterisk really has: nothing may leak, nothing be missed.

No clock of ours is compared with Asterisk's: the order of the two looks does it. The open rows
are read FIRST, then Asterisk is asked for its channels. A row is written while its channel lives,
so a row of the first look whose channel the second look lacks is of a call that ended. A call
that begins between the looks is in the second one only, and its age tells it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asterisk_siptrunk.call.attempt import Direction


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A row of this server that has no end yet."""

    uniqueid: str
    started_at: datetime
    answered: bool = False


@dataclass(frozen=True, slots=True)
class LiveChannel:
    """The caller's channel of a call of ours that lives in Asterisk right now.

    Every text in it comes from the network by way of AMI: it is evidence, not truth.

    Attributes:
        trunk: its name; "" for an inbound call that was put to none yet.
        carrier: the carrier that an inbound call came in by; "" for an outbound one.
        dialled: the number where the channel stands, "" once it stands elsewhere.
        up: it is answered.
        age: since the channel was made, by Asterisk's clock, in whole seconds.
        away: the dialplan let it pass alone: nobody else will write its row.
    """

    uniqueid: str
    direction: Direction
    trunk: str
    carrier: str
    dialled: str
    caller: str
    up: bool
    age: timedelta
    away: bool = False


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What is known of the life of the Asterisk that was looked at, by our clock.

    Attributes:
        began_at: when its process began; None where it did not say.
        lost_at: when the connection before this one was lost, or the service ended that had it;
            None for the first.
    """

    began_at: datetime | None = None
    lost_at: datetime | None = None

    def latest_end(self, call: OpenCall, looked_at: datetime) -> datetime:
        """The latest moment at which a call that is gone can have ended.

        A call of an earlier process ended with it: before this one began, and before its
        connection was lost. It is an estimate, and the journal may know better.
        """
        if self.began_at is None or call.started_at >= self.began_at:
            return looked_at
        if self.lost_at is None or call.started_at >= self.lost_at:
            return self.began_at
        return min(self.lost_at, self.began_at)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All channels of a server at one moment.

    Attributes:
        uniqueids: of every channel, so that a call that wandered off into a dialplan which is
            not ours still counts as alive.
        callers: the callers' channels of calls that are ours.
    """

    uniqueids: frozenset[str]
    callers: tuple[LiveChannel, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What is to be put right.

    Attributes:
        gone: open rows whose channel is no more.
        unknown: channels that have no open row.
        answered: UniqueIDs of rows that do not know yet that their call was answered.
        young: channels without an open row that may still be asking for one.
    """

    gone: tuple[OpenCall, ...] = ()
    unknown: tuple[LiveChannel, ...] = ()
    answered: tuple[str, ...] = ()
    young: int = 0

    def __bool__(self) -> bool:
        """Whether anything is to be put right."""
        return bool(self.gone or self.unknown or self.answered)


def reconcile(
    open_calls: Sequence[OpenCall], snapshot: Snapshot, grace: timedelta
) -> Reconciliation:
    """Compare rows, read first, with channels, asked for afterwards.

    `grace` must be longer than an admission and the two looks together may take: a younger
    channel without a row may still be asking for admission, and is left alone.
    """
    known = {call.uniqueid for call in open_calls}
    up = {channel.uniqueid for channel in snapshot.callers if channel.up}
    without = [channel for channel in snapshot.callers if channel.uniqueid not in known]
    unknown = tuple(channel for channel in without if channel.away or channel.age >= grace)
    return Reconciliation(
        gone=tuple(call for call in open_calls if call.uniqueid not in snapshot.uniqueids),
        unknown=unknown,
        answered=tuple(
            call.uniqueid for call in open_calls if not call.answered and call.uniqueid in up
        ),
        young=len(without) - len(unknown),
    )
