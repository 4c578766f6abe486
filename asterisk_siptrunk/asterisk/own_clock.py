"""The times of a call by the clock that it began by, though that be set while it lasts.

Answer and end of a call are moments of the wall clock, and what is billed lies between them: a
clock that is put right by an hour in mid-call would bill an hour more, or nothing. So the service
remembers how far the clock was ahead of a steady one when it first heard of the call, and tells
all the rest of the call by that.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from asterisk_siptrunk.asterisk.message import AmiEvent
from asterisk_siptrunk.call import CallChange, Ended, Spoken

SMALLEST_STEP = timedelta(seconds=0.5)
"""What a clock is set by: to keep it true it is slewed, by less than this in an hour."""


class OwnClocks:
    """One for each call that is under way."""

    def __init__(self) -> None:
        self._ahead: dict[str, float] = {}

    def told(self, change: CallChange, event: AmiEvent) -> CallChange:
        """The change that an event told of, by its call's own clock."""
        if isinstance(change, Spoken):
            return change
        step = timedelta(seconds=event.clock_ahead - self._first(change.uniqueid, event))
        if isinstance(change, Ended):
            self._ahead.pop(change.uniqueid, None)
        # It may have happened before the step, and have been heard of after it.
        happened_before = abs(event.received_at - change.at) > abs(step) / 2
        if abs(step) < SMALLEST_STEP or happened_before:
            return change
        told = replace(change, at=change.at - step)
        return replace(told, clock_was_set=True) if isinstance(told, Ended) else told

    def keep(self, uniqueids: Collection[str]) -> None:
        """Forget all calls but these: nobody told of their end."""
        self._ahead = {one: ahead for one, ahead in self._ahead.items() if one in uniqueids}

    def _first(self, uniqueid: str, event: AmiEvent) -> float:
        return self._ahead.setdefault(uniqueid, event.clock_ahead)
