"""`siptrunk invoice`."""

import json
from dataclasses import replace
from datetime import date

import pytest

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
        "state": "paid",
        "customer": "acme",
        "trunk": "acme-lyon",
        "issued": "2025-01-12",
        "due": "2025-02-11",
        "net": "20.00 EUR",
        "tax": "4.00 EUR",
        "gross": "24.00 EUR",
        "unpaid": "0.00 EUR",
    }
    assert (rows[1]["state"], rows[1]["unpaid"]) == ("overdue", "24.00 EUR")
    assert [row["number"] for row in run.json("invoice", "list", "--unpaid")] == [BILL]
    assert run.json("invoice", "list", "--customer", "beta") == []


def test_show(run):
    shown = run.json("invoice", "show", BILL)
    assert (shown["to_pay"], shown["tax"], shown["settled_at"]) == (
        *("24.00 EUR", "4.00 EUR (20 %)"),
        None,
    )
    assert shown["lines"][0] == {
        "what": "Pack five, 5 channels",
        "quantity": "1",
        "unit_price": "18.00 EUR",
        "part": "",
        "from": "2025-02-12",
        "to": "2025-03-12",
        "amount": "18.00 EUR",
    }
    assert "Pack five" in run("invoice", "show", BILL).stdout


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
    assert (back["payment"], back["amount"]) == ("bank-2", "24.00 EUR")


def test_the_invoice_of_an_order_was_paid_with_it(run):
    said = run("invoice", "pay", PAID, "--payment", "bank-1", fails=1).stderr
    assert "is settled already" in said


REFUSED = [
    (
        ("pay", BILL, "--payment", "x", "--amount", "23.99"),
        1,
        "is paid whole, or not at all: 24.00",
    ),
    (("pay", BILL, "--payment", "x", "--amount", "1,5"), 2, "write a point for the comma"),
    (("pay", BILL, "--payment", "x" * 81), 2, "80 are the most"),
    (("pay", "no", "--payment", "x"), 1, "There is no invoice no"),
    (("show", "no"), 1, "There is no invoice no; 'siptrunk invoice list' shows them all."),
    (("export", "no"), 1, "There is no invoice no"),
    (("credit", "no", "--reason", "x", "--yes"), 1, "There is no invoice no"),
    (("credit", BILL, "--yes"), 2, "--reason"),
    (("credit", BILL, "--reason", "x", "--line", "3", "--yes"), 1, "has no line 3; it has 2"),
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
    assert run.json("invoice", "show", BILL)["unpaid"] == "21.60 EUR"
    said = run(*words, "--line", "2", "--yes", fails=1).stderr
    assert f"Line 2 of invoice {BILL} is taken back already." in said
    run(*words, "--yes")
    rows = run.json("invoice", "list")
    assert [row["state"] for row in rows] == ["paid", "credited", "credit", "credit"]
    for number in (BILL, rows[-1]["number"]):
        said = run("invoice", "pay", number, "--payment", "x", fails=1).stderr
        assert f"Nothing of {number} is left to pay." in said
    history = run.json("customer", "history", "acme")
    assert history[0]["change"].endswith(f"for {BILL}: a wrong price")


def test_the_paper_of_a_credit_note_names_its_invoice(run, tmp_path):
    run("invoice", "credit", BILL, "--reason", "x", "--yes")
    number = run.json("invoice", "list")[-1]["number"]
    file = tmp_path / "note.json"
    run("invoice", "export", number, "--as", "json", "--output", str(file))
    assert json.loads(file.read_text())["credits"] == BILL
