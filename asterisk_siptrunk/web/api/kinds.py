"""What fields and parameters hold, each described once: names, numbers, moments, amounts.

What is read is read strictly: "yes" is no boolean, and 1764000000 no moment, so that nobody comes
to rely on what the description does not say.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from asterisk_siptrunk.billing.money import figure
from asterisk_siptrunk.billing.payment import LONGEST_REFERENCE
from asterisk_siptrunk.notice.kind import moment as rfc3339
from asterisk_siptrunk.trunk import MOST_CHANNELS

LARGEST_ID = 10**18 - 1
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_LEAP = "60"
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)
# One line: no control character, and none that turns or hides what stands beside it.
_LINE = (
    r"[^\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    r"\ufff9-\ufffb]"
)
_AMOUNT = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"


def _digits(given: object) -> object:
    """Digits of a query or a path; pydantic itself would take "1.0" and " 1 ", too."""
    if isinstance(given, str) and not _WHOLE.fullmatch(given):
        raise ValueError("give a whole number")
    return given


def _number(given: object) -> object:
    """A number of JSON, in which 8.0 is a whole one, and true is none."""
    if isinstance(given, bool | str):
        raise ValueError("give a whole number")  # noqa: TRY004 - what pydantic takes for a refusal
    return given


DIGITS = BeforeValidator(_digits)
NUMBER = BeforeValidator(_number)


def _flag(given: object) -> object:
    if isinstance(given, str) and given not in {"true", "false"}:
        raise ValueError("give true or false")
    return given


def read_moment(given: object) -> datetime:
    """Read a moment of RFC 3339; one beyond what clocks count is the nearest that they do.

    Raises:
        ValueError: it is none.
    """
    if isinstance(given, datetime):
        return given
    found = _MOMENT.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        raise ValueError("give a moment as in 2026-11-24T08:30:00Z")
    day, minute, second, fraction, zone = found.groups()
    leap = second == _LEAP
    shown = f"{day}T{minute}:{'59' if leap else second}{(fraction or '')[:7]}{zone.upper()}"
    at = datetime.fromisoformat(shown)
    try:
        return max(_FIRST, min(_LAST, at.astimezone(UTC) + timedelta(seconds=leap)))
    except OverflowError:
        return _FIRST if at.year < _FIRST.year else _LAST


Name = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=40, examples=["acme-paris"])
]
"""Of a trunk, a customer, a carrier: as `trunk.parse_name` takes it."""
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=64, examples=["pbx1"])]
Target = Annotated[
    str,
    Field(
        pattern=r"^[+*a-z0-9][a-z0-9_:]*$",
        max_length=40,
        description="A prefix (+88213), a short number (3949), a country (lv), a country and kind "
        "(fr:premium), a kind (*:premium), risk:high, international, or all.",
        examples=["fr:premium"],
    ),
]
E164 = Annotated[
    str, Field(pattern=r"^\+[1-9][0-9]{3,14}$", description="E.164.", examples=["+33123456789"])
]
Dialled = Annotated[
    str,
    Field(
        pattern=r"^\+?[0-9]{1,20}$",
        description="As a PBX would send it: digits, perhaps a plus in front.",
        examples=["0037120000000"],
    ),
]
Country = Annotated[
    str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["FR"])
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217.", examples=["EUR"])]
Amount = Annotated[
    str, Field(pattern=_AMOUNT, description="Digits and a point.", examples=["13.80"])
]
Line = Annotated[str, Field(pattern=rf"^{_LINE}*\S{_LINE}*$", max_length=500)]
"""A sentence of a person's, in one line."""
LineOrNone = Annotated[str, Field(pattern=rf"^{_LINE}*$", max_length=500)]
Reference = Annotated[
    str,
    Field(
        pattern=rf"^{_LINE}*\S{_LINE}*$",
        max_length=LONGEST_REFERENCE,
        description="What whoever took the payment calls it: by that it counts once.",
        examples=["bank-20261124-17"],
    ),
]
OrderReference = Annotated[str, Field(pattern=r"^O-[0-9A-F]{8}$", examples=["O-1A2B3C4D"])]
InvoiceNumber = Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,40}$", examples=["2026-000017"])]
Network = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$",
        max_length=43,
        description="An IP address, or a network without host bits.",
        examples=["192.0.2.0/24"],
    ),
]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID, examples=[17]), DIGITS]
Channels = Annotated[int, Field(ge=1, le=MOST_CHANNELS, examples=[8]), NUMBER]
Flag = Annotated[bool, BeforeValidator(_flag)]
_MOMENT_SCHEMA = WithJsonSchema(
    {"type": "string", "format": "date-time", "examples": ["2026-11-24T08:30:00Z"]}
)
Moment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    PlainSerializer(rfc3339, return_type=str),
    _MOMENT_SCHEMA,
]
"""RFC 3339; told in UTC, to the second."""


def _exactly(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


ExactMoment = Annotated[
    datetime,
    BeforeValidator(read_moment),
    PlainSerializer(_exactly, return_type=str),
    _MOMENT_SCHEMA,
]
"""The same, told to the microsecond: of calls."""
Day = date


class Told(BaseModel):
    """What we answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Asked(BaseModel):
    """What we are asked: nothing stands in it that is not described."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Money(Told):
    """An amount, as a string: exact, whatever reads it."""

    amount: Annotated[
        str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="Exact.", examples=["13.80"])
    ]
    currency: Currency


def money(amount: Decimal, currency: str) -> Money:
    """An amount; a price keeps the digits that it has beyond the currency's."""
    return Money(amount=figure(amount, currency), currency=currency)


class Reason(Asked):
    """Why something is done; the history keeps it."""

    reason: LineOrNone = ""
