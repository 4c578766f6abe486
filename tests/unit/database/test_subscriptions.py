"""Subscriptions: their channels, options and ends, and the turn of their periods."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.subscription import HeldNumber, HeldOption, OrderKind
from asterisk_siptrunk.database import catalogues, orders, subscriptions, trunks
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import BY, trunk
from tests.unit.database.shop import (
    BEGAN,
    CATALOGUE,
    MONTHLY,
    PARIS,
    Shop,
    at_once,
    dump,
    give_number,
    set_trunk,
)

NUMBER = "+33123456789"


@pytest.fixture
def shop(engine) -> Shop:
    """With a trunk of 5 channels since 12 November."""
    shop = Shop.opened(engine)
    shop.subscribe()
    return shop


def ask(shop, what, *given):
    """A change of the subscription, as a command would make it."""
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        return what(connection, shop.by, "acme-lyon", *given, ground)


def end(shop):
    return ask(shop, subscriptions.end)


def withdraw(shop):
    with shop.changing() as connection:
        subscriptions.withdraw_end(connection, shop.by, "acme-lyon", PARIS)


def cancel(shop, order):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        orders.cancel(connection, shop.by, order.reference, ground)


def add_option(shop, name):
    return ask(shop, subscriptions.add_option, name)


def remove_option(shop, name):
    return ask(shop, subscriptions.remove_option, name)


def to_turn(shop):
    with shop.changing() as connection:
        return subscriptions.to_turn(connection, shop.now)


def test_what_is_read_back(engine):
    shop = Shop.opened(engine)
    shop.subscribe(7, plan="office", options=("fax",), numbers=(NUMBER,))
    shop.at("2026-11-20").raised(8)
    cut = shop.at("2026-11-21").order(2)
    found = shop.subscription()
    assert (found.customer, found.offer, found.plan, found.currency) == (
        "acme",
        "packs",
        "office",
        "EUR",
    )
    assert (found.period, found.began, found.ends) == (
        PeriodRule.ANNIVERSARY,
        date(2026, 11, 12),
        None,
    )
    assert [(one.kind, one.asked, one.granted) for one in found.changes] == [
        (OrderKind.FIRST, 7, 7),
        (OrderKind.RAISE, 1, 1),
        (OrderKind.CUT, -6, 0),
    ]
    assert found.changes[2].at == cut.placed_at
    assert found.options == (HeldOption("fax", date(2026, 11, 12)),)
    assert found.numbers == (HeldNumber(NUMBER, date(2026, 11, 12)),)


def test_a_trunk_without_one(shop):
    with shop.changing() as connection:
        trunks.add(connection, BY, trunk("acme-nice"), None)
        with pytest.raises(NotFound, match="'siptrunk order place --trunk acme-nice'"):
            subscriptions.get(connection, "acme-nice", PARIS)
        with pytest.raises(NotFound, match="no trunk nowhere"):
            subscriptions.get(connection, "nowhere", PARIS)
        assert [one.trunk for one in subscriptions.every(connection, PARIS)] == ["acme-lyon"]


def test_those_of_one_customer(shop):
    with shop.changing() as connection:
        every = subscriptions.every(connection, PARIS)
        customer = every[0].customer
        assert subscriptions.of_customer(connection, customer, PARIS) == every
        assert subscriptions.of_customer(connection, "nobody", PARIS) == []


def test_channels_of_a_subscribed_trunk_are_not_set_by_hand(shop):
    with shop.changing() as connection, pytest.raises(InvalidInput, match="its subscription"):
        trunks.change(connection, BY, "acme-lyon", channels=50)


# --- the turn ---


def test_a_cut_takes_effect_when_the_period_begins(shop):
    shop.at("2026-11-20").order(3)
    shop.at("2026-12-11", 23)
    assert (to_turn(shop), shop.trunk().channels) == ([], 5)
    before = shop.trunk().version
    shop.at("2026-12-12", 0).turn()
    assert (shop.trunk().channels, shop.trunk().version) == (3, before + 1)
    assert shop.told()[-1] == "channels-changed"


def test_twice_is_once(shop):
    shop.at("2026-11-20").order(3)
    shop.at("2026-12-12").turn()
    before = dump(shop.engine)
    shop.turn()
    with shop.changing() as connection:  # as another run that had found it due
        subscriptions.turn(connection, shop.by, shop.business, 1)
    assert dump(shop.engine) == before


@pytest.mark.parametrize("day", ["2026-12-12", "2026-12-20", "2027-06-30"])
def test_a_late_turn_comes_to_the_same(shop, day):
    shop.at("2026-11-20").order(3)
    shop.at(day).turn()
    assert (shop.trunk().channels, to_turn(shop)) == (3, [])
    # the next one is that of the period then
    shop.now += timedelta(31)
    assert to_turn(shop) == [1]


def test_a_period_that_changes_nothing_is_told_to_nobody(shop):
    before = shop.told(), shop.trunk().version
    shop.at("2026-12-12").turn()
    assert (shop.told(), shop.trunk().version) == before


def test_channels_beyond_the_order_come_with_the_packs_and_go_with_them(engine):
    shop = Shop.opened(engine)
    shop.subscribe(9)  # 32.00 for ten is less than 34.00 for nine
    assert shop.trunk().channels == 10
    shop.at("2026-11-20").order(8)
    shop.at("2026-12-12").turn()
    assert shop.trunk().channels == 8


def test_reserved_channels_never_exceed_those_there_are(shop):
    set_trunk(shop.engine, reserved_inbound=5)
    with pytest.raises(InvalidInput, match="5 are kept for inbound"):
        shop.order(3)
    set_trunk(shop.engine, reserved_inbound=2)
    shop.order(3)
    set_trunk(shop.engine, reserved_inbound=5)
    shop.at("2026-12-12").turn()
    assert (shop.trunk().channels, shop.trunk().reserved_inbound) == (3, 3)


def test_two_turns_at_once_are_one(shop):
    shop.at("2026-11-20").order(3)
    shop.at("2026-12-12")
    assert at_once(shop.turn, shop.turn) == [None, None]
    assert shop.history().count("channels: 5 → 3") == 1


def test_a_raise_that_is_paid_before_the_turn_counts_in_the_new_period(shop):
    shop.at("2026-11-20").order(3)
    shop.at("2026-12-12").raised(6)
    # 3 from that day on, and 3 more
    assert shop.trunk().channels == 6
    shop.turn()
    assert shop.trunk().channels == 6


def test_a_raise_that_was_paid_while_the_turn_waited_stays(shop):
    """Thousands begin at one midnight: a turn may come long after its look at the clock."""
    shop.at("2026-12-12", 0)
    looked_at = shop.now
    shop.now += timedelta(seconds=20)
    shop.raised(8)
    shop.now = looked_at
    shop.turn()
    assert shop.trunk().channels == 8


LAST = "2026-12-11"
"""The last day of the first period."""


def raise_of_the_last_day(shop):
    order = shop.at(LAST, 23).order(8)
    return lambda: shop.pay(order).words


def cut_of_the_last_day(shop):
    cut = shop.at(LAST, 23).order(4)
    return lambda: cancel(shop, cut)


def end_of_the_last_day(shop):
    end(shop)
    return lambda: withdraw(shop)


LATE = [
    pytest.param(raise_of_the_last_day, id="paid"),
    pytest.param(cut_of_the_last_day, id="cut-cancelled"),
    pytest.param(end_of_the_last_day, id="end-withdrawn"),
    pytest.param(lambda shop: lambda: shop.order(3), id="cut"),
    pytest.param(lambda shop: lambda: end(shop), id="ended"),
    pytest.param(lambda shop: lambda: add_option(shop, "fax"), id="option"),
]


@pytest.mark.parametrize("begin", LATE)
def test_what_comes_with_a_moment_before_the_turn_is_too_late(shop, begin):
    """It waited for a lock over the border, or its server's clock is behind."""
    late = begin(shop)
    shop.at("2026-12-12", 0).turn()
    before = shop.trunk(), shop.subscription()
    shop.at(LAST, 23)
    said = ""
    try:
        said = late()
    except InvalidInput as error:
        said = str(error)
    assert "A new period of trunk acme-lyon has begun in this moment, on 2026-12-12" in said
    assert (shop.trunk(), shop.subscription()) == before


@pytest.mark.parametrize("rule", ["monthly", None], ids=["calendar", "anniversary"])
@pytest.mark.parametrize("day", ["2026-11-30", "2026-12-01", "2026-12-31"])
def test_what_comes_in_time_is_taken(engine, rule, day):
    """On the last day of a month a first period by the calendar has one day."""
    shop = Shop.opened(engine, catalogue=replace(CATALOGUE, plans={"monthly": MONTHLY}))
    shop.at(day, 0).subscribe(5, plan=rule)
    assert shop.raised(8).granted == 3


def test_periods_of_the_calendar(engine):
    catalogue = replace(CATALOGUE, plans={"monthly": MONTHLY})
    shop = Shop.opened(engine, catalogue=catalogue)
    shop.subscribe(2, plan="monthly")
    assert to_turn(shop.at("2026-11-30", 23)) == []
    assert to_turn(shop.at("2026-12-01", 0)) == [1]


# --- the end ---


def test_it_ends_with_its_period_and_its_trunk_with_it(shop):
    assert end(shop) == date(2026, 12, 12)
    shop.at("2026-12-11", 23).turn()
    assert not shop.trunk().ended
    shop.at("2026-12-12", 0).turn()
    assert shop.trunk().ended
    assert to_turn(shop.at("2030-01-01")) == []
    with shop.changing() as connection:
        assert not subscriptions.is_subscribed(connection, shop.trunk().id)


def test_an_end_is_withdrawn_until_it_is_there(shop):
    end(shop)
    with pytest.raises(InvalidInput, match="ends on 2026-12-12 already"):
        end(shop)
    withdraw(shop)
    with pytest.raises(InvalidInput, match="does not end"):
        withdraw(shop)
    end(shop)
    shop.at("2026-12-12", 0)
    for what in (withdraw, lambda one: add_option(one, "fax"), lambda one: remove_option(one, "")):
        with pytest.raises(InvalidInput, match="ended on 2026-12-12"):
            what(shop)
    shop.turn()
    assert shop.trunk().ended


def test_an_end_is_not_withdrawn_where_the_next_catalogue_relies_on_it(shop):
    end(shop)
    offers = {"other": replace(CATALOGUE.offers["packs"], name="other")}
    new = replace(CATALOGUE, valid_from=date(2026, 12, 12), offers=offers, plans={})
    with shop.changing() as connection:
        catalogues.load(connection, shop.by, new, BEGAN.date())
    with pytest.raises(InvalidInput, match=r"acme-lyon has subscribed to it: .* no offer packs"):
        withdraw(shop)
    assert shop.subscription().ends == date(2026, 12, 12)


def test_what_ends_is_neither_raised_nor_cut(shop):
    end(shop)
    for channels in (8, 3):
        with pytest.raises(InvalidInput, match="withdraw that first"):
            shop.order(channels)


# --- options and numbers ---


def test_an_option_comes_at_once_and_goes_with_the_period(shop):
    add_option(shop.at("2026-11-20"), "fax")
    assert shop.subscription().options == (HeldOption("fax", date(2026, 11, 20)),)
    assert remove_option(shop, "fax") == date(2026, 12, 12)
    assert shop.subscription().options[0].until == date(2026, 12, 12)


REFUSED = [
    (add_option, "none", "no option none; there are fax, site"),
    (add_option, "fax", "has the option fax"),
    (remove_option, "site", "does not have the option site"),
]


@pytest.mark.parametrize(("what", "name", "said"), REFUSED, ids=[one[1] for one in REFUSED])
def test_options_that_cannot_come_or_go(shop, what, name, said):
    add_option(shop, "fax")
    with pytest.raises(InvalidInput, match=said):
        what(shop, name)


@pytest.mark.parametrize("when", ["now", "next"])
def test_an_option_needs_its_channels_now_and_then(engine, when):
    shop = Shop.opened(engine)
    shop.subscribe(3 if when == "now" else 5)
    if when == "next":
        shop.order(3)
    with pytest.raises(InvalidInput, match="needs 4 channels: raise the trunk first"):
        add_option(shop, "site")


def test_a_cut_leaves_what_options_and_numbers_need(shop):
    add_option(shop, "site")
    shop.now += timedelta(1)
    with pytest.raises(InvalidInput, match="the option site needs 4"):
        shop.order(3)
    for number in range(9):
        give_number(shop.engine, f"+3312345678{number}", BEGAN)
    with pytest.raises(InvalidInput, match="9 numbers need 5"):
        shop.order(4)


def test_an_option_taken_again_is_charged_once(shop):
    add_option(shop, "fax")
    shop.at("2026-12-20")
    remove_option(shop, "fax")
    add_option(shop, "fax")
    shop.bill("2026-12-12")
    shop.at("2027-01-12").bill()
    assert shop.amounts("F2027-000001") == ["18", "2"]


def test_a_cut_that_is_cancelled_changes_nothing(shop):
    cut = shop.at("2026-11-20").order(3)
    cancel(shop, cut)
    shop.at("2026-12-12").turn()
    assert shop.trunk().channels == 5


def test_the_month_of_the_issue(engine):
    """5 channels on the 12th, 8 on the 20th, 12 on the 25th, and a cut to 6."""
    shop = Shop.opened(engine)
    shop.subscribe()
    shop.at("2026-11-20").raised(8)
    shop.at("2026-11-25").raised(12)
    shop.order(6)
    assert shop.trunk().channels == 12
    # 18.00; 3 x 4.00 x 22/30; 4 x 4.00 x 17/30 = 9.0667
    charged = [shop.invoice(number).totals.net for number in shop.numbers()]
    assert charged == [Decimal("18.00"), Decimal("8.80"), Decimal("9.07")]
    shop.at("2026-12-12").turn()
    assert shop.trunk().channels == 6
