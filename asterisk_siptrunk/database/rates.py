"""Decks of rates: loaded as whole files, from a day on, and kept with all that held before.

A file is first put beside the database's own tables, in one that this connection alone sees: to
read it takes its time, and calls must not wait for that. What changes is then found and done by SQL
in one short transaction, whatever the size of the deck.

Loading a file says what holds from a day on, and nothing of the days before: an older rate that it
has too goes on, one that it has not ends on that day.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    delete,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.engine import unavailable_if_broken
from asterisk_siptrunk.database.tables import Money, rate
from asterisk_siptrunk.errors import NotFound

MOST_SHOWN = 20
"""Changes of each kind that are told one by one; of others their number is."""
_AT_ONCE = 2000
"""Rows that are put in the table, or read from it, at once."""

# The rates of a file. Those of days before the loading's are cut off. `rate_id` is the rate that
# begins with the same day there, `same` that it is this one: its end alone may differ.
_new = Table(
    "new_rate",
    MetaData(),
    Column("target", String(40), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("fee", Money, nullable=False),
    Column("price", Money, nullable=False),
    Column("first", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("valid_from", Date, primary_key=True),
    Column("valid_until", Date),
    Column("rate_id", BigInteger),
    Column("same", Boolean, nullable=False, server_default=false()),
    prefixes=["TEMPORARY"],
)
_FIELDS: tuple[str, ...] = Rate.__match_args__


class Kind(StrEnum):
    """What becomes of a rate."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RateChange:
    """What becomes of a rate: as it is to be, or was; `before` is what a changed one was."""

    kind: Kind
    rate: Rate
    before: Rate | None = None


@dataclass(frozen=True, slots=True)
class DeckChange:
    """What a file changes in a deck: how many rates, and the first of each kind."""

    counts: dict[Kind, int]
    unchanged: int
    shown: tuple[RateChange, ...]

    def __str__(self) -> str:
        told = [f"{count} {kind}" for kind, count in self.counts.items()]
        return ", ".join([*told, f"{self.unchanged} unchanged"])


def compare(engine: Engine, deck: str, day: date, rates: Iterable[Rate]) -> DeckChange:
    """What would change if a deck were these rates from a day on.

    Raises:
        InvalidInput: as raised by `rates`.
    """
    with _staged(engine, day, rates) as connection:
        return _compare(connection, _Tail(deck, day))


def load(engine: Engine, by: By, deck: str, day: date, rates: Iterable[Rate]) -> DeckChange:
    """Have a deck be these rates from a day on; the days before stay as they are.

    Raises:
        InvalidInput: as raised by `rates`; then nothing is changed.
    """
    with _staged(engine, day, rates) as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("LOCK TABLE rate IN SHARE ROW EXCLUSIVE MODE")
        tail = _Tail(deck, day)
        change = _compare(connection, tail)
        if any(change.counts.values()):
            _carry_out(connection, tail)
            note(connection, by, "rate", deck, f"loaded from {day} on: {change}")
        connection.commit()
    return change


@contextmanager
def _staged(engine: Engine, day: date, rates: Iterable[Rate]) -> Iterator[Connection]:
    """A connection with a table of its own that holds what is to be from a day on."""
    with unavailable_if_broken(engine), engine.connect() as connection:
        connection.detach()  # so that it is closed at the end, and its table gone
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # of no other file than the one for such tables
        _new.create(connection)
        rows = (row for each in rates if (row := _cut(each, day)))
        while some := list(islice(rows, _AT_ONCE)):
            connection.execute(insert(_new), some)
        connection.commit()
        yield connection


def _cut(new: Rate, day: date) -> dict[str, Any] | None:
    """A rate from a day on; None for one that is over by then."""
    if new.valid_until is not None and new.valid_until <= day:
        return None
    values = {name: getattr(new, name) for name in _FIELDS}
    return values | {"valid_from": max(new.valid_from, day)}


class _Tail:
    """The rates of a deck that hold on a day or later, as conditions on their table."""

    def __init__(self, deck: str, day: date) -> None:
        self.deck = deck
        self.day = day
        unended = or_(rate.c.valid_until.is_(None), rate.c.valid_until > day)
        self.holds = and_(rate.c.deck == deck, unended)
        self.begun = rate.c.valid_from < day
        begins = case((self.begun, literal(day, Date)), else_=rate.c.valid_from)
        self.meets_new = and_(_new.c.target == rate.c.target, _new.c.valid_from == begins)
        """The new rate is for the same destinations, and for the same day on."""


def _met(*conditions: ColumnElement[bool]) -> Select[int]:
    """The ids of rates that a new one meets."""
    return select(_new.c.rate_id).where(_new.c.rate_id.is_not(None), *conditions)


def _compare(connection: Connection, tail: _Tail) -> DeckChange:
    """Note at each new rate which one it meets, and tell what differs."""
    met = select(rate.c.id).where(tail.holds, tail.meets_new).scalar_subquery()
    connection.execute(update(_new).values(rate_id=met))
    alike = (_new.c[name] == rate.c[name] for name in ("name", "fee", "price", "first", "step"))
    same = select(rate.c.id).where(rate.c.id == _new.c.rate_id, *alike).exists()
    connection.execute(update(_new).values(same=same))
    ends_else = rate.c.valid_until.is_distinct_from(_new.c.valid_until)
    pairs = select(*_of(_new), *_of(rate)).outerjoin_from(_new, rate, rate.c.id == _new.c.rate_id)
    changes: dict[Kind, Select[Any]] = {
        Kind.ADDED: pairs.where(_new.c.rate_id.is_(None)),
        Kind.CHANGED: pairs.where(rate.c.id.is_not(None), or_(~_new.c.same, ends_else)),
        Kind.ENDED: select(*_of(rate)).where(tail.holds, rate.c.id.not_in(_met())),
    }
    counts = {kind: _count(connection, query) for kind, query in changes.items()}
    unchanged = _count(connection, pairs) - counts[Kind.ADDED] - counts[Kind.CHANGED]
    shown = (_shown(connection, kind, query) for kind, query in changes.items())
    return DeckChange(counts, unchanged, tuple(chain.from_iterable(shown)))


def _of(table: Table) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in _FIELDS]


def _count(connection: Connection, query: Select[Any]) -> int:
    return connection.execute(query.with_only_columns(func.count())).scalar_one()


def _shown(connection: Connection, kind: Kind, query: Select[Any]) -> Iterator[RateChange]:
    table = rate if kind is Kind.ENDED else _new
    query = query.order_by(table.c.target, table.c.valid_from).limit(MOST_SHOWN)
    for row in connection.execute(query):
        now, before = row[: len(_FIELDS)], row[len(_FIELDS) :]
        yield RateChange(kind, Rate(*now), Rate(*before) if kind is Kind.CHANGED else None)


def _carry_out(connection: Connection, tail: _Tail) -> None:
    going = and_(tail.holds, rate.c.id.not_in(_met(_new.c.same)))
    connection.execute(delete(rate).where(going, ~tail.begun))
    connection.execute(update(rate).where(going, tail.begun).values(valid_until=tail.day))
    until = select(_new.c.valid_until).where(tail.meets_new).scalar_subquery()
    ends_else = rate.c.valid_until.is_distinct_from(until)
    staying = and_(rate.c.id.in_(_met(_new.c.same)), ends_else)
    connection.execute(update(rate).where(staying).values(valid_until=until))
    rows = select(literal(tail.deck), *_of(_new)).where(~_new.c.same)
    connection.execute(insert(rate).from_select(["deck", *_FIELDS], rows))


def decks(connection: Connection) -> list[str]:
    """The names of all decks."""
    return list(connection.execute(select(rate.c.deck).distinct().order_by(rate.c.deck)).scalars())


def counts(connection: Connection) -> dict[str, int]:
    """How many rates each deck has, of all days, by its name."""
    query = (
        select(rate.c.deck, func.count().label("rates")).group_by(rate.c.deck).order_by(rate.c.deck)
    )
    return {row.deck: row.rates for row in connection.execute(query)}


def every(
    connection: Connection,
    deck: str,
    on: date | None = None,
    targets: Collection[str] | None = None,
) -> Iterator[Rate]:
    """The rates of a deck, those of each target in order; of a day, or some targets, alone.

    Raises:
        NotFound: there is no such deck.
    """
    if not connection.execute(select(rate.c.id).where(rate.c.deck == deck).limit(1)).first():
        known = ", ".join(decks(connection)) or "none"
        raise NotFound(f"There is no deck {deck}; there is {known}. 'siptrunk rate load' adds one.")
    query = select(*_of(rate)).where(rate.c.deck == deck)
    if on is not None:
        unended = or_(rate.c.valid_until.is_(None), rate.c.valid_until > on)
        query = query.where(rate.c.valid_from <= on, unended)
    if targets is not None:
        query = query.where(rate.c.target.in_(targets))
    query = query.order_by(rate.c.target, rate.c.valid_from)
    rows = connection.execute(query.execution_options(yield_per=_AT_ONCE))
    return (Rate(*row) for row in rows)
