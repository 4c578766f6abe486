"""Credit notes: each line is taken back once, and never more than was charged."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.database import audit, invoices, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.shop import CATALOGUE, OFFER, PLAN, Shop, at_once, dump

BILL = "F2026-000002"
NUMBERS = ("+33123456789", "+33123456790", "+33123456791")


@pytest.fixture
def shop(engine) -> Shop:
    """With the invoice of a period: 18.00 for packs, 2.00 for the fax, 3.00 for numbers, 20 %."""
    shop = Shop.opened(engine)
    shop.subscribe(numbers=NUMBERS, options=("fax",))
    shop.at("2026-12-12").bill()
    return shop


def test_a_whole_invoice_is_taken_back(shop):
    written = shop.at("2026-12-13").credit(BILL)
    assert written == "F2026-000003"
    note, one = shop.invoice(written), shop.invoice(BILL)
    assert (note.kind, note.issued, note.state_on(date(2030, 1, 1))) == (
        InvoiceKind.CREDIT,
        date(2026, 12, 13),
        "settled",
    )
    assert (note.credits, note.reason, note.to_give_back) == (BILL, "a mistake", 0)
    assert note.totals == one.totals
    assert (one.credited, one.unpaid, one.settled_at) == (one.totals.gross, 0, shop.now)
    assert one.state_on(date(2030, 1, 1)) == "credited"
    lines = shop.lines(BILL)
    assert shop.lines(written) == tuple(replace(line, kind=LineKind.CREDIT) for line in lines)


def test_it_names_its_invoice_on_paper(shop):
    written = shop.credit(BILL)
    with reading(shop.engine) as connection:
        note, one = invoices.document(connection, written), invoices.document(connection, BILL)
    assert (note.kind, note.credits, one.credits) == (InvoiceKind.CREDIT, BILL, None)
    assert note.remarks == ("Reason: a mistake",)
    assert (note.terms, note.unpaid) == ("", Decimal(0))
    assert one.remarks == ()
    assert one.terms == "By transfer."
    assert one.paid == one.totals.gross
    assert one.unpaid == 0


def test_lines_are_taken_back_and_the_rest_is_paid(shop):
    assert shop.amounts(shop.credit(BILL, 2)) == ["2"]
    one = shop.invoice(BILL)
    # (18 + 2 + 3) x 1.2 - 2 x 1.2
    assert (one.credited, one.unpaid, one.settled_at) == (Decimal("2.40"), Decimal("25.20"), None)
    shop.settle(BILL)
    one = shop.invoice(BILL)
    assert (one.unpaid, one.state_on(date(2030, 1, 1))) == (0, "paid")


def test_what_is_left_is_taken_back_without_places(shop):
    shop.credit(BILL, 1, 3)
    assert shop.amounts(shop.credit(BILL)) == ["2"]
    assert shop.invoice(BILL).unpaid == 0


def test_what_was_paid_can_be_taken_back(shop):
    shop.settle(BILL)
    at = shop.invoice(BILL).settled_at
    shop.at("2026-12-20").credit(BILL)
    one = shop.invoice(BILL)
    assert (one.settled_at, one.state_on(date(2030, 1, 1)), one.unpaid) == (at, "credited", 0)


# (18 + 2 + 3) x 1.2: what is taken back before the payment goes back to nobody
GIVEN_BACK = {
    "whole": (("pay", (), "27.60"),),
    "a-line": (("pay", (2,), "2.40"),),
    "unpaid": (("wait", (), "0"),),
    "before": (("wait", (2,), "0"), ("pay", (), "25.20")),
    "twice": (("pay", (2,), "2.40"), ("wait", (), "25.20")),
}


@pytest.mark.parametrize("steps", GIVEN_BACK.values(), ids=GIVEN_BACK)
def test_what_had_been_paid_is_to_be_given_back(shop, steps):
    for first, positions, expected in steps:
        if first == "pay":
            shop.settle(BILL)
        note = shop.invoice(shop.credit(BILL, *positions))
        assert note.to_give_back == Decimal(expected)
        assert note.state_on(shop.now.date()) == ("open" if note.to_give_back else "settled")
        assert (note in waiting(shop)) == bool(note.to_give_back)


def waiting(shop):
    with reading(shop.engine) as connection:
        return invoices.to_give_back(connection)


def test_money_goes_back_once(shop):
    shop.settle(BILL)
    written = shop.credit(BILL)
    for expected in (True, False):
        with shop.changing() as connection:
            assert invoices.give_back(connection, shop.by, written) is expected
    note = shop.invoice(written)
    assert (note.given_back_at, note.state_on(date(2030, 1, 1))) == (shop.now, "settled")
    assert waiting(shop) == []
    with reading(shop.engine) as connection:
        said = audit.history(connection, "customer", "acme")[0].change
    assert said == f"credit {written}: 27.60 EUR given back"


REFUSED = [
    ((0,), "no line 0; it has 3"),
    ((4,), "no line 4; it has 3"),
    ((2,), "Line 2 of invoice F2026-000002 is taken back already"),
    ((1, 2), "Line 2 of invoice F2026-000002 is taken back already"),
]


@pytest.mark.parametrize(("positions", "said"), REFUSED, ids=str)
def test_no_line_is_taken_back_twice_and_none_that_is_not_there(shop, positions, said):
    shop.credit(BILL, 2)
    before = dump(shop.engine)
    with pytest.raises(InvalidInput, match=said):
        shop.credit(BILL, *positions)
    assert dump(shop.engine) == before


def test_nothing_is_left_of_what_was_taken_back(shop):
    note = shop.credit(BILL)
    with pytest.raises(InvalidInput, match="Nothing of invoice F2026-000002 is left"):
        shop.credit(BILL)
    with pytest.raises(InvalidInput, match="is a credit note itself"):
        shop.credit(note)
    with pytest.raises(NotFound, match="no invoice F2026-000009"):
        shop.credit("F2026-000009")


def test_an_invoice_without_lines_has_nothing_to_take_back(engine):
    free = replace(PLAN, price=Decimal(0))
    shop = Shop.opened(engine, catalogue=replace(CATALOGUE, plans={"office": free}))
    shop.subscribe(1, plan="office")
    assert shop.lines("F2026-000001") == ()
    with pytest.raises(InvalidInput, match="Nothing of invoice F2026-000001 is left"):
        shop.credit("F2026-000001")


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1)], ids=str)
def test_notes_line_by_line_come_to_the_invoice(engine, order):
    # 0.33 net three times is 0.99, and 0.20 of tax; 0.07 three times would be 0.21
    cheap = replace(
        OFFER,
        packs=(replace(OFFER.packs[0], price=Decimal("0.33")),),
        number_price=Decimal("0.33"),
        options=(replace(OFFER.options[0], price=Decimal("0.33")),),
    )
    cheap_too = replace(CATALOGUE, offers={"packs": cheap}, plans={})
    shop = Shop.opened(engine, catalogue=cheap_too)
    shop.subscribe(1, numbers=NUMBERS[:1], options=("fax",))
    one = shop.invoice("F2026-000001")
    assert one.totals.gross == Decimal("1.19")
    notes = [shop.invoice(shop.credit("F2026-000001", place)) for place in order]
    # 0.066, 0.132, 0.198 rounded, and the differences
    assert [str(note.totals.tax.normalize()) for note in notes] == ["0.07", "0.06", "0.07"]
    assert sum(note.totals.gross for note in notes) == one.totals.gross


def test_lines_that_are_alike_are_taken_back_one_by_one(engine):
    shop = Shop.opened(engine)
    shop.subscribe()
    for e164 in NUMBERS:
        shop.at("2026-11-22")
        with shop.changing() as connection:
            trunks.add_number(connection, shop.by, "acme-lyon", e164, main=False)
    shop.at("2026-12-12").bill()
    alike = [place for place, line in enumerate(shop.lines(BILL), 1) if line.amount < 1]
    # 1.00 for 20 of 30 days, three times
    assert len(alike) == 3
    for place in alike:
        shop.credit(BILL, place)
        with pytest.raises(InvalidInput, match=f"Line {alike[0]} "):
            shop.credit(BILL, alike[0])


def test_of_two_notes_at_once_one_is_written(shop):
    found = at_once(*[lambda: shop.credit(BILL)] * 2)
    assert sorted(type(one).__name__ for one in found) == ["InvalidInput", "str"]
    assert len(shop.invoices()) == 3


def test_a_note_and_a_payment_at_once(shop):
    due = shop.invoice(BILL).unpaid
    note, outcome = at_once(lambda: shop.credit(BILL, 2), lambda: shop.settle(BILL, "p", due))
    one = shop.invoice(BILL)
    assert note == "F2026-000003"
    assert (str(outcome.state), one.paid) in {("applied", due), ("unassigned", 0)}


def test_the_reason_stays_in_the_history(shop):
    shop.credit(BILL, 2)
    with reading(shop.engine) as connection:
        said = [one.change for one in audit.history(connection, "customer", "acme")]
    assert said[0] == f"credit F2026-000003 for {BILL}: a mistake"
