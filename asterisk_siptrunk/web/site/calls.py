"""Calls: searched, listed, exported, and each told from INVITE to hangup."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.period import first_moment
from asterisk_siptrunk.bootstrap import calls, rating
from asterisk_siptrunk.call import CallRecord, Direction, Reason, State, Verdict, reason_of
from asterisk_siptrunk.call.fault import Party, cause_in_words, party_of_call
from asterisk_siptrunk.call.occupancy import FULL
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.spreadsheet import cell
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()
ONE_PAGE = 50
MOST_SUMMED = 5_000
"""Calls that ASR and ACD are of: some 30 ms of work."""
_ROWS_AT_ONCE = 1_000
_LONGEST_NUMBER = 40
_DIGITS_OF_AN_ID = 18
_FIRST_YEAR, _LAST_YEAR = 2000, 9998
_PRICE = Decimal("0.0001")

_COLUMNS = (
    *("id", "started_at", "ringing_at", "answered_at", "ended_at", "direction", "caller"),
    *("presented", "withheld", "dialled", "callee", "zone", "verdict", "reason", "facts", "state"),
    *("duration", "billable", "hangup_cause", "codec", "user_agent", "server", "sip_call_id"),
)
_FOR_PROVIDER = ("carrier", "via", "evidence")

RESULTS = {
    "answered": "Answered",
    "unanswered": "Not answered",
    "live": "Going on now",
    "refused": "Refused",
    "full": "Refused: all channels taken",
}
"""What may be asked for beside a reason of refusal, and how it is called."""
_CONDITIONS: dict[str, dict[str, Any]] = {
    "": {},
    "answered": {"answered": True},
    "unanswered": {"answered": False, "verdict": Verdict.ADMITTED, "ended": True},
    "live": {"live": True},
    "refused": {"verdict": Verdict.REFUSED},
    "full": {"reasons": FULL},
}
_REFUSALS = [reason for reason in Reason if reason.cause is not None]
"""Why a call is refused."""


@PAGES.get("/trunks/{trunk}/calls", Right.SEE)
def list_calls(view: View, trunk: str) -> Response:
    """A trunk's calls, the newest first, as they were searched for."""
    asked = _asked(view)
    wanted = _wanted(view, trunk, asked)
    with view.reading() as connection:
        found = view.trunk(connection, trunk)
        piece = calls.search(connection, wanted, ONE_PAGE)
        sums = calls.sums(connection, replace(wanted, before=None), MOST_SUMMED)
    is_part = "hx-request" in view.request.headers
    return view.page(
        "part/calls.html" if is_part else "calls.html",
        trunk=found,
        records=piece.records,
        asked=asked,
        query=_query(replace(asked, before="")),
        older=_query(replace(asked, before=_written(piece.next))) if piece.next else "",
        sums=sums,
        most_summed=MOST_SUMMED,
        results=RESULTS,
        refusals=_REFUSALS,
        State=State,
        Verdict=Verdict,
    )


@PAGES.get("/trunks/{trunk}/calls.csv", Right.SEE)
def export_calls(view: View, trunk: str) -> Response:
    """The same calls as a file for a spreadsheet, with all that is known of each."""
    wanted = _wanted(view, trunk, _asked(view))
    columns = (*_COLUMNS, *_FOR_PROVIDER) if view.may(Right.SEE_ALL) else _COLUMNS
    headers = {"Content-Disposition": f'attachment; filename="{trunk}-calls.csv"'}
    return StreamingResponse(
        _lines(view, wanted, columns), headers=headers, media_type="text/csv; charset=utf-8"
    )


@PAGES.get("/calls/{call}", Right.SEE)
def show_call(view: View, call: str) -> Response:
    """One call, from its INVITE to its end."""
    with view.reading() as connection:
        record = _record(view, connection, call)
        trunk = view.trunk(connection, record.trunk) if record.trunk else None
        price = rating.price_of(connection, record.id)
    return view.page(
        "call.html",
        trunk=trunk,
        record=record,
        steps=_steps(view, record),
        facts=_facts(view, record),
        cause=cause_in_words(record.hangup_cause),
        fault=_FAULTS[party_of_call(record)],
        zone=_zone_in_words(view, record.zone),
        price=price,
        cost=price.cost.quantize(_PRICE) if price else None,
        State=State,
        Verdict=Verdict,
        Direction=Direction,
    )


# --- what is asked for ---


@dataclass(frozen=True, slots=True)
class Asked:
    """The fields of the search, as they were given."""

    since: str = ""
    until: str = ""
    number: str = ""
    direction: str = ""
    result: str = ""
    before: str = ""


def _asked(view: View) -> Asked:
    given = view.request.query_params
    return Asked(**{name: given.get(name, "").strip()[:100] for name in Asked.__slots__})


def _query(asked: Asked) -> str:
    """The same as a part of an address, what is empty left out."""
    fields = {name: getattr(asked, name) for name in Asked.__slots__}
    return urlencode({name: value for name, value in fields.items() if value})


def _wanted(view: View, trunk: str, asked: Asked) -> calls.CallFilter:
    until = _day(view, asked.until)
    return calls.CallFilter(
        trunk=trunk,
        since=_first_moment(view, _day(view, asked.since)),
        until=_first_moment(view, until + timedelta(1) if until else None),
        number=_number(view, asked.number),
        direction=_direction(view, asked.direction),
        before=_place(view, asked.before),
        **_conditions(view, asked.result),
    )


def _day(view: View, text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InvalidInput(view.say("%(text)s is no day.", text=text))
    return day


def _first_moment(view: View, day: date | None) -> datetime | None:
    return first_moment(day, view.words.zone) if day else None


def _number(view: View, text: str) -> str | None:
    """How the number ends, in whatever form it is written: 06…, +33 6…, 0033 6…."""
    digits = "".join(sign for sign in text if sign.isascii() and sign.isdigit())
    if text and not digits:
        raise InvalidInput(view.say("%(text)s is no number: give its last digits.", text=text))
    return (digits.lstrip("0") or digits)[:_LONGEST_NUMBER] or None


def _direction(view: View, text: str) -> Direction | None:
    try:
        return Direction(text) if text else None
    except ValueError:
        raise InvalidInput(view.say("%(text)s is no direction.", text=text)) from None


def _conditions(view: View, text: str) -> dict[str, Any]:
    if text in _CONDITIONS:
        return _CONDITIONS[text]
    try:
        return {"reasons": {reason_of(text)}}
    except KeyError:
        raise InvalidInput(view.say("%(text)s is no result of a call.", text=text)) from None


def _written(place: calls.Place) -> str:
    """A place as a part of an address: microseconds since 1970, and our number of the call."""
    return f"{(place.started_at - _EPOCH) // timedelta(microseconds=1)}-{place.id}"


def _place(view: View, text: str) -> calls.Place | None:
    if not text:
        return None
    at, _, number = text.partition("-")
    try:
        return calls.Place(_EPOCH + timedelta(microseconds=_whole(at)), _whole(number))
    except (ValueError, OverflowError):
        raise InvalidInput(view.say("This address leads nowhere: search again.")) from None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_OF_AN_ID):
        raise ValueError(text)
    return int(text)


# --- the file ---


def _lines(view: View, wanted: calls.CallFilter, columns: tuple[str, ...]) -> Iterator[str]:
    """CSV, a piece at a time: nothing is kept open between two pieces, and no piece is large."""
    yield _csv([columns])
    place = wanted.before
    while True:
        with view.reading() as connection:
            piece = calls.search(connection, replace(wanted, before=place), _ROWS_AT_ONCE)
        yield _csv([_cells(view, record, columns) for record in piece.records])
        place = piece.next
        if place is None:
            return


def _cells(view: View, record: CallRecord, columns: tuple[str, ...]) -> list[str]:
    shown = replace(record, facts=_facts(view, record))
    return [cell(name, getattr(shown, name)) for name in columns]


def _csv(rows: "list[tuple[str, ...]] | list[list[str]]") -> str:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


# --- one call ---


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happened in a call; `after`: seconds since the step before, None first."""

    at: datetime
    words: str
    after: float | None


def _record(view: View, connection: "Connection", text: str) -> CallRecord:
    """A call that is for who asks; one of no trunk is the provider's alone.

    Raises:
        NotFound: there is none of that number, or it is another customer's: nobody can tell.
    """
    missing = NotFound(view.say("There is no call %(number)s.", number=text[:20]))
    try:
        record = calls.by_number(connection, _whole(text))
    except ValueError:
        raise missing from None
    if record is None:
        raise missing
    if not view.may(Right.SEE_ALL) and not _is_own(view, connection, record):
        raise missing
    return record


def _is_own(view: View, connection: "Connection", record: CallRecord) -> bool:
    try:
        return record.trunk is not None and bool(view.trunk(connection, record.trunk))
    except NotFound:
        return False


def _steps(view: View, record: CallRecord) -> list[Step]:
    outbound = record.direction is Direction.OUTBOUND
    first = "Your PBX asked for the call." if outbound else "The call came in."
    last = "Refused." if record.verdict is Verdict.REFUSED else "Hung up."
    moments = [
        (record.started_at, first),
        (record.ringing_at, "It rang."),
        (record.answered_at, "Answered."),
        (record.ended_at, last),
    ]
    steps: list[Step] = []
    for at, sentence in moments:
        if at is not None:
            after = (at - steps[-1].at).total_seconds() if steps else None
            steps.append(Step(at, view.say(sentence), after))
    return steps


def _facts(view: View, record: CallRecord) -> str:
    return record.facts if view.may(Right.SEE_ALL) else record.customers_facts


_FAULTS = {
    Party.NOBODY: "",
    Party.US: "Whose doing it is: ours.",
    Party.CARRIER: "Whose doing it is: the network's that we handed the call to.",
    Party.CUSTOMER: "Whose doing it is: your PBX's, your people's, or the terms of the trunk.",
    Party.CALLER: "Whose doing it is: the caller's.",
    Party.CALLED: "Whose doing it is: the called party's.",
    Party.UNKNOWN: "Whose doing it is: nobody told.",
}


def _zone_in_words(view: View, zone: str) -> str:
    """A country and a kind of number, in the reader's language."""
    country, _, kind = zone.partition(":")
    name = view.words.locale.territories.get(country.upper(), country.upper())
    return f"{name}: {view.say(_KINDS.get(kind, kind))}" if zone else ""


_KINDS = {
    "fixed": "fixed line",
    "mobile": "mobile",
    "fixed_or_mobile": "fixed line or mobile",
    "free": "free of charge",
    "shared_cost": "shared cost",
    "premium": "premium rate",
    "personal": "personal number",
    "voip": "number of no place",
    "satellite": "satellite",
    "other": "other number",
    "short": "short number",
    "emergency": "emergency number",
    "unallocated": "number that nobody was given",
}
