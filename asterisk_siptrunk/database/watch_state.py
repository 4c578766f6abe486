"""What the watch knows, kept in the database: it goes on from there after a start.

Without it all calls of a day are seen anew, which takes as long as there are many. It is written in
parts, so that calls come in between; the last part written says that all are there.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from asterisk_siptrunk.anomaly.keeping import FORM, Legend
from asterisk_siptrunk.anomaly.watch import Watch
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import watch, watch_state

HEAD = 0
"""The number of the part that is written last."""
TOGETHER = 100
"""Trunks in a part: some 20 ms of SQLite's lock."""
_LITTLE = 1
"""How hard zlib tries: more costs more time than it saves room."""
Packed = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Head:
    """What is kept beside the trunks.

    Attributes:
        legend: the rules that the state was made by; one of other rules may go on with it.
        calls, logins: what the feeds had seen.
        released: the findings whose release the watch knew, and when each was.
    """

    legend: Packed
    calls: Packed
    logins: Packed
    released: list[list[Any]]


def pack(watching: Watch, calls: Packed, logins: Packed, released: list[list[Any]]) -> list[bytes]:
    """All parts, the head first: as it is now, however long the writing takes."""
    legend = Legend()
    trunks = iter(watching.kept(legend))
    parts = []
    while some := list(islice(trunks, TOGETHER)):
        parts.append(_body(some))
    return [_body([FORM, legend.packed(), calls, logins, released]), *parts]


def write(engine: Engine, server: str, as_of: datetime, parts: Iterable[bytes]) -> None:
    """Keep all parts, and forget what was kept before; unless another server watches meanwhile."""
    head, *others = parts
    with transaction(engine) as connection:  # a clock may have been set back
        connection.execute(delete(watch_state).where(watch_state.c.as_of == as_of))
    for number, body in enumerate(others, start=1):
        with transaction(engine) as connection:
            connection.execute(insert(watch_state).values(as_of=as_of, part=number, body=body))
    with transaction(engine) as connection:
        watches = connection.execute(select(watch.c.server).with_for_update()).scalar_one()
        if watches != server:
            connection.execute(delete(watch_state).where(watch_state.c.as_of == as_of))
            return
        connection.execute(insert(watch_state).values(as_of=as_of, part=HEAD, body=head))
        connection.execute(delete(watch_state).where(watch_state.c.as_of != as_of))


def find(connection: Connection, since: datetime) -> tuple[datetime, Head] | None:
    """The newest that is whole and no older than that; None without one that can be read."""
    query = (
        select(watch_state.c.as_of, watch_state.c.body)
        .where(watch_state.c.part == HEAD, watch_state.c.as_of >= since)
        .order_by(watch_state.c.as_of.desc())
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    form, *head = _read(row.body)
    return (row.as_of, Head(*head)) if form == FORM else None


def trunks(connection: Connection, as_of: datetime) -> Iterator[tuple[str, Packed]]:
    """What was kept of each trunk, and of all together."""
    query = (
        select(watch_state.c.body)
        .where(watch_state.c.as_of == as_of, watch_state.c.part != HEAD)
        .order_by(watch_state.c.part)
    )
    for body in connection.execute(query).scalars():
        yield from _read(body)


def _body(packed: object) -> bytes:
    return zlib.compress(json.dumps(packed, separators=(",", ":")).encode(), _LITTLE)


def _read(body: bytes) -> Any:  # noqa: ANN401 - JSON
    return json.loads(zlib.decompress(body))
