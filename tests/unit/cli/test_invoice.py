"""`siptrunk invoice`."""

import json
from dataclasses import replace
from datetime import date

import pytest

from asterisk_siptrunk.cli import output
from asterisk_siptrunk.database.engine import open_engine
from tests.unit.database.shop import BUSINESS, CATALOGUE, OFFICE, Shop, dump

PAID, BILL = "2025-000001", "2025-000002"


@pytest.fixture
def shop(sqlite_url):
    """The paid invoice of an order, and one of a period that is not: 18.00 and 2.00, and tax."""
    engine = open_engine(sqlite_url)
    business = replace(BUSINESS, office=replace(OFFICE, prefix=""))
    catalogue = replace(CATALOGUE, valid_from=date(2025, 1, 1))
    shop = Shop.opened(engine, catalogue=catalogue, business=business).at("2025-01-12")
    shop.subscribe(options=("fax",))
    shop.at("2025-02-12").bill()
    yield shop
    engine.dispose()


@pytest.fixture
def run(siptrunk, shop):
    assert shop.numbers() == [PAID, BILL]
    return siptrunk


def test_list(run):
    rows = run.json("invoice", "list")
    assert rows[0] == {
        "number": PAID,
        "kind": "invoice",
        "state": "paid",
        "customer": "acme",
        "trunk": "acme-lyon",
        "issued": "2025-01-12",
        "due": "2025-02-11",
        "net": "20.00",
        "tax": "4.00",
        "gross": "24.00",
        "unpaid": "0.00",
        "currency": "EUR",
    }
    assert (rows[1]["state"], rows[1]["unpaid"]) == ("overdue", "24.00")
    assert [row["number"] for row in run.json("invoice", "list", "--unpaid")] == [BILL]
    assert len(run.json("invoice", "list", "--customer", "acme")) == 2
    assert "no customer beta" in run("invoice", "list", "--customer", "beta", fails=1).stderr
    assert "24.00 EUR" in run("invoice", "list").stdout


def test_show(run):
    shown = run.json("invoice", "show", BILL)
    assert (shown["gross"], shown["tax"], shown["tax_percent"], shown["settled_at"]) == (
        *("24.00", "4.00", "20"),
        None,
    )
    assert shown["lines"][0] == {
        "what": "Pack five, 5 channels",
        "quantity": "1",
        "unit_price": "18.00",
        "part": "",
        "from": "2025-02-12",
        "to": "2025-03-11",
        "until": "2025-03-12",
        "amount": "18.00",
        "currency": "EUR",
    }
    said = run("invoice", "show", BILL).stdout
    assert all(text in said for text in ("Pack five", "4.00 EUR (20 %)", "2025-03-11"))
    assert "until" not in said
    done = run("invoice", "show", BILL, "--format", "csv")
    assert done.stderr == "Left out of CSV: lines. '--format json' has all.\n"


@pytest.mark.parametrize(("paper", "begins"), [("json", "{"), ("csv", ""), ("pdf", "%PDF")])
def test_export(run, tmp_path, paper, begins):
    file = tmp_path / f"bill.{paper}"
    done = run("invoice", "export", BILL, "--as", paper, "--output", str(file))
    assert f"Invoice {BILL} written to {file}." in done.stderr
    text = file.read_bytes().decode(errors="replace")
    assert text.startswith(begins)
    assert (BILL in text) or paper == "pdf"


def test_an_export_that_cannot_be_written(run, tmp_path):
    file = str(tmp_path / "nowhere" / "bill.json")
    said = run("invoice", "export", BILL, "--as", "json", "--output", file, fails=1).stderr
    assert "cannot be written: No such file or directory." in said


def test_pay(run, shop):
    assert f"Invoice {BILL} is paid." in run("invoice", "pay", BILL, "--payment", "bank-1").stderr
    before = dump(shop.engine)
    assert "came before" in run("invoice", "pay", BILL, "--payment", "bank-1").stderr
    assert dump(shop.engine) == before
    said = run("invoice", "pay", BILL, "--payment", "bank-2", fails=1).stderr
    assert f"Invoice {BILL} is settled already. The payment is kept, to be given back." in said
    (back,) = run.json("billing", "status")["payments_to_give_back"]
    assert (back["payment"], back["amount"], back["currency"]) == ("bank-2", "24.00", "EUR")


def test_the_invoice_of_an_order_was_paid_with_it(run):
    said = run("invoice", "pay", PAID, "--payment", "bank-1", fails=1).stderr
    assert "is settled already" in said


REFUSED = [
    (
        ("pay", BILL, "--payment", "x", "--amount", "23.99"),
        1,
        "is paid whole, or not at all: 24.00 EUR. Nothing was kept of this payment",
    ),
    (("pay", BILL, "--payment", "x", "--amount", "1,5"), 2, "write a point for the comma"),
    (("pay", BILL, "--payment", "x" * 81), 2, "80 are the most"),
    (("pay", "no", "--payment", "x"), 1, "There is no invoice no"),
    (("show", ""), 2, "there is none called ''"),
    (("show", "no"), 1, "There is no invoice no; 'siptrunk invoice list' shows them all."),
    (("export", "no"), 1, "There is no invoice no"),
    (("credit", "no", "--reason", "x", "--yes"), 1, "There is no invoice no"),
    (("credit", BILL, "--yes"), 2, "--reason"),
    (("credit", BILL, "--reason", "x", "--line", "3", "--yes"), 1, "has no line 3; it has 2"),
    (("credit", BILL, "--reason", "x", "--line", "first", "--yes"), 2, "give a whole number"),
    (("credit", BILL, "--reason", "x"), 1, f"note of 24.00 EUR, with tax, for {BILL}?"),
    (("credit", BILL, "--reason", "x"), 1, "no terminal"),
]


@pytest.mark.parametrize(("words", "status", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_is_said_in_a_sentence(run, shop, words, status, said):
    before = dump(shop.engine)
    assert said in " ".join(run("invoice", *words, fails=status).stderr.split())
    assert dump(shop.engine) == before


def test_credit(run):
    words = ("invoice", "credit", BILL, "--reason", "a wrong price")
    number = f"{date.today().year}-"  # noqa: DTZ011 - a note is of today, whose year is enough
    done = run(*words, "--line", "2", "--yes")
    assert f"Credit note {number}" in done.stderr
    assert "of 2.40 EUR written." in done.stderr
    assert "given back" not in done.stderr
    assert run.json("invoice", "show", BILL)["unpaid"] == "21.60"
    said = run(*words, "--line", "2", "--yes", fails=1).stderr
    assert f"Line 2 of invoice {BILL} is taken back already." in said
    run(*words, "--yes")
    rows = run.json("invoice", "list")
    assert [row["state"] for row in rows] == ["paid", "credited", "settled", "settled"]
    assert [row["kind"] for row in rows] == ["invoice", "invoice", "credit", "credit"]
    for number in (BILL, rows[-1]["number"]):
        said = run("invoice", "pay", number, "--payment", "x", fails=1).stderr
        assert f"Nothing of {number} is left to pay." in said
    history = run.json("customer", "history", "acme")
    assert history[0]["change"].endswith(f"for {BILL}: a wrong price")


def test_a_credit_note_is_less_money_and_names_its_invoice(run):
    run("invoice", "credit", BILL, "--line", "2", "--reason", "a wrong price", "--yes")
    row = run.json("invoice", "list")[-1]
    assert [row[key] for key in ("net", "tax", "gross", "unpaid", "due")] == [
        *("-2.00", "-0.40", "-2.40", "0.00"),
        None,
    ]
    shown = run.json("invoice", "show", row["number"])
    assert (shown["credits"], shown["reason"], shown["tax"]) == (BILL, "a wrong price", "-0.40")
    (line,) = shown["lines"]
    assert (line["quantity"], line["unit_price"], line["amount"]) == ("-1", "2.00", "-2.00")
    (note,) = run.json("invoice", "show", BILL)["credit_notes"]
    assert note == {
        "number": row["number"],
        "issued": row["issued"],
        "gross": "-2.40",
        "currency": "EUR",
        "reason": "a wrong price",
    }


def test_what_was_paid_is_to_be_given_back(run):
    done = run("invoice", "credit", PAID, "--reason", "never used", "--yes")
    number = run.json("invoice", "list")[-1]["number"]
    assert f"{PAID} was paid: 24.00 EUR is to be given back." in done.stderr
    assert f"siptrunk billing given-back {number}" in done.stderr
    status = run.json("billing", "status")
    assert status.pop("credit_notes_to_give_back") == [
        {
            "credit_note": number,
            "invoice": PAID,
            "customer": "acme",
            "amount": "24.00",
            "currency": "EUR",
            "reason": "never used",
        }
    ]
    run("billing", "given-back", number)
    assert run.json("billing", "status")["credit_notes_to_give_back"] == []
    assert run.json("invoice", "show", number)["given_back_at"] is not None
    run("billing", "given-back", number, fails=1)


def test_a_terminal_of_80_columns_keeps_what_matters(run, monkeypatch):
    monkeypatch.setattr(output, "_width", lambda: 80)
    run("invoice", "credit", BILL, "--line", "2", "--reason", "a wrong price", "--yes")
    done = run("invoice", "list").stdout
    assert max(map(len, done.splitlines())) <= 80
    for whole in ("number", "kind", "state", "unpaid", BILL, "credit", "overdue", "21.60 EUR"):
        assert whole in done, whole


def test_pdf_and_factur_x_have_names_of_their_own(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for paper in ("pdf", "factur-x", "xml"):
        run("invoice", "export", PAID, "--as", paper)
    assert sorted(file.name for file in tmp_path.glob(f"{PAID}*")) == [
        *(f"{PAID}-factur-x.pdf", f"{PAID}.pdf", f"{PAID}.xml"),
    ]


def test_the_paper_of_a_credit_note_names_its_invoice(run, tmp_path):
    run("invoice", "credit", BILL, "--reason", "x", "--yes")
    number = run.json("invoice", "list")[-1]["number"]
    file = tmp_path / "note.json"
    run("invoice", "export", number, "--as", "json", "--output", str(file))
    said = json.loads(file.read_text())
    assert (said["credits"], said["due"], said["unpaid"]) == (BILL, None, "0.00")
    assert (said["gross"], said["remarks"]) == ("24.00", ["Reason: x"])
