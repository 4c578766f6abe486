"""An offer, a subscription to it, and what happens to it, as most cases want them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from asterisk_siptrunk.billing.catalogue import Catalogue, Offer, Option, Pack, Plan, in_force
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.quote import Asking, Quote, quote_cut, quote_first, quote_raise
from asterisk_siptrunk.billing.subscription import (
    Change,
    Ground,
    HeldNumber,
    OrderKind,
    Subscription,
    holding,
)

PARIS = ZoneInfo("Europe/Paris")
BEGAN = date(2026, 11, 12)
RENEWED = date(2026, 12, 12)
TAX = Decimal(20)

FAX = Option("fax", "Fax", Decimal(3))
SITE = Option("site", "A second site", Decimal(6), channels=4)
# One costs 4 and five cost 18: for 8 the pack of 10, at 30, is as cheap, and for 9 cheaper.
PACKS = (
    Pack("one", 1, Decimal(4)),
    Pack("five", 5, Decimal(18)),
    Pack("ten", 10, Decimal(30)),
)
OFFER = Offer(
    name="trunk",
    title="Trunk",
    packs=PACKS,
    minimum=2,
    maximum=40,
    deck="world",
    number_price=Decimal(1),
    numbers_per_channel=3,
    options=(FAX, SITE),
)
PLAN = Plan(name="desk", title="Desk", offer="trunk", price=Decimal(15), channels=3, numbers=2)
CATALOGUE = Catalogue(date(2020, 1, 1), "EUR", {"trunk": OFFER}, {"desk": PLAN})


def offering(valid_from=CATALOGUE.valid_from, **changes) -> Catalogue:
    """The same catalogue with another offer."""
    return replace(CATALOGUE, valid_from=valid_from, offers={"trunk": replace(OFFER, **changes)})


def ground(*catalogues: Catalogue, zone=PARIS) -> Ground:
    return Ground(lambda day: in_force(catalogues or (CATALOGUE,), day), zone)


GROUND = ground()


def at(day: date, hour=12, minute=0) -> datetime:
    """A moment of a day in Paris."""
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=PARIS)
    return moment.astimezone(UTC)


def nov(day: int) -> date:
    return date(2026, 11, day)


def dec(day: int) -> date:
    return date(2026, 12, day)


def first(channels: int, granted: int | None = None, day=BEGAN) -> Change:
    return Change(OrderKind.FIRST, at(day), channels, granted or channels)


def raised(day: date, by: int, granted: int | None = None) -> Change:
    return Change(OrderKind.RAISE, at(day), by, by if granted is None else granted)


def cut(day: date, by: int) -> Change:
    return Change(OrderKind.CUT, at(day), -by, 0)


def subscribed(*changes: Change, began=BEGAN, **other) -> Subscription:
    """A subscription of a trunk acme, from 12 November 2026 on."""
    agreed = Subscription(
        id=1,
        trunk="acme",
        customer="acme",
        offer="trunk",
        plan=None,
        currency="EUR",
        period=PeriodRule.ANNIVERSARY,
        began=began,
        changes=changes,
    )
    return replace(agreed, **other)


def some_numbers(count: int, since=BEGAN) -> tuple[HeldNumber, ...]:
    return tuple(HeldNumber(f"+3312345678{at}", since) for at in range(count))


def quote(agreed: Subscription, channels: int, moment: datetime, on=GROUND, reserved=0) -> Quote:
    """The quote of what somebody asks for, as whoever takes orders decides what kind it is."""
    asking = Asking(moment, TAX, reserved)
    if not agreed.changes:
        return quote_first(agreed, channels, asking, on)
    if channels > holding(agreed, moment, on).usable:
        return quote_raise(agreed, channels, asking, on)
    return quote_cut(agreed, channels, asking, on)


def ordered(agreed: Subscription, channels: int, moment: datetime, on=GROUND) -> Subscription:
    """The same subscription once that is ordered, and paid."""
    change = quote(agreed, channels, moment, on).change
    return replace(agreed, changes=(*agreed.changes, change))


def said(lines) -> list[tuple[str, str, str, str]]:
    """What lines say: text, quantity, part and amount."""
    return [(one.text, f"{one.quantity:f}", one.part_in_words, f"{one.amount:f}") for one in lines]
