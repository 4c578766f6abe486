"""Payments: what came in, for what, and what became of it."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class PaymentState(StrEnum):
    """What became of a payment."""

    APPLIED = "applied"
    """What it was for is paid, and has taken effect."""
    ALREADY = "already"
    """It came before, by its reference: nothing was done again."""
    UNASSIGNED = "unassigned"
    """It paid nothing: it is kept, to be given back, and the words say why."""


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in.

    Attributes:
        reference: of whoever took it, by which a second message about it is known.
        order, invoice: what it is for, by reference or number: one of the two.
    """

    reference: str
    amount: Decimal
    currency: str
    order: str | None = None
    invoice: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a payment, and a sentence about it."""

    state: PaymentState
    words: str
