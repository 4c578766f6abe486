"""Where one comes in: a customer's trunks, or the provider's wallboard; and one trunk, as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.order import Order
from asterisk_siptrunk.bootstrap import Customer, Invoice, customers, invoices, orders, trunks
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Trunk
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.trunk_card import Card, cards
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()


@dataclass(frozen=True, slots=True)
class Matter:
    """Something to see to, and where, "" nowhere."""

    trunk: str
    sentence: str
    address: str
    is_bad: bool = False


@PAGES.get("/", Right.SEE)
def start(view: View) -> Response:
    """Lead everybody to what is theirs."""
    customer = view.account.customer
    return view.go(f"/customers/{customer}" if customer else "/provider")


@PAGES.get("/customers/{customer}", Right.SEE)
def home(view: View, customer: str) -> Response:
    """A customer's trunks, as they are now."""
    with view.reading() as connection:
        owner = _customer(view, connection, customer)
        own = trunks.of_customer(connection, customer)
        shown = cards(connection, own, view.words, view.house.now())
        matters = _matters(view, connection, customer, own)
    watched = [_of_findings(view, card) for card in shown if card.findings]
    return view.page("home.html", owner=owner, cards=shown, matters=[*watched, *matters])


@PAGES.get("/trunks/{trunk}", Right.SEE)
def trunk_now(view: View, trunk: str) -> Response:
    """One trunk, as it is now."""
    with view.reading() as connection:
        found = view.trunk(connection, trunk)
        (card,) = cards(connection, [found], view.words, view.house.now())
        matters = _matters(view, connection, found.customer, [found])
    watched = [_of_findings(view, card)] if card.findings else []
    of_trunk = [one for one in matters if one.trunk == trunk]
    return view.page("trunk.html", trunk=found, card=card, matters=[*watched, *of_trunk])


def _customer(view: View, connection: "Connection", name: str) -> Customer:
    try:
        return customers.get(connection, name)
    except NotFound:
        raise NotFound(view.say("There is no customer %(name)s.", name=name)) from None


def _matters(
    view: View, connection: "Connection", customer: str, own: Sequence[Trunk]
) -> list[Matter]:
    """What a customer has to pay; an order may be for a trunk that is not there yet."""
    names = {one.name for one in own}
    waiting = orders.waiting(connection, customer, view.house.now())
    unpaid = invoices.unsettled(connection, customer)
    return [
        *(_of_order(view, one, is_there=one.trunk in names) for one in waiting),
        *(_of_invoice(view, one) for one in unpaid),
    ]


def _of_order(view: View, order: Order, *, is_there: bool) -> Matter:
    said = view.say(
        "Order %(reference)s for trunk %(trunk)s: its payment of %(amount)s is awaited until "
        "%(until)s.",
        reference=order.reference,
        trunk=order.trunk,
        amount=view.words.money(order.gross, order.currency),
        until=view.words.moment(order.expires_at),
    )
    return Matter(order.trunk, said, f"/trunks/{order.trunk}/channels" if is_there else "")


def _of_invoice(view: View, invoice: Invoice) -> Matter:
    overdue = view.house.today > invoice.due
    sentence = (
        "Invoice %(number)s is overdue: %(amount)s were to be paid until %(day)s."
        if overdue
        else "Invoice %(number)s: %(amount)s are to be paid until %(day)s."
    )
    said = view.say(
        sentence,
        number=invoice.number,
        amount=view.words.money(invoice.unpaid, invoice.totals.currency),
        day=view.words.day(invoice.due),
    )
    return Matter(invoice.trunk, said, f"/invoices/{invoice.number}", is_bad=overdue)


def _of_findings(view: View, card: Card) -> Matter:
    said = view.words.say_many(
        "The watch has seen something unusual on trunk %(trunk)s.",
        "The watch has seen %(n)s unusual things on trunk %(trunk)s.",
        card.findings,
        trunk=card.trunk.name,
    )
    return Matter(card.trunk.name, said, f"/trunks/{card.trunk.name}/anomalies", is_bad=True)
