"""What the daemon does beside its calls: periods that begin, and orders that expire."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.catalogue_file import read_catalogue
from asterisk_siptrunk.billing.example import example_catalogue
from asterisk_siptrunk.billing.order import OrderState
from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.database import audit, catalogues, customers, orders, subscriptions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.ordering import Counter, Request
from asterisk_siptrunk.database.payments import Cashier
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.database.upkeep import AUTHOR, Periods
from asterisk_siptrunk.settings import Settings
from asterisk_siptrunk.trunk import digest
from tests.lab.service import Service
from tests.unit.database.builders import NOON
from tests.unit.database.test_months import wait_for

BUSINESS = bootstrap.business(Settings(Path("none.toml")))
# Noon of 23 November in UTC; in Paris, one hour ahead, the next period begins on 23 December at
# midnight.
RENEWAL = datetime(2026, 12, 22, 23, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def open_shop(engine: Engine) -> None:
    """A customer, and the catalogue that ships."""
    with transaction(engine) as connection:
        by = By("alice", NOON)
        customers.add(connection, by, "acme", "Acme SA")
        example = read_catalogue(example_catalogue(), "the example")
        catalogues.load(connection, by, example, NOON.date())


def order(engine: Engine, at: datetime, channels: int, trunk="acme-paris") -> str:
    with transaction(engine) as connection:
        by = By("alice", at)
        request = Request(trunk, channels, customer="acme")
        return orders.place(
            connection, by, Counter(connection, by, BUSINESS).quoted(request)
        ).reference


def pay(engine: Engine, at: datetime, reference: str) -> None:
    with transaction(engine) as connection:
        due = orders.get(connection, reference)
        given = Payment(f"bank-{reference}", due.gross, due.currency, order=reference)
        cashier = Cashier(connection, By("alice", at), BUSINESS)
        cashier.pay(given, lambda name: digest(name, "siptrunk", "secret"))


def subscribe(engine: Engine, trunk="acme-paris", channels=5, at=NOON) -> None:
    pay(engine, at, order(engine, at, channels, trunk))


@pytest.fixture
def sold(engine: Engine) -> Engine:
    """A database with a catalogue, and acme's trunk of 5 channels that it cuts to 2."""
    open_shop(engine)
    subscribe(engine)
    order(engine, NOON + timedelta(days=3), 2)
    return engine


def channels(engine: Engine, trunk="acme-paris") -> int:
    with reading(engine) as connection:
        return trunks.get(connection, trunk).channels


def state(engine: Engine, reference: str) -> OrderState:
    with reading(engine) as connection:
        return orders.get(connection, reference).state


def look(engine: Engine, *at: datetime) -> None:
    """Have the service look at these times, with a thread as it has it."""
    times = iter(at)

    async def run() -> None:
        database = DatabaseThread(engine, asyncio.get_running_loop())
        database.start()
        periods = Periods(database, BUSINESS, lambda: next(times))
        for _ in at:
            await periods.look()
        await asyncio.to_thread(database.stop)

    asyncio.run(run())


def test_a_cut_takes_effect_with_the_first_moment_of_the_period(sold):
    look(sold, NOON, RENEWAL - MOMENT)
    assert channels(sold) == 5
    look(sold, RENEWAL)
    assert channels(sold) == 2
    with reading(sold) as connection:
        (last, *_) = audit.history(connection, "trunk", "acme-paris")
        assert last.author == AUTHOR
        # The one after: 23 January 2027 at midnight in Paris.
        assert subscriptions.due(connection, datetime(2027, 1, 22, 23, tzinfo=UTC) - MOMENT) == []
        assert len(subscriptions.due(connection, datetime(2027, 1, 22, 23, tzinfo=UTC))) == 1


def test_a_trunk_whose_subscription_was_ended_ends_with_its_period(sold):
    with transaction(sold) as connection:
        ground = subscriptions.ground(connection, BUSINESS.office.zone)
        subscriptions.end(connection, By("alice", NOON), "acme-paris", ground)
    look(sold, RENEWAL - MOMENT)
    with reading(sold) as connection:
        assert not trunks.get(connection, "acme-paris").ended
    look(sold, RENEWAL, RENEWAL + timedelta(days=90))
    with reading(sold) as connection:
        assert trunks.get(connection, "acme-paris").ended


def test_a_service_that_was_away_for_months_begins_the_period_of_today(sold):
    look(sold, RENEWAL + timedelta(days=100))
    assert channels(sold) == 2
    with reading(sold) as connection:
        assert subscriptions.due(connection, RENEWAL + timedelta(days=100)) == []


def test_an_order_expires_when_its_time_is_over_and_one_that_was_paid_does_not(sold):
    paid = order(sold, NOON, 8)
    pay(sold, NOON + timedelta(hours=1), paid)
    late = order(sold, NOON + timedelta(hours=2), 12)
    over = NOON + timedelta(hours=2) + BUSINESS.office.order_time
    look(sold, over - MOMENT)
    assert (state(sold, paid), state(sold, late)) == (OrderState.PAID, OrderState.PLACED)
    look(sold, over)
    assert (state(sold, paid), state(sold, late)) == (OrderState.PAID, OrderState.EXPIRED)


def test_one_that_cannot_begin_keeps_no_other_back_and_is_said_once(sold, monkeypatch, caplog):
    subscribe(sold, "beta", 5)
    order(sold, NOON + timedelta(days=3), 2, "beta")
    right = subscriptions.turn_one

    def turn_one(connection, by, business, one):
        if one == 1:
            raise ZeroDivisionError
        return right(connection, by, business, one)

    monkeypatch.setattr(subscriptions, "turn_one", turn_one)
    look(sold, RENEWAL, RENEWAL + timedelta(seconds=5))
    assert (channels(sold), channels(sold, "beta")) == (5, 2)
    assert caplog.text.count("Looking after subscription 1 fails") == 1
    monkeypatch.setattr(subscriptions, "turn_one", right)
    look(sold, RENEWAL + timedelta(seconds=10))
    assert channels(sold) == 2


def test_a_database_that_is_away_is_asked_again(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.database.upkeep.LOOK_SECONDS", 0.01)
    engine = open_engine(sqlite_url)
    open_shop(engine)
    subscribe(engine)
    order(engine, NOON, 2)
    file = tmp_path / "siptrunk.db"
    engine.dispose()
    file.rename(tmp_path / "elsewhere.db")
    looks = 0

    async def run() -> None:
        away = asyncio.Event()
        database = DatabaseThread(engine, asyncio.get_running_loop())
        database.start()

        def clock() -> datetime:
            nonlocal looks
            looks += 1
            if looks > 2:
                away.set()
            return RENEWAL

        task = asyncio.create_task(Periods(database, BUSINESS, clock).run())
        await away.wait()
        (tmp_path / "elsewhere.db").rename(file)
        await asyncio.to_thread(wait_for, lambda: channels(engine) == 2)
        task.cancel()
        await asyncio.to_thread(database.stop)

    asyncio.run(asyncio.wait_for(run(), 10))
    engine.dispose()


@pytest.fixture
def many(engine: Engine) -> Engine:
    """Twelve trunks whose cuts are due at once."""
    open_shop(engine)
    for number in range(12):
        subscribe(engine, f"trunk-{number}")
        order(engine, NOON, 2, f"trunk-{number}")
    return engine


def test_several_servers_at_once_begin_each_period_once(many, database_url):
    engines = [open_engine(database_url) for _ in range(4)]
    start = threading.Barrier(len(engines))

    def work(engine: Engine) -> None:
        start.wait()
        look(engine, RENEWAL)

    threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    look(many, RENEWAL)  # one that waited for another's lock is taken by the next look
    for engine in engines:
        engine.dispose()
    assert [channels(many, f"trunk-{number}") for number in range(12)] == [2] * 12
    with reading(many) as connection:
        told = connection.execute(
            text("SELECT count(*) FROM audit WHERE author = :author"), {"author": AUTHOR}
        ).scalar_one()
    assert told == 12


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_order_that_is_being_paid_does_not_expire(sold):
    """Paid in the last moment, and not committed yet: the look passes it over."""
    reference = order(sold, NOON, 8)
    late = NOON + BUSINESS.office.order_time
    with transaction(sold) as paying:
        due = orders.get(paying, reference)
        given = Payment("bank-1", due.gross, due.currency, order=reference)
        Cashier(paying, By("alice", late - MOMENT), BUSINESS).pay(given, pytest.fail)
        look(sold, late)
    assert state(sold, reference) is OrderState.PAID
    assert channels(sold) == 8


def test_the_daemon_does_it(sqlite_url, tmp_path):
    """A real one, by the real clock: the subscription began two months ago."""
    engine = open_engine(sqlite_url)
    open_shop(engine)
    ago = datetime.now(UTC) - timedelta(days=62)
    subscribe(engine, at=ago)
    order(engine, ago, 2)
    assert channels(engine) == 5
    with Service(tmp_path, sqlite_url) as service:
        service.until(lambda: channels(engine) == 2)
        assert "Trunk acme-paris: a new period has begun." in service.log
    engine.dispose()
