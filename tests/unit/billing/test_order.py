"""Until when an order can be paid."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.order import Order, OrderState
from asterisk_siptrunk.billing.subscription import OrderKind

PLACED_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
THREE_DAYS = timedelta(days=3)
MOMENT = timedelta(microseconds=1)


def order(state=OrderState.PLACED, lasts: timedelta | None = THREE_DAYS) -> Order:
    return Order(
        id=1,
        reference="O-1",
        customer="acme",
        kind=OrderKind.RAISE,
        state=state,
        trunk="acme",
        asked=3,
        granted=3,
        lines=(),
        currency="EUR",
        percent=Decimal(20),
        net=Decimal("8.43"),
        gross=Decimal("10.12"),
        author="alice",
        placed_at=PLACED_AT,
        expires_at=None if lasts is None else PLACED_AT + lasts,
        closed_at=None,
    )


@pytest.mark.parametrize(
    ("later", "is_open"),
    [(timedelta(0), True), (THREE_DAYS - MOMENT, True), (THREE_DAYS, False)],
    ids=["at-once", "last-moment", "too-late"],
)
def test_an_order_can_be_paid_in_time(later, is_open):
    assert order().is_open_at(PLACED_AT + later) is is_open


def test_an_order_without_an_end_stays_open():
    assert order(lasts=None).is_open_at(PLACED_AT + 1000 * THREE_DAYS)


@pytest.mark.parametrize("state", sorted(set(OrderState) - {OrderState.PLACED}))
def test_an_order_that_is_closed_cannot_be_paid(state):
    assert not order(state).is_open_at(PLACED_AT)
