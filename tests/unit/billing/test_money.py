"""Money: how it is read, rounded and shown."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.billing.money import (
    currency_code,
    digits_of,
    figure,
    parse_percent,
    parse_price,
    rounded,
    shown,
    tax_of,
)
from asterisk_siptrunk.errors import InvalidInput


@pytest.mark.parametrize(
    ("amount", "currency", "coins"),
    [
        ("2.004", "EUR", "2.00"),
        ("2.005", "EUR", "2.01"),
        ("2.015", "EUR", "2.02"),
        ("2.0149999", "EUR", "2.01"),
        ("-2.005", "EUR", "-2.01"),
        ("0", "EUR", "0.00"),
        ("2.5", "JPY", "3"),
        ("2.0005", "KWD", "2.001"),
        ("7", "ZZZ", "7.00"),
    ],
    ids=["down", "half", "odd-half", "below", "negative", "zero", "yen", "dinar", "unknown"],
)
def test_halves_are_rounded_away_from_zero(amount, currency, coins):
    assert str(rounded(Decimal(amount), currency)) == coins


@given(st.decimals(-(10**9), 10**9, places=9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_moves_by_half_a_coin_at_most_and_only_once(amount, currency):
    coins = rounded(amount, currency)
    assert abs(coins - amount) * 2 <= Decimal(1).scaleb(-digits_of(currency))
    assert rounded(coins, currency) == coins


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("12.50", "12.50"),
        ("0", "0"),
        ("0.00725", "0.00725"),
        ("0.1234560", "0.123456"),
        ("1000000000", "1E9"),
    ],
    ids=["plain", "zero", "fine", "noughts", "largest"],
)
def test_a_price_is_read(text, price):
    assert parse_price(text) == Decimal(price)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12,50", "a point for the comma"),
        ("-1", "with 6 digits after it"),
        ("", "with 6 digits after it"),
        ("1e3", "with 6 digits after it"),
        ("٣", "with 6 digits after it"),  # a digit, and no ASCII
        ("0.1234567", "with 6 digits after it"),
        ("1000000000.01", "with 6 digits after it"),
        ("NaN", "with 6 digits after it"),
        ("1.", "with 6 digits after it"),
    ],
    ids=["comma", "negative", "empty", "power", "arabic", "too-fine", "large", "nan", "point"],
)
def test_what_is_no_price_is_told(text, words):
    with pytest.raises(InvalidInput) as caught:
        parse_price(text)
    assert words in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["0", "5.5", "20", "100", "100.00"])
def test_a_percentage_is_read(text):
    assert parse_percent(text) == Decimal(text)


@pytest.mark.parametrize("text", ["100.01", "-1", "20%", "", "5,5"])
def test_what_is_no_percentage_is_told(text):
    with pytest.raises(InvalidInput, match="give 0 to 100"):
        parse_percent(text)


@pytest.mark.parametrize(
    ("net", "percent", "currency", "tax"),
    [
        ("18.00", "20", "EUR", "3.60"),
        ("8.43", "20", "EUR", "1.69"),  # 1.686
        ("0.10", "5.5", "EUR", "0.01"),  # 0.0055
        ("0.25", "10", "EUR", "0.03"),  # 0.025
        ("18.00", "0", "EUR", "0.00"),
        ("1005", "10", "JPY", "101"),  # 100.5
    ],
    ids=["whole", "up", "fine", "half", "none", "yen"],
)
def test_tax(net, percent, currency, tax):
    assert str(tax_of(Decimal(net), Decimal(percent), currency)) == tax


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("12.5", "EUR", "12.50 EUR"),
        ("100", "EUR", "100.00 EUR"),
        ("0.00725", "EUR", "0.00725 EUR"),
        ("0.0120", "EUR", "0.012 EUR"),
        ("0", "EUR", "0.00 EUR"),
        ("1E+3", "JPY", "1000 JPY"),
        ("2", "KWD", "2.000 KWD"),
        ("-3.1", "EUR", "-3.10 EUR"),
    ],
    ids=["cents", "hundred", "fine", "noughts", "zero", "yen", "dinar", "negative"],
)
def test_shown(amount, currency, words):
    assert shown(Decimal(amount), currency) == words
    assert figure(Decimal(amount), currency) == words.removesuffix(f" {currency}")


@pytest.mark.parametrize("text", ["EUR", "ZZZ"])
def test_a_currency_has_three_capital_letters(text):
    assert currency_code(text) == text


@pytest.mark.parametrize("text", ["eur", "EU", "EURO", "€", "EUR ", ""])
def test_what_is_no_currency_is_told(text):
    with pytest.raises(InvalidInput, match="three capital letters"):
        currency_code(text)
