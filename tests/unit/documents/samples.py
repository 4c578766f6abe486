"""An invoice, as most cases want it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind, Party
from asterisk_siptrunk.billing.line import Line, LineKind, Totals, priced

SINCE, UNTIL = date(2026, 11, 12), date(2026, 12, 12)
SELLER = Party(
    "Téléphonie & Fils",
    ("1 rue de la Paix", "75002 Paris"),
    "FR",
    "FR12345678901",
    "billing@telephonie.example",
)
BUYER = Party(
    "Żółw <Łódź> Київ Ελλάς", ("Piotrkowska 1", "wejście B", "90-001", "Łódź"), "PL", "PL1234567890"
)


def pack(text="Pack of 5 channels", quantity=1, price="45", part=Fraction(1), since=SINCE) -> Line:
    return priced(
        LineKind.PACK,
        text,
        quantity=quantity,
        unit_price=Decimal(price),
        part=part,
        since=since,
        until=UNTIL,
        currency="EUR",
    )


RAISE = pack("Pack of 1 channel", 3, "12.50", Fraction(11, 30), date(2026, 12, 1))
CALLS = Line(
    kind=LineKind.CALLS,
    text="France, mobile: 12 calls, 34 min 20 s",
    quantity=Decimal("34.333333"),
    unit_price=Decimal("0.060000"),
    part=None,
    since=date(2026, 10, 12),
    until=SINCE,
    amount=Decimal("2.06"),
)


def invoice(*lines: Line, percent="20", **changes) -> InvoiceDocument:
    """45.00 + 3 x 12.50 x 11/30 + 34.333... x 0.06 = 60.81; 20 % of it 12.16; 72.97."""
    all_lines = lines or (pack(), RAISE, CALLS)
    document = InvoiceDocument(
        number="2026-0042",
        kind=InvoiceKind.INVOICE,
        issued=SINCE,
        due=date(2026, 12, 10),
        seller=SELLER,
        buyer=BUYER,
        trunk="acme-paris",
        since=SINCE,
        until=UNTIL,
        lines=all_lines,
        totals=Totals.of(all_lines, Decimal(percent), "EUR"),
        terms="To be paid by transfer.",
        remarks=("Thank you.",),
    )
    return replace(document, **changes)


def as_stored(document: InvoiceDocument) -> InvoiceDocument:
    """With all amounts as a database gives them back: in millionths."""

    def stored(amount: Decimal) -> Decimal:
        return Decimal(int(amount.scaleb(6))).scaleb(-6)

    lines = tuple(
        replace(
            line,
            quantity=stored(line.quantity),
            unit_price=stored(line.unit_price),
            amount=stored(line.amount),
        )
        for line in document.lines
    )
    totals = document.totals
    sums = [stored(each) for each in (totals.net, totals.percent, totals.tax)]
    paid = stored(document.paid)
    return replace(document, lines=lines, totals=Totals(totals.currency, *sums), paid=paid)
