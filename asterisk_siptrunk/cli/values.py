"""What people type, made into values: numbers, networks, countries, moments, secrets."""

import getpass
import re
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TextIO, TypeVar

import click

from asterisk_siptrunk.account.login import parse_login, parse_person
from asterisk_siptrunk.billing.money import parse_percent, parse_price
from asterisk_siptrunk.call.month import LocalMonth, month_at
from asterisk_siptrunk.cli.desk import desk_of
from asterisk_siptrunk.destination import Target, country_code
from asterisk_siptrunk.errors import InvalidInput, SettingsError
from asterisk_siptrunk.trunk import (
    MOST_CALLS_PER_SECOND,
    MOST_CARRIER_CHANNELS,
    IPNetwork,
    parse_context,
    parse_line,
    parse_line_or_none,
    parse_secret,
    parse_server,
    parse_username,
)
from asterisk_siptrunk.trunk.addresses import parse_network
from asterisk_siptrunk.typed import caller_text, email_address, payment_reference, tax_id_or_none

T = TypeVar("T")

_NONE = "none"
_DEFAULT = "default"
# Far from the ends of what Python and databases can count: a time zone must not lead beyond.
_YEARS = range(1970, 3000)
_MONTHS = range(1, 13)
_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_LENGTH = re.compile(r"([0-9]{1,4})([mhd])", re.ASCII)
_LENGTH_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
# More than any secret that is taken: a longer file is not the one that was meant.
_LONGEST_SECRET_FILE = 1000


class ReadType(click.ParamType[T], Generic[T]):
    """A value that `read` makes of text, or refuses in a sentence: a usage error."""

    def read(self, text: str, context: click.Context | None) -> T:
        """Make the value.

        Raises:
            InvalidInput: the text cannot be one.
        """
        raise NotImplementedError

    def convert(
        self, value: str | T, param: click.Parameter | None, ctx: click.Context | None
    ) -> T:
        """Make the value; what is one already (a default) stays."""
        if not isinstance(value, str):
            return value
        try:
            return self.read(value, ctx)
        except SettingsError:  # a time needs the zone: what the settings lack is not its fault
            raise
        except InvalidInput as error:
            self.fail(str(error), param, ctx)


class NetworkType(ReadType[IPNetwork]):
    """An address, or a network without host bits."""

    name = "network"

    def read(self, text: str, context: click.Context | None) -> IPNetwork:
        """Parse."""
        del context
        return parse_network(text)


class CountryType(ReadType[str]):
    """A country by its two letters."""

    name = "country"

    def read(self, text: str, context: click.Context | None) -> str:
        """Check that it is one that can be called."""
        del context
        country_code(text)
        return text.upper()


class TargetType(ReadType[Target]):
    """What a rule speaks of."""

    name = "target"

    def read(self, text: str, context: click.Context | None) -> Target:
        """Parse."""
        del context
        return Target.parse(text)


class TextType(ReadType[str]):
    """A text that a rule takes or refuses."""

    def __init__(self, name: str, rule: Callable[[str], str]) -> None:
        self.name = name
        self._rule = rule

    def read(self, text: str, context: click.Context | None) -> str:
        """Ask the rule."""
        del context
        return self._rule(text)


class TaxType(ReadType[Decimal | str]):
    """A tax rate in percent, or `default` for the provider's."""

    name = "percent"

    def read(self, text: str, context: click.Context | None) -> Decimal | str:
        """Parse; `default` stays a word here, since None means that nothing was given."""
        del context
        return _DEFAULT if text.lower() == _DEFAULT else parse_percent(text)


def tax_rate(given: Decimal | str) -> Decimal | None:
    """What `TaxType` means: a rate, or the provider's."""
    return given if isinstance(given, Decimal) else None


class PriceType(ReadType[Decimal]):
    """An amount of money."""

    name = "amount"

    def read(self, text: str, context: click.Context | None) -> Decimal:
        """Parse."""
        del context
        return parse_price(text)


class CountType(ReadType[int | str]):
    """A number from 1 to `most`, or `none` for no limit."""

    name = "count"

    def __init__(self, most: int) -> None:
        self._most = most

    def read(self, text: str, context: click.Context | None) -> int | str:
        """Parse; `none` stays a word here, since None means that nothing was given."""
        del context
        if text.lower() == _NONE:
            return _NONE
        if _COUNT.fullmatch(text) and 1 <= int(text) <= self._most:
            return int(text)
        raise InvalidInput(f"{text[:80]!r} is no limit; give 1 to {self._most}, or '{_NONE}'.")


class WholeNumber(click.IntRange):
    """A whole number from `min` to `max`; what is none is told in the words of the others here."""

    name = "number"

    def __init__(self, least: int, most: int) -> None:
        super().__init__(least, most)
        self._bounds = f"{least} to {most}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401 - as click has it
        """Parse."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{str(value)[:80]!r}: give a whole number, {self._bounds}.", param, ctx)


class MomentType(ReadType[datetime]):
    """A date or a time, in the provider's zone unless it names another."""

    name = "time"

    def read(self, text: str, context: click.Context | None) -> datetime:
        """Parse; a date is its midnight."""
        if context is None:
            raise InvalidInput(f"{text!r}: no time zone is known here.")
        zone = desk_of(context).zone
        today = datetime.now(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        words = {"today": today, "yesterday": today - timedelta(days=1), "now": datetime.now(zone)}
        try:
            moment = words.get(text.lower()) or datetime.fromisoformat(text)
        except ValueError:
            raise InvalidInput(
                f"{text!r} is no time; give 2026-11-01, 2026-11-01T08:30, today or yesterday."
            ) from None
        if moment.year not in _YEARS:
            raise InvalidInput(f"{text!r}: give a year from {_YEARS[0]} to {_YEARS[-1]}.")
        return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)


class LengthType(ReadType[timedelta]):
    """How long something lasts: 30m, 24h, 7d."""

    name = "length"

    def read(self, text: str, context: click.Context | None) -> timedelta:
        """Parse."""
        del context
        found = _LENGTH.fullmatch(text.strip())
        if found is None:
            raise InvalidInput(
                f"{text[:20]!r} is no length of time; give minutes, hours or days: 30m, 24h, 7d."
            )
        return timedelta(**{_LENGTH_UNITS[found[2]]: int(found[1])})


class DayType(ReadType[date]):
    """A day of the provider's."""

    name = "day"

    def read(self, text: str, context: click.Context | None) -> date:
        """Parse."""
        if context is None:
            raise InvalidInput(f"{text!r}: no time zone is known here.")
        today = datetime.now(desk_of(context).zone).date()
        words = {"today": today, "tomorrow": today + timedelta(days=1)}
        try:
            day = words.get(text.lower()) or date.fromisoformat(text)
        except ValueError:
            raise InvalidInput(
                f"{text[:80]!r} is no day; give 2026-11-01, today or tomorrow."
            ) from None
        if day.year not in _YEARS:
            raise InvalidInput(f"{text!r}: give a year from {_YEARS[0]} to {_YEARS[-1]}.")
        return day


class MonthType(ReadType[LocalMonth]):
    """A month as the provider's time zone has it."""

    name = "month"

    def read(self, text: str, context: click.Context | None) -> LocalMonth:
        """Parse."""
        if context is None:
            raise InvalidInput(f"{text!r}: no time zone is known here.")
        found = _MONTH.fullmatch(text)
        if found is None or int(found[1]) not in _YEARS or int(found[2]) not in _MONTHS:
            raise InvalidInput(f"{text[:80]!r} is no month; give one like 2026-11.")
        zone = desk_of(context).zone
        return month_at(datetime(int(found[1]), int(found[2]), 1, tzinfo=zone), zone)


NETWORK = NetworkType()
COUNTRY = CountryType()
TARGET = TargetType()
CALLS_PER_SECOND = CountType(MOST_CALLS_PER_SECOND)
CARRIER_CHANNELS = CountType(MOST_CARRIER_CHANNELS)
MOMENT = MomentType()
DAY = DayType()
LENGTH = LengthType()
MONTH = MonthType()
PRICE = PriceType()
SERVER = TextType("host", parse_server)
CONTEXT = TextType("context", parse_context)
CALLER = TextType("number", caller_text)
LINE = TextType("text", parse_line)
LINE_OR_NONE = TextType("text", parse_line_or_none)
EMAIL = TextType("address", email_address)
LOGIN = TextType("address", parse_login)
PERSON = TextType("name", parse_person)
PAYMENT = TextType("reference", payment_reference)
TAX_ID = TextType("number", tax_id_or_none)
TAX = TaxType()
USERNAME = TextType("name", parse_username)


def limit(given: int | str | None) -> int | None:
    """What `CountType` means: a number, or no limit."""
    return given if isinstance(given, int) else None


def _typed_secret(whose: str) -> str:
    with warnings.catch_warnings():
        # Without a terminal getpass only warns, and what is typed would be seen.
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return str(click.prompt(f"Secret of {whose}", hide_input=True, err=True))
        except getpass.GetPassWarning:
            raise InvalidInput(
                f"There is no terminal to ask for the secret of {whose}: give --secret-file FILE, "
                "or '--secret-file -' and the secret on stdin."
            ) from None


def secret_from(file: TextIO | None, whose: str) -> str:
    """A secret from a file (or stdin), else from a hidden prompt; never from the command line.

    Other users of the machine see command lines, in `ps`; and the shell keeps them.

    Raises:
        InvalidInput: there is no terminal to ask at; what the file holds is no text, or not one
            line, or not a secret that can be used.
    """
    return parse_secret(_typed_secret(whose) if file is None else _read_secret(file))


def _read_secret(file: TextIO) -> str:
    try:
        return file.read(_LONGEST_SECRET_FILE).strip()
    except UnicodeDecodeError:
        raise InvalidInput(f"--secret-file: {file.name} is no text in UTF-8.") from None
