"""The calls on an invoice, one by one, with what each cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, Engine, select

from asterisk_siptrunk.billing.usage import amount_of
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import call, rated_call

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Charged:
    """Whose calls: those of a subscription in the period that begins on that day."""

    subscription_id: int
    first: date


@dataclass(frozen=True, slots=True)
class ItemisedCall:
    """A call on a bill.

    Attributes:
        callee: E.164, or a short number as it was dialled.
        rate: its name, as the invoice's line has it.
        seconds: that are charged; `included` those that the plan's price includes.
        cost: without tax, not rounded: the invoice's line is.
    """

    id: int
    started_at: datetime
    callee: str
    zone: str
    rate: str
    seconds: int
    included: int
    cost: Decimal


def some(connection: Connection, of: Charged, after: int, limit: int) -> list[ItemisedCall]:
    """The next calls after one, by their numbers, which follow the time that calls began."""
    query = (
        select(
            *(call.c.id, call.c.started_at, call.c.callee, call.c.zone),
            *(rated_call.c.rate, rated_call.c.seconds, rated_call.c.included, rated_call.c.cost),
        )
        .join(call, call.c.id == rated_call.c.call_id)
        .where(
            rated_call.c.subscription_id == of.subscription_id,
            rated_call.c.period == of.first,
            rated_call.c.call_id > after,
        )
        .order_by(rated_call.c.call_id)
        .limit(limit)
    )
    return [ItemisedCall(*row[:-1], amount_of(row.cost)) for row in connection.execute(query)]


def every(engine: Engine, of: Charged) -> Iterator[ItemisedCall]:
    """All of them, read piece by piece: nothing is kept open while a slow reader takes them."""
    after = 0
    while True:
        with reading(engine) as connection:
            piece = some(connection, of, after, _AT_ONCE)
        yield from piece
        if len(piece) < _AT_ONCE:
            return
        after = piece[-1].id
