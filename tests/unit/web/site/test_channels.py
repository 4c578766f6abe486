"""Channels: what there is, what more or fewer cost, and orders."""

import re
from decimal import Decimal

import pytest

from asterisk_siptrunk.database import orders, subscriptions
from asterisk_siptrunk.database.engine import reading
from tests.unit.web.site.selling import open_shop

PAGE = "/trunks/acme-paris/channels"
TIMES = "\N{MULTIPLICATION SIGN}"
USER, ADMIN = "customer-user@acme.example", "customer-admin@acme.example"


@pytest.fixture
def shop(house):
    return open_shop(house)


@pytest.fixture
def subscribed(shop):
    """acme-paris has 8 channels since today: 5 + 1 + 1 + 1, for 30.00 a month."""
    shop.pay(shop.order(8, "acme-paris"))
    return shop


def seen(browser, channels, **more) -> dict[str, str]:
    """The hidden fields of the order's form, as a quote shows them."""
    query = "&".join(f"{key}={value}" for key, value in {"channels": channels, **more}.items())
    html = browser.get(f"{PAGE}/quote?{query}").text
    form = html.partition('id="order"')[2]
    found = dict(re.findall(r'name="(channels|choice|seen)" value="([^"]*)"', form))
    assert set(found) == {"channels", "choice", "seen"}
    return found


def ordered(browser, channels, **more):
    return browser.post(f"{PAGE}/order", **seen(browser, channels, **more))


def all_orders(house, trunk="acme-paris"):
    with reading(house.engine) as connection:
        return orders.every(connection, trunk)


@pytest.mark.usefixtures("shop")
def test_a_trunk_without_a_subscription_says_so_and_can_be_sold(admin, house):
    html = admin.get(PAGE).text
    assert 'id="unsubscribed"' in html
    assert '<p class="figure" id="channels-now">10</p>' in html
    # 32.00 for ten, with 20 % tax
    assert "€38.40" in admin.get(f"{PAGE}/quote?channels=10&choice=offer:packs").text
    assert ordered(admin, 10, choice="offer:packs").status_code == 303
    (order,) = all_orders(house)
    assert (order.state, order.asked, order.gross) == ("placed", 10, Decimal("38.4"))


def test_nothing_is_sold_without_a_catalogue(admin):
    html = admin.get(PAGE).text
    assert "Nothing can be ordered here yet" in html
    assert 'id="wish"' not in html


@pytest.mark.usefixtures("subscribed")
def test_what_there_is_and_what_follows(user):
    html = user.get(PAGE).text
    assert '<p class="figure" id="channels-now">8</p>' in html
    assert f"1 {TIMES} Pack five, 5 channels" in html
    assert f"3 {TIMES} Pack one, 1 channel" in html
    assert "From 24 December 2025 on" in html
    assert "€30.00 a month, without tax and calls" in html
    assert "paid, in force" in html


@pytest.mark.usefixtures("subscribed")
@pytest.mark.parametrize(
    ("channels", "said"),
    [
        ("12", "€19.20"),  # 4 more on the first day, 16.00 and 20 %: the whole period
        ("6", "with the next period"),
        ("8", "may use so many channels already"),
        ("0", "between 1 and 10,000"),
        ("ten", "between 1 and 10,000"),
        ("101", "would be too many"),
    ],
)
def test_a_quote_says_what_it_comes_to(user, channels, said):
    answer = user.get(f"{PAGE}/quote?channels={channels}")
    assert answer.status_code == 200
    assert said in answer.text
    assert said in user.get(f"{PAGE}?channels={channels}").text  # without JavaScript


@pytest.mark.usefixtures("subscribed")
def test_half_a_period_costs_half(user, clock):
    clock.advance(days=15)  # 15 of 30 days are left
    user.log_in(USER)
    html = user.get(f"{PAGE}/quote?channels=9").text
    assert "15 of 30 days" in html
    assert "€2.40" in html  # 4.00 x 15/30 and 20 %


def test_a_raise_is_ordered_paid_and_in_force(admin, subscribed, house):
    assert ordered(admin, 12).status_code == 303
    order = all_orders(house)[-1]
    html = admin.get(PAGE).text
    assert f"Order {order.reference} waits for its payment" in html
    assert "€19.20" in html
    assert 'hx-trigger="every 10s"' in html
    assert subscribed.trunk("acme-paris").channels == 8
    assert "Another order waits" in admin.get(f"{PAGE}/quote?channels=13").text
    subscribed.pay(order)
    part = admin.get(f"{PAGE}/standing").text
    assert '<p class="figure" id="channels-now">12</p>' in part
    assert "waits for its payment" not in part
    assert "every 10s" not in part


@pytest.mark.usefixtures("subscribed")
def test_only_the_price_that_was_seen_is_ordered(admin, house, clock):
    before = seen(admin, 12)
    clock.advance(days=1)
    admin.log_in(ADMIN)
    answer = admin.post(f"{PAGE}/order", **before)
    assert (answer.status_code, "has changed meanwhile" in answer.text) == (422, True)
    assert len(all_orders(house)) == 1


@pytest.mark.usefixtures("subscribed")
def test_an_order_asks_for_the_password_after_a_while(admin, house, clock):
    clock.advance(minutes=11)
    answer = ordered(admin, 12)
    assert answer.headers["location"].startswith("/confirm")
    assert len(all_orders(house)) == 1


@pytest.mark.usefixtures("subscribed")
def test_who_only_looks_cannot_order(user, house):
    assert "order-button" not in user.get(f"{PAGE}/quote?channels=12").text
    for place in ("order", "cancel"):
        assert user.post(f"{PAGE}/{place}", channels="12").status_code == 403
    assert len(all_orders(house)) == 1


@pytest.mark.usefixtures("subscribed")
def test_an_order_that_is_not_paid_is_cancelled(admin, house):
    ordered(admin, 12)
    reference = all_orders(house)[-1].reference
    assert f'id="cancel-{reference}"' in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/cancel", reference=reference).status_code == 303
    assert all_orders(house)[-1].state == "cancelled"
    assert f'id="cancel-{reference}"' not in admin.get(PAGE).text


@pytest.mark.usefixtures("subscribed")
def test_a_cut_is_withdrawn_before_it_takes_effect(admin, house):
    assert ordered(admin, 5).status_code == 303
    cut = all_orders(house)[-1]
    html = admin.get(PAGE).text
    assert "takes effect on 24 December 2025" in html
    assert '<p class="figure" id="channels-next">5</p>' in html
    between = admin.get(f"{PAGE}/quote?channels=6").text
    assert (cut.reference in between, "withdraw it first" in between) == (True, True)
    assert admin.post(f"{PAGE}/cancel", reference=cut.reference).status_code == 303
    assert '<p class="figure" id="channels-next">8</p>' in admin.get(PAGE).text


@pytest.mark.usefixtures("subscribed")
def test_a_cut_that_took_effect_stays(admin, house, clock):
    ordered(admin, 5)
    cut = all_orders(house)[-1]
    clock.advance(days=31)
    admin.log_in(ADMIN)
    assert "in force since 24 December 2025" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/cancel", reference=cut.reference).status_code == 422


def test_a_subscription_that_ends_takes_no_orders(admin, subscribed, house):
    with subscribed.changing() as connection:
        on = subscriptions.ground(connection, house.zone)
        subscriptions.end(connection, subscribed.by, "acme-paris", on)
    html = admin.get(PAGE).text
    assert "The subscription ends on 24 December 2025" in html
    assert 'id="wish"' not in html


@pytest.mark.usefixtures("subscribed")
def test_nobody_reaches_anothers_orders(admin, stranger, house):
    ordered(admin, 12)
    reference = all_orders(house)[-1].reference
    for place in ("", "/standing", "/quote?channels=9"):
        assert stranger.get(f"{PAGE}{place}").status_code == 404
    assert stranger.post(f"{PAGE}/order", channels="9", seen="x").status_code == 404
    for trunk in ("acme-paris", "bolt-paris"):
        answer = stranger.post(f"/trunks/{trunk}/channels/cancel", reference=reference)
        assert answer.status_code == 404
    assert all_orders(house)[-1].state == "placed"


def test_an_order_of_the_same_name_by_another_customer_is_not_shown(admin, shop, house):
    one = shop.order(3, "bolt-lyon", customer="bolt")
    with shop.changing() as connection:
        on = subscriptions.ground(connection, house.zone)
        orders.cancel(connection, shop.by, one.reference, on)
    shop.pay(shop.order(2, "bolt-lyon", customer="acme"))
    html = admin.get("/trunks/bolt-lyon/channels").text
    assert one.reference not in html
    answer = admin.post("/trunks/bolt-lyon/channels/cancel", reference=one.reference)
    assert answer.status_code == 404


@pytest.mark.usefixtures("subscribed")
def test_support_may_order_for_a_customer(support, house):
    assert ordered(support, 12).status_code == 303
    assert all_orders(house)[-1].author == "provider-support@provider.example"
