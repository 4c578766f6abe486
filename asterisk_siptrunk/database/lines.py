"""Lines of quotes and invoices, as rows and in the JSON of an order."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from asterisk_siptrunk.billing.line import Line, LineKind


def row_of(line: Line) -> dict[str, Any]:
    """The columns of `invoice_line`, without whose line it is and where it stands."""
    by_days = line.part is not None
    return {
        "kind": line.kind.value,
        "text": line.text,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "days": line.days if by_days else None,
        "of_days": line.of_days if by_days else None,
        "since": line.since,
        "until": line.until,
        "amount": line.amount,
    }


def line_of(row: Mapping[str, Any]) -> Line:
    """Make the line of its columns."""
    part = None if row["days"] is None else Fraction(row["days"], row["of_days"])
    return Line(
        kind=LineKind(row["kind"]),
        text=row["text"],
        quantity=row["quantity"],
        unit_price=row["unit_price"],
        part=part,
        since=row["since"],
        until=row["until"],
        amount=row["amount"],
    )


def to_json(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """For the JSON of an order: amounts and days as text."""
    return [json.loads(json.dumps(row_of(line), default=str)) for line in lines]


def from_json(rows: Iterable[Mapping[str, Any]]) -> tuple[Line, ...]:
    """Read them back."""
    return tuple(line_of(_typed(row)) for row in rows)


def _typed(row: Mapping[str, Any]) -> dict[str, Any]:
    money = {key: Decimal(row[key]) for key in ("quantity", "unit_price", "amount")}
    days = {key: date.fromisoformat(row[key]) for key in ("since", "until")}
    return {**row, **money, **days}
