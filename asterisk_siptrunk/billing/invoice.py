"""An invoice or a credit note as it is put on paper: all that it says, and nothing to work out."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from asterisk_siptrunk.billing.line import Line, Totals


class InvoiceKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    CREDIT = "credit"
    """A credit note: it gives back what an invoice charged; its amounts are positive."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or who buys, as they were on the day of the invoice.

    Attributes:
        address: its lines, without name and country.
        country: ISO 3166, two capital letters.
        tax_id: the VAT number; "" where there is none.
        email: "" where there is none.
    """

    name: str
    address: tuple[str, ...]
    country: str
    tax_id: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDocument:
    """One invoice or credit note.

    Attributes:
        credits: the number of the invoice that a credit note gives back.
        trunk: its name.
        since, until: the period that it is for, `until` not included.
        terms: how and by when it is to be paid, in words.
        untaxed: why there is no tax, where its rate is 0 ("Reverse charge, ..."); "" else.
        paid: what had been paid of it when the document was made.
        remarks: paragraphs for the foot.
    """

    number: str
    kind: InvoiceKind
    issued: date
    due: date
    seller: Party
    buyer: Party
    trunk: str
    since: date
    until: date
    lines: tuple[Line, ...]
    totals: Totals
    credits: str | None = None
    terms: str = ""
    untaxed: str = ""
    paid: Decimal = Decimal(0)
    remarks: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        """Of all its amounts."""
        return self.totals.currency

    @property
    def unpaid(self) -> Decimal:
        """What is still to be paid: of a credit note, nothing."""
        return self.totals.gross - self.paid if self.kind is InvoiceKind.INVOICE else Decimal(0)

    def file_name(self, paper: str) -> str:
        """What a file of it is called: "2026-000017.pdf", "2026-000017-factur-x.pdf"."""
        ending = "-factur-x.pdf" if paper == "factur-x" else f".{paper}"
        return f"{self.number.replace('/', '-')}{ending}"

    @property
    def title(self) -> str:
        """What it calls itself."""
        return "Invoice" if self.kind is InvoiceKind.INVOICE else "Credit note"
