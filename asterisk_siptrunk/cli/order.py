"""`siptrunk order`."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.billing.line import Totals
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.order import Order, OrderState
from asterisk_siptrunk.billing.payment import Payment, PaymentState
from asterisk_siptrunk.billing.subscription import OrderKind
from asterisk_siptrunk.bootstrap import Request, TakenPayment, orders, subscriptions, trunks
from asterisk_siptrunk.cli.complete import customer_names, order_references, trunk_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.money import (
    effect,
    for_programs_only,
    line_rows,
    money,
    more_or_less,
    quote_row,
    totals_row,
)
from asterisk_siptrunk.cli.options import confirm, form_option, name_argument, yes_option
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, warn
from asterisk_siptrunk.cli.selling import empty_of_seller
from asterisk_siptrunk.cli.values import COUNTRY, PAYMENT, PRICE, WholeNumber
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import MOST_CHANNELS
from asterisk_siptrunk.typed import phone_number

C = TypeVar("C", bound=Callable[..., Any])

_COLUMNS = (
    *("reference", "state", "kind", "trunk", "customer", "asked", "to_pay", "currency"),
    "placed_at",
)
_FOR_PEOPLE = tuple(key for key in _COLUMNS if key != "currency")
_APPLY = "Put it in force: siptrunk config apply"

_WISHES = (
    click.option("--trunk", required=True, shell_complete=trunk_names, help="Which trunk."),
    click.option(
        "--channels",
        type=WholeNumber(1, MOST_CHANNELS),
        required=True,
        help="How many it is to have: more than now is a raise, fewer a cut.",
    ),
    click.option(
        "--customer", shell_complete=customer_names, help="Who is to hold a trunk that is new."
    ),
    click.option("--offer", help="Of a first order; the catalogue's only one by default."),
    click.option("--plan", help="The plan that the trunk goes with, of a first order."),
    click.option("--option", "options", multiple=True, help="Of a first order; may be repeated."),
    click.option(
        "--number", "numbers", multiple=True, help="Of a trunk that is new, the main one first."
    ),
    click.option("--country", type=COUNTRY, help="Where the PBX of a new trunk is (FR)."),
)


def _wish_options(command: C) -> C:
    for option in reversed(_WISHES):
        command = option(command)
    return command


def _request(desk: Desk, values: dict[str, Any]) -> Request:
    country = values["country"] or desk.settings.provider.country
    e164 = tuple(phone_number(text, country) for text in values["numbers"])
    return Request(**{**values, "numbers": e164, "country": values["country"] or ""})


@click.group()
def command() -> None:
    """Channels ordered, paid, and taken back."""


@command.command()
@_wish_options
@form_option
@pass_desk
def quote(desk: Desk, /, form: Form, **values: Any) -> None:  # noqa: ANN401 - _wish_options
    """Show what an order would cost, when it would take effect, and the next period's price.

    With --customer it is of a trunk that is to be made, without it of one that is there.

    \b
    Examples:
      siptrunk order quote --trunk acme-lyon --customer acme --channels 5
      siptrunk order quote --trunk acme-lyon --channels 8
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    with desk.changing() as (connection, by):
        quoted = (
            bootstrap.counter(desk.settings, connection, by).quoted(_request(desk, values)).quote
        )
    show_row(
        quote_row(quoted),
        form,
        desk.zone,
        lines=line_rows(quoted.lines, quoted.totals.currency),
        next_lines=line_rows(quoted.next.lines, quoted.totals.currency),
    )


@command.command()
@_wish_options
@yes_option
@form_option
@pass_desk
def place(
    desk: Desk,
    /,
    form: Form,
    *,
    yes: bool,
    **values: Any,  # noqa: ANN401 - _wish_options
) -> None:
    """Order channels: for a trunk that is new, or more, or fewer from the next period on.

    The packs are chosen by siptrunk: the cheapest ones for the number. A first order and a raise
    take effect when they are paid ('siptrunk order pay'), a raise at once and without a reload of
    Asterisk; a cut, which costs nothing, with the next period. Its price holds for some days
    ([billing] order_days), and never beyond the period.

    A first order of a trunk that is there (without --customer) sells it: from its payment on it has
    the channels that were ordered, whatever it had before.

    \b
    Examples:
      siptrunk order place --trunk acme-lyon --customer acme --channels 5 --number 0423456789
      siptrunk order place --trunk acme-lyon --channels 8
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    request = _request(desk, values)
    with desk.changing() as (connection, by):
        quoted = bootstrap.counter(desk.settings, connection, by).quoted(request).quote
    confirm(f"{_in_words(request, quote_row(quoted))} Order it?", yes=yes)
    with desk.changing() as (connection, by):
        wish = bootstrap.counter(desk.settings, connection, by).quoted(request)
        if wish.quote.fingerprint != quoted.fingerprint:
            raise InvalidInput("What this comes to has changed meanwhile: order it again.")
        order = orders.place(connection, by, wish)
    show_row(_sheet(order), form, desk.zone, lines=line_rows(order.lines, order.currency))
    if order.kind is OrderKind.FIRST and (empty := empty_of_seller(desk)):
        warn(f"Its invoice would not say all of the seller: {empty}. Fill in {desk.file} first.")
    if order.kind is OrderKind.CUT:
        say(
            f"It takes effect on {order.takes_effect}; until then 'siptrunk order cancel "
            f"{order.reference}' takes it back."
        )
    else:
        say(f"Nothing has changed yet. Next: siptrunk order pay {order.reference} --payment NAME")


def _in_words(request: Request, row: Row) -> str:
    return (
        f"{str(row['order']).capitalize()} of trunk {request.trunk}: {row['channels']} channels "
        f"{row['takes_effect']}, {row['to_pay']} to pay; from {row['next_period']} on "
        f"{row['next_price']} a month without tax and calls."
    )


@command.command()
@name_argument(order_references, "reference")
@click.option("--payment", type=PAYMENT, required=True, help="The payment's own reference.")
@click.option("--amount", type=PRICE, help="What came in; the price of the order by default.")
@form_option
@pass_desk
def pay(desk: Desk, reference: str, payment: str, amount: Decimal | None, form: Form) -> None:
    """Say that an order is paid: it takes effect at once.

    The same payment said twice changes nothing. Of a trunk that is new the credentials are shown:
    this once, since only digests are kept.

    Example: siptrunk order pay O-1A2B3C4D --payment bank-20261124-17
    """
    with desk.reading() as connection:
        order = orders.get(connection, reference)
    if amount not in {None, order.gross}:
        raise InvalidInput(
            f"Order {reference} costs {shown(order.gross, order.currency)}, and is paid whole or "
            "not at all. Nothing was kept of this payment: tell of it once all of it has come, or "
            "give back what came."
        )
    given = Payment(payment, order.gross, order.currency, order=reference)
    taken = bootstrap.take_payment(desk.settings, desk.engine, given)
    show_row(_paid_row(order, taken), form, desk.zone)
    if taken.outcome.state is PaymentState.UNASSIGNED:
        raise InvalidInput(taken.outcome.words)
    say(taken.outcome.words)
    if taken.secret is not None:
        say(f"Trunk {order.trunk} is made. {_APPLY}")
        warn("this secret is shown once; 'siptrunk trunk rotate-secret' makes another.")


def _paid_row(order: Order, taken: TakenPayment) -> Row:
    row: Row = {
        "order": order.reference,
        "trunk": order.trunk,
        "payment": taken.outcome.state.value,
    }
    if taken.credentials is None or taken.secret is None:
        return row
    return {**row, "username": taken.credentials.username, "secret": taken.secret}


@command.command()
@name_argument(order_references, "reference")
@yes_option
@pass_desk
def cancel(desk: Desk, reference: str, *, yes: bool) -> None:
    """Take an order back that is not paid, or a cut that has not taken effect.

    Example: siptrunk order cancel O-1A2B3C4D
    """
    with desk.reading() as connection:
        orders.get(connection, reference)
    confirm(f"Cancel order {reference}?", yes=yes)
    with desk.changing() as (connection, by):
        ground = subscriptions.ground(connection, desk.zone)
        orders.cancel(connection, by, reference, ground)
    say(f"Order {reference} cancelled.")


@command.command("list")
@click.option("--trunk", shell_complete=trunk_names, help="Only those of this trunk.")
@click.option("--open", "only_open", is_flag=True, help="Only those that wait for their payment.")
@form_option
@pass_desk
def list_(desk: Desk, trunk: str | None, form: Form, *, only_open: bool) -> None:
    """List orders, oldest first.

    Example: siptrunk order list --open
    """
    with desk.reading() as connection:
        found = orders.every(connection, trunk)
        if trunk is not None and not found:  # an order may stand for one that is still to be made
            trunks.get(connection, trunk)
    now = datetime.now(UTC)
    rows = [_line(one, now) for one in found if one.is_open_at(now) or not only_open]
    show_rows(rows, _COLUMNS, form, desk.zone, _FOR_PEOPLE)


@command.command()
@name_argument(order_references, "reference")
@form_option
@pass_desk
def show(desk: Desk, reference: str, form: Form) -> None:
    """Show all of an order.

    Example: siptrunk order show O-1A2B3C4D
    """
    with desk.reading() as connection:
        order = orders.get(connection, reference)
    show_row(_sheet(order), form, desk.zone, lines=line_rows(order.lines, order.currency))


def _line(order: Order, now: datetime) -> Row:
    late = order.state is OrderState.PLACED and not order.is_open_at(now)
    return {
        "reference": order.reference,
        "state": (OrderState.EXPIRED if late else order.state).value,
        "kind": order.kind.value,
        "trunk": order.trunk,
        "customer": order.customer,
        "asked": more_or_less(order.asked),
        "to_pay": money(order.gross, order.currency),
        "currency": for_programs_only(order.currency),
        "placed_at": order.placed_at,
    }


def _sheet(order: Order) -> Row:
    totals = Totals.of(order.lines, order.percent, order.currency)
    return {
        **_line(order, datetime.now(UTC)),
        "channels_at_once": order.granted,
        **totals_row(totals),
        "takes_effect": effect(order.takes_effect),
        "pay_before": order.expires_at,
        "closed_at": order.closed_at,
        "author": order.author,
    }
