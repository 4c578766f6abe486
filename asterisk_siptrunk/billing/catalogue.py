"""The catalogue: what can be ordered, at which price, from which day on.

A catalogue holds from its first day until the next one's. Nothing that was invoiced is computed
from it again, so a new one changes the future alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.errors import NotFound


@dataclass(frozen=True, slots=True)
class Pack:
    """So many channels at a price a month, without tax."""

    name: str
    channels: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class Option:
    """Something a subscription may have besides.

    Attributes:
        price: a month, without tax.
        channels: how many channels a trunk needs at least to have it.
    """

    name: str
    title: str
    price: Decimal
    channels: int = 0


@dataclass(frozen=True, slots=True)
class Offer:
    """A family of packs and the terms that go with them.

    Attributes:
        minimum, maximum: channels that a trunk of it may have; `maximum` is a technical one.
        number_price: the rental of one number a month, without tax.
        numbers_per_channel: numbers that each channel carries; None for as many as one likes.
        deck: the rates that calls are charged by.
    """

    name: str
    title: str
    packs: tuple[Pack, ...]
    minimum: int
    maximum: int
    deck: str
    period: PeriodRule = PeriodRule.ANNIVERSARY
    number_price: Decimal = Decimal(0)
    numbers_per_channel: int | None = None
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Calls that a plan's price includes, in each period.

    Attributes:
        targets: destinations, as rates name them: "fr", "fr:mobile", "+3312".
        minutes: how many for each channel of the trunk; None for all of them.
    """

    name: str
    targets: tuple[str, ...]
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Channels tied to a telephone or access plan, on top of an offer.

    Where it says something that its offer says too, it prevails; None leaves it to the offer.

    Attributes:
        price: a month, without tax, with its channels and numbers.
        channels: included; more of them are packs of the offer.
        numbers: included.
    """

    name: str
    title: str
    offer: str
    price: Decimal
    channels: int
    numbers: int = 0
    maximum: int | None = None
    deck: str | None = None
    period: PeriodRule | None = None
    number_price: Decimal | None = None
    inclusions: tuple[Inclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All offers and plans, from a day on, in one currency."""

    valid_from: date
    currency: str
    offers: Mapping[str, Offer]
    plans: Mapping[str, Plan]

    @property
    def decks(self) -> frozenset[str]:
        """The names of the decks that its calls are charged by."""
        of_plans = (plan.deck for plan in self.plans.values() if plan.deck)
        return frozenset(offer.deck for offer in self.offers.values()).union(of_plans)

    def offer(self, name: str) -> Offer:
        """Find an offer.

        Raises:
            NotFound: this catalogue has none of that name.
        """
        if name not in self.offers:
            raise NotFound(
                f"The catalogue of {self.valid_from} has no offer {name}; it has "
                f"{', '.join(self.offers) or 'none'}."
            )
        return self.offers[name]

    def plan(self, name: str) -> Plan:
        """Find a plan.

        Raises:
            NotFound: this catalogue has none of that name.
        """
        if name not in self.plans:
            raise NotFound(
                f"The catalogue of {self.valid_from} has no plan {name}; it has "
                f"{', '.join(self.plans) or 'none'}."
            )
        return self.plans[name]


def in_force(catalogues: Iterable[Catalogue], day: date) -> Catalogue:
    """The catalogue that holds on a day.

    Raises:
        NotFound: none does.
    """
    begun = [one for one in catalogues if one.valid_from <= day]
    if not begun:
        raise NotFound(
            f"There is no catalogue for {day.isoformat()}: 'siptrunk offer load FILE' takes one in."
        )
    return max(begun, key=lambda one: one.valid_from)
