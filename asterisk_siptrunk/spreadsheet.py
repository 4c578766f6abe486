"""Cells of CSV, as all that we export has them.

Times are in UTC (RFC 3339), durations in seconds, and of what strangers wrote nothing is a formula
to the spreadsheet that opens it.
"""

from datetime import UTC, datetime, timedelta

_WRITTEN_BY_STRANGERS = frozenset({"account", "user_agent"})
"""Whoever sends us a REGISTER chooses them, to nearly any text. Telephone numbers and Call-IDs are
cut in the dialplan to characters that no formula does anything with, and stay as they are."""
_FORMULA = ("=", "+", "-", "@")


def cell(column: str, value: object) -> str:
    """A value of a column."""
    text = _text(value)
    return harmless(text) if column in _WRITTEN_BY_STRANGERS else text


def harmless(text: str) -> str:
    """A text of anybody's, so that it is no formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def in_utc(moment: datetime) -> str:
    """A time as programs read it."""
    text = moment.astimezone(UTC).isoformat(timespec="microseconds")
    return text.removesuffix("+00:00") + "Z"


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime():
            return in_utc(value)
        case timedelta():
            return str(value.total_seconds())
        case tuple():
            return " ".join(value)
        case _:
            return str(value)
