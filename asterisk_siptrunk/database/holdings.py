"""Customers with what they hold, for a list that a person searches: a piece at a time."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from asterisk_siptrunk.database import invoices
from asterisk_siptrunk.database.findings import FindingState
from asterisk_siptrunk.database.tables import call, customer, finding, number, trunk


@dataclass(frozen=True, slots=True)
class Holding:
    """A customer, and what it holds.

    Attributes:
        trunks, channels: of trunks in force; `in_use` of these now.
        findings: that nobody has seen to yet.
        unpaid: by currency.
    """

    name: str
    title: str
    trunks: int
    channels: int
    in_use: int
    findings: int
    unpaid: dict[str, Decimal]


def search(connection: Connection, text: str, after: str | None, limit: int) -> list[Holding]:
    """So many customers by name, from after one on, in whose names or numbers this text is."""
    query = select(customer.c.id, customer.c.name, customer.c.title).order_by(customer.c.name)
    if text:
        query = query.where(_has(text))
    if after is not None:
        query = query.where(customer.c.name > after)
    rows = connection.execute(query.limit(limit)).all()
    ids = [row.id for row in rows]
    held = _by_customer(connection, _held(ids))
    in_use = _by_customer(connection, _in_use(ids))
    found = _by_customer(connection, _open_findings(ids))
    unpaid = _unpaid(connection, [row.name for row in rows])
    return [
        Holding(
            row.name,
            row.title,
            trunks=held.get(row.id, (0, 0))[0],
            channels=held.get(row.id, (0, 0))[1],
            in_use=in_use.get(row.id, (0,))[0],
            findings=found.get(row.id, (0,))[0],
            unpaid=unpaid.get(row.name, {}),
        )
        for row in rows
    ]


def _has(text: str) -> ColumnElement[bool]:
    names = (customer.c.name, customer.c.title, customer.c.email)
    of_customers = [func.lower(one).contains(text.lower(), autoescape=True) for one in names]
    by_name = func.lower(trunk.c.name).contains(text.lower(), autoescape=True)
    of_trunks = select(trunk.c.customer_id).where(by_name)
    by_number = number.c.e164.contains(text.removeprefix("0"), autoescape=True)
    of_numbers = select(trunk.c.customer_id).join(number).where(by_number)
    return or_(*of_customers, customer.c.id.in_(of_trunks), customer.c.id.in_(of_numbers))


def _held(ids: Collection[int]) -> Select[Any]:
    return (
        select(trunk.c.customer_id, func.count(), func.sum(trunk.c.channels))
        .where(trunk.c.customer_id.in_(ids), trunk.c.ended.is_(False))
        .group_by(trunk.c.customer_id)
    )


def _in_use(ids: Collection[int]) -> Select[Any]:
    return (
        select(trunk.c.customer_id, func.count())
        .join(call, call.c.trunk_id == trunk.c.id)
        .where(trunk.c.customer_id.in_(ids), call.c.ended_at.is_(None))
        .group_by(trunk.c.customer_id)
    )


def _open_findings(ids: Collection[int]) -> Select[Any]:
    open_ones = (finding.c.state == FindingState.OPEN, finding.c.dry_run.is_(False))
    return (
        select(trunk.c.customer_id, func.count())
        .join(finding, finding.c.trunk_id == trunk.c.id)
        .where(trunk.c.customer_id.in_(ids), *open_ones)
        .group_by(trunk.c.customer_id)
    )


def _by_customer(connection: Connection, query: Select[Any]) -> dict[int, tuple[int, ...]]:
    return {row[0]: tuple(row[1:]) for row in connection.execute(query)}


def _unpaid(connection: Connection, names: Collection[str]) -> dict[str, dict[str, Decimal]]:
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for one in invoices.unsettled(connection):
        if one.customer in names and one.unpaid:
            sums = found[one.customer]
            currency = one.totals.currency
            sums[currency] = sums.get(currency, Decimal(0)) + one.unpaid
    return found
