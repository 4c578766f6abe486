"""What holds for a subscription: to an offer, or to a plan on top of one.

Where a plan and the trunk's offer disagree, the plan prevails; `TERMS` says for each term whose it
is. A term that neither has is 0, or empty.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from asterisk_siptrunk.billing.catalogue import Catalogue, Inclusion, Offer, Option, Pack, Plan
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed, as a catalogue has it.

    Attributes:
        packs: for the channels that are not included.
        included_channels, numbers_included: with the plan's price.
        plan_price, number_price: a month, without tax.
        minimum, maximum: channels that the trunk may have, the included ones among them.
        numbers_per_channel: None for as many as one likes.
    """

    title: str
    packs: tuple[Pack, ...]
    minimum: int
    maximum: int
    deck: str
    period: PeriodRule
    number_price: Decimal
    numbers_per_channel: int | None
    options: tuple[Option, ...]
    included_channels: int = 0
    plan_price: Decimal = Decimal(0)
    numbers_included: int = 0
    inclusions: tuple[Inclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a term comes from: the field of the offer, and the plan's, which prevails."""

    offer: str | None = None
    plan: str | None = None


TERMS: Mapping[str, Origin] = {
    "title": Origin("title", "title"),
    "packs": Origin(offer="packs"),
    "included_channels": Origin(plan="channels"),
    "plan_price": Origin(plan="price"),
    # A plan's trunk has the plan's channels at least, whatever the offer asks of one without it.
    "minimum": Origin("minimum", "channels"),
    "maximum": Origin("maximum", "maximum"),
    "deck": Origin("deck", "deck"),
    "period": Origin("period", "period"),
    "number_price": Origin("number_price", "number_price"),
    "numbers_included": Origin(plan="numbers"),
    "numbers_per_channel": Origin(offer="numbers_per_channel"),
    "options": Origin(offer="options"),
    "inclusions": Origin(plan="inclusions"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One term: what offer and plan say of it, None where they do not, and what holds."""

    term: str
    offer: Any
    plan: Any
    holds: Any


def terms(catalogue: Catalogue, offer: str, plan: str | None = None) -> Terms:
    """What holds for a subscription to an offer, or to a plan on top of it.

    Raises:
        NotFound: the catalogue has no such offer, or no such plan.
        InvalidInput: the plan is on top of another offer.
    """
    base = catalogue.offer(offer)
    return terms_of(base, None if plan is None else _plan_on(catalogue, plan, offer))


def _plan_on(catalogue: Catalogue, name: str, offer: str) -> Plan:
    plan = catalogue.plan(name)
    if plan.offer != offer:
        raise InvalidInput(f"Plan {name} goes with the offer {plan.offer}, not with {offer}.")
    return plan


def terms_of(offer: Offer, plan: Plan | None) -> Terms:
    """The same of an offer and a plan themselves."""
    held = {term: _prevailing(origin, offer, plan) for term, origin in TERMS.items()}
    # What an offer leaves open is None, and so stays; what only a plan has, is left to `Terms`.
    return Terms(
        **{term: value for term, value in held.items() if value is not None or TERMS[term].offer}
    )


def compared(offer: Offer, plan: Plan) -> Iterator[Comparison]:
    """Each term, with whose it is."""
    held = terms_of(offer, plan)
    for term, origin in TERMS.items():
        yield Comparison(
            term, _field(offer, origin.offer), _field(plan, origin.plan), getattr(held, term)
        )


def _prevailing(origin: Origin, offer: Offer, plan: Plan | None) -> Any:  # noqa: ANN401 - of any term
    said = _field(plan, origin.plan)
    return _field(offer, origin.offer) if said is None else said


def _field(of: Offer | Plan | None, name: str | None) -> Any:  # noqa: ANN401 - of any term
    return None if of is None or name is None else getattr(of, name)
