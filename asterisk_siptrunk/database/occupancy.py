"""How busy trunks are at one server: for metrics, read in small pieces."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from asterisk_siptrunk.database.tables import call, registration, trunk

_ROWS_AT_ONCE = 200


class Occupancy(NamedTuple):
    """A trunk in force: its limit, and how many of its channels calls of this server hold."""

    trunk: str
    channels: int
    in_use: int


def occupancies(connection: Connection, server: str) -> Iterator[Sequence[Occupancy]]:
    """All trunks in force, a piece at a time."""
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
