"""A customer's trunks at a glance."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, update

from asterisk_siptrunk.database import suspensions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.tables import (
    channel_order,
    finding,
    registration,
    trunk,
)
from asterisk_siptrunk.trunk import Suspension, SuspensionScope
from tests.unit.web.site.rows import add_call, add_live, add_refused

HOME = "/customers/acme"
TRUNK = "/trunks/acme-paris"


@pytest.fixture(params=[HOME, TRUNK])
def page(request):
    """Both show the same of a trunk."""
    return request.param


@pytest.fixture
def see(user, page):
    """What the page shows now."""
    return lambda: text_of(user.get(page))


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def write(house, *statements):
    with transaction(house.engine) as connection:
        for statement in statements:
            connection.execute(statement)


def ago(clock, **length):
    return clock.now - timedelta(**length)


def test_channels_in_use_against_the_limit(see, house, clock):
    for _ in range(3):
        add_live(house, clock.now)
    add_call(house, ago(clock, hours=1))
    text = see()
    assert '<span data-live-key="trunk:acme-paris:in_use">3</span>' in text
    assert '<span data-live-key="trunk:acme-paris:channels">10</span>' in text
    assert 'data-live="/live/customers/acme"' in text
    assert 'value="3"' in text


def test_the_calls_of_today(see, house, clock):
    # It is 17:00 in Paris.
    add_call(house, ago(clock, hours=1))
    add_live(house, ago(clock, minutes=1))
    add_call(house, ago(clock, hours=2), answered_at=None)
    add_live(house, ago(clock, minutes=1), answered_at=None)  # not decided yet
    add_refused(house, ago(clock, hours=3))
    add_call(house, ago(clock, hours=20))  # yesterday
    text = see()
    assert "<dt>Answered today</dt><dd>2</dd>" in text
    assert "<dt>Not answered</dt><dd>1</dd>" in text
    assert "<dt>Refused</dt><dd>1</dd>" in text


def test_refusals_of_24_hours_by_reason(see, house, clock):
    for hours in (1, 20, 23):
        add_refused(house, ago(clock, hours=hours))
    add_refused(house, ago(clock, hours=2), "suspended")
    add_refused(house, ago(clock, hours=25), "too-fast")
    text = see()
    assert "3 calls</a>: All the channels that this call may use are taken." in text
    assert '<a href="/trunks/acme-paris/calls?result=suspended">1 call</a>' in text
    assert "Calls arrive faster" not in text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ((SuspensionScope.ALL, ""), "Suspended: emergency calls alone pass."),
        ((SuspensionScope.INBOUND, ""), "Incoming calls are suspended."),
        ((SuspensionScope.OUTBOUND, ""), "Outgoing calls are suspended; emergency calls pass."),
        ((SuspensionScope.INTERNATIONAL, ""), "Calls to other countries are suspended."),
        ((SuspensionScope.DESTINATION, "lv:premium"), "Calls to lv:premium are suspended."),
        ((SuspensionScope.CALLER, "23"), "Calls from 23 are suspended; emergency calls pass."),
    ],
)
def test_what_is_suspended_and_why(see, house, clock, part, said):
    assert "In service." in see()
    new = Suspension(part[0], "too <dear>", target=part[1], expires_at=ago(clock, hours=-1))
    with transaction(house.engine) as connection:
        suspensions.suspend(connection, By("x", clock.now), "acme-paris", new)
    text = see()
    assert said in text
    assert "too &lt;dear&gt; Until 24/11/2025, 18:00." in text
    assert "In service." not in text
    clock.advance(hours=2)
    assert "In service." in see()


def registered(house, clock, server="lab", **values):
    given = {"registered": True, "contact": "192.0.2.9:5060", "user_agent": "FPBX"} | values
    changed_at = {"changed_at": ago(clock, hours=2)} | given
    write(house, insert(registration).values(trunk_id=1, server=server, **changed_at))


def test_whether_it_is_registered(see, house, clock):
    assert "Your PBX has not registered yet." in see()
    registered(house, clock, registered=False)
    assert "Your PBX is not registered since 24/11/2025, 15:00." in see()
    registered(house, clock, "lab2", changed_at=ago(clock, hours=1))
    text = see()
    assert "Registered since 24/11/2025, 16:00." in text
    assert "FPBX (192.0.2.9:5060)" in text


@pytest.mark.parametrize(
    ("kind", "said"), [("address", "Known by its address"), ("local", "this same server")]
)
def test_trunks_that_do_not_register(see, house, kind, said):
    values = {"addresses": "192.0.2.9/32", "contact": "192.0.2.9", "inbound_context": "in"}
    write(house, update(trunk).values(kind=kind, **values))
    assert said in see()


def test_a_trunk_that_has_ended(see, house):
    write(house, update(trunk).values(ended=True))
    text = see()
    assert "The contract of this trunk has ended." in text
    assert "channels in use</p>" not in text


def found_something(house, clock, **values):
    given = {
        "at": clock.now,
        "trunk_id": 1,
        "rule": "spend",
        "version": 1,
        "level": "warning",
        "key": "",
        "amount": 1,
        "basis": "",
        "window": 60,
        "sentence": "",
        "evidence": "[]",
        "action": "tell",
        "dry_run": False,
        "state": "open",
        "author": "",
        "remark": "",
    }
    write(house, insert(finding).values(given | values))


def test_what_the_watch_has_seen(see, house, clock):
    found_something(house, clock, dry_run=True)
    found_something(house, clock, state="released")
    assert "The watch has seen" not in see()
    found_something(house, clock)
    link = f'<a href="{TRUNK}/anomalies">'
    assert f"{link}The watch has seen something unusual on trunk acme-paris.</a>" in see()
    found_something(house, clock)
    assert "The watch has seen 2 unusual things" in see()


def ordered(house, clock, **values):
    given = {
        "reference": "O-1",
        "customer_id": 1,
        "kind": "raise",
        "state": "placed",
        "trunk": "acme-paris",
        "asked": 1,
        "granted": 1,
        "terms": '{"lines": [], "new_trunk": null, "takes_effect": null, "offer": "", "plan": "",'
        ' "options": []}',
        "currency": "EUR",
        "percent": Decimal(20),
        "net": Decimal(10),
        "gross": Decimal(12),
        "author": "x",
        "placed_at": clock.now,
        "expires_at": ago(clock, hours=-1),
    }
    write(house, insert(channel_order).values(given | values))


def test_orders_that_wait_for_their_payment(see, house, clock):
    ordered(house, clock)
    ordered(house, clock, reference="O-2", state="paid")
    text = see()
    said = "Order O-1 for trunk acme-paris: its payment of €12.00 is awaited until"
    assert f'<a href="{TRUNK}/channels">{said}' in text
    assert "O-2" not in text
    clock.advance(hours=2)
    assert "O-1" not in see()


def test_an_order_of_a_trunk_to_come_leads_nowhere_yet(user, house, clock):
    ordered(house, clock, trunk="acme-lyon")
    assert '<p class="warning">Order O-1 for trunk acme-lyon' in text_of(user.get(HOME))
    assert "O-1" not in text_of(user.get(TRUNK))


def test_nothing_is_there_yet(admin, house):
    with transaction(house.engine) as connection:
        connection.execute(update(trunk).where(trunk.c.id == 1).values(customer_id=2))
    text = text_of(admin.get(HOME))
    assert "There is no trunk yet." in text
    assert "data-live=" not in text


def test_nobody_sees_anothers(stranger, see, nobody, page):
    assert stranger.get(page).status_code == 404
    assert nobody.get(page).status_code == 303
    assert "bolt" not in see()


def test_the_provider_sees_every_customers(support, page):
    assert "acme-paris" in text_of(support.get(page))
    missing = support.get("/customers/nobody")
    assert (missing.status_code, "There is no customer nobody." in missing.text) == (404, True)
