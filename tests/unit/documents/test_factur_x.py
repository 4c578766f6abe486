"""Invoices for machines: the schema of Factur-X takes them, and every amount is the invoice's."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from io import BytesIO

import pytest
from lxml import etree
from pypdf import PdfReader

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.documents import to_factur_x, to_pdf, to_xml
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.documents.samples import BUYER, CALLS, SELLER, as_stored, invoice, pack

RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
HEAD = "ram:SpecifiedTradeSettlementHeaderMonetarySummation"


def texts(document, path: str) -> list[str]:
    """What stands at all places of a path, anywhere in the document."""
    tree = etree.fromstring(to_xml(document))
    found = tree.xpath(f"//{path}/text()", namespaces={"ram": RAM, "udt": UDT, "rsm": RSM})
    return [str(each) for each in found]


UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"

SAID = [
    ("ram:GuidelineSpecifiedDocumentContextParameter/ram:ID", ["urn:cen.eu:en16931:2017"]),
    ("rsm:ExchangedDocument/ram:ID", ["2026-0042"]),
    ("rsm:ExchangedDocument/ram:TypeCode", ["380"]),
    ("ram:IssueDateTime/udt:DateTimeString", ["20261112"]),
    ("ram:DueDateDateTime/udt:DateTimeString", ["20261210"]),
    ("ram:SellerTradeParty/ram:Name", ["Téléphonie & Fils"]),
    ("ram:BuyerTradeParty/ram:Name", ["Żółw <Łódź> Київ Ελλάς"]),
    ("ram:BuyerTradeParty//ram:LineThree", ["90-001, Łódź"]),
    ("ram:CountryID", ["FR", "PL"]),
    ("ram:SpecifiedTaxRegistration/ram:ID", ["FR12345678901", "PL1234567890"]),
    ("ram:URIID", ["billing@telephonie.example"]),
    ("ram:IncludedNote/ram:Content", ["Trunk acme-paris", "Thank you."]),
    ("ram:SpecifiedTradePaymentTerms/ram:Description", ["To be paid by transfer."]),
    # lines: 45, 12.50 x 11/30 each, and minutes
    (
        "ram:SpecifiedTradeProduct/ram:Name",
        ["Pack of 5 channels", "Pack of 1 channel", "France, mobile: 12 calls, 34 min 20 s"],
    ),
    (
        "ram:SpecifiedTradeProduct/ram:Description",
        [
            "2026-11-12 to 2026-12-11: 45.00 EUR each",
            "2026-12-01 to 2026-12-11: 12.50 EUR each, for 11/30 days",
            "2026-10-12 to 2026-11-11: 0.06 EUR each",
        ],
    ),
    ("ram:ChargeAmount", ["45", "4.5833333333", "0.06"]),
    ("ram:BilledQuantity", ["1", "3", "34.333333"]),
    ("ram:BilledQuantity[@unitCode='MIN']", ["34.333333"]),
    ("ram:IncludedSupplyChainTradeLineItem//ram:LineTotalAmount", ["45.00", "13.75", "2.06"]),
    ("ram:ApplicableTradeTax/ram:CategoryCode", ["S"] * 4),
    ("ram:ApplicableTradeTax/ram:RateApplicablePercent", ["20"] * 4),
    # sums
    (f"{HEAD}/ram:LineTotalAmount", ["60.81"]),
    (f"{HEAD}/ram:TaxBasisTotalAmount", ["60.81"]),
    (f"{HEAD}/ram:TaxTotalAmount[@currencyID='EUR']", ["12.16"]),
    (f"{HEAD}/ram:GrandTotalAmount", ["72.97"]),
    (f"{HEAD}/ram:TotalPrepaidAmount", []),
    (f"{HEAD}/ram:DuePayableAmount", ["72.97"]),
    ("ram:ApplicableHeaderTradeSettlement//ram:StartDateTime/udt:DateTimeString", ["20261112"]),
    ("ram:ApplicableHeaderTradeSettlement//ram:EndDateTime/udt:DateTimeString", ["20261211"]),
]


@pytest.mark.parametrize(("path", "said"), SAID, ids=[path for path, _ in SAID])
def test_all_is_said(path, said):
    assert texts(invoice(), path) == said


def test_each_price_times_its_quantity_is_its_amount():
    parts = [pack(quantity=n, price="33.33", part=Fraction(n, 31)) for n in range(1, 31)]
    document = invoice(*parts)
    prices = texts(document, "ram:ChargeAmount")
    quantities = texts(document, "ram:BilledQuantity")
    for line, price, quantity in zip(parts, prices, quantities, strict=True):
        assert abs(Decimal(price) * Decimal(quantity) - line.amount) <= Decimal("0.005001")


def test_amounts_from_a_database_look_the_same():
    document = invoice(paid=Decimal("12.30"))
    assert to_xml(as_stored(document)) == to_xml(document)


def test_what_was_paid_is_taken_off():
    document = invoice(paid=Decimal("12.3"))
    assert texts(document, f"{HEAD}/ram:TotalPrepaidAmount") == ["12.30"]
    assert texts(document, f"{HEAD}/ram:DuePayableAmount") == ["60.67"]


def test_a_credit_note_names_the_invoice():
    document = invoice(kind=InvoiceKind.CREDIT, credits="2026-0001")
    assert texts(document, "rsm:ExchangedDocument/ram:TypeCode") == ["381"]
    assert texts(document, "ram:InvoiceReferencedDocument/ram:IssuerAssignedID") == ["2026-0001"]


def test_what_is_taken_back_is_less_of_it_and_not_a_price_below_zero():
    back = replace(pack("Taken back", price="-12.5"), kind=LineKind.CREDIT)
    document = invoice(pack(), back)
    assert texts(document, "ram:ChargeAmount") == ["45", "12.5"]
    assert texts(document, "ram:BilledQuantity") == ["1", "-1"]
    assert texts(document, f"{HEAD}/ram:LineTotalAmount") == ["32.50"]


NO_TAX = [
    (SELLER, BUYER, "AE"),
    (SELLER, replace(BUYER, tax_id=""), "E"),
    (replace(SELLER, tax_id=""), BUYER, "E"),
]


@pytest.mark.parametrize(("seller", "buyer", "category"), NO_TAX)
def test_an_invoice_without_tax_says_why(seller, buyer, category):
    document = invoice(percent="0", untaxed="Because.", seller=seller, buyer=buyer)
    assert texts(document, "ram:ApplicableTradeTax/ram:CategoryCode") == [category] * 4
    assert texts(document, "ram:ExemptionReason") == ["Because."]
    assert texts(document, f"{HEAD}/ram:GrandTotalAmount") == ["60.81"]


def test_no_tax_without_a_reason_is_refused():
    with pytest.raises(InvalidInput, match="2026-0042 has no tax and does not say why"):
        to_xml(invoice(percent="0"))


def test_an_invoice_with_little_in_it_is_valid():
    bare = replace(BUYER, address=(), tax_id="")
    document = invoice(CALLS, terms="", remarks=(), buyer=bare)
    assert texts(document, "ram:BuyerTradeParty//ram:LineOne") == []


def test_the_pdf_has_the_xml_in_it_and_the_same_pages():
    document = invoice()
    reader = PdfReader(BytesIO(to_factur_x(document)))
    assert reader.attachments["factur-x.xml"] == [to_xml(document)]
    plain = PdfReader(BytesIO(to_pdf(document)))
    texts_of = [[page.extract_text() for page in each.pages] for each in (reader, plain)]
    assert texts_of[0] == texts_of[1]


def test_the_pdf_was_made_on_the_day_of_issue():
    made = to_factur_x(invoice())
    metadata = PdfReader(BytesIO(made)).metadata
    assert metadata is not None
    assert {metadata.creation_date_raw, metadata.modification_date_raw} == {"D:20261112000000Z"}
    assert made == to_factur_x(invoice())
    assert made.count(b"2026-11-12T00:00:00+00:00") == 2
