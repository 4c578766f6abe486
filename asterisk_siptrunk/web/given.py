"""What forms and addresses of pages give, made into values; told as who reads the page is told."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.web.view import View

T = TypeVar("T")

_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_YEARS = range(1970, 3000)


def asked(view: View, name: str) -> str | None:
    """What an address asks for, as ?name=…; None for nothing."""
    return view.request.query_params.get(name, "").strip() or None


def asked_id(view: View, name: str) -> int | None:
    """The same, where it is a number of a row; what is none asks for nothing."""
    text = asked(view, name)
    return int(text) if text and _ID.fullmatch(text) else None


def row_id(text: str, there_is_none: str) -> int:
    """A number of a row, out of a path.

    Raises:
        NotFound: with that sentence; it is no number.
    """
    if _ID.fullmatch(text) is None:
        raise NotFound(there_is_none)
    return int(text)


def whole(view: View, name: str, least: int, most: int) -> int:
    """A whole number of a form.

    Raises:
        InvalidInput: it is none, or not one from `least` to `most`.
    """
    text = view.field(name)
    if _WHOLE.fullmatch(text) and least <= int(text) <= most:
        return int(text)
    raise InvalidInput(
        view.say(
            "%(given)s is no number that can be used: give a whole number from %(least)s to "
            "%(most)s.",
            given=repr(text[:40]),
            least=view.words.number(least),
            most=view.words.number(most),
        )
    )


def whole_or_none(view: View, name: str, least: int, most: int) -> int | None:
    """The same; an empty field is no limit."""
    return whole(view, name, least, most) if view.field(name) else None


def line(view: View, name: str, read: Callable[[str], T], label: str) -> T:
    """A field as a function of `typed` reads it; `label` says which one is wrong.

    Raises:
        InvalidInput: it cannot be used, and why.
    """
    try:
        return read(view.field(name))
    except InvalidInput as error:
        raise InvalidInput(view.say("%(field)s: %(why)s", field=label, why=error)) from None


def choice(view: View, name: str, choices: Mapping[str, T]) -> T:
    """One of some choices.

    Raises:
        InvalidInput: it is none of them.
    """
    found = choices.get(view.field(name))
    if found is None:
        raise InvalidInput(view.say("This form is out of date: reload the page, and try again."))
    return found


def asked_day(view: View, name: str) -> date | None:
    """A day that an address asks for; what is none asks for nothing."""
    return _day(asked(view, name) or "")


def form_day(view: View, name: str) -> date | None:
    """A day of a form; None for an empty field.

    Raises:
        InvalidInput: it is none.
    """
    text = view.field(name)
    found = _day(text)
    if found is None and text:
        raise InvalidInput(view.say("%(given)s is no day.", given=repr(text[:40])))
    return found


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def begin_of(view: View, day: date | None, *, days: int = 0) -> datetime | None:
    """When a day begins for the reader, or one so many days later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days), time(), view.words.zone).astimezone(UTC)
