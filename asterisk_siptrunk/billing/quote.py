"""Quotes: what an order would change, when, and for how much, before anything is ordered."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from asterisk_siptrunk.billing.line import Line, Totals
from asterisk_siptrunk.billing.packs import best_mix
from asterisk_siptrunk.billing.renewal import Pricing, channels_in_words, fixed_lines
from asterisk_siptrunk.billing.subscription import (
    Change,
    Ground,
    Holding,
    OrderKind,
    Start,
    Subscription,
    holding,
    least_channels,
    mix_for,
    start_of,
)
from asterisk_siptrunk.billing.terms import Terms
from asterisk_siptrunk.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class NextPeriod:
    """The period after the one that an order is placed in, as it would be by all that is ordered.

    Attributes:
        wanted: channels as ordered; `usable`: what the cheapest packs for them come to.
        lines, totals: what it costs without calls, by the catalogue of its first day as known now.
    """

    first: date
    wanted: int
    usable: int
    lines: tuple[Line, ...]
    totals: Totals


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order comes to.

    Attributes:
        change: as it would be were it paid (a cut: ordered) at the moment of the quote.
        usable: channels that may be used once it has taken effect.
        takes_effect: the day of a cut; None for what counts from its payment on.
        lines, totals: what is to be paid for it.
        remarks: what the customer should know, in sentences.
    """

    change: Change
    usable: int
    takes_effect: date | None
    lines: tuple[Line, ...]
    totals: Totals
    next: NextPeriod
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a quote, and when.

    Attributes:
        percent: the customer's tax rate.
        reserved_inbound: channels of the trunk that outbound calls may never take.
    """

    now: datetime
    percent: Decimal
    reserved_inbound: int = 0


def quote_first(subscription: Subscription, channels: int, asking: Asking, ground: Ground) -> Quote:
    """The quote of a first order, for the first period from today on.

    `subscription` is as it would be: begun today, with options and numbers, without changes.

    Raises:
        InvalidInput: no trunk of this offer can be like that.
        NotFound: there is no such offer or plan.
    """
    held = ground.terms_of(subscription, subscription.began)
    _require_options(subscription, held)
    least = least_channels(subscription, held, subscription.began, asking.reserved_inbound)
    _require_between(channels, least, held)
    mix = mix_for(held, channels)
    usable = min(held.included_channels + mix.channels, held.maximum)
    period = subscription.period_of(subscription.began)
    lines = fixed_lines(subscription, Start(period, held, channels, mix, usable))
    change = Change(OrderKind.FIRST, asking.now, channels, usable)
    return Quote(
        change=change,
        usable=usable,
        takes_effect=None,
        lines=lines,
        totals=Totals.of(lines, asking.percent, subscription.currency),
        next=_next(subscription, change, period.next, asking, ground),
        remarks=tuple(_on_bonus(channels, usable)),
    )


def quote_raise(subscription: Subscription, channels: int, asking: Asking, ground: Ground) -> Quote:
    """The quote of a raise to so many usable channels: packs for those that are added.

    Raises:
        InvalidInput: the trunk may use as many already, or may not have so many.
    """
    has, held, today = _standing(subscription, asking, ground)
    if channels <= has.usable:
        raise InvalidInput(
            f"Trunk {subscription.trunk} may use {channels_in_words(has.usable)} already: a raise "
            f"asks for more than that. Fewer from the next period on are a cut."
        )
    _require_at_most(channels, held)
    mix = best_mix(held.packs, channels - has.usable)
    lines = tuple(Pricing(held, subscription.currency, has.period, today).packs(mix))
    change = Change(OrderKind.RAISE, asking.now, channels - has.wanted, mix.channels)
    usable = min(has.usable + mix.channels, held.maximum)
    return Quote(
        change=change,
        usable=usable,
        takes_effect=None,
        lines=lines,
        totals=Totals.of(lines, asking.percent, subscription.currency),
        next=_next(subscription, change, has.period.next, asking, ground),
        remarks=(*_on_bonus(channels, usable), *_on_cuts(has)),
    )


def quote_cut(subscription: Subscription, channels: int, asking: Asking, ground: Ground) -> Quote:
    """The quote of a cut to so many channels from the next period on; it costs nothing.

    Raises:
        InvalidInput: the next period begins with no more than that anyway, or the trunk needs more.
    """
    has, held, _ = _standing(subscription, asking, ground)
    if channels >= has.next_wanted:
        raise InvalidInput(
            f"Trunk {subscription.trunk} begins its next period with "
            f"{channels_in_words(has.next_wanted)}: a cut asks for fewer than that."
        )
    least = least_channels(subscription, held, has.period.next, asking.reserved_inbound)
    _require_between(channels, least, held)
    change = Change(OrderKind.CUT, asking.now, channels - has.next_wanted, 0)
    following = _next(subscription, change, has.period.next, asking, ground)
    return Quote(
        change=change,
        usable=following.usable,
        takes_effect=has.period.next,
        lines=(),
        totals=Totals.of((), asking.percent, subscription.currency),
        next=following,
        remarks=tuple(_on_bonus(channels, following.usable)),
    )


def _standing(
    subscription: Subscription, asking: Asking, ground: Ground
) -> tuple[Holding, Terms, date]:
    """What it has now, by which terms, and today.

    The terms of the day: a raise is bought at today's prices.
    """
    today = ground.day_of(asking.now)
    if subscription.ends is not None:
        raise InvalidInput(
            f"The subscription of trunk {subscription.trunk} ends on {subscription.ends}: withdraw "
            "that first ('siptrunk subscription withdraw')."
        )
    return holding(subscription, asking.now, ground), ground.terms_of(subscription, today), today


def _next(
    subscription: Subscription, change: Change, first: date, asking: Asking, ground: Ground
) -> NextPeriod:
    after = replace(subscription, changes=(*subscription.changes, change))
    start = start_of(after, first, ground)
    lines = fixed_lines(after, start)
    totals = Totals.of(lines, asking.percent, subscription.currency)
    return NextPeriod(first, start.wanted, start.usable, lines, totals)


def _require_options(subscription: Subscription, held: Terms) -> None:
    known = [option.name for option in held.options]
    for one in subscription.options:
        if one.name not in known:
            there = ", ".join(known) or "none"
            raise InvalidInput(f"{held.title} has no option {one.name}; it has {there}.")


def _require_between(channels: int, least: tuple[int, str], held: Terms) -> None:
    fewest, why = least
    if channels < fewest:
        raise InvalidInput(f"{channels_in_words(channels)} are too few: {why}.")
    _require_at_most(channels, held)


def _require_at_most(channels: int, held: Terms) -> None:
    if channels > held.maximum:
        raise InvalidInput(
            f"{channels_in_words(channels)} are too many: {held.title} has {held.maximum} at most."
        )


def _on_bonus(asked: int, usable: int) -> Iterator[str]:
    if usable > asked:
        yield (
            f"The cheapest packs for {channels_in_words(asked)} come to {usable}: all of them may "
            "be used, at no extra price."
        )


def _on_cuts(has: Holding) -> Iterator[str]:
    if has.next_wanted < has.wanted:
        yield (
            f"A cut by {has.wanted - has.next_wanted} stands: it takes effect on {has.period.next}."
        )
