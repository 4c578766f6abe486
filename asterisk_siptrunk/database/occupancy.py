"""How busy trunks and carriers are at this moment, counted without taking a lock."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from asterisk_siptrunk.call import Direction, Load
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.tables import call, registration, trunk

_ROWS_AT_ONCE = 200


class Occupancy(NamedTuple):
    """A trunk in force: its limit, and how many of its channels calls of this server hold."""

    trunk: str
    channels: int
    in_use: int


def occupancies(connection: Connection, server: str) -> Iterator[Sequence[Occupancy]]:
    """All trunks in force with the calls of a server, for metrics, a piece at a time."""
    held = (
        select(call.c.trunk_id, func.count().label("in_use"))
        .where(call.c.server == server, call.c.ended_at.is_(None))
        .group_by(call.c.trunk_id)
        .subquery()
    )
    query = (
        select(trunk.c.name, trunk.c.channels, func.coalesce(held.c.in_use, 0))
        .outerjoin(held, held.c.trunk_id == trunk.c.id)
        .where(trunk.c.ended.is_(False))
    )
    rows = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(query)
    for some in rows.partitions():
        yield [Occupancy(*row) for row in some]


def registrations(connection: Connection, server: str) -> int:
    """How many PBXs are registered at a server, as far as is known."""
    query = select(func.count()).where(registration.c.server == server, registration.c.registered)
    return int(connection.execute(query).scalar_one())


def carriers_in_use(connection: Connection) -> Counter[str]:
    """Channels in use by the name of each carrier; none for one that has no call."""
    return Counter(calls.in_use_of_carriers(connection))


def load_of(connection: Connection, trunk_id: int) -> Load:
    """What a call of this trunk would meet.

    The pace of calls is left out: it would have changed before the answer was read.
    """
    both_ways = (
        select(call.c.direction, func.count())
        .where(call.c.trunk_id == trunk_id, call.c.ended_at.is_(None))
        .group_by(call.c.direction)
    )
    upstream = (
        select(call.c.carrier_id, func.count())
        .where(call.c.ended_at.is_(None), call.c.carrier_id.is_not(None))
        .group_by(call.c.carrier_id)
    )
    directions = dict(map(tuple, connection.execute(both_ways)))
    return Load(
        outbound=directions.get(Direction.OUTBOUND, 0),
        inbound=directions.get(Direction.INBOUND, 0),
        carriers=dict(map(tuple, connection.execute(upstream))),
    )
