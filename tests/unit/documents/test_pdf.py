"""Invoices on paper, read back."""

from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.documents import to_pdf
from tests.unit.documents.samples import as_stored, invoice, pack


def pages(document) -> list[str]:
    """The text of each page, spaces as one."""
    reader = PdfReader(BytesIO(to_pdf(document)))
    return [" ".join(page.extract_text().split()) for page in reader.pages]


SAID = [
    "Invoice 2026-0042",
    # who
    "Téléphonie & Fils 1 rue de la Paix 75002 Paris FR VAT FR12345678901",
    "billing@telephonie.example",
    "Żółw <Łódź> Київ Ελλάς Piotrkowska 1 wejście B 90-001 Łódź PL VAT PL1234567890",
    # when, and what for
    "Issued Due Trunk Period 2026-11-12 2026-12-10 acme-paris 2026-11-12 to 2026-12-11",
    # lines
    "Description Quantity Price, EUR Part Amount, EUR",
    "Pack of 5 channels 1 45.00 45.00",
    "Pack of 1 channel 2026-12-01 to 2026-12-11 3 12.50 11/30 days 13.75",
    "France, mobile: 12 calls, 34 min 20 s 2026-10-12 to 2026-11-11 34 min 20 s 0.06 2.06",
    # sums
    "Net, EUR 60.81",
    "Tax 20 %, EUR 12.16",
    "Total, EUR 72.97",
    # foot
    "To be paid by transfer. Thank you.",
    "page 1 of 1",
]


@pytest.mark.parametrize("said", SAID)
def test_all_is_said(said):
    (text,) = pages(invoice())
    assert said in text


def test_amounts_from_a_database_look_the_same():
    assert to_pdf(as_stored(invoice())) == to_pdf(invoice())


def test_the_bytes_are_always_the_same():
    assert to_pdf(invoice()) == to_pdf(invoice())


def test_what_was_paid_is_taken_off():
    (text,) = pages(invoice(paid=Decimal(10)))
    assert "Total, EUR 72.97 Paid, EUR -10.00 To be paid, EUR 62.97" in text


def test_a_credit_note_names_the_invoice():
    (text,) = pages(invoice(kind=InvoiceKind.CREDIT, credits="2026-0001"))
    assert "Credit note 2026-0042" in text
    assert "Gives back invoice" in text
    assert "Due" not in text
    assert "2026-0001" in text


def test_an_invoice_without_tax_says_why():
    (text,) = pages(invoice(percent="0", untaxed="Reverse charge."))
    assert "Tax 0 %, EUR 0.00 Total, EUR 60.81 Reverse charge." in text


def test_a_line_of_one_day_has_one_date():
    (text,) = pages(invoice(pack(since=date(2026, 12, 11))))
    assert "Pack of 5 channels 2026-12-11 1 45.00" in text


def test_many_lines_go_on_with_their_head():
    number = 120
    lines = [pack(f"Pack number {each}") for each in range(number)]
    all_pages = pages(invoice(*lines))
    assert len(all_pages) > 2
    for at, text in enumerate(all_pages, 1):
        assert "Téléphonie & Fils Invoice 2026-0042" in text
        assert f"page {at} of {len(all_pages)}" in text
    headed = ["Description Quantity Price, EUR Part Amount, EUR" in text for text in all_pages]
    assert headed[:-1] == [True] * (len(all_pages) - 1)
    whole = " ".join(all_pages)
    assert [f"Pack number {each} 1 45.00 45.00" in whole for each in range(number)] == [
        True
    ] * number
    assert "Total, EUR 6480.00" in all_pages[-1]  # 120 x 45 + 20 %


LONG = [
    "word " * 2000,  # more than a page
    "x" * 500,  # nowhere to break
    "<b>&amp;</i> <font size=99>",  # markup is text
]


@pytest.mark.parametrize("text", LONG, ids=("words", "one-word", "markup"))
def test_long_and_odd_texts_are_all_there(text):
    every = [pack(text), pack("The last one")]
    document = invoice(*every, remarks=(text,), trunk=text[:20])
    whole = "".join(pages(document)).replace(" ", "")
    letters = text.replace(" ", "")
    assert all(whole.count(letter) >= 2 * letters.count(letter) for letter in set(letters))
    assert "Thelastone145.0045.00" in whole


def test_a_long_name_stays_on_its_line():
    long = "Société " * 40
    document = invoice()
    (text,) = pages(invoice(seller=type(document.seller)(long, (), "FR"), buyer=document.buyer))
    assert "Invoice 2026-0042" in text


def test_letters_of_europe_are_drawn_and_not_boxes():
    letters = "éÀßñœŁłřžČěůĄęśĐğİşșțőŰāņΑΩЖщїљ€—“„·"
    reader = PdfReader(BytesIO(to_pdf(invoice(pack(letters)))))
    assert letters in reader.pages[0].extract_text()
    metadata = reader.metadata
    assert metadata is not None
    assert metadata.title == "Invoice 2026-0042"


def test_the_file_tells_no_time_of_its_making():
    metadata = PdfReader(BytesIO(to_pdf(invoice()))).metadata
    assert metadata is not None
    assert metadata.creation_date is not None
    assert metadata.creation_date.year == 2000
    assert metadata.creation_date.utcoffset() == timedelta()
