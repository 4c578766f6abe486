"""Payments, as whoever took the money tells of them."""

from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.payment import Payment, parse_payment
from asterisk_siptrunk.errors import InvalidInput

GIVEN = {"reference": "pi_1", "amount": "59.40", "currency": "EUR", "invoice": "F2026-00017"}


def with_(**changes):
    """The same document, without what is None."""
    return {key: value for key, value in (GIVEN | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("document", "payment"),
    [
        (GIVEN, Payment("pi_1", Decimal("59.40"), "EUR", None, "F2026-00017")),
        (
            with_(invoice=None, order="O-12", amount="1200", currency="JPY"),
            Payment("pi_1", Decimal(1200), "JPY", "O-12", None),
        ),
        (
            with_(reference="x" * 80, amount="0.001", currency="KWD"),
            Payment("x" * 80, Decimal("0.001"), "KWD", None, "F2026-00017"),
        ),
    ],
    ids=["invoice", "order", "longest"],
)
def test_a_payment_is_read(document, payment):
    assert parse_payment(document) == payment


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([GIVEN], "is an object"),
        (None, "is an object"),
        (with_(invioce="F1"), "no 'invioce'"),
        (with_(order="O-12"), "name one of them"),
        (with_(invoice=None), "name one of them"),
        (with_(amount=None), "'amount' is missing"),
        (with_(amount=59.4), "'amount' is missing, or is no text"),
        (with_(amount="59.401"), "with 2 digits"),
        (with_(amount="-59.40"), "is no price"),
        (with_(amount="5e1"), "is no price"),
        (with_(amount="59.4", currency="JPY"), "with 0 digits"),
        (with_(amount="0.00"), "pays nothing"),
        (with_(currency="eur"), "is no currency"),
        (with_(reference=" "), "'reference' is missing"),
        (with_(reference="a\nb"), "no text in one line"),
        (with_(reference="a\0b"), "no text in one line"),
        (with_(reference="\ud800"), "no text in one line"),
        (with_(reference="x" * 81), "has 81 letters; 80 are the most"),
        (with_(invoice="x" * 41), "has 41 letters; 40 are the most"),
        (with_(invoice=17), "'invoice' is missing, or is no text"),
    ],
    ids=(
        [
            *("list", "null", "unknown-key", "both", "neither", "no-amount", "number", "too-fine"),
            *("negative", "exponent", "fine-yen", "zero", "currency", "blank", "line-break", "nul"),
            *("surrogate", "long-reference", "long-invoice", "invoice-number"),
        ]
    ),
)
def test_what_cannot_be_a_payment_is_told(document, said):
    with pytest.raises(InvalidInput) as caught:
        parse_payment(document)
    assert said in str(caught.value)
