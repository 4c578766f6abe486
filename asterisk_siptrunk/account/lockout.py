"""How long a login is closed after wrong passwords: longer each time, and never for good.

For good would let anybody shut anybody out.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from asterisk_siptrunk.account.login import LONGEST_LOGIN

FREE = 4
"""So many may be mistyped."""
_FIRST = timedelta(seconds=2)
_LONGEST = timedelta(minutes=15)


def pause_after(failures: int) -> timedelta:
    """How long nothing is tried after so many failures on end."""
    if failures <= FREE:
        return timedelta(0)
    doublings = min(failures - FREE - 1, 20)
    return min(_FIRST * int(2**doublings), _LONGEST)


class Strangers:
    """Logins that nobody has: closed as others are, else one could find out who has one.

    The `most` that were tried last are known.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._tries: OrderedDict[str, tuple[int, datetime]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tries)

    def try_login(self, login: str, now: datetime) -> datetime | None:
        """Until when this one is closed; None where it is not, and the try is counted."""
        login = login[:LONGEST_LOGIN]
        failures, until = self._tries.pop(login, (0, now))
        is_closed = now < until
        if not is_closed:
            failures, until = failures + 1, now + pause_after(failures + 1)
        self._tries[login] = failures, until
        if len(self._tries) > self._most:
            self._tries.popitem(last=False)
        return until if is_closed else None
