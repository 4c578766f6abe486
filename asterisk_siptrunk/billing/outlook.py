"""What a subscription has now, and what its next period begins with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, LineKind, Totals
from asterisk_siptrunk.billing.order import Order, OrderState
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.renewal import fixed_lines
from asterisk_siptrunk.billing.subscription import (
    Ground,
    Holding,
    Start,
    Subscription,
    holding,
    start_of,
)


@dataclass(frozen=True, slots=True)
class Following:
    """The period to come: what it begins with, its price without tax and calls, and its lines."""

    start: Start
    lines: tuple[Line, ...]
    net: Decimal


@dataclass(frozen=True, slots=True)
class Outlook:
    """A subscription at a moment; nothing follows on one that ends with this period."""

    has: Holding
    following: Following | None


def outlook(subscription: Subscription, moment: datetime, ground: Ground) -> Outlook | None:
    """Look at a subscription; None where it is over: today's catalogue need not have its offer."""
    if subscription.ends is not None and subscription.ends <= ground.day_of(moment):
        return None
    has = holding(subscription, moment, ground)
    if subscription.ends is not None:
        return Outlook(has, None)
    start = start_of(subscription, has.period.next, ground)
    lines = fixed_lines(subscription, start)
    net = Totals.of(lines, Decimal(0), subscription.currency).net
    return Outlook(has, Following(start, lines, net))


def packs_held(
    subscription: Subscription, period: BillingPeriod, orders: Iterable[Order], ground: Ground
) -> tuple[Line, ...]:
    """The packs of a period: those that it began with, and those that were paid for since."""
    begun: tuple[Line, ...] = ()
    if period.first > subscription.began:
        begun = fixed_lines(subscription, start_of(subscription, period.first, ground))
    paid = (
        line
        for one in orders
        if one.state is OrderState.PAID and one.closed_at and ground.day_of(one.closed_at) in period
        for line in one.lines
    )
    return tuple(line for line in (*begun, *paid) if line.kind is LineKind.PACK)
