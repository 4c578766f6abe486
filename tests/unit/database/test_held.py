"""From which day until which a trunk holds its numbers and options, as they are charged for."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.dunning import Patience
from asterisk_siptrunk.billing.invoice import Party
from asterisk_siptrunk.billing.office import Office
from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.billing.subscription import HeldNumber, HeldOption
from asterisk_siptrunk.database import catalogues, orders, subscriptions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.ordering import Counter, Request
from asterisk_siptrunk.database.payments import Cashier
from asterisk_siptrunk.notice.model import Ways
from asterisk_siptrunk.trunk import Credentials
from tests.unit.billing.builders import CATALOGUE, PARIS
from tests.unit.database.builders import BY, MAIN, NOON, SECOND, provide

TRUNK = "acme-paris"
THIRD = "+33123456791"
DAY = date(2026, 11, 23)
BUSINESS = Business(
    Office(
        seller=Party("Provider", (), "FR"),
        zone=PARIS,
        percent=Decimal(20),
        prefix="",
        payment="",
        order_time=timedelta(3),
        due_time=timedelta(30),
        patience=Patience(3, 14, 28),
        reverse_charge="",
    ),
    Ways(mail=False, webhook=False),
)


def no_credentials(name: str) -> Credentials:
    raise AssertionError(name)  # the trunk is there


@pytest.fixture
def subscribed(engine):
    """The database, with a trunk of two numbers that is subscribed on 23 November at noon."""
    provide(engine)
    with transaction(engine) as connection:
        catalogues.load(connection, BY, CATALOGUE, CATALOGUE.valid_from)
        wish = Counter(connection, BY, BUSINESS).quoted(Request(TRUNK, 5, options=("fax",)))
        order = orders.place(connection, BY, wish)
        payment = Payment("p-1", order.gross, order.currency, order=order.reference)
        Cashier(connection, BY, BUSINESS).pay(payment, no_credentials)
    return engine


def at(day: date, hour: int) -> By:
    return By("alice", datetime(day.year, day.month, day.day, hour, tzinfo=PARIS))


def change(engine, day: date, hour: int, what, *given, **named):
    with transaction(engine) as connection:
        if what in {subscriptions.add_option, subscriptions.remove_option}:
            named["on"] = subscriptions.ground(connection, PARIS)
        what(connection, at(day, hour), *given, **named)


def held(engine):
    with transaction(engine) as connection:
        found = subscriptions.get(connection, TRUNK, PARIS)
    return set(found.numbers), set(found.options)


FIRST_NUMBERS = {HeldNumber(MAIN, DAY), HeldNumber(SECOND, DAY)}


def test_what_a_trunk_has_when_its_first_order_is_paid_is_in_its_price(subscribed):
    assert at(DAY, 13).at == NOON
    assert held(subscribed) == (FIRST_NUMBERS, {HeldOption("fax", DAY)})


@pytest.mark.parametrize(("day", "counts"), [(0, 1), (1, 1), (5, 5)], ids=["same", "next", "later"])
def test_what_comes_on_the_day_of_the_first_order_counts_from_the_next(subscribed, day, counts):
    came, charged = DAY + timedelta(day), DAY + timedelta(counts)
    change(subscribed, came, 18, trunks.add_number, TRUNK, THIRD, main=False)
    change(subscribed, came, 18, subscriptions.add_option, TRUNK, "site")
    numbers, options = held(subscribed)
    assert numbers - FIRST_NUMBERS == {HeldNumber(THIRD, charged)}
    assert options - {HeldOption("fax", DAY)} == {HeldOption("site", charged)}
    change(subscribed, came, 19, subscriptions.remove_option, TRUNK, "site")
    assert HeldOption("site", charged, date(2026, 12, 23)) in held(subscribed)[1]


def test_a_number_is_there_for_the_day_on_which_it_is_given_back(subscribed):
    renewed = date(2026, 12, 23)
    change(subscribed, renewed, 10, trunks.remove_number, SECOND)
    with transaction(subscribed) as connection:
        found = subscriptions.get(connection, TRUNK, PARIS)
    # So the invoice of that day is the same, whether it is written before or after.
    assert found.numbers_on(renewed) == (MAIN, SECOND)
    assert found.numbers_on(renewed + timedelta(1)) == (MAIN,)
