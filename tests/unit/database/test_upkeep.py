"""What the daemon does beside its calls: periods that begin, and orders that expire."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select

from asterisk_siptrunk.billing.order import OrderState
from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.database import audit, subscriptions, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.payments import Cashier
from asterisk_siptrunk.database.tables import metadata, provider
from asterisk_siptrunk.database.thread import DatabaseThread
from asterisk_siptrunk.database.upkeep import AUTHOR, Periods
from asterisk_siptrunk.trunk import Grace, Suspension, SuspensionScope
from tests.lab.service import Service
from tests.unit.database.shop import BEGAN, BUSINESS, Shop, at_once
from tests.unit.database.test_months import wait_for

# Of a period that began on 12 November; in Paris, one hour ahead, the next one begins at midnight.
RENEWAL = datetime(2026, 12, 11, 23, tzinfo=UTC)
FOLLOWING = datetime(2027, 1, 11, 23, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)
LYON, NICE = "acme-lyon", "acme-nice"


@pytest.fixture
def shop(engine: Engine) -> Shop:
    """With acme's trunk of 5 channels, which it cuts to 2."""
    opened = Shop.opened(engine)
    subscribe(opened, LYON)
    return opened


def subscribe(shop: Shop, trunk: str) -> None:
    """Five channels, which are to be 2 from the next period on."""
    shop.subscribe(5, trunk)
    shop.order(2, trunk)


def channels(shop, trunk=LYON):
    return shop.trunk(trunk).channels


def due(shop: Shop, at: datetime) -> list[int]:
    with reading(shop.engine) as connection:
        return subscriptions.to_turn(connection, at)


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


def test_a_cut_takes_effect_with_the_first_moment_of_the_period(shop):
    look(shop.engine, BEGAN, RENEWAL - MOMENT)
    assert channels(shop) == 5
    look(shop.engine, RENEWAL)
    assert channels(shop) == 2
    assert (due(shop, FOLLOWING - MOMENT), len(due(shop, FOLLOWING))) == ([], 1)
    with reading(shop.engine) as connection:
        assert audit.history(connection, "trunk", LYON)[0].author == AUTHOR


def test_a_trunk_whose_subscription_was_ended_ends_with_its_period(shop):
    with shop.changing() as connection:
        ground = subscriptions.ground(connection, BUSINESS.office.zone)
        subscriptions.end(connection, shop.by, LYON, ground)
    look(shop.engine, RENEWAL - MOMENT)
    assert not shop.trunk().ended
    look(shop.engine, RENEWAL, RENEWAL + timedelta(days=90))
    assert shop.trunk().ended


def test_a_service_that_was_away_for_months_begins_the_period_of_today(shop):
    late = RENEWAL + timedelta(days=100)
    look(shop.engine, late)
    assert (channels(shop), due(shop, late)) == (2, [])


def test_an_order_expires_when_its_time_is_over_and_one_that_was_paid_does_not(shop):
    paid = shop.order(8)
    shop.pay(paid)
    late = shop.order(12)
    over = BEGAN + BUSINESS.office.order_time
    look(shop.engine, over - MOMENT)
    assert (shop.state(paid), shop.state(late)) == (OrderState.PAID, OrderState.PLACED)
    look(shop.engine, over)
    assert (shop.state(paid), shop.state(late)) == (OrderState.PAID, OrderState.EXPIRED)


def test_a_suspension_is_over_when_its_time_is(shop):
    until = Suspension(SuspensionScope.OUTBOUND, "fraud", expires_at=RENEWAL)
    with transaction(shop.engine) as connection:
        suspensions.suspend(connection, shop.by, LYON, until)
    look(shop.engine, RENEWAL - MOMENT)
    assert shop.trunk(LYON).status == "suspended: outbound"
    look(shop.engine, RENEWAL)
    assert shop.trunk(LYON).status == "active"


def test_a_secret_of_before_is_over_with_its_grace_and_all_servers_are_asked_to_apply(shop):
    with shop.changing() as connection:
        given = trunks.credentials_of(connection, LYON)
        assert given is not None
        new = replace(given, md5="1" * 32, sha256="f" * 64)
        trunks.set_credentials(connection, shop.by, LYON, new, timedelta(days=1))
    over, wanted = shop.by.at + timedelta(days=1), config_wanted(shop)
    look(shop.engine, over - MOMENT)
    assert (grace(shop), config_wanted(shop)) == (Grace(given, over), wanted)
    look(shop.engine, over, over + MOMENT)
    assert (grace(shop), config_wanted(shop)) == (None, wanted + 1)


def grace(shop):
    with reading(shop.engine) as connection:
        return trunks.grace_of(connection, LYON)


def config_wanted(shop):
    with reading(shop.engine) as connection:
        return connection.execute(select(provider.c.config_wanted)).scalar_one()


def test_one_that_cannot_begin_keeps_no_other_back_and_is_said_once(shop, monkeypatch, caplog):
    subscribe(shop, NICE)
    right = subscriptions.turn

    def turn(connection, by, business, one):
        if one == 1:
            raise ZeroDivisionError
        return right(connection, by, business, one)

    monkeypatch.setattr(subscriptions, "turn", turn)
    look(shop.engine, RENEWAL, RENEWAL + timedelta(seconds=5))
    assert (channels(shop), channels(shop, NICE)) == (5, 2)
    assert caplog.text.count("Looking after subscription 1 fails") == 1
    monkeypatch.setattr(subscriptions, "turn", right)
    look(shop.engine, RENEWAL + timedelta(seconds=10))
    assert channels(shop) == 2


def test_a_database_that_is_away_is_asked_again(sqlite_url, tmp_path, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.database.upkeep.LOOK_SECONDS", 0.01)
    shop = Shop.opened(open_engine(sqlite_url))
    subscribe(shop, LYON)
    shop.engine.dispose()
    file, elsewhere = tmp_path / "siptrunk.db", tmp_path / "elsewhere.db"
    file.rename(elsewhere)
    looks = 0

    async def run() -> None:
        asked_again = asyncio.Event()
        database = DatabaseThread(shop.engine, asyncio.get_running_loop())
        database.start()

        def clock() -> datetime:
            nonlocal looks
            looks += 1
            if looks == 3:
                asked_again.set()
            return RENEWAL

        task = asyncio.create_task(Periods(database, BUSINESS, clock).run())
        await asked_again.wait()
        elsewhere.rename(file)
        await asyncio.to_thread(wait_for, lambda: channels(shop) == 2)
        task.cancel()
        await asyncio.to_thread(database.stop)

    asyncio.run(asyncio.wait_for(run(), 20))
    shop.engine.dispose()


def test_several_servers_at_once_begin_each_period_once(engine, database_url):
    shop = Shop.opened(engine)
    names = [f"trunk-{number}" for number in range(12)]
    for name in names:
        subscribe(shop, name)
    servers = [open_engine(database_url) for _ in range(4)]
    at_once(*(lambda one=one: look(one, RENEWAL) for one in servers))
    look(engine, RENEWAL)  # what waited too long for another's lock is taken by the next look
    for one in servers:
        one.dispose()
    assert [channels(shop, name) for name in names] == [2] * len(names)
    said = metadata.tables["audit"]
    with reading(engine) as connection:
        count = select(func.count()).select_from(said).where(said.c.author == AUTHOR)
        assert connection.execute(count).scalar_one() == len(names)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_order_that_is_being_paid_does_not_expire_and_is_not_waited_for(shop):
    """Paid in the last moment, and not committed yet."""
    order = shop.order(8)
    over = BEGAN + BUSINESS.office.order_time
    other = shop.first(1, NICE)
    with transaction(shop.engine) as paying:
        given = Payment("bank-1", order.gross, order.currency, order=order.reference)
        Cashier(paying, By("alice", over - MOMENT), BUSINESS).pay(given, pytest.fail)
        look(shop.engine, over)
        assert shop.state(other) == OrderState.EXPIRED
    assert shop.state(order) == OrderState.PAID
    assert channels(shop) == 8


def test_the_daemon_does_it(sqlite_url, tmp_path):
    """A real one, by the real clock: the subscription began two months ago."""
    engine = open_engine(sqlite_url)
    shop = Shop.opened(engine, now=datetime.now(UTC) - timedelta(days=62))
    subscribe(shop, LYON)
    assert channels(shop) == 5
    with Service(tmp_path, sqlite_url) as service:
        service.until(lambda: channels(shop) == 2)
        service.until(lambda: f"Trunk {LYON}: a new period has begun." in service.log)
    engine.dispose()
