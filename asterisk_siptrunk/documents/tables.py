"""Invoices as CSV and JSON, for programs: amounts as text, exact, and keys that stay."""

import csv
import json
from dataclasses import asdict
from io import StringIO

from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind
from asterisk_siptrunk.billing.line import Line
from asterisk_siptrunk.billing.money import figure
from asterisk_siptrunk.documents.words import plain

CSV_COLUMNS = (
    *("number", "kind", "issued", "due", "trunk", "position", "line_kind", "text"),
    *("quantity", "unit_price", "days", "of_days", "since", "until"),
    *("amount", "tax_percent", "currency"),
)


def to_csv(document: InvoiceDocument) -> str:
    """A row for each line, with a head."""
    text = StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for position, line in enumerate(document.lines, 1):
        row = _of_line(line, document.currency)
        row["line_kind"] = row.pop("kind")
        writer.writerow({**_of_document(document), "position": position, **row})
    return text.getvalue()


def to_json(document: InvoiceDocument) -> str:
    """All that the document says."""
    totals, currency = document.totals, document.currency
    value = {
        "number": document.number,
        "kind": document.kind,
        "credits": document.credits,
        "issued": str(document.issued),
        "due": _due(document),
        "trunk": document.trunk,
        "since": str(document.since),
        "until": str(document.until),
        "seller": asdict(document.seller),
        "buyer": asdict(document.buyer),
        "lines": [_of_line(line, document.currency) for line in document.lines],
        "currency": currency,
        "net": figure(totals.net, currency),
        "tax_percent": plain(totals.percent),
        "tax": figure(totals.tax, currency),
        "untaxed": document.untaxed,
        "gross": figure(totals.gross, currency),
        "paid": figure(document.paid, currency),
        "unpaid": figure(document.unpaid, currency),
        "terms": document.terms,
        "remarks": document.remarks,
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _of_document(document: InvoiceDocument) -> dict[str, object]:
    return {
        "number": document.number,
        "kind": document.kind,
        "issued": document.issued,
        "due": _due(document),
        "trunk": document.trunk,
        "tax_percent": plain(document.totals.percent),
        "currency": document.currency,
    }


def _due(document: InvoiceDocument) -> str | None:
    """A credit note is not to be paid."""
    return str(document.due) if document.kind is InvoiceKind.INVOICE else None


def _of_line(line: Line, currency: str) -> dict[str, object]:
    """`days` and `of_days` are None where a line is not charged by days."""
    by_days = line.part is not None
    return {
        "kind": line.kind,
        "text": line.text,
        "quantity": plain(line.quantity),
        "unit_price": figure(line.unit_price, currency),
        "days": line.days if by_days else None,
        "of_days": line.of_days if by_days else None,
        "since": str(line.since),
        "until": str(line.until),
        "amount": figure(line.amount, currency),
    }
