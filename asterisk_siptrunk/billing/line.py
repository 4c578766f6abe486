"""A line of a quote or an invoice: what, how many, at which price, for which part of a period."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Self

from asterisk_siptrunk.billing.money import rounded, tax_of


class LineKind(StrEnum):
    """What a line is about."""

    PLAN = "plan"
    PACK = "pack"
    OPTION = "option"
    NUMBER = "number"
    CALLS = "calls"
    """Calls to one destination of the rates, in a period that is over, by the minute."""
    CONNECTION = "connection"
    """The connections of those calls, where they cost something."""
    CREDIT = "credit"
    """What an earlier invoice said is taken back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `amount` is rounded, once, and a total is a sum of amounts.

    Attributes:
        text: what it is, for people.
        quantity: how many; calls are counted in minutes, as charged.
        unit_price: the price of one, for a whole period where it is one of a period.
        part: the part of the period that it is charged for; None where that has no meaning.
        since, until: the days that it is for, `until` not included.
        amount: without tax.
    """

    kind: LineKind
    text: str
    quantity: Decimal
    unit_price: Decimal
    part: Fraction | None
    since: date
    until: date
    amount: Decimal

    @property
    def part_in_words(self) -> str:
        """The part as an accountant writes it, "11/30 days"; "" for the whole."""
        return "" if self.part in {None, Fraction(1)} else f"{self.days}/{self.of_days} days"

    @property
    def days(self) -> int:
        """Days that are charged."""
        return (self.until - self.since).days

    @property
    def of_days(self) -> int:
        """Days of the whole period."""
        return round(self.days / (self.part or 1))


def priced(  # noqa: PLR0913 - a line has so many parts
    kind: LineKind,
    text: str,
    *,
    quantity: int,
    unit_price: Decimal,
    part: Fraction,
    since: date,
    until: date,
    currency: str,
) -> Line:
    """A line whose amount is quantity times price times the part, rounded once."""
    exact = quantity * unit_price * part.numerator / Decimal(part.denominator)
    amount = rounded(exact, currency)
    return Line(kind, text, Decimal(quantity), unit_price, part, since, until, amount)


@dataclass(frozen=True, slots=True)
class Totals:
    """What lines come to. `percent` is the tax rate."""

    currency: str
    net: Decimal
    percent: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        """What is to be paid."""
        return self.net + self.tax

    @classmethod
    def of(cls, lines: Iterable[Line], percent: Decimal, currency: str) -> Self:
        """Add lines up, and the tax on their sum."""
        net = sum((line.amount for line in lines), rounded(Decimal(0), currency))
        return cls(currency, net, percent, tax_of(net, percent, currency))
