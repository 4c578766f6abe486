"""What a subscription has now, and what its next period begins with."""

from dataclasses import replace
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.line import LineKind
from asterisk_siptrunk.billing.order import OrderState
from asterisk_siptrunk.billing.outlook import outlook, packs_held
from asterisk_siptrunk.billing.subscription import HeldOption
from tests.unit.billing.builders import (
    BEGAN,
    GROUND,
    RENEWED,
    at,
    cut,
    dec,
    first,
    nov,
    quote,
    raised,
    said,
    subscribed,
)
from tests.unit.billing.test_order import order


@pytest.mark.parametrize(
    ("changes", "usable", "following", "net"),
    [
        ((first(5),), 5, 5, "18"),
        ((first(5), raised(nov(20), 2)), 7, 7, "26"),  # 18 + 4 + 4
        ((first(7), cut(nov(20), 2)), 7, 5, "18"),
        ((first(9, 10),), 10, 10, "30"),  # a pack of ten is cheaper than nine
    ],
    ids=["as-begun", "raised", "cut", "bonus"],
)
def test_now_and_next(changes, usable, following, net):
    ahead = outlook(subscribed(*changes), at(nov(25)), GROUND)
    assert ahead is not None
    assert ahead.following is not None
    assert (ahead.has.usable, ahead.has.period.next) == (usable, RENEWED)
    assert (ahead.following.start.usable, ahead.following.net) == (following, Decimal(net))
    assert sum(line.amount for line in ahead.following.lines) == ahead.following.net


def test_nothing_follows_on_what_ends():
    agreed = subscribed(first(5), ends=RENEWED)
    ahead = outlook(agreed, at(nov(25)), GROUND)
    assert ahead is not None
    assert (ahead.has.usable, ahead.following) == (5, None)
    assert outlook(agreed, at(dec(12)), GROUND) is None


def paid(agreed, channels: int, day, state=OrderState.PAID):
    moment = at(day)
    lines = quote(agreed, channels, moment).lines
    return replace(order(state), lines=lines, closed_at=moment)


def test_packs_of_a_period():
    new = subscribed(options=(HeldOption("fax", BEGAN),))
    begun = replace(new, changes=(first(5), raised(nov(20), 1)))
    orders = [
        paid(new, 5, BEGAN),  # with the option, which is no pack
        paid(replace(new, changes=(first(5),)), 6, nov(20)),
        paid(begun, 9, nov(21), OrderState.CANCELLED),
        replace(paid(begun, 9, nov(21)), closed_at=None),
    ]
    period = begun.period_of(BEGAN)
    found = packs_held(begun, period, orders, GROUND)
    assert [(line.kind, line.text) for line in found] == [
        (LineKind.PACK, "Pack five, 5 channels"),
        (LineKind.PACK, "Pack one, 1 channel"),
    ]
    # The next period begins with packs of its own, at their whole price.
    following = packs_held(begun, begun.period_of(RENEWED), orders, GROUND)
    assert said(following) == [
        ("Pack five, 5 channels", "1", "", "18.00"),
        ("Pack one, 1 channel", "1", "", "4.00"),
    ]
