"""Invoices for programs."""

import csv
import json
from decimal import Decimal
from io import StringIO

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.documents import to_csv, to_json
from tests.unit.documents.samples import as_stored, invoice, pack

HEAD = (
    "number,kind,issued,due,trunk,position,line_kind,text,quantity,unit_price,days,of_days,"
    "since,until,amount,tax_percent,currency"
)


ROWS = [
    "1,pack,Pack of 5 channels,1,45.00,30,30,2026-11-12,2026-12-12,45.00",
    "2,pack,Pack of 1 channel,3,12.50,11,30,2026-12-01,2026-12-12,13.75",
    '3,calls,"France, mobile: 12 calls, 34 min 20 s",34.333333,0.06,,,2026-10-12,2026-11-12,2.06',
]


def test_csv_has_a_row_for_each_line():
    of_all = "2026-0042,invoice,2026-11-12,2026-12-10,acme-paris"
    assert to_csv(invoice()).splitlines() == [HEAD, *(f"{of_all},{row},20,EUR" for row in ROWS)]


def test_csv_keeps_texts_as_they_are():
    text = 'a "quoted", one\nof two lines; é'
    (row,) = csv.DictReader(StringIO(to_csv(invoice(pack(text)))))
    assert row["text"] == text


def test_json_says_all():
    said = json.loads(to_json(invoice(paid=Decimal("12.3"))))
    lines = said.pop("lines")
    assert said == {
        "number": "2026-0042",
        "kind": "invoice",
        "credits": None,
        "issued": "2026-11-12",
        "due": "2026-12-10",
        "trunk": "acme-paris",
        "since": "2026-11-12",
        "until": "2026-12-12",
        "seller": {
            "name": "Téléphonie & Fils",
            "address": ["1 rue de la Paix", "75002 Paris"],
            "country": "FR",
            "tax_id": "FR12345678901",
            "email": "billing@telephonie.example",
        },
        "buyer": {
            "name": "Żółw <Łódź> Київ Ελλάς",
            "address": ["Piotrkowska 1", "wejście B", "90-001", "Łódź"],
            "country": "PL",
            "tax_id": "PL1234567890",
            "email": "",
        },
        "currency": "EUR",
        "net": "60.81",
        "tax_percent": "20",
        "tax": "12.16",
        "untaxed": "",
        "gross": "72.97",
        "paid": "12.30",
        "unpaid": "60.67",
        "terms": "To be paid by transfer.",
        "remarks": ["Thank you."],
    }
    assert [line["amount"] for line in lines] == ["45.00", "13.75", "2.06"]
    assert lines[1] == {
        "kind": "pack",
        "text": "Pack of 1 channel",
        "quantity": "3",
        "unit_price": "12.50",
        "days": 11,
        "of_days": 30,
        "since": "2026-12-01",
        "until": "2026-12-12",
        "amount": "13.75",
    }
    assert (lines[2]["days"], lines[2]["of_days"]) == (None, None)


def test_json_of_a_credit_note():
    said = json.loads(to_json(invoice(kind=InvoiceKind.CREDIT, credits="2026-0001")))
    assert (said["kind"], said["credits"]) == ("credit", "2026-0001")


def test_amounts_from_a_database_look_the_same():
    document = invoice(paid=Decimal("12.3"))
    assert to_json(as_stored(document)) == to_json(document)
    assert to_csv(as_stored(document)) == to_csv(document)
