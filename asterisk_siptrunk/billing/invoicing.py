"""Which invoices are due, and what stands on them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, LineKind
from asterisk_siptrunk.billing.money import rounded
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.renewal import added_lines, fixed_lines
from asterisk_siptrunk.billing.subscription import Ground, Subscription, start_of


@dataclass(frozen=True, slots=True)
class DueInvoice:
    """An invoice that is due: a period begins, and the one before it is over.

    Attributes:
        first: the first day of the period that begins, which names the invoice.
        over: the period that ended, whose calls are on it.
        last: nothing begins: the subscription ended that day.
    """

    subscription: Subscription
    first: date
    over: BillingPeriod
    last: bool


def due_invoices(
    subscription: Subscription, day: date, invoiced: Iterable[date]
) -> Iterator[DueInvoice]:
    """The invoices of a subscription that are due on a day, and are not there yet, oldest first.

    The first period has none of its own: the first order paid for it.
    """
    done = set(invoiced)
    over = subscription.period_of(subscription.began)
    while over.next <= day and (subscription.ends is None or over.next <= subscription.ends):
        if over.next not in done:
            yield DueInvoice(subscription, over.next, over, over.next == subscription.ends)
        over = subscription.period_of(over.next)


def renewal_lines(due: DueInvoice, calls: Iterable[Line], ground: Ground) -> tuple[Line, ...]:
    """All lines of an invoice: the new period in advance, what came and who was called before."""
    subscription = due.subscription
    begins: tuple[Line, ...] = ()
    if not due.last:
        begins = fixed_lines(subscription, start_of(subscription, due.first, ground))
    found = (*begins, *added_lines(subscription, due.over, ground), *calls)
    return found or (_nothing(due),)


def _nothing(due: DueInvoice) -> Line:
    """For the last invoice of whoever did not call: that nothing is left to pay is said, too."""
    none, over = Decimal(0), due.over
    amount = rounded(none, due.subscription.currency)
    return Line(LineKind.CALLS, "No calls", none, none, None, over.first, over.next, amount)
