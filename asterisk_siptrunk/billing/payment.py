"""Payments, as whoever took the money tells of them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from asterisk_siptrunk.billing.money import currency_code, digits_of, parse_price
from asterisk_siptrunk.errors import InvalidInput

LONGEST_REFERENCE = 80
_LONGEST_NAME = 40
_KEYS = {"reference", "amount", "currency", "order", "invoice"}


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that was received, for one order or one invoice.

    Attributes:
        reference: what whoever took it calls it: by that it counts once, however often it is told.
        order, invoice: the reference of the one or the number of the other; the other is None.
    """

    reference: str
    amount: Decimal
    currency: str
    order: str | None = None
    invoice: str | None = None


class PaymentState(StrEnum):
    """What became of a payment."""

    APPLIED = "applied"
    """What it is for is paid."""
    ALREADY = "already"
    """It was told of before, and nothing was done again."""
    UNASSIGNED = "unassigned"
    """It is kept, and pays nothing: a person has to look at it, and to give it back perhaps."""
    RETURNED = "returned"
    """It paid nothing, and was given back."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a payment, in a word and in a sentence."""

    state: PaymentState
    words: str


def parse_payment(document: object) -> Payment:
    """Read a payment from JSON.

    It is an object with `reference`, `amount` (a string), `currency`, and `order` or `invoice`.

    Raises:
        InvalidInput: a key is missing, not known, or its value cannot be.
    """
    if not isinstance(document, dict):
        raise InvalidInput("A payment is an object of JSON.")
    if unknown := sorted(set(document) - _KEYS):
        raise InvalidInput(f"A payment has no {unknown[0][:_LONGEST_NAME]!r}.")
    currency = currency_code(_text(document, "currency", _LONGEST_NAME))
    amount = parse_price(_text(document, "amount", _LONGEST_NAME), digits_of(currency))
    if not amount:
        raise InvalidInput("The amount is 0: that pays nothing.")
    given = {
        key: _text(document, key, _LONGEST_NAME) for key in ("order", "invoice") & document.keys()
    }
    if len(given) != 1:
        raise InvalidInput("A payment is for one 'order' or for one 'invoice': name one of them.")
    reference = _text(document, "reference", LONGEST_REFERENCE)
    return Payment(reference, amount, currency, given.get("order"), given.get("invoice"))


def _text(document: dict[str, object], key: str, longest: int) -> str:
    text = document.get(key)
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise InvalidInput(f"{key!r} is missing, or is no text in one line.")
    if len(text) > longest:
        raise InvalidInput(f"{key!r} has {len(text)} letters; {longest} are the most.")
    return text
