"""How a page speaks: its language, and how it writes dates, amounts and numbers in it.

The words stand in `locale/LANGUAGE/LC_MESSAGES/siptrunk.po`, and are read from there: no compiled
copy can be out of date. English is what the code says.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal, format_percent

_FOLDER = Path(__file__).with_name("locale")
DOMAIN = "siptrunk"
LANGUAGES = {"en": "English", "fr": "Français"}
"""By code; each as it calls itself."""
_REGIONS = {"en": "en_GB", "fr": "fr_FR"}  # a day comes before its month


@cache
def translations(language: str) -> NullTranslations:
    """The sentences of a language."""
    file = _FOLDER / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    if not file.exists():
        return NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def choose_language(wanted: str, accepted: Iterable[str]) -> str:
    """The language of a page: the account's, else the first of the browser's that we speak."""
    if wanted in LANGUAGES:
        return wanted
    return negotiate_locale(list(accepted), list(LANGUAGES), sep="-") or "en"


def accepted_languages(header: str) -> list[str]:
    """What an Accept-Language header names, the most wanted first (RFC 9110 section 12.5.4)."""
    named: list[tuple[float, int, str]] = []
    for place, part in enumerate(header[:500].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            named.append((-float(weight or 1), place, tag))
        except ValueError:
            continue
    return [tag for _, _, tag in sorted(named)]


class Words:
    """One language and one time zone."""

    def __init__(self, language: str, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.locale = Locale.parse(_REGIONS[language])
        self._translations = translations(language)

    def say(self, sentence: str, **values: object) -> str:
        """A sentence in this language; `%(name)s` in it stands for a value."""
        said = self._translations.gettext(sentence) if sentence else ""
        return said % values if values else said

    def say_many(self, one: str, many: str, n: int, **values: object) -> str:
        """The same for a number of things, which is `n`."""
        return self._translations.ngettext(one, many, n) % {"n": self.number(n), **values}

    def moment(self, at: datetime | None) -> str:
        """A day and a time in the reader's zone; "" for none."""
        return format_datetime(at, "short", self.zone, self.locale) if at else ""

    def time(self, at: datetime | None) -> str:
        """A time of the day with seconds."""
        return format_time(at, "medium", self.zone, self.locale) if at else ""

    def clock(self, at: datetime) -> str:
        """A time of the day without seconds."""
        return format_time(at, "short", self.zone, self.locale)

    def weekday(self, at: datetime) -> str:
        """A day, as short as it can be told from those around it."""
        return format_datetime(at, "EEE d", self.zone, self.locale)

    def day(self, day: date | None) -> str:
        """A day."""
        return format_date(day, "long", self.locale) if day else ""

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount; more digits than the currency has are kept, as prices a minute have them."""
        exact = max(2, -int(amount.normalize().as_tuple().exponent))
        pattern = self.locale.currency_formats["standard"].pattern.replace(
            "0.00", f"0.{'0' * exact}"
        )
        return format_currency(amount, currency, pattern, self.locale, currency_digits=False)

    def number(self, value: float | Decimal) -> str:
        """A number."""
        return format_decimal(value, locale=self.locale)

    def share(self, part: float) -> str:
        """A share of one, as a percentage."""
        return format_percent(part, "#,##0.#%", self.locale)

    def length(self, seconds: float | None) -> str:
        """How long a call lasted: 1:02:03, or 2:03."""
        if seconds is None:
            return ""
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
