"""Proofs that the usage of a server is complete; billing asks for them before it bills a period."""

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select

from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import calls
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.tables import server, usage_proof


def record(connection: Connection, by: By, server_name: str, period: Period, count: int) -> None:
    """Keep that all calls of a server that began in a period agree with its journal."""
    connection.execute(
        insert(usage_proof).values(
            server=server_name,
            since=period.since,
            until=period.until,
            calls=count,
            author=by.author,
            at=by.at,
        )
    )


def missing(connection: Connection, period: Period) -> dict[str, Period]:
    """The servers whose usage of a period is not proven whole, each with what is left to prove.

    Those that have calls in it, and those that may have: all that are known. A server that was
    removed, and has calls there, must have been proven before.
    """
    known = set(connection.execute(select(server.c.name)).scalars())
    left = {
        name: _left(period, _proven(connection, name, period))
        for name in sorted(known | set(calls.servers(connection, period)))
    }
    return {name: gap for name, gap in left.items() if gap is not None}


def _proven(connection: Connection, name: str, period: Period) -> list[Period]:
    query = (
        select(usage_proof.c.since, usage_proof.c.until)
        .where(
            usage_proof.c.server == name,
            usage_proof.c.since < period.until,
            usage_proof.c.until > period.since,
        )
        .order_by(usage_proof.c.since)
    )
    return [Period(row.since, row.until) for row in connection.execute(query)]


def _left(period: Period, proven: Iterable[Period]) -> Period | None:
    """From the first moment that no proof covers to the end; proofs come by their beginning."""
    reached = period.since
    for one in proven:
        if one.since > reached:
            break
        reached = max(reached, one.until)
    return Period(reached, period.until) if reached < period.until else None
