"""Offers, orders, invoices and billing runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.catalogue import Catalogue, in_force
from asterisk_siptrunk.billing.dunning import Step
from asterisk_siptrunk.billing.payment import Payment, PaymentState
from asterisk_siptrunk.bootstrap import (
    Bill,
    BillingRun,
    By,
    Ears,
    Refusal,
    business,
    catalogues,
    invoices,
    orders,
    payments,
    prover,
    selling,
    take_payment,
    trunks,
)
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound, SiptrunkError
from asterisk_siptrunk.typed import payment_reference
from asterisk_siptrunk.web.given import asked, asked_id, form_day, line
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

PAGES = Pages()
MOST = 100
_HOME = "/provider/selling"
_STATES = ("open", "overdue", "paid", "credited", "settled")


@dataclass(slots=True)
class RunState:
    """How a billing run stands: written by its thread, read by pages.

    Attributes:
        now: which trunk is rated, and how many of its calls were.
        amiss: what else a person should know.
        failure: why it stopped before its end.
    """

    day: date
    is_preview: bool
    author: str
    began_at: datetime
    now: str = ""
    calls: int = 0
    done: list[Bill | Refusal] = field(default_factory=list)
    reminders: list[tuple[str, Step]] = field(default_factory=list)
    amiss: list[str] = field(default_factory=list)
    failure: str = ""
    ended_at: datetime | None = None


@PAGES.get("/provider/selling", Right.SEE_ALL)
def show_selling(view: View) -> Response:
    """What is due, unpaid, waited for, and to be given back; and the last billing run."""
    house = view.house
    with view.reading() as connection:
        standing = selling.status(connection, business(house.settings), house.now())
    return view.page("provider/selling.html", standing=standing, steps=_steps(view), **_run(view))


@PAGES.get("/provider/selling/run", Right.SEE_ALL)
def show_run(view: View) -> Response:
    """How the billing run stands."""
    return view.page("provider/part/run.html", steps=_steps(view), **_run(view))


@PAGES.post("/provider/selling/preview", Right.RUN)
def preview_run(view: View) -> Response:
    """Compute what is due on a day, and write nothing."""
    return _begin(view, form_day(view, "day") or view.house.today, is_preview=True)


@PAGES.post("/provider/selling/run", Right.RUN, confirmed=True)
def begin_run(view: View) -> Response:
    """Invoice what is due on a day."""
    day = form_day(view, "day") or view.house.today
    if day > view.house.today:
        raise InvalidInput(view.say("This day is still to come: it can only be looked at."))
    return _begin(view, day, is_preview=False)


def _begin(view: View, day: date, *, is_preview: bool) -> Response:
    house = view.house
    state = RunState(day, is_preview, view.account.login, house.now())
    if not house.billing.begin(state, partial(_work, house)):
        raise AlreadyExists(view.say("A billing run is under way: wait until it is done."))
    return view.go(f"{_HOME}#run")


def _work(house: House, state: RunState) -> None:
    """In a thread of its own: each invoice is whole or not there, whenever this ends."""

    def sign() -> By:
        return By(state.author, house.now())

    @contextmanager
    def rating(trunk: str) -> Iterator[Callable[[int], None]]:
        state.now, state.calls = trunk, 0

        def watch(more: int) -> None:
            state.calls += more

        yield watch

    proof = prover(house.settings, house.engine, sign)
    ears = Ears(rating, state.amiss.append)
    run = BillingRun(house.engine, business(house.settings), proof, state.day, ears)
    try:
        for one in run.preview() if state.is_preview else run.bill():
            state.done.append(one)
        if not state.is_preview:
            state.reminders.extend(run.remind())
    except SiptrunkError as error:
        state.failure = str(error)
    finally:
        state.now, state.ended_at = "", house.now()


def _run(view: View) -> dict[str, Any]:
    return {"run": view.house.billing.state, "running": view.house.billing.is_running}


def _steps(view: View) -> dict[Step, str]:
    return {
        Step.NONE: view.say("nothing yet"),
        Step.REMINDER: view.say("a reminder is sent"),
        Step.OUTBOUND: view.say("outbound calls are suspended"),
        Step.ALL: view.say("all calls are suspended, except emergency calls"),
    }


@PAGES.post("/provider/selling/given-back", Right.RUN, confirmed=True)
def given_back(view: View) -> Response:
    """Note that money went back."""
    name = line(view, "name", payment_reference, view.say("Payment"))
    with view.changing() as (connection, by):
        if not invoices.give_back(connection, by, name):
            payments.give_back(connection, by, name)
    return view.go(_HOME, view.say("The money of %(name)s was given back.", name=name))


@PAGES.get("/provider/selling/offers", Right.SEE_ALL)
def show_offers(view: View) -> Response:
    """What can be ordered today, and which catalogue follows."""
    with view.reading() as connection:
        every = catalogues.every(connection)
    today = view.house.today
    following = [one.valid_from for one in every if one.valid_from > today]
    return view.page("provider/offers.html", catalogue=_of_today(every, today), following=following)


def _of_today(every: list[Catalogue], today: date) -> Catalogue | None:
    try:
        return in_force(every, today)
    except NotFound:
        return None


@PAGES.get("/provider/selling/orders", Right.SEE_ALL)
def show_orders(view: View) -> Response:
    """The orders that wait for their payment, or all of them, the newest first."""
    now, every = view.house.now(), asked(view, "state") == "all"
    trunk = asked(view, "trunk")
    with view.reading() as connection:
        found = (
            orders.piece(connection, None, trunk, asked_id(view, "before"), MOST + 1, state=None)
            if every
            else [
                one
                for one in reversed(orders.waiting(connection, None, now))
                if trunk in {None, one.trunk}
            ]
        )
    return view.page(
        "provider/orders.html",
        orders=found[:MOST] if every else found,
        older=found[MOST - 1].id if every and len(found) > MOST else None,
        every=every,
        trunk=trunk or "",
        now=now,
    )


@PAGES.get("/provider/selling/orders/{order}", Right.SEE_ALL)
def show_order(view: View, order: str) -> Response:
    """One order, and the form that takes its payment."""
    with view.reading() as connection:
        found = orders.get(connection, order)
    waits = found.is_open_at(view.house.now())
    return view.page("provider/order.html", order=found, waits=waits)


@PAGES.post("/provider/selling/orders/{order}/pay", Right.RUN, confirmed=True)
def pay_order(view: View, order: str) -> Response:
    """Take the payment of an order, whole: it takes effect at once."""
    reference = line(view, "payment", payment_reference, view.say("Payment"))
    with view.reading() as connection:
        found = orders.get(connection, order)
    given = Payment(reference, found.gross, found.currency, order=order)
    house = view.house
    taken = take_payment(house.settings, house.engine, given, view.account.login, house.now())
    if taken.outcome.state is PaymentState.UNASSIGNED:
        raise InvalidInput(taken.outcome.words)
    if taken.secret is None:
        return view.go(f"{_HOME}/orders/{order}", taken.outcome.words)
    with view.reading() as connection:
        trunk = trunks.get(connection, found.trunk)
    return view.page(
        "provider/secret.html",
        HTTPStatus.CREATED,
        trunk=trunk,
        credentials=taken.credentials,
        secret=taken.secret,
        without_number=not trunk.numbers,
    )


@PAGES.get("/provider/selling/invoices", Right.SEE_ALL)
def show_invoices(view: View) -> Response:
    """Invoices and credit notes, the newest first."""
    customer, state = asked(view, "customer"), asked(view, "state")
    state = state if state in _STATES else None
    with view.reading() as connection:
        found = (
            invoices.unsettled(connection, customer)[::-1]
            if state == "overdue"  # however old they are
            else invoices.piece(
                connection, customer, asked_id(view, "before"), MOST + 1, unpaid=False
            )
        )
    shown = found if state == "overdue" else found[:MOST]
    told = [(one, one.state_on(view.house.today)) for one in shown]
    return view.page(
        "provider/invoices.html",
        invoices=[each for each in told if state in {None, each[1]}],
        older=found[MOST - 1].id if len(found) > len(shown) else None,
        customer=customer or "",
        state=state or "",
        states={
            "open": view.say("open"),
            "overdue": view.say("overdue"),
            "paid": view.say("paid"),
            "credited": view.say("credited"),
            "settled": view.say("settled"),
        },
    )
