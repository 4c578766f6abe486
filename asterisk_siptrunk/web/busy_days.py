"""How busy trunks were, day by day: days that are over are reckoned once, and kept."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from asterisk_siptrunk.billing.period import first_moment
from asterisk_siptrunk.bootstrap import calls
from asterisk_siptrunk.call.occupancy import Stretch, stretch

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST_KEPT = 2_000
"""Days of trunks; each takes some 3 kB."""
MOST_CALLS = 200_000
"""That are read for one page: a second of work. What is left is read for the next one."""
_SETTLED = timedelta(hours=1)
"""So long after a day the journal has told of its last calls."""

_Key = tuple[int, datetime, datetime]


class BusyDays:
    """One for the whole application; used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Stretch] = OrderedDict()
        self._lock = Lock()

    def of(
        self,
        connection: "Connection",
        trunk_id: int,
        days: Iterable[date],
        zone: ZoneInfo,
        now: datetime,
    ) -> list[Stretch]:
        """How days of a zone went, in the order given, as far as the effort for one page goes."""
        found: list[Stretch] = []
        read = 0
        for day in days:
            if read > MOST_CALLS:
                break
            since, until = first_moment(day, zone), first_moment(day + timedelta(1), zone)
            one = self._find((trunk_id, since, until))
            if one is None:
                uses = calls.uses(connection, trunk_id, since, until)
                read += len(uses)
                one = stretch(uses, since, until, now)
                if now >= until + _SETTLED:
                    self._keep((trunk_id, since, until), one)
            found.append(one)
        return found

    def _find(self, key: _Key) -> Stretch | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: _Key, one: Stretch) -> None:
        with self._lock:
            self._kept[key] = one
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
