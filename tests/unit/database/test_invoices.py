"""Invoices: what is written, and read back; what of it is paid, and what it says on paper."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.billing.invoice import InvoiceKind, Party
from asterisk_siptrunk.billing.line import Line, LineKind, Totals
from asterisk_siptrunk.database import customers, invoices
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.invoices import Book, Charge, Subject
from asterisk_siptrunk.database.tables import customer
from asterisk_siptrunk.errors import NotFound
from tests.unit.database.shop import BUSINESS, OFFICE, Shop, at_once, dump

BILL = "F2026-000002"


@pytest.fixture
def shop(engine) -> Shop:
    """With the paid invoice of an order, and one of a period."""
    shop = Shop.opened(engine)
    shop.subscribe()
    shop.at("2026-12-12").bill()
    return shop


LINES = (
    Line(
        *(LineKind.PACK, "Pack one", Decimal(3), Decimal("4.00"), Fraction(22, 30)),
        *(date(2026, 11, 20), date(2026, 12, 12), Decimal("8.80")),
    ),
    Line(
        *(LineKind.CALLS, "Latvia", Decimal("1.016667"), Decimal("0.00725"), None),
        *(date(2026, 11, 12), date(2026, 12, 12), Decimal("0.01")),
    ),
)


def write(shop, *, day=date(2026, 12, 13), lines=LINES, office=OFFICE, **subject):
    with shop.changing() as connection:
        who = customers.get(connection, "acme")
        about = Subject(1, "acme-lyon", date(2026, 11, 12), date(2026, 12, 12), **subject)
        charge = Charge(lines, Totals.of(lines, Decimal(20), "EUR"), day)
        return Book(connection, shop.by, office).write(who, about, charge)


def document(shop, number):
    with reading(shop.engine) as connection:
        return invoices.document(connection, number)


def test_what_is_written_is_read_back(shop):
    number = write(shop)
    assert number == "F2026-000003"
    assert shop.lines(number) == LINES
    one = shop.invoice(number)
    assert one.totals == Totals("EUR", Decimal("8.81"), Decimal(20), Decimal("1.76"))
    assert (one.kind, one.customer, one.trunk) == (InvoiceKind.INVOICE, "acme", "acme-lyon")
    assert (one.issued, one.due) == (date(2026, 12, 13), date(2027, 1, 12))
    assert (one.credited, one.paid, one.unpaid) == (0, 0, Decimal("10.57"))


STATES = [(date(2027, 1, 11), "open"), (date(2027, 1, 12), "overdue")]


@pytest.mark.parametrize(("day", "state"), STATES, ids=[one[1] for one in STATES])
def test_the_due_day_is_in_time(shop, day, state):
    assert shop.invoice(BILL).state_on(day) == state


def test_paper_says_who_it_was_that_day(shop):
    before = document(shop, BILL)
    with shop.changing() as connection:
        customers.change(connection, shop.by, "acme", title="Zenith SA", address="1 rue X\n\nParis")
    moved = replace(OFFICE, seller=Party("Other SA", (), "BE"))
    shop.business = Business(moved, BUSINESS.ways)
    assert document(shop, BILL) == before
    assert (before.seller, before.buyer) == (OFFICE.seller, Party("Acme SA", (), "FR"))
    later = document(shop, write(shop))
    assert later.buyer == Party("Zenith SA", ("1 rue X", "Paris"), "FR")


def test_paper_says_what_was_paid(shop):
    first, second = document(shop, "F2026-000001"), document(shop, BILL)
    assert (first.paid, first.unpaid) == (Decimal("21.60"), 0)
    assert (second.paid, second.unpaid) == (0, Decimal("21.60"))
    assert (second.since, second.until) == (date(2026, 11, 12), date(2027, 1, 12))
    assert (second.terms, second.untaxed) == ("By transfer.", "")


def test_an_order_paid_and_credited_is_paid_once_on_paper(shop):
    shop.credit("F2026-000001")
    first = document(shop, "F2026-000001")
    assert (first.paid, first.unpaid) == (first.totals.gross, 0)


def test_whose_tax_is_none_is_told_why(shop):
    with shop.changing() as connection:
        values = {"tax_percent": Decimal(0), "country": "BE"}
        connection.execute(update(customer).values(values))
    (bill,) = shop.at("2027-01-12").bill()
    assert (bill.totals.tax, bill.totals.gross) == (0, 18)
    paper = document(shop, bill.number)
    assert (paper.untaxed, paper.buyer.country) == ("Reverse charge.", "BE")


def test_lists(shop):
    with reading(shop.engine) as connection:
        assert [one.number for one in invoices.every(connection, "acme")] == shop.numbers()
        assert invoices.every(connection, "beta") == []
        assert [one.number for one in invoices.unsettled(connection)] == [BILL]
        assert [one.number for one in invoices.unsettled_of(connection, "acme-lyon")] == [BILL]
        assert invoices.unsettled_of(connection, "acme-nice") == []
        assert invoices.newest_day(connection) == date(2026, 12, 12)
        with pytest.raises(NotFound, match="no invoice F1; 'siptrunk invoice list'"):
            invoices.get(connection, "F1")


def test_a_number_that_was_not_written_is_given_again(shop):
    before = dump(shop.engine)
    with pytest.raises(IntegrityError):
        write(shop, period=date(2026, 12, 12))  # this period has its invoice
    assert dump(shop.engine) == before
    assert write(shop) == "F2026-000003"


def test_each_year_begins_anew_whatever_the_prefix(shop):
    other = replace(OFFICE, prefix="X-")
    assert [
        write(shop, day=date(2027, 1, 1)),
        write(shop, day=date(2027, 1, 2), office=other),
        write(shop, day=date(2026, 12, 31)),
    ] == ["F2027-000001", "X-2027-000002", "F2026-000003"]


def test_numbers_of_many_at_once_have_no_gap(shop):
    found = at_once(*[lambda: write(shop, day=date(2027, 1, 1))] * 8)
    assert sorted(found) == [f"F2027-{n:06}" for n in range(1, 9)]
