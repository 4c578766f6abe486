"""Money: a Decimal beside the name of its currency, rounded once per invoice line."""

import re
from decimal import ROUND_HALF_UP, Decimal

from asterisk_siptrunk.errors import InvalidInput

PRICE_DIGITS = 6
"""Digits after the point that a price may have: a minute to some country costs 0.00725."""
PERCENT_DIGITS = 4
HUNDRED = Decimal(100)
_LARGEST = Decimal(10) ** 9
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,12})?", re.ASCII)
_CODE = re.compile(r"[A-Z]{3}", re.ASCII)
# ISO 4217, list one: currencies whose smallest coin is not a hundredth.
_DIGITS = {
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
}


def currency_code(text: str) -> str:
    """Check that a text has the shape of an ISO 4217 code.

    Raises:
        InvalidInput: it has not.
    """
    if not _CODE.fullmatch(text):
        raise InvalidInput(f"{text!r} is no currency: give its three capital letters, as in EUR.")
    return text


def digits_of(currency: str) -> int:
    """How many digits after the point an amount of this currency has."""
    return _DIGITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest coin, halves away from zero, as accountants round by hand."""
    return amount.quantize(Decimal(1).scaleb(-digits_of(currency)), ROUND_HALF_UP)


def parse_price(text: str, digits: int = PRICE_DIGITS) -> Decimal:
    """Read a price, not negative, with so many digits after the point at most.

    Raises:
        InvalidInput: it is none.
    """
    price = Decimal(text) if _AMOUNT.fullmatch(text) else None
    if price is None and "," in text:
        raise InvalidInput(f"{text!r} is no price: write a point for the comma, as in 12.50.")
    if price is None or price > _LARGEST or price != round(price, digits):
        raise InvalidInput(
            f"{text!r} is no price: give digits and a point, with {digits} digits after it at "
            "most, as in 12.50."
        )
    return price


def parse_percent(text: str) -> Decimal:
    """Read a percentage between 0 and 100.

    Raises:
        InvalidInput: it is none.
    """
    percent = Decimal(text) if _AMOUNT.fullmatch(text) else None
    if percent is None or percent > HUNDRED or percent != round(percent, PERCENT_DIGITS):
        raise InvalidInput(f"{text!r} is no percentage: give 0 to 100, as in 20 or 5.5.")
    return percent


def tax_of(net: Decimal, percent: Decimal, currency: str) -> Decimal:
    """The tax on an amount without it."""
    return rounded(net * percent / HUNDRED, currency)


def figure(amount: Decimal, currency: str) -> str:
    """An amount without its currency, "12.50"; a price keeps the digits it has beyond that's."""
    digits = max(digits_of(currency), -int(amount.normalize().as_tuple().exponent))
    return f"{amount:.{digits}f}"


def shown(amount: Decimal, currency: str) -> str:
    """For people: "12.50 EUR"."""
    return f"{figure(amount, currency)} {currency}"
