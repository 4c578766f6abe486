"""Rates: what a call to a destination costs."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from asterisk_siptrunk.destination import Scope, Target
from asterisk_siptrunk.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of calls to one destination, for the days that it holds.

    Attributes:
        target: what it is for, as `destination.Target` names it: a prefix ("+3361"), a country and
            kind ("fr:mobile"), a kind ("*:premium"), a country ("fr"), "international", "all".
        name: what the invoice calls it; calls of one name are one line.
        fee: for the connection, without tax.
        price: of a minute, without tax.
        first, step: seconds: a call is charged `first`, then in steps; 60/60 is whole minutes.
        valid_from, valid_until: days of the provider's, the last not included; None has no end.
    """

    target: str
    name: str
    fee: Decimal
    price: Decimal
    first: int
    step: int
    valid_from: date
    valid_until: date | None = None


def parse_target(text: str) -> str:
    """The name of destinations that a rate, or a plan's inclusion, can be for.

    Short numbers go by their kind: a spreadsheet takes the plus from "+3361", and what is left
    would be one.

    Raises:
        InvalidInput: it is none.
    """
    target = Target.parse(text)
    if target.scope is Scope.SHORT_NUMBER:
        raise InvalidInput(
            f"{text!r} has no plus: write a prefix with it (+{text}), in a spreadsheet as text; "
            "short numbers have the rate of their kind (fr:short)."
        )
    if target.scope is Scope.RISK:
        raise InvalidInput(
            f"{text!r} has no rate of its own; give a prefix (+3361), a country and kind "
            "(fr:mobile), a kind (*:premium), a country (fr), international or all."
        )
    return target.name
