"""What a document says of itself."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind, Party
from asterisk_siptrunk.billing.line import Totals

DOCUMENT = InvoiceDocument(
    number="F2026-00017",
    kind=InvoiceKind.INVOICE,
    issued=date(2026, 12, 12),
    due=date(2027, 1, 11),
    seller=Party("Provider SA", ("1 rue du Port",), "FR"),
    buyer=Party("Acme SA", (), "FR"),
    trunk="acme",
    since=date(2026, 12, 12),
    until=date(2027, 1, 12),
    lines=(),
    totals=Totals("EUR", Decimal("28.68"), Decimal(20), Decimal("5.74")),
)


def test_what_is_still_to_be_paid():
    assert (DOCUMENT.unpaid, DOCUMENT.currency) == (Decimal("34.42"), "EUR")
    assert replace(DOCUMENT, paid=Decimal(30)).unpaid == Decimal("4.42")
    assert replace(DOCUMENT, paid=Decimal("34.42")).unpaid == 0
    assert replace(DOCUMENT, kind=InvoiceKind.CREDIT).unpaid == 0


def test_its_title():
    assert DOCUMENT.title == "Invoice"
    assert replace(DOCUMENT, kind=InvoiceKind.CREDIT).title == "Credit note"
