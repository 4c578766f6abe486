"""Invoices as EN 16931 has them, in the syntax of Factur-X, by themselves and within a PDF.

The schema of Factur-X 1.0.07 is asked before anything is given out. The PDF with the XML in it is
what Factur-X describes but for one thing: it has no colour profile, which PDF/A-3 wants.
"""

import re
from decimal import Decimal
from fractions import Fraction

from drafthorse.models.accounting import ApplicableTradeTax
from drafthorse.models.document import Document
from drafthorse.models.note import IncludedNote
from drafthorse.models.party import TaxRegistration, TradeParty
from drafthorse.models.payment import PaymentTerms
from drafthorse.models.trade import TradeSettlement
from drafthorse.models.tradelines import LineItem
from drafthorse.pdf import attach_xml

from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind, Party
from asterisk_siptrunk.billing.line import Line, LineKind
from asterisk_siptrunk.billing.money import figure, shown
from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.documents.words import days, plain
from asterisk_siptrunk.errors import InvalidInput

_GUIDELINE = "urn:cen.eu:en16931:2017"
_SCHEMA = "FACTUR-X_EN16931"
# UNTDID 1001.
_TYPES = {InvoiceKind.INVOICE: "380", InvoiceKind.CREDIT: "381"}
# UNECE Recommendation 20: a minute, and one of something.
_MINUTE, _ONE = "MIN", "C62"
# UNTDID 5305.
_STANDARD, _REVERSE_CHARGE, _EXEMPT = "S", "AE", "E"
_ADDRESS_LINES = ("line_one", "line_two", "line_three")
_PRICE = Decimal(1).scaleb(-10)
"""A price for a part of a period has as many digits as it needs for its amount to come out."""

# When a file was made, as drafthorse has pypdf write it (\072 is a colon); what takes its place is
# as long, or the file's table of places would be wrong.
_MADE = re.compile(rb"D\\072\d{14}Z")
_MADE_IN_XMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


def render(document: InvoiceDocument) -> bytes:
    """The document as XML.

    Raises:
        InvalidInput: it has no tax and does not say why.
    """
    if not document.totals.percent and not document.untaxed:
        raise InvalidInput(
            f"{document.title} {document.number} has no tax and does not say why, as the standard "
            "EN 16931 asks: give the reason, as in 'Reverse charge, article 196 of directive "
            "2006/112/EC'."
        )
    whole = Document()
    whole.context.guideline_parameter.id = _GUIDELINE
    _fill_head(whole, document)
    for position, line in enumerate(document.lines, 1):
        whole.trade.items.add(_item(position, line, document))
    _fill_party(whole.trade.agreement.seller, document.seller)
    _fill_party(whole.trade.agreement.buyer, document.buyer)
    _fill_settlement(whole.trade.settlement, document)
    xml: bytes = whole.serialize(_SCHEMA)
    return xml


def attach(pdf: bytes, document: InvoiceDocument) -> bytes:
    """A PDF of the document with its XML in it, made on the day of issue as far as it says."""
    made: bytes = attach_xml(pdf, render(document), "EN 16931", lang="en")
    # Given as a function: in a text, \0 would stand for something else.
    day = f"D\\072{document.issued:%Y%m%d}000000Z".encode()
    made = _MADE.sub(lambda _: day, made)
    moment = f"{document.issued}T00:00:00+00:00".encode()
    return _MADE_IN_XMP.sub(moment, made)


def _fill_head(whole: Document, document: InvoiceDocument) -> None:
    whole.header.id = document.number
    whole.header.type_code = _TYPES[document.kind]
    whole.header.issue_date_time = document.issued
    for remark in (f"Trunk {document.trunk}", *document.remarks):
        whole.header.notes.add(IncludedNote(content=remark))


def _fill_party(place: TradeParty, party: Party) -> None:
    place.name = party.name
    place.address.country_id = party.country
    # Three lines are what the standard has room for: what is more goes on in the last one.
    lines = [*party.address[:2], ", ".join(party.address[2:])]
    for name, line in zip(_ADDRESS_LINES, lines, strict=False):
        if line:
            setattr(place.address, name, line)
    if party.email:
        place.electronic_address.uri_ID = ("EM", party.email)
    if party.tax_id:
        place.tax_registrations.add(TaxRegistration(id=("VA", party.tax_id)))


def _item(position: int, line: Line, document: InvoiceDocument) -> LineItem:
    item = LineItem()
    item.document.line_id = str(position)
    item.product.name = line.text
    item.product.description = _explained(line, document)
    # No price may be negative: a quantity may.
    sign = -1 if line.unit_price < 0 else 1
    item.agreement.net.amount = plain(sign * _price(line))
    unit = _MINUTE if line.kind is LineKind.CALLS else _ONE
    item.delivery.billed_quantity = (plain(sign * line.quantity), unit)
    tax = item.settlement.trade_tax
    tax.type_code = "VAT"
    tax.category_code = _category(document)
    tax.rate_applicable_percent = plain(document.totals.percent)
    item.settlement.period.start = line.since
    item.settlement.period.end = last_day(line.until)
    item.settlement.monetary_summation.total_amount = figure(line.amount, document.currency)
    return item


def _price(line: Line) -> Decimal:
    """Of one, for the part of the period that is charged."""
    part = Fraction(1) if line.part is None else line.part
    return (line.unit_price * part.numerator / part.denominator).quantize(_PRICE)


def _explained(line: Line, document: InvoiceDocument) -> str:
    price = shown(line.unit_price, document.currency)
    part = f", for {line.part_in_words}" if line.part_in_words else ""
    return f"{days(line.since, line.until)}: {price} each{part}"


def _category(document: InvoiceDocument) -> str:
    if document.totals.percent:
        return _STANDARD
    # The buyer owes the tax only where both are known to its office.
    both = document.seller.tax_id and document.buyer.tax_id
    return _REVERSE_CHARGE if both else _EXEMPT


def _fill_settlement(settlement: TradeSettlement, document: InvoiceDocument) -> None:
    settlement.currency_code = document.currency
    settlement.trade_tax.add(_tax(document))
    settlement.period.start = document.since
    settlement.period.end = last_day(document.until)
    terms = PaymentTerms(due=document.due)
    if document.terms:
        terms.description = document.terms
    settlement.terms.add(terms)
    if document.credits:
        settlement.invoice_referenced_document.issuer_assigned_id = document.credits
    _fill_sums(settlement, document)


def _tax(document: InvoiceDocument) -> ApplicableTradeTax:
    totals = document.totals
    tax = ApplicableTradeTax()
    tax.calculated_amount = figure(totals.tax, document.currency)
    tax.type_code = "VAT"
    tax.basis_amount = figure(totals.net, document.currency)
    tax.category_code = _category(document)
    tax.rate_applicable_percent = plain(totals.percent)
    if not totals.percent:
        tax.exemption_reason = document.untaxed
    return tax


def _fill_sums(settlement: TradeSettlement, document: InvoiceDocument) -> None:
    totals, sums = document.totals, settlement.monetary_summation
    due = totals.gross - document.paid  # of a credit note too, as the standard reckons
    net, tax, gross, paid, unpaid = (
        Decimal(figure(amount, document.currency))
        for amount in (totals.net, totals.tax, totals.gross, document.paid, due)
    )
    sums.line_total = net
    sums.tax_basis_total = net
    sums.tax_total = (tax, document.currency)
    sums.grand_total = gross
    if document.paid:
        sums.prepaid_total = paid
    sums.due_amount = unpaid
