"""What trunks are subscribed to: beside what is over, and when numbers are added."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.billing.period import local_day
from asterisk_siptrunk.database import catalogues, subscriptions
from asterisk_siptrunk.database.engine import open_engine
from tests.unit.database.shop import CATALOGUE, OFFER, PARIS, Shop


@pytest.fixture
def shop(sqlite_url):
    """With a subscription that is over, and one to the offer that has taken its place."""
    engine = open_engine(sqlite_url)
    now = datetime.now(UTC)
    shop = Shop.opened(engine, now=now - timedelta(days=62))
    shop.subscribe(5, "acme-gone")
    with shop.changing() as connection:
        ends = subscriptions.end(
            connection, shop.by, "acme-gone", subscriptions.ground(connection, PARIS)
        )
        new = replace(CATALOGUE, valid_from=ends, offers={"new": replace(OFFER, name="new")})
        today = local_day(shop.now, PARIS)
        catalogues.load(connection, shop.by, replace(new, plans={}), today)
    shop.now = now
    shop.turn()
    shop.subscribe(2, "acme-lyon")
    yield shop
    engine.dispose()


@pytest.mark.usefixtures("shop")
def test_one_that_is_over_needs_no_offer_of_today(siptrunk):
    gone, lyon = siptrunk.json("subscription", "list")
    assert (gone["trunk"], gone["channels"], gone["next_period"]) == ("acme-gone", None, "")
    assert (lyon["trunk"], lyon["channels"], lyon["next_channels"]) == ("acme-lyon", 2, 2)
    assert siptrunk.json("subscription", "show", "acme-gone")["ends"] == gone["ends"]
    assert siptrunk("subscription", "list").stdout.count("acme-") == 2


@pytest.mark.usefixtures("shop")
def test_numbers_that_the_channels_do_not_carry(siptrunk):
    """Two channels carry two each."""
    numbers = [f"+3342345678{digit}" for digit in range(5)]
    add = "number", "add", "--trunk", "acme-lyon"
    assert "would have 5 numbers" in siptrunk(*add, *numbers, fails=1).stderr
    siptrunk(*add, *numbers[:4])
    assert "carry 2 each: raise it first" in siptrunk(*add, numbers[4], fails=1).stderr
    siptrunk("order", "place", "--trunk", "acme-lyon", "--channels", "1", "--yes", fails=1)
    for one in numbers[2:4]:
        siptrunk("number", "remove", one, "--yes")
    siptrunk("order", "place", "--trunk", "acme-lyon", "--channels", "1", "--yes")
    said = siptrunk(*add, numbers[2], fails=1).stderr
    assert "its channels, 1 now or from the next period on" in said
