"""Whether a trunk needs more channels."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.call.occupancy import Use, stretch
from asterisk_siptrunk.database import calls, catalogues, trunks
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.web import busy_days, chart
from asterisk_siptrunk.web.busy_days import BusyDays
from tests.unit.database.shop import BEGAN, CATALOGUE, Shop
from tests.unit.web.conftest import logged_in
from tests.unit.web.site.rows import add_call, add_live, add_refused

PAGE = "/trunks/acme-paris/occupancy"
PARIS = ZoneInfo("Europe/Paris")


def see(browser, path=PAGE, **headers):
    answer = browser.get(path, **headers)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def ago(clock, **length):
    return clock.now - timedelta(**length)


def test_all_was_well(user, house, clock):
    for _ in range(3):
        add_call(house, ago(clock, hours=1))
    text = see(user)
    assert "No: in the last 30 days no call was refused for want of a channel." in text
    assert "At most 3 of 10 channels were in use at once." in text


def test_more_are_needed(user, house, clock):
    began = ago(clock, days=2, hours=1)  # 16:00 in Paris
    for _ in range(10):
        add_call(house, began)
    for number in range(2):
        add_refused(house, began + timedelta(seconds=30), callee=f"+3312345678{number}")
    add_refused(house, began, "suspended")
    text = see(user)
    assert (
        "Yes: in the last 30 days 2 calls were refused because all channels were taken. "
        "12 channels would have been enough for all; there are 10." in text
    )
    said = "That was on 1 of these days, most often on Sat 22 between 16:00 and 16:15: 2 calls."
    assert said in text


def test_what_was_too_few_is_enough_now(user, house, clock):
    add_refused(house, ago(clock, days=2))
    assert "Not now: in the last 30 days 1 calls were refused" in see(user)


def test_the_chart_of_a_day(user, house, clock):
    began = ago(clock, hours=1)
    add_call(house, began)
    add_live(house, began + timedelta(minutes=20))
    add_refused(house, began)
    text = see(user)
    assert "Channels in use on 24 November 2025" in text
    assert re.findall(r"<title>(.*?)</title>", text)[1:] == [
        "16:00: 1 at once, 1 refused",
        *(f"{hour}:{minute:02}: 1 at once, 0 refused" for hour, minute in after(16, 15)),
    ]
    # 24 hours in three-hour steps, the hours of Paris.
    assert [f"{hour:02}:00</text>" in text for hour in range(0, 24, 3)] == [True] * 8
    assert '<th scope="row">16:00</th><td class="amount">1</td><td class="amount">1</td>' in text


def after(hour, minute):
    """The quarters from then until midnight."""
    return [divmod(one, 60) for one in range(hour * 60 + minute, 24 * 60, 15)]


def test_the_chart_of_a_week(user, house, clock):
    add_refused(house, ago(clock, days=3))
    text = see(user, f"{PAGE}?span=week&day=2025-11-23")
    assert "in the week until 23 November 2025" in text
    assert '<th scope="row">Fri 21</th><td class="amount">0</td><td class="amount">1</td>' in text
    assert text.count('<th scope="row">') == 7
    assert f"{PAGE}?day=2025-11-16&span=week" in text.replace("&amp;", "&")
    assert f"{PAGE}?day=2025-11-24&span=week" in text.replace("&amp;", "&")  # no later than today


def test_no_day_after_today(user):
    text = see(user, f"{PAGE}?day=2030-01-01")
    assert "Channels in use on 24 November 2025" in text
    assert ">Later<" not in text


@pytest.mark.parametrize("day", ["tomorrow", "0001-01-01", "2025-13-01"])
def test_what_is_no_day(user, day):
    answer = user.get(f"{PAGE}?day={day}")
    assert (answer.status_code, f"{day} is no day." in answer.text) == (422, True)


def test_a_part_for_htmx_and_a_page_without(user):
    assert "<html" in see(user)
    assert see(user, **{"HX-Request": "true"}).startswith('<section id="occupancy"')


def test_nobody_sees_anothers(stranger, support):
    assert stranger.get(PAGE).status_code == 404
    assert "Do you need more channels?" in see(support)


def test_without_a_subscription_there_is_no_price(user):
    text = see(user)
    assert "Best prices" not in text
    assert 'href="/trunks/acme-paris/channels"' in text


@pytest.fixture
def subscribed(app, house, clock):
    """The trunk with ten channels of a pack, as its user sees it on the day that it began."""
    clock.now = BEGAN
    shop = Shop(house.engine)
    with transaction(house.engine) as connection:
        catalogues.load(connection, shop.by, CATALOGUE, date(2026, 1, 1))
    shop.pay(shop.order(10, "acme-paris"))
    return logged_in(app, Role.CUSTOMER_USER, "acme")


def test_the_price_of_more(subscribed, house, clock):
    for _ in range(10):
        add_live(house, ago(clock, minutes=10))
    for number in range(2):
        add_refused(house, ago(clock, minutes=9), callee=f"+3312345678{number}")
    text = see(subscribed)
    # Ten channels are the pack of ten, 32.00; two more 4.00 each, for the whole period, and 20 %.
    assert '10 <span class="badge">as now</span></th> <td class="amount">€32.00</td>' in text
    bought = '<td class="amount">€40.00</td> <td class="amount">€9.60</td> <td>as soon as'
    assert f'<th scope="row">12</th> {bought}' in text
    assert 'href="/trunks/acme-paris/channels?channels=12"' in text


def test_the_price_of_fewer(subscribed, house, clock):
    for _ in range(3):
        add_call(house, ago(clock, minutes=10))
    text = see(subscribed)
    # Three of 4.00 each from the next period on; one more than ten costs 32.00 + 4.00.
    fewer = '<td class="amount">€12.00</td> <td class="amount"></td> <td>12 December 2026'
    assert f'<th scope="row">3</th> {fewer}' in text
    assert '<th scope="row">11</th> <td class="amount">€36.00</td>' in text


def test_no_price_is_told_that_cannot_be_had(subscribed, house):
    shop = Shop(house.engine)
    shop.pay(shop.order(100, "acme-paris"))  # the most there are
    text = see(subscribed)
    assert '100 <span class="badge">as now</span>' in text
    assert '<th scope="row">101</th>' not in text


class Counted:
    """What reads calls, and counts how often."""

    def __init__(self, monkeypatch):
        self.reads = 0
        self._uses = calls.uses
        monkeypatch.setattr(calls, "uses", self)

    def __call__(self, *given):
        self.reads += 1
        return self._uses(*given)


@pytest.fixture
def counted(monkeypatch):
    return Counted(monkeypatch)


def days_of(house, clock, count=3, kept=None):
    today = clock.now.astimezone(PARIS).date()
    days = [today - timedelta(back) for back in range(count)]
    with reading(house.engine) as connection:
        trunk_id = trunks.get(connection, "acme-paris").id
        return (kept or house.busy_days).of(connection, trunk_id, days, PARIS, clock.now)


def test_days_that_are_over_are_reckoned_once(house, clock, counted):
    add_call(house, ago(clock, days=1))
    first = days_of(house, clock)
    assert (counted.reads, [one.peak for one in first]) == (3, [0, 1, 0])
    assert days_of(house, clock) == first
    assert counted.reads == 4  # today again


def test_a_day_just_over_may_be_told_more_of(house, clock, counted):
    clock.now = datetime(2025, 11, 24, 23, 30, tzinfo=UTC)  # half past midnight
    days_of(house, clock, 2)
    days_of(house, clock, 2)
    assert counted.reads == 4
    clock.advance(hours=1)
    days_of(house, clock, 2)
    days_of(house, clock, 2)
    assert counted.reads == 7


def test_what_is_kept_is_bounded(house, clock, counted, monkeypatch):
    monkeypatch.setattr(busy_days, "MOST_KEPT", 1)
    days_of(house, clock)
    days_of(house, clock)
    assert counted.reads == 6


def test_the_effort_for_one_page_is_bounded(house, clock, monkeypatch):
    monkeypatch.setattr(busy_days, "MOST_CALLS", 0)
    add_call(house, ago(clock, days=1, hours=1))
    kept = BusyDays()
    assert len(days_of(house, clock, 4, kept)) == 2
    assert len(days_of(house, clock, 4, kept)) == 4  # that day is known now


def test_a_call_over_midnight_counts_on_both_days(house, clock):
    midnight = datetime(2025, 11, 23, 23, tzinfo=UTC)
    add_call(house, midnight - timedelta(hours=2), ended_at=midnight + timedelta(minutes=20))
    today, yesterday = days_of(house, clock, 2)
    assert today.peaks[:3] == (1, 1, 0)
    assert yesterday.peaks[-1] == 1


NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("most", "lines"),
    [(1, [0, 1]), (5, [0, 1, 2, 3, 4, 5]), (12, [0, 5, 10]), (300, [0, 100, 200, 300])],
)
def test_the_scale_has_few_round_numbers(most, lines):
    one = stretch([], NOON, NOON + timedelta(hours=1), NOON)
    assert [value for _, value in chart.draw([one], most, []).rows] == lines


def test_a_chart_stays_within_its_frame():
    uses = [Use(NOON, NOON + timedelta(minutes=5))] * 4
    one = stretch(uses, NOON, NOON + timedelta(hours=1), NOON)
    drawn = chart.draw([one], 2, [NOON])
    # Four at once of two: the scale goes to four, and the limit is at half the height.
    assert drawn.used == "M44.0 254.0V22.0H271.0V254.0Z"
    assert drawn.limit == 138
    assert drawn.marks == ((44, NOON),)
