"""How busy trunks and carriers are at this moment, counted without taking a lock."""

from collections import Counter
from typing import TYPE_CHECKING

from asterisk_siptrunk.bootstrap import calls
from asterisk_siptrunk.call import Direction, Load

if TYPE_CHECKING:
    from sqlalchemy import Connection


def carriers_in_use(connection: "Connection") -> Counter[str]:
    """Channels in use by the name of each carrier."""
    live = calls.every(connection, calls.CallFilter(live=True))
    return Counter(record.carrier for record in live if record.carrier)


def load_of(connection: "Connection", trunk: str, carriers: dict[str, int]) -> Load:
    """What a call of this trunk would meet; `carriers` are the ids by name.

    The pace of calls is left out: it would have changed before the answer was read.
    """
    live = calls.every(connection, calls.CallFilter(live=True, trunk=trunk))
    directions = Counter(record.direction for record in live)
    busy = carriers_in_use(connection)
    return Load(
        outbound=directions[Direction.OUTBOUND],
        inbound=directions[Direction.INBOUND],
        carriers={carrier_id: busy[name] for name, carrier_id in carriers.items()},
    )
