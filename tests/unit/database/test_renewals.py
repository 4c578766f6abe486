"""What is due on a day: rated, invoiced once, and refused where it is not proven."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from threading import Event

import pytest
from sqlalchemy import delete, select, update

from asterisk_siptrunk.call.month import month_at
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import catalogues, prune, rating, renewals, subscriptions, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.renewals import Bill, Refusal, Renewal
from asterisk_siptrunk.database.tables import call, catalogue, rate, rated_call
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import trunk
from tests.unit.database.shop import (
    CATALOGUE,
    OFFER,
    PARIS,
    Shop,
    add_call,
    add_rate,
    at_once,
    dump,
    give_number,
)

FIRST, SECOND, THIRD = date(2026, 11, 12), date(2026, 12, 12), date(2027, 1, 12)
CALL_DAY = datetime(2026, 11, 20, 10, tzinfo=UTC)
DEARER = replace(
    CATALOGUE,
    valid_from=date(2026, 12, 12),
    offers={"packs": replace(OFFER, packs=(replace(OFFER.packs[1], price=Decimal(25)),))},
)


@pytest.fixture
def shop(engine) -> Shop:
    """With a trunk of 5 channels since 12 November, all of its usage proven."""
    shop = Shop.opened(engine)
    shop.subscribe()
    shop.prove()
    return shop


def written(found) -> list[str]:
    return [one.number for one in found if isinstance(one, Bill)]


def refused(found) -> list[str]:
    return [one.words for one in found if isinstance(one, Refusal)]


def costs(shop) -> list[tuple[object, ...]]:
    with reading(shop.engine) as connection:
        return [tuple(row) for row in connection.execute(select(rated_call).order_by("call_id"))]


def load(shop, new, today):
    with shop.changing() as connection:
        catalogues.load(connection, shop.by, new, today)


def test_a_period_is_due_once_it_is_over(shop):
    assert shop.bill("2026-12-11") == []
    (bill,) = shop.bill("2026-12-12")
    assert (bill.number, bill.due.first, bill.due.over.first) == ("F2026-000002", SECOND, FIRST)
    one = shop.invoice(bill.number)
    assert (one.period, one.issued, one.due) == (SECOND, SECOND, date(2027, 1, 11))
    assert (one.totals.net, one.totals.gross, one.settled_at) == (18, Decimal("21.60"), None)
    assert shop.told()[-1] == "invoice-issued"


def test_a_second_run_writes_nothing(shop):
    add_call(shop.engine, CALL_DAY)
    shop.bill("2026-12-12")
    before = dump(shop.engine)
    assert shop.bill("2026-12-12") == []
    assert dump(shop.engine) == before


def test_calls_options_and_numbers_of_the_period_that_is_over(shop):
    add_call(shop.engine, CALL_DAY, 90)
    give_number(shop.engine, "+33123456789", CALL_DAY)
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        by = replace(shop.by, at=CALL_DAY)
        subscriptions.add_option(connection, by, "acme-lyon", "fax", ground)
    (bill,) = shop.bill("2026-12-12")
    # in advance: the pack, the fax and the number; since the 20th 22 of 30 days of 2.00 and 1.00;
    # and 90 s at 0.06
    assert [str(line.amount) for line in bill.lines] == [
        *("18.00", "2.00", "1.00"),
        *("1.47", "0.73", "0.09"),
    ]
    assert [row[1:6] for row in costs(shop)] == [(1, FIRST, "fr:mobile", 90, 0)]


def test_missed_periods_are_billed_the_oldest_first(shop):
    add_call(shop.engine, CALL_DAY)
    add_call(shop.engine, datetime(2026, 12, 20, tzinfo=UTC), 120)
    shop.at("2026-12-01").order(3)
    found = shop.at("2027-01-20").bill()
    assert [(one.number, one.due.first) for one in found] == [
        ("F2027-000001", SECOND),
        ("F2027-000002", THIRD),
    ]
    assert shop.amounts("F2027-000001") == ["12", "0.06"]
    assert shop.amounts("F2027-000002") == ["12", "0.12"]


def test_the_last_invoice_has_calls_alone(shop):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, PARIS)
        subscriptions.end(connection, shop.by, "acme-lyon", ground)
    (bill,) = shop.bill("2027-06-01")
    assert (bill.due.last, bill.due.first, bill.totals.gross) == (True, SECOND, 0)
    assert [line.text for line in bill.lines] == ["No calls"]
    # nothing of it is left to pay
    assert shop.invoice(bill.number).settled_at == shop.now


def test_numbers_have_no_gap_and_begin_anew_with_the_year(shop):
    shop.at("2026-12-31", 22).subscribe(1, "acme-nice")
    shop.at("2027-01-01", 1).subscribe(1, "acme-brest")
    shop.at("2027-01-12").bill("2027-01-12")
    assert shop.numbers() == [
        *("F2026-000001", "F2026-000002"),
        *("F2027-000001", "F2027-000002", "F2027-000003"),
    ]


def test_the_year_is_that_of_the_providers_day(shop):
    shop.now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # half past midnight in Paris
    shop.subscribe(1, "acme-nice")
    assert shop.numbers()[-1] == "F2027-000001"


def test_numbers_follow_their_days(shop):
    shop.at("2026-12-20").subscribe(1, "acme-nice")
    (words,) = refused(shop.bill("2026-12-19"))
    assert "There are invoices of 2026-12-20" in words
    assert written(shop.bill("2026-12-20")) == ["F2026-000003"]


# --- what refuses ---


def test_what_is_not_proven_is_refused_while_others_are_billed(engine):
    shop = Shop.opened(engine)
    shop.subscribe()
    shop.at("2026-11-15").subscribe(1, "acme-nice")
    add_call(engine, datetime(2026, 11, 13, 10, tzinfo=UTC))
    shop.prove(period=Period(datetime(2026, 11, 14, 23, tzinfo=UTC), shop.at("2027-01-01").now))
    found = shop.at("2026-12-15").bill()
    (words,) = refused(found)
    assert words == (
        "The usage of server lab is not proven from 2026-11-12 to 2026-12-12: run 'siptrunk usage "
        "verify --from 2026-11-12 --to 2026-12-12' there."
    )
    assert written(found) == ["F2026-000003"]
    assert costs(shop) == []
    shop.prove()
    assert written(shop.bill()) == ["F2026-000004"]


def test_each_server_must_be_proven(shop):
    add_call(shop.engine, CALL_DAY, server="second")
    assert "server second is not proven" in refused(shop.bill("2026-12-12"))[0]
    shop.prove("second")
    assert written(shop.bill("2026-12-12")) == ["F2026-000002"]


def test_calls_before_the_first_order_was_paid_are_not_charged(engine):
    """A trunk that was given its channels called on the morning of the day that it was ordered."""
    shop = Shop.opened(engine)
    with shop.changing() as connection:
        trunks.add(connection, shop.by, trunk("acme-lyon"), None)
    shop.pay(shop.order(5))
    for minutes in (-60, -1, 0, 1):
        add_call(engine, shop.now + timedelta(minutes=minutes))
    shop.prove()
    assert written(shop.bill("2026-12-12")) == ["F2026-000002"]
    (calls,) = (line for line in shop.lines("F2026-000002") if line.kind == "calls")
    assert calls.text.startswith("fr:mobile: 2 calls, 2 min 0 s")


def test_a_call_that_lasts_refuses_its_period(shop):
    number = add_call(shop.engine, CALL_DAY, None)
    words = "Calls of trunk acme-lyon that began before 2026-12-12 still last (1)"
    assert words in refused(shop.bill("2026-12-12"))[0]
    with shop.changing() as connection:
        ended = update(call).where(call.c.id == number).values(ended_at=CALL_DAY)
        connection.execute(ended)
    assert written(shop.bill("2026-12-12")) == ["F2026-000002"]


def test_a_call_without_a_rate_refuses_its_period(shop):
    add_call(shop.engine, CALL_DAY, callee="+4930123456", zone="de:fixed")
    (words,) = refused(shop.bill("2026-12-12"))
    assert "Calls of trunk acme-lyon to de:fixed, as to +4930123456, have no rate (1)" in words
    assert "from 2026-11-12 on" in words
    assert shop.numbers() == ["F2026-000001"]


def test_calls_to_numbers_that_nobody_could_read_have_the_rate_of_all(shop):
    """As they may pass while the service is away: else their customer could never be billed."""
    add_call(shop.engine, CALL_DAY, callee="", zone="", reason="away-admitted", via="away")
    (words,) = refused(shop.bill("2026-12-12"))
    assert "to numbers that nobody could read, have no rate (1): load one for 'all'" in words
    with shop.changing() as connection:
        add_rate(connection, "all", "0.30")
    assert written(shop.bill("2026-12-12")) == ["F2026-000002"]
    assert "0.3" in shop.amounts("F2026-000002")


def test_a_catalogue_that_is_lost_refuses_its_period_alone(shop):
    with shop.changing() as connection:
        connection.execute(delete(catalogue))
    assert "no catalogue for 2026-11-12" in refused(shop.bill("2026-12-12"))[0]


# --- what stays ---


def test_a_new_catalogue_changes_what_is_to_come_alone(shop):
    shop.at("2026-12-01")
    load(shop, DEARER, date(2026, 12, 1))
    before = [shop.lines(one) for one in shop.numbers()]
    found = shop.at("2027-01-12").bill()
    assert [shop.lines(one) for one in shop.numbers()[:1]] == before
    assert [one.totals.net for one in found] == [25, 25]
    load(shop, replace(DEARER, valid_from=date(2027, 2, 1)), date(2027, 1, 12))
    assert [shop.invoice(one.number).totals.net for one in found] == [25, 25]


def test_a_period_begun_before_the_catalogue_is_by_the_one_before(shop):
    shop.at("2026-12-01")
    load(shop, replace(DEARER, valid_from=date(2026, 12, 13)), date(2026, 12, 1))
    found = shop.at("2027-01-12").bill()
    assert [one.totals.net for one in found] == [18, 25]


def test_what_was_invoiced_is_rated_no_more(shop):
    add_call(shop.engine, CALL_DAY)
    shop.bill("2026-12-12")
    before = costs(shop)
    with shop.changing() as connection:
        connection.execute(update(rate).values(price=Decimal("0.60")))
    rerating = shop.rerating(FIRST)
    found = rerating.compute(lambda _: None)
    assert (found.altered, rerating.currency) == (1, "EUR")
    with pytest.raises(InvalidInput, match="in the period from 2026-11-12 are invoiced"):
        rerating.store(lambda _: None)
    assert costs(shop) == before


def test_what_is_not_invoiced_is_rated_again(shop):
    add_call(shop.engine, CALL_DAY)
    shop.rerating(FIRST).store(lambda _: None)
    with shop.changing() as connection:
        connection.execute(update(rate).values(price=Decimal("0.60")))
    assert shop.rerating(FIRST).store(lambda _: None).altered == 1
    assert str(shop.bill("2026-12-12")[0].lines[-1].amount) == "0.60"


@pytest.mark.parametrize("first", [date(2026, 11, 11), date(2026, 11, 13), date(2020, 1, 1)])
def test_only_a_period_is_rated_again(shop, first):
    with pytest.raises(NotFound, match=f"No period of trunk acme-lyon begins on {first}"):
        shop.rerating(first)


def test_a_preview_writes_nothing(shop):
    add_call(shop.engine, CALL_DAY)
    add_call(shop.engine, datetime(2026, 12, 20, tzinfo=UTC), callee="+4930123456", zone="de:fixed")
    before = dump(shop.engine)
    day = date(2027, 1, 12)
    with reading(shop.engine) as connection:
        due = renewals.due(connection, shop.business, day)
    renewal = Renewal(shop.engine, shop.by, shop.business, day)
    bill, refusal = (renewal.compute(one, lambda _: None) for one in due)
    assert dump(shop.engine) == before
    assert isinstance(bill, Bill)
    assert (bill.number, bill.totals.net) == ("", Decimal("18.06"))
    assert isinstance(refusal, Refusal)
    assert "have no rate" in refusal.words


# --- at once ---


def test_of_two_runs_at_once_each_invoice_is_written_by_one(shop):
    for place in range(4):
        shop.subscribe(1, f"acme-{place}")
    for place in range(20):
        add_call(shop.engine, CALL_DAY + timedelta(minutes=place))
    shop.at("2027-02-12")
    first, second = at_once(shop.bill, shop.bill)
    numbers = sorted([*written(first), *written(second)])
    assert numbers == [f"F2027-{n:06}" for n in range(1, 16)]
    assert refused([*first, *second]) == []
    periods = [(one.trunk, one.period) for one in shop.invoices() if one.period]
    assert len(periods) == len(set(periods)) == 15


def test_calls_that_are_rated_anew_meanwhile_are_not_billed_as_before(shop, monkeypatch):
    add_call(shop.engine, CALL_DAY)
    store = rating.store

    def rated_twice(*given):
        done = store(*given)
        with shop.changing() as connection:
            connection.execute(update(rated_call).values(cost=rated_call.c.cost * 10))
        return done

    monkeypatch.setattr(rating, "store", rated_twice)
    (words,) = refused(shop.bill("2026-12-12"))
    assert "were rated anew meanwhile: run it again" in words
    monkeypatch.undo()
    assert str(shop.bill("2026-12-12")[0].lines[-1].amount) == "0.06"


def test_the_subscription_is_as_it_is_when_the_invoice_is_written(shop, monkeypatch):
    """A run may have begun long ago: it is asked once more, in the transaction that writes."""
    begun = Event()
    store = rating.store

    def slow(*given):
        if not begun.is_set():
            begun.set()
            shop.at("2026-12-11").order(3)
        return store(*given)

    monkeypatch.setattr(rating, "store", slow)
    (bill,) = shop.bill("2026-12-12")
    assert [line.quantity for line in bill.lines] == [3]


# --- what prune leaves ---


def prunable(shop, before, now="2027-06-01"):
    shop.at(now)
    with reading(shop.engine) as connection:
        month = month_at(datetime.fromisoformat(before).replace(tzinfo=PARIS), PARIS)
        return prune.make_plan(connection, month, PARIS, shop.now)


KEPT = [
    # The last day that is invoiced; the month that is to go; whether a period still needs it.
    ("2026-12-11", "2026-12-01", True),
    ("2026-12-12", "2026-12-01", False),
    ("2026-12-12", "2027-01-01", True),
    ("2027-01-12", "2027-01-01", False),
]


@pytest.mark.parametrize(("billed", "before", "kept"), KEPT, ids=range(len(KEPT)))
def test_months_are_kept_until_their_periods_are_invoiced(shop, billed, before, kept):
    add_call(shop.engine, CALL_DAY)
    add_call(shop.engine, datetime(2026, 12, 2, tzinfo=UTC), trunk_id=None)
    shop.bill(billed)
    with pytest.raises(InvalidInput) as caught:
        prunable(shop, before)
    assert "was not exported" in str(caught.value)
    assert ("from 2026-1" in str(caught.value) and "not invoiced" in str(caught.value)) == kept


def test_others_are_counted_and_the_oldest_is_named(shop):
    add_call(shop.engine, CALL_DAY)
    shop.at("2026-11-15").subscribe(1, "acme-nice")
    said = (
        r"The calls of trunk acme-lyon \(and of 1 more\) from 2026-11-12 on are not invoiced yet: "
        "'siptrunk billing run', once their period is over."
    )
    with pytest.raises(InvalidInput, match=said):
        prunable(shop, "2026-12-01")


def test_calls_of_before_a_subscription_may_go(shop):
    add_call(shop.engine, datetime(2026, 10, 2, tzinfo=UTC))
    with pytest.raises(InvalidInput) as caught:
        prunable(shop, "2026-11-01")
    assert "invoiced" not in str(caught.value)
