"""What a subscription is, and how many channels its trunk may use: both follow from its changes.

Nothing is moved up and down. The changes that were ordered are kept, each with its moment, and the
number of channels at any moment is computed from them:

- a **raise** counts from the moment it is paid;
- a **cut** counts from the first period that begins after it was ordered;
- on the first day of each period the packs are chosen anew for the number that is wanted that day;
  where a larger pack is the cheapest, the trunk may use all of its channels in that period.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from asterisk_siptrunk.billing.catalogue import Catalogue
from asterisk_siptrunk.billing.packs import Mix, best_mix
from asterisk_siptrunk.billing.period import BillingPeriod, PeriodRule, local_day, period_of
from asterisk_siptrunk.billing.terms import Terms, terms


class OrderKind(StrEnum):
    """What an order changes."""

    FIRST = "first"
    """It begins the subscription."""
    RAISE = "raise"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the number of channels that was agreed.

    Attributes:
        at: when it was paid; a cut: when it was ordered.
        asked: channels more, or, negative, less.
        granted: channels that may be used from then on until the next period; none for a cut.
    """

    kind: OrderKind
    at: datetime
    asked: int
    granted: int


@dataclass(frozen=True, slots=True)
class HeldOption:
    """An option, from a day until before another."""

    name: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class HeldNumber:
    """A number that the trunk held, from a day until before another."""

    e164: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What was agreed for a trunk.

    Attributes:
        began: the day that the first order was paid.
        ends: the first day without it; None while nobody ended it.
        changes: in the order of their moments, the first order's first.
    """

    id: int
    trunk: str
    customer: str
    offer: str
    plan: str | None
    currency: str
    period: PeriodRule
    began: date
    ends: date | None = None
    changes: tuple[Change, ...] = ()
    options: tuple[HeldOption, ...] = ()
    numbers: tuple[HeldNumber, ...] = field(default=(), repr=False)

    def period_of(self, day: date) -> BillingPeriod:
        """The period that a day is in; the day is not before it began."""
        return period_of(day, self.began, self.period)

    def options_on(self, day: date) -> tuple[str, ...]:
        """The options that it has when a day begins, or begins its subscription with."""
        return tuple(dict.fromkeys(one.name for one in self.options if self.has(one, day)))

    def numbers_on(self, day: date) -> tuple[str, ...]:
        """The numbers that its trunk holds when a day begins, or begins its subscription with."""
        return tuple(dict.fromkeys(one.e164 for one in self.numbers if self.has(one, day)))

    def has(self, held: HeldOption | HeldNumber, day: date) -> bool:
        """Whether that is there when the day begins.

        What comes in the course of a day is charged for afterwards, with that day: an invoice of
        its morning could not know of it.
        """
        from_the_first = held.since == self.began == day
        return (held.since < day or from_the_first) and (held.until is None or day < held.until)


def held_as_one(held: Iterable[HeldOption]) -> list[HeldOption]:
    """Options with a gap between them, by name: one given back and taken again was always there."""
    spans: list[HeldOption] = []
    for one in sorted(held, key=lambda option: (option.name, option.since)):
        last = spans[-1] if spans else None
        if last is None or last.name != one.name or (last.until and last.until < one.since):
            spans.append(one)
        else:
            later = last.until and one.until and max(last.until, one.until)
            spans[-1] = replace(last, until=later)
    return spans


def charged_from(taken: datetime, paid: datetime, zone: ZoneInfo) -> date:
    """The day from which on something is charged for that a trunk took at a moment.

    What it had when its first order was paid is in the price of that. What it took later on that
    day counts from the next one: the day itself was sold already.
    """
    day = local_day(taken, zone)
    on_the_first = day == local_day(paid, zone) and taken > paid
    return day + timedelta(days=1) if on_the_first else day


@dataclass(frozen=True, slots=True)
class Ground:
    """What all calculation stands on.

    Attributes:
        catalogue_on: gives the catalogue that holds on a day.
        zone: the provider's time zone, whose days are counted.
    """

    catalogue_on: Callable[[date], Catalogue]
    zone: ZoneInfo

    def terms_of(self, subscription: Subscription, day: date) -> Terms:
        """The terms that hold for a subscription on a day.

        Raises:
            NotFound: that day's catalogue has its offer, or its plan, no more.
        """
        return terms(self.catalogue_on(day), subscription.offer, subscription.plan)

    def day_of(self, moment: datetime) -> date:
        """The day that a moment is in."""
        return local_day(moment, self.zone)


@dataclass(frozen=True, slots=True)
class Start:
    """What a period begins with.

    Attributes:
        wanted: channels, as ordered until then.
        mix: the cheapest packs for them, as far as the maximum goes.
        usable: channels that these packs, and the plan, come to.
    """

    period: BillingPeriod
    held: Terms
    wanted: int
    mix: Mix
    usable: int


def start_of(subscription: Subscription, first: date, ground: Ground) -> Start:
    """What the period begins with whose first day that is."""
    held = ground.terms_of(subscription, first)
    wanted = sum(one.asked for one in subscription.changes if ground.day_of(one.at) < first)
    return start_with(held, wanted, subscription.period_of(first))


def start_with(held: Terms, wanted: int, period: BillingPeriod) -> Start:
    """What a period begins with by these terms for so many channels.

    Where a new catalogue's maximum is lower, nobody pays for what is beyond it.
    """
    beyond_plan = min(wanted, held.maximum) - held.included_channels
    mix = best_mix(held.packs, beyond_plan)
    usable = min(held.included_channels + mix.channels, held.maximum)
    return Start(period, held, wanted, mix, usable)


def usable_at_start(subscription: Subscription, first: date, ground: Ground) -> int:
    """The channels that may be used when a period begins: those of the first order, or of packs."""
    if first == subscription.began:
        return subscription.changes[0].granted
    return start_of(subscription, first, ground).usable


@dataclass(frozen=True, slots=True)
class Holding:
    """The channels of a subscription at a moment.

    Attributes:
        wanted: what was ordered.
        usable: what the trunk may use: as wanted, or more where a larger pack is the cheaper one.
        next_wanted: what the next period begins with, as ordered so far.
        period: the one that the moment is in.
    """

    wanted: int
    usable: int
    next_wanted: int
    period: BillingPeriod


def holding(subscription: Subscription, moment: datetime, ground: Ground) -> Holding:
    """The channels at a moment; it is not before the subscription began."""
    period = subscription.period_of(ground.day_of(moment))
    wanted = usable = 0
    if period.first > subscription.began:
        start = start_of(subscription, period.first, ground)
        wanted, usable = start.wanted, start.usable
    within = [
        one for one in subscription.changes if ground.day_of(one.at) in period and one.at <= moment
    ]
    more = [one for one in within if one.kind is not OrderKind.CUT]
    return Holding(
        wanted=wanted + sum(one.asked for one in more),
        usable=usable + sum(one.granted for one in more),
        next_wanted=wanted + sum(one.asked for one in within),
        period=period,
    )


def least_channels(
    subscription: Subscription, held: Terms, day: date, reserved_inbound: int
) -> tuple[int, str]:
    """The least number of channels that a trunk needs from a day on, and what for."""
    has = subscription.options_on(day)
    numbers = len(subscription.numbers_on(day))
    needs = [
        (held.minimum, f"{held.title} begins with {held.minimum}"),
        (reserved_inbound, f"{reserved_inbound} are kept for inbound calls"),
        *(
            (one.channels, f"the option {one.name} needs {one.channels}")
            for one in held.options
            if one.name in has
        ),
    ]
    if held.numbers_per_channel:
        needed = -(-numbers // held.numbers_per_channel)
        needs.append((needed, f"{numbers} numbers need {needed}"))
    return max(needs, key=lambda need: need[0])
