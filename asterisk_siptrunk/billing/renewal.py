"""What a period costs: its plan, packs, options and numbers in advance, calls once it is over."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeVar

from asterisk_siptrunk.billing.line import Line, LineKind, priced
from asterisk_siptrunk.billing.packs import Mix
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.subscription import (
    Ground,
    HeldNumber,
    HeldOption,
    Start,
    Subscription,
)
from asterisk_siptrunk.billing.terms import Terms

H = TypeVar("H", HeldOption, HeldNumber)


class Pricing:
    """Writes the lines of one period, from a day of it to its end."""

    def __init__(self, held: Terms, currency: str, period: BillingPeriod, since: date) -> None:
        self._held = held
        self._currency = currency
        self._until = period.next
        self._since = since
        self._part = period.part_from(since)

    def plan(self) -> Iterator[Line]:
        """The price of the plan, where there is one."""
        if self._held.plan_price:
            yield self._line(LineKind.PLAN, self._plan_in_words(), 1, self._held.plan_price)

    def packs(self, mix: Mix) -> Iterator[Line]:
        """A line for each size of pack."""
        for pack, count in mix.packs:
            text = f"Pack {pack.name}, {channels_in_words(pack.channels)}"
            yield self._line(LineKind.PACK, text, count, pack.price)

    def options(self, names: tuple[str, ...]) -> Iterator[Line]:
        """A line for each option."""
        for option in self._held.options:
            if option.name in names:
                yield self._line(LineKind.OPTION, option.title, 1, option.price)

    def numbers(self, count: int) -> Iterator[Line]:
        """One line for the numbers, where they cost something."""
        if count and self._held.number_price:
            yield self._line(LineKind.NUMBER, "Telephone numbers", count, self._held.number_price)

    def _plan_in_words(self) -> str:
        included = channels_in_words(self._held.included_channels)
        return f"{self._held.title}, {included} included"

    def _line(self, kind: LineKind, text: str, quantity: int, price: Decimal) -> Line:
        return priced(
            kind,
            text,
            quantity=quantity,
            unit_price=price,
            part=self._part,
            since=self._since,
            until=self._until,
            currency=self._currency,
        )


def fixed_lines(subscription: Subscription, start: Start) -> tuple[Line, ...]:
    """What a period costs without calls, from its first day on."""
    day = start.period.first
    pricing = Pricing(start.held, subscription.currency, start.period, day)
    numbers = len(subscription.numbers_on(day)) - start.held.numbers_included
    return (
        *pricing.plan(),
        *pricing.packs(start.mix),
        *pricing.options(subscription.options_on(day)),
        *pricing.numbers(max(numbers, 0)),
    )


def added_lines(
    subscription: Subscription, period: BillingPeriod, ground: Ground
) -> Iterator[Line]:
    """Options and numbers that came during a period that is over, for the days left of it.

    Each at the price of its day. What was given back and taken again was paid for already. A plan
    includes so many numbers in a period, not at a time: another in place of one is one more.
    """
    there = set(subscription.options_on(period.first))
    for option in _came(subscription, subscription.options, period):
        if option.name not in there:
            there.add(option.name)
            held = ground.terms_of(subscription, option.since)
            pricing = Pricing(held, subscription.currency, period, option.since)
            yield from pricing.options((option.name,))
    known = set(subscription.numbers_on(period.first))
    for number in _came(subscription, subscription.numbers, period):
        if number.e164 not in known:
            known.add(number.e164)
            held = ground.terms_of(subscription, number.since)
            if len(known) > held.numbers_included:
                pricing = Pricing(held, subscription.currency, period, number.since)
                yield from pricing.numbers(1)


def lines_added(
    before: Subscription, after: Subscription, day: date, ground: Ground
) -> tuple[Line, ...]:
    """What invoices charge for what came between two looks at a subscription, both on that day.

    What comes on a subscription's first day counts from the next one, which may be another period.
    """
    now = after.period_of(day)
    left = Counter[Line]()
    for period in (now, after.period_of(now.next)):
        left.update(added_lines(after, period, ground))
        left.subtract(added_lines(before, period, ground))
    return tuple(left.elements())


def _came(subscription: Subscription, all_held: Iterable[H], period: BillingPeriod) -> list[H]:
    """What was not there when the period began, in the order in which it came."""
    came = [
        one
        for one in all_held
        if one.since in period
        and one.since != one.until
        and not subscription.has(one, period.first)
    ]
    return sorted(came, key=lambda one: one.since)


def channels_in_words(count: int) -> str:
    """As people say it."""
    return f"{count} channel" if count == 1 else f"{count} channels"
