"""Quotes: what an order would change, when, and for how much, before anything is ordered."""

import hashlib
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
    Subscription,
    holding,
    least_channels,
    start_of,
    start_with,
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

    @property
    def fingerprint(self) -> str:
        """The same for quotes that tell a customer the same: what was seen is what is ordered."""
        told = (self.change.kind, self.usable, self.takes_effect, self.lines, self.totals)
        return hashlib.sha256(repr((told, self.next, self.remarks)).encode()).hexdigest()


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
    _require_at_least(channels, least)
    _require_at_most(channels, held)
    period = subscription.period_of(subscription.began)
    start = start_with(held, channels, period)
    lines = fixed_lines(subscription, start)
    change = Change(OrderKind.FIRST, asking.now, channels, start.usable)
    return Quote(
        change=change,
        usable=start.usable,
        takes_effect=None,
        lines=lines,
        totals=Totals.of(lines, asking.percent, subscription.currency),
        next=_next(subscription, change, period.next, asking, ground),
        remarks=tuple(_on_bonus(channels, start.usable)),
    )


def quote_raise(subscription: Subscription, channels: int, asking: Asking, ground: Ground) -> Quote:
    """The quote of a raise to so many usable channels: packs for those that are added.

    Raises:
        InvalidInput: the trunk may use as many already, or may not have so many.
    """
    has = _standing(subscription, asking, ground)
    today = ground.day_of(asking.now)
    held = ground.terms_of(subscription, today)  # a raise is bought at today's prices
    if channels <= has.usable:
        raise InvalidInput(
            f"Trunk {subscription.trunk} may use {channels_in_words(has.usable)} already: a raise "
            "asks for more than that."
        )
    _require_at_most(channels, held)
    mix = best_mix(held.packs, channels - has.usable)
    lines = tuple(Pricing(held, subscription.currency, has.period, today).packs(mix))
    usable = min(has.usable + mix.channels, held.maximum)
    granted = usable - has.usable
    change = Change(OrderKind.RAISE, asking.now, channels - has.wanted, granted)
    return Quote(
        change=change,
        usable=usable,
        takes_effect=None,
        lines=lines,
        totals=Totals.of(lines, asking.percent, subscription.currency),
        next=_next(subscription, change, has.period.next, asking, ground),
        remarks=(*_on_bonus(channels - has.usable, granted), *_on_cuts(has)),
    )


def quote_cut(subscription: Subscription, channels: int, asking: Asking, ground: Ground) -> Quote:
    """The quote of a cut to so many channels from the next period on; it costs nothing.

    Raises:
        InvalidInput: the next period begins with no more than that anyway, or the trunk needs more.
    """
    has = _standing(subscription, asking, ground)
    if channels >= has.next_wanted:
        raise InvalidInput(
            f"Trunk {subscription.trunk} may use {channels_in_words(has.usable)}, and begins its "
            f"next period with {has.next_wanted}: a raise asks for more than {has.usable}, a cut "
            f"for fewer than {has.next_wanted}."
        )
    first = has.period.next
    held = ground.terms_of(subscription, first)
    _require_at_least(channels, least_channels(subscription, held, first, asking.reserved_inbound))
    change = Change(OrderKind.CUT, asking.now, channels - has.next_wanted, 0)
    following = _next(subscription, change, first, asking, ground)
    return Quote(
        change=change,
        usable=following.usable,
        takes_effect=first,
        lines=(),
        totals=Totals.of((), asking.percent, subscription.currency),
        next=following,
        remarks=tuple(_on_bonus(channels, following.usable)),
    )


def _standing(subscription: Subscription, asking: Asking, ground: Ground) -> Holding:
    """What it has now, where it goes on."""
    if subscription.ends is not None:
        raise InvalidInput(
            f"The subscription of trunk {subscription.trunk} ends on {subscription.ends}: withdraw "
            "that first ('siptrunk subscription withdraw')."
        )
    return holding(subscription, asking.now, ground)


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


def _require_at_least(channels: int, least: tuple[int, str]) -> None:
    fewest, why = least
    if channels < fewest:
        raise InvalidInput(f"{channels_in_words(channels)} would be too few: {why}.")


def _require_at_most(channels: int, held: Terms) -> None:
    if channels > held.maximum:
        raise InvalidInput(
            f"{channels_in_words(channels)} would be too many: {held.title} has {held.maximum} at "
            "most."
        )


def _on_bonus(asked: int, given: int) -> Iterator[str]:
    if given > asked:
        yield (
            f"The cheapest packs for {channels_in_words(asked)} come to {given}: all of them may "
            "be used until packs are chosen anew, at no extra price."
        )


def _on_cuts(has: Holding) -> Iterator[str]:
    if has.next_wanted < has.wanted:
        yield (
            f"A cut by {has.wanted - has.next_wanted} stands: it takes effect on {has.period.next}."
        )
