"""Channels: what is offered, what an order would cost, and orders."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from fastapi import Query
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from asterisk_siptrunk.billing import catalogue as sold
from asterisk_siptrunk.billing.line import Line as BillingLine
from asterisk_siptrunk.billing.line import LineKind, Totals
from asterisk_siptrunk.billing.money import figure
from asterisk_siptrunk.billing.order import Order as PlacedOrder
from asterisk_siptrunk.billing.order import OrderState
from asterisk_siptrunk.billing.quote import Quote as Quoted
from asterisk_siptrunk.billing.subscription import OrderKind
from asterisk_siptrunk.bootstrap import By, Request, catalogues, counter, orders, trunks
from asterisk_siptrunk.bootstrap import subscriptions as agreed
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.web.api.caller import Biller, Caller, Reader
from asterisk_siptrunk.web.api.description import CHANGES, router
from asterisk_siptrunk.web.api.kinds import (
    E164,
    Amount,
    Asked,
    Channels,
    Country,
    Day,
    Moment,
    Money,
    Name,
    OrderReference,
    Told,
    money,
)
from asterisk_siptrunk.web.api.once import Key, once
from asterisk_siptrunk.web.api.paging import Page, Paged

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("orders")
_CatalogueName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]+$", max_length=40, examples=["trunk"])
]


class Pack(Told):
    """So many channels at a price a month, without tax."""

    name: str
    channels: int
    price: Money


class Option(Told):
    """Something a subscription may have besides, at a price a month."""

    name: str
    title: str
    price: Money
    channels: Annotated[int, Field(description="How many a trunk needs to have it.")]


class Plan(Told):
    """Channels tied to a telephone or access plan, on top of an offer."""

    name: str
    title: str
    price: Annotated[Money, Field(description="A month, without tax.")]
    channels: Annotated[int, Field(description="Included.")]
    numbers: Annotated[int, Field(description="Included.")]


class Offer(Told):
    """What can be ordered."""

    name: str
    title: str
    valid_from: Day
    minimum: Annotated[int, Field(description="Channels.")]
    maximum: Annotated[int, Field(description="Channels.")]
    number_price: Annotated[Money, Field(description="Of a number a month, without tax.")]
    numbers_per_channel: int | None
    packs: list[Pack]
    options: list[Option]
    plans: list[Plan]


class Line(Told):
    """A line of a quote, an order or an invoice."""

    kind: LineKind
    text: str
    quantity: Annotated[str, Field(description="Calls are counted in minutes.", examples=["1"])]
    unit_price: Money
    part: Annotated[str, Field(description='Of the period, "11/30 days"; "" for the whole.')]
    since: Day
    until: Annotated[Day, Field(description="Not included.")]
    amount: Annotated[Money, Field(description="Without tax.")]


class Sum(Told):
    """What lines come to."""

    net: Money
    tax_percent: Annotated[str, Field(examples=["20"])]
    tax: Money
    gross: Annotated[Money, Field(description="What is to be paid.")]


class Wish(Asked):
    """Channels that are wanted: more than a trunk has now is a raise, fewer a cut."""

    trunk: Name
    channels: Channels
    customer: Annotated[
        Name | None,
        Field(description="Who is to hold a trunk that is new; a customer's token: itself."),
    ] = None
    offer: Annotated[_CatalogueName | None, Field(description="Of a first order.")] = None
    plan: Annotated[_CatalogueName | None, Field(description="Of a first order.")] = None
    options: Annotated[
        tuple[_CatalogueName, ...], Field(max_length=20, description="Of a first order.")
    ] = ()
    country: Annotated[Country | None, Field(description="Where the PBX of a new trunk is.")] = None
    numbers: Annotated[
        tuple[E164, ...],
        Field(max_length=100, description="Of a trunk that is new; the provider's to give."),
    ] = ()


class NewOrder(Wish):
    """The same, to be ordered."""

    gross: Annotated[
        Amount | None,
        Field(description="What the quote came to: at another price nothing is ordered."),
    ] = None


class NextPeriod(Told):
    """The period after this one, as it would be."""

    first: Day
    channels: int
    lines: list[Line]
    total: Sum


class Quote(Told):
    """What an order would come to."""

    kind: OrderKind
    channels: Annotated[int, Field(description="That may be used once it has taken effect.")]
    takes_effect: Annotated[Day | None, Field(description="null: when it is paid.")]
    lines: list[Line]
    total: Sum
    next: NextPeriod
    remarks: list[str]


class Order(Told):
    """An order: nothing that is not paid takes effect."""

    reference: OrderReference
    state: OrderState
    kind: OrderKind
    trunk: Name
    customer: Name
    asked: Annotated[int, Field(description="Channels more, or, negative, less.")]
    granted: Annotated[int, Field(description="Channels that it gives at once.")]
    takes_effect: Annotated[Day | None, Field(description="null: when it is paid.")]
    lines: list[Line]
    total: Sum
    placed_at: Moment
    expires_at: Annotated[Moment | None, Field(description="Until then it can be paid.")]
    closed_at: Moment | None


@ROUTER.get("/offers", summary="List offers")
def list_offers(caller: Reader, paged: Paged) -> Page[Offer]:
    """What can be ordered today, by name."""
    with caller.reading() as connection:
        known = catalogues.every(connection)
    begun = [one for one in known if one.valid_from <= caller.house.today]
    if not begun:
        return paged.page([], lambda _: (), lambda one: one)
    held = sold.in_force(begun, caller.house.today)
    found = sorted(held.offers.values(), key=lambda one: one.name)
    return paged.slice(found, lambda one: (one.name,), lambda one: _offer(held, one), str)


@ROUTER.post("/quotes", summary="Quote an order", responses=CHANGES)
def quote(caller: Biller, wish: Wish) -> Quote:
    """Say what an order would cost, when it would take effect, and the next period's price.

    Nothing is ordered.
    """
    by = By(caller.author, caller.house.now())
    with caller.reading() as connection:
        return _quote(_quoted(caller, connection, by, wish).quote)


@ROUTER.get("/orders", summary="List orders")
def list_orders(
    caller: Biller,
    paged: Paged,
    trunk: Annotated[Name | None, Query()] = None,
    state: Annotated[OrderState | None, Query()] = None,
) -> Page[Order]:
    """Orders, the newest first."""
    before = paged.after(int)
    with caller.reading() as connection:
        found = orders.piece(
            connection, caller.customer, trunk, before, paged.one_more, state=state
        )
    now = caller.house.now()
    return paged.page(found, lambda one: (one.id,), lambda one: _order(one, now))


@ROUTER.get("/orders/{order}", summary="Show an order")
def get_order(caller: Biller, order: OrderReference) -> Order:
    """All of an order."""
    with caller.reading() as connection:
        return _order(_own(caller, connection, order), caller.house.now())


@ROUTER.post(
    "/orders",
    summary="Order channels",
    status_code=HTTPStatus.CREATED,
    response_model=Order,
    responses=CHANGES,
)
def place_order(caller: Biller, wish: NewOrder, key: Key = None) -> Response:
    """Order channels: for a trunk that is new, or more, or fewer from the next period on.

    A first order and a raise take effect when they are paid; a cut, which costs nothing, with the
    next period.
    """

    def place(connection: "Connection", by: By) -> Order:
        wanted = _quoted(caller, connection, by, wish)
        totals = wanted.quote.totals
        if wish.gross is not None and Decimal(wish.gross) != totals.gross:
            price = figure(totals.gross, totals.currency)
            detail = f"This comes to {price} {totals.currency} now: nothing was ordered."
            raise HTTPException(HTTPStatus.CONFLICT, detail)
        return _order(orders.place(connection, by, wanted), by.at)

    return once(caller, key, wish, place, HTTPStatus.CREATED)


@ROUTER.post(
    "/orders/{order}/cancel", summary="Cancel an order", response_model=Order, responses=CHANGES
)
def cancel_order(caller: Biller, order: OrderReference, key: Key = None) -> Response:
    """Take an order back that is not paid, or a cut that has not taken effect."""

    def cancel(connection: "Connection", by: By) -> Order:
        _own(caller, connection, order)
        on = agreed.ground(connection, caller.house.zone)
        return _order(orders.cancel(connection, by, order, on), by.at)

    return once(caller, key, None, cancel)


def _quoted(caller: Caller, connection: "Connection", by: By, wish: Wish) -> orders.Wish:
    customer = caller.one_of(wish.customer)
    there = trunks.find(connection, wish.trunk)
    if there is not None:
        caller.trunk(connection, wish.trunk)
        customer = wish.customer
    if wish.numbers:
        caller.require_provider("Which numbers a trunk has")
    request = Request(
        trunk=wish.trunk,
        channels=wish.channels,
        customer=customer,
        offer=wish.offer,
        plan=wish.plan,
        options=wish.options,
        country=wish.country or "",
        numbers=wish.numbers,
    )
    return counter(caller.house.settings, connection, by).quoted(request)


def _own(caller: Caller, connection: "Connection", reference: str) -> PlacedOrder:
    found = orders.find(connection, reference)
    if found is None or not caller.owns(found.customer):
        raise NotFound(f"There is no order {reference}.")
    return found


def line(one: BillingLine, currency: str, sign: int = 1) -> Line:
    """A line, for programs."""
    return Line(
        kind=one.kind,
        text=one.text,
        quantity=f"{(sign * one.quantity).normalize():f}",
        unit_price=money(one.unit_price, currency),
        part=one.part_in_words,
        since=one.since,
        until=one.until,
        amount=money(sign * one.amount, currency),
    )


def total(one: Totals, sign: int = 1) -> Sum:
    """A sum, for programs."""
    return Sum(
        net=money(sign * one.net, one.currency),
        tax_percent=f"{one.percent.normalize():f}",
        tax=money(sign * one.tax, one.currency),
        gross=money(sign * one.gross, one.currency),
    )


def _quote(one: Quoted) -> Quote:
    currency, following = one.totals.currency, one.next
    return Quote(
        kind=one.change.kind,
        channels=one.usable,
        takes_effect=one.takes_effect,
        lines=[line(each, currency) for each in one.lines],
        total=total(one.totals),
        next=NextPeriod(
            first=following.first,
            channels=following.usable,
            lines=[line(each, currency) for each in following.lines],
            total=total(following.totals),
        ),
        remarks=list(one.remarks),
    )


def _order(one: PlacedOrder, now: datetime) -> Order:
    late = one.state is OrderState.PLACED and not one.is_open_at(now)
    return Order(
        reference=one.reference,
        state=OrderState.EXPIRED if late else one.state,
        kind=one.kind,
        trunk=one.trunk,
        customer=one.customer,
        asked=one.asked,
        granted=one.granted,
        takes_effect=one.takes_effect,
        lines=[line(each, one.currency) for each in one.lines],
        total=total(Totals(one.currency, one.net, one.percent, one.gross - one.net)),
        placed_at=one.placed_at,
        expires_at=one.expires_at,
        closed_at=one.closed_at,
    )


def _offer(held: sold.Catalogue, one: sold.Offer) -> Offer:
    currency = held.currency
    return Offer(
        name=one.name,
        title=one.title,
        valid_from=held.valid_from,
        minimum=one.minimum,
        maximum=one.maximum,
        number_price=money(one.number_price, currency),
        numbers_per_channel=one.numbers_per_channel,
        packs=[
            Pack(name=each.name, channels=each.channels, price=money(each.price, currency))
            for each in one.packs
        ],
        options=[
            Option(
                name=each.name,
                title=each.title,
                price=money(each.price, currency),
                channels=each.channels,
            )
            for each in one.options
        ],
        plans=[
            Plan(
                name=each.name,
                title=each.title,
                price=money(each.price, currency),
                channels=each.channels,
                numbers=each.numbers,
            )
            for each in held.plans.values()
            if each.offer == one.name
        ],
    )
