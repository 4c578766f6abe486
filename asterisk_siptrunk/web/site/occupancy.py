"""How busy a trunk's channels were, and whether it needs more: a chart, a sentence, prices."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from starlette.responses import Response

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.line import Totals
from asterisk_siptrunk.billing.renewal import fixed_lines
from asterisk_siptrunk.billing.subscription import (
    Ground,
    Holding,
    Subscription,
    holding,
    least_channels,
    start_of,
)
from asterisk_siptrunk.bootstrap import By, Request, subscriptions
from asterisk_siptrunk.call.occupancy import SLOT, Need, Stretch, need
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.trunk import Trunk
from asterisk_siptrunk.web import chart
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()
LOOK_BACK = 30
"""Days that the answer rests on."""
_WEEK = 7
_HOURS = timedelta(hours=3)
_FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Offer:
    """A number of channels, and what a month of it costs without tax and without calls.

    Attributes:
        usable: what may be used: as asked, or more where larger packs are cheaper.
        to_pay: for the rest of this period, with tax; None for a cut, and for what one has.
        since: the day of a cut.
    """

    channels: int
    usable: int
    a_month: Decimal
    currency: str
    is_held: bool = False
    to_pay: Decimal | None = None
    since: date | None = None


@PAGES.get("/trunks/{trunk}/occupancy", Right.SEE)
def occupancy(view: View, trunk: str) -> Response:
    """The chart of a day or a week; a part of the trunk's page, or by itself without htmx."""
    words, now = view.words, view.house.now()
    today = now.astimezone(words.zone).date()
    day = min(_day(view, today), today)
    span = _WEEK if view.request.query_params.get("span") == "week" else 1
    shown = [day - timedelta(back) for back in range(span)]
    recent = [today - timedelta(back) for back in range(LOOK_BACK)]
    days = list(dict.fromkeys([*shown, *recent]))  # each once: today is reckoned anew each time
    with view.reading() as connection:
        found = view.trunk(connection, trunk)
        known = view.house.busy_days.of(connection, found.id, days, words.zone, now)
        by_day = dict(zip(days, known, strict=False))
        stretches = [by_day[one] for one in shown if one in by_day][::-1]
        last = [by_day[one] for one in recent if one in by_day]
        needed = need(last)
        offers = list(_offers(view, connection, found, needed))
    is_part = "hx-request" in view.request.headers
    return view.page(
        "part/occupancy.html" if is_part else "occupancy.html",
        trunk=found,
        chart=chart.draw(stretches, found.channels, _marks(stretches, span)),
        stretches=stretches,
        day=day,
        span=span,
        step=timedelta(span),
        today=today,
        days=len(last),
        need=needed,
        worst_until=needed.worst + SLOT if needed.worst else None,
        answer=_answer(view, found, needed, len(last)),
        offers=offers,
    )


def _day(view: View, today: date) -> date:
    text = view.request.query_params.get("day", "")
    try:
        day = date.fromisoformat(text) if text else today
    except ValueError:
        raise InvalidInput(view.say("%(text)s is no day.", text=text[:40])) from None
    if day.year < _FIRST_YEAR:
        raise InvalidInput(view.say("%(text)s is no day.", text=text[:40]))
    return day


def _marks(stretches: Sequence[Stretch], span: int) -> list[datetime]:
    if span == 1:
        return chart.every(stretches[0].starts[0], stretches[-1].until, _HOURS)
    return [one.starts[0] for one in stretches]


def _answer(view: View, trunk: Trunk, needed: Need, days: int) -> str:
    """Whether more channels are needed, in a sentence or two."""
    values = {
        "days": days,
        "peak": view.words.number(needed.peak),
        "limit": view.words.number(trunk.channels),
        "refused": view.words.number(needed.refused),
        "enough": view.words.number(needed.sufficient),
    }
    if not needed.refused:
        sentence = (
            "No: in the last %(days)s days no call was refused for want of a channel. At most "
            "%(peak)s of %(limit)s channels were in use at once."
        )
    elif needed.sufficient > trunk.channels:
        sentence = (
            "Yes: in the last %(days)s days %(refused)s calls were refused because all channels "
            "were taken. %(enough)s channels would have been enough for all; there are %(limit)s."
        )
    else:
        sentence = (
            "Not now: in the last %(days)s days %(refused)s calls were refused because all "
            "channels were taken that they might use, and %(enough)s would have been enough for "
            "all; there are %(limit)s."
        )
    return view.say(sentence, **values)


def _offers(view: View, connection: "Connection", trunk: Trunk, needed: Need) -> Iterator[Offer]:
    """What fewer channels would cost, those held, and more; nothing without a subscription."""
    zone = view.house.zone
    agreed = None if trunk.ended else subscriptions.standing(connection, trunk.id, zone)
    if agreed is None or agreed.ends is not None:
        return
    on = subscriptions.ground(connection, zone)
    has = holding(agreed, view.house.now(), on)
    fewer = max(needed.sufficient, _least(trunk, agreed, has, on))
    if fewer < has.next_wanted:
        yield from _quoted(view, connection, trunk, fewer)
    yield _held(agreed, has, on)
    yield from _quoted(view, connection, trunk, max(needed.sufficient, has.usable + 1))


def _least(trunk: Trunk, agreed: Subscription, has: Holding, on: Ground) -> int:
    first = has.period.next
    terms = on.terms_of(agreed, first)
    return least_channels(agreed, terms, first, trunk.reserved_inbound)[0]


def _held(agreed: Subscription, has: Holding, on: Ground) -> Offer:
    start = start_of(agreed, has.period.next, on)
    net = Totals.of(fixed_lines(agreed, start), Decimal(0), agreed.currency).net
    return Offer(has.usable, start.usable, net, agreed.currency, is_held=True)


def _quoted(view: View, connection: "Connection", trunk: Trunk, channels: int) -> Iterator[Offer]:
    """The best price of a change; none where it cannot be had."""
    by = By(view.account.login, view.house.now())
    try:
        wish = bootstrap.counter(view.house.settings, connection, by).quoted(
            Request(trunk.name, channels)
        )
    except (InvalidInput, NotFound, AlreadyExists):
        return
    quote = wish.quote
    yield Offer(
        channels=channels,
        usable=quote.usable,
        a_month=quote.next.totals.net,
        currency=quote.totals.currency,
        to_pay=None if quote.takes_effect else quote.totals.gross,
        since=quote.takes_effect,
    )
