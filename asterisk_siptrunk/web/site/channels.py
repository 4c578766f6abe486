"""Channels: a quote, an order, and what was ordered before."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.line import Line
from asterisk_siptrunk.billing.order import Order, OrderState
from asterisk_siptrunk.billing.outlook import Outlook, outlook, packs_held
from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.billing.subscription import Ground, OrderKind, Subscription
from asterisk_siptrunk.bootstrap import By, Request, business, counter, orders, subscriptions
from asterisk_siptrunk.errors import InvalidInput, NotFound, SiptrunkError
from asterisk_siptrunk.trunk import MOST_CHANNELS, Trunk
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from asterisk_siptrunk.billing.quote import Quote

PAGES = Pages()
_SLIDER = 30
"""A slider reaches so far at least: beyond twice of what there is, the field is handier."""
_MOST_ORDERS = 50
_LONGEST_NUMBER = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """What a trunk without a subscription may be subscribed to: an offer, or a plan on top."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Told:
    """An order with what is said of it: a word for its state, its colour, and what may be done."""

    order: Order
    state: str
    mark: str
    waits: bool
    can_go: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What a trunk has, and what was ordered for it, newest first."""

    trunk: Trunk
    agreed: Subscription | None
    ahead: Outlook | None
    packs: tuple[Line, ...]
    told: tuple[Told, ...]

    @property
    def waiting(self) -> tuple[Told, ...]:
        """Orders that can be paid now."""
        return tuple(one for one in self.told if one.waits)

    @property
    def cut(self) -> Order | None:
        """The cut that is to come, if one was ordered."""
        cuts = (one.order for one in self.told if one.can_go and not one.waits)
        return next(cuts, None)


@dataclass(frozen=True, slots=True)
class Quoted:
    """The quote of what was asked for, or why there is none; neither before anything was."""

    why: str = ""
    quote: "Quote | None" = None
    channels: int = 0
    choice: str = ""
    orderable: bool = False
    waiting: bool = False


@PAGES.get("/trunks/{trunk}/channels", Right.SEE)
def show(view: View, trunk: str) -> Response:
    """What the trunk has, and a form to ask for more or fewer; with `channels` their quote."""
    with view.reading() as connection:
        on = subscriptions.ground(connection, view.house.zone)
        standing = _standing(view, connection, trunk, on)
        choices = _choices(view, on) if standing.agreed is None else ()
        wished = view.request.query_params.get("channels")
        quoted = Quoted() if wished is None else _quoted(view, connection, standing)
    lowest, highest = _bounds(view, standing, on, choices)
    usable = _usable(standing)
    return view.page(
        "channels.html",
        **_facts(view, standing),
        choices=choices,
        chosen=view.request.query_params.get("choice", ""),
        wished=wished if wished is not None else usable,
        lowest=lowest,
        highest=highest,
        slider=min(highest, max(_SLIDER, 2 * usable)),
        quoted=quoted,
    )


@PAGES.get("/trunks/{trunk}/channels/standing", Right.SEE)
def standing_now(view: View, trunk: str) -> Response:
    """The part of the page that follows orders as they are paid."""
    with view.reading() as connection:
        on = subscriptions.ground(connection, view.house.zone)
        standing = _standing(view, connection, trunk, on)
    return view.page("part/channels_standing.html", **_facts(view, standing))


@PAGES.get("/trunks/{trunk}/channels/quote", Right.SEE)
def quote(view: View, trunk: str) -> Response:
    """What so many channels would cost: the part of the page that a slider moves."""
    with view.reading() as connection:
        on = subscriptions.ground(connection, view.house.zone)
        standing = _standing(view, connection, trunk, on)
        quoted = _quoted(view, connection, standing)
    return view.page("part/channels_quote.html", trunk=standing.trunk, quoted=quoted)


@PAGES.post("/trunks/{trunk}/channels/order", Right.MANAGE, confirmed=True)
def order(view: View, trunk: str) -> Response:
    """Order what was seen, at the price that was seen."""
    request = _request(view, trunk, view.field("channels"), view.field("choice"))
    with view.changing() as (connection, by):
        wish = counter(view.house.settings, connection, by).quoted(request)
        if wish.quote.fingerprint != view.field("seen"):
            sentence = "What this comes to has changed meanwhile: look at it again, then order."
            raise InvalidInput(view.say(sentence))
        placed = orders.place(connection, by, wish)
    if placed.kind is OrderKind.CUT:
        sentence = "The cut takes effect on %(day)s; until then you can withdraw it."
        said = view.say(sentence, day=view.words.day(placed.takes_effect))
    else:
        sentence = "Order %(reference)s is placed. It takes effect as soon as it is paid."
        said = view.say(sentence, reference=placed.reference)
    return view.go(f"/trunks/{trunk}/channels", said)


@PAGES.post("/trunks/{trunk}/channels/cancel", Right.MANAGE)
def cancel(view: View, trunk: str) -> Response:
    """Take an order back that is not paid, or a cut that is still to come."""
    reference = view.field("reference")
    with view.changing() as (connection, by):
        _require_own(view, connection, trunk, reference)
        on = subscriptions.ground(connection, view.house.zone)
        orders.cancel(connection, by, reference, on)
    said = view.say("Order %(reference)s is cancelled.", reference=reference)
    return view.go(f"/trunks/{trunk}/channels", said)


def _require_own(view: View, connection: "Connection", trunk: str, reference: str) -> None:
    """An order is this trunk's, or it is not there: a name may have been another customer's."""
    own = view.trunk(connection, trunk)
    known = {one.reference for one in _orders(connection, own)}
    if reference not in known:
        raise NotFound(view.say("There is no order %(reference)s.", reference=reference))


def _orders(connection: "Connection", trunk: Trunk) -> list[Order]:
    every = orders.every(connection, trunk.name)
    return [one for one in every if one.customer == trunk.customer]


def _standing(view: View, connection: "Connection", name: str, on: Ground) -> Standing:
    trunk, now = view.trunk(connection, name), view.house.now()
    placed = _orders(connection, trunk)
    agreed = subscriptions.standing(connection, trunk.id, view.house.zone)
    ahead = outlook(agreed, now, on) if agreed else None
    packs = packs_held(agreed, ahead.has.period, placed, on) if agreed and ahead else ()
    told = tuple(_told(view, one) for one in placed[: -_MOST_ORDERS - 1 : -1])
    return Standing(trunk, agreed, ahead, packs, told)


def _told(view: View, one: Order) -> Told:
    waits = one.is_open_at(view.house.now())
    ahead = one.takes_effect is not None and one.takes_effect > view.house.today
    is_coming = one.state is OrderState.ACCEPTED and ahead
    state, mark = _in_words(view, one, waits=waits, is_coming=is_coming)
    return Told(one, state, mark, waits, waits or is_coming)


def _in_words(view: View, one: Order, *, waits: bool, is_coming: bool) -> tuple[str, str]:
    if waits:
        return view.say("waits for its payment"), "warn"
    if is_coming:
        return view.say("takes effect on %(day)s", day=view.words.day(one.takes_effect)), "warn"
    match one.state:
        case OrderState.PAID:
            return view.say("paid, in force"), "good"
        case OrderState.ACCEPTED:
            return view.say("in force since %(day)s", day=view.words.day(one.takes_effect)), "good"
        case OrderState.CANCELLED:
            return view.say("cancelled"), ""
        case _:
            return view.say("expired, not paid in time"), ""


def _facts(view: View, standing: Standing) -> dict[str, Any]:
    return {
        "standing": standing,
        "trunk": standing.trunk,
        "usable": _usable(standing),
        "last_day": last_day(standing.ahead.has.period.next) if standing.ahead else None,
        "payment": business(view.house.settings).office.payment,
        "kinds": {
            OrderKind.FIRST: view.say("First order"),
            OrderKind.RAISE: view.say("More channels"),
            OrderKind.CUT: view.say("Fewer channels"),
        },
    }


def _usable(standing: Standing) -> int:
    return standing.ahead.has.usable if standing.ahead else standing.trunk.channels


def _choices(view: View, on: Ground) -> tuple[Choice, ...]:
    """The offers and plans of today; none where nothing is sold."""
    try:
        catalogue = on.catalogue_on(view.house.today)
    except NotFound:
        return ()
    return (
        *(Choice(f"offer:{one.name}", one.title) for one in catalogue.offers.values()),
        *(Choice(f"plan:{one.name}", one.title) for one in catalogue.plans.values()),
    )


def _bounds(
    view: View, standing: Standing, on: Ground, choices: tuple[Choice, ...]
) -> tuple[int, int]:
    """The fewest and the most channels that may be asked for."""
    if standing.agreed is not None and standing.ahead is not None:
        held = on.terms_of(standing.agreed, view.house.today)
        return held.minimum, held.maximum
    if not choices:
        return 1, MOST_CHANNELS
    offers = on.catalogue_on(view.house.today).offers.values()
    return min(one.minimum for one in offers), max(one.maximum for one in offers)


def _request(view: View, trunk: str, channels: str, choice: str) -> Request:
    is_number = channels.isascii() and channels.isdigit() and len(channels) <= _LONGEST_NUMBER
    if not is_number or not 1 <= int(channels) <= MOST_CHANNELS:
        sentence = "Give a number of channels between 1 and %(most)s."
        raise InvalidInput(view.say(sentence, most=view.words.number(MOST_CHANNELS)))
    kind, _, name = choice.partition(":")
    offer = name if kind == "offer" and name else None
    plan = name if kind == "plan" and name else None
    return Request(trunk, int(channels), offer=offer, plan=plan)


def _quoted(view: View, connection: "Connection", standing: Standing) -> Quoted:
    """The quote of what a query asks for, or why there is none."""
    query = view.request.query_params
    channels, choice = query.get("channels", ""), query.get("choice", "")
    try:
        request = _request(view, standing.trunk.name, channels.strip(), choice)
        if why := _nothing_to_order(view, standing, request.channels):
            return Quoted(why=why)
        by = By(view.account.login, view.house.now())
        found = counter(view.house.settings, connection, by).quoted(request).quote
    except SiptrunkError as error:
        if not isinstance(error, InvalidInput | NotFound):
            raise
        return Quoted(why=str(error))
    orderable = view.may(Right.MANAGE) and not (standing.waiting and found.takes_effect is None)
    return Quoted(
        quote=found,
        channels=request.channels,
        choice=choice,
        orderable=orderable,
        waiting=bool(standing.waiting),
    )


def _nothing_to_order(view: View, standing: Standing, channels: int) -> str:
    """What to say in the place of a quote, "" where there is one."""
    if standing.ahead is None:
        return ""
    has, cut = standing.ahead.has, standing.cut
    if cut is not None and has.next_wanted <= channels <= has.usable:
        return view.say(
            "A cut is ordered (%(reference)s), which takes effect on %(day)s: withdraw it first, "
            "and then order another number.",
            reference=cut.reference,
            day=view.words.day(cut.takes_effect),
        )
    if cut is None and has.next_wanted <= channels <= has.usable:
        return view.say("The trunk may use so many channels already.")
    return ""
