"""Invoices, and how each of their lines came about."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account import Right
from asterisk_siptrunk.billing.invoice import InvoiceDocument, InvoiceKind
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.billing.period import last_day
from asterisk_siptrunk.bootstrap import (
    Invoice,
    estimate,
    invoices,
    itemised,
    payments,
    subscriptions,
)
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection


PAGES = Pages()
_MOST_INVOICES = 100
_MOST_CALLS = 20_000
"""Rated for a look at this period: about a second's work."""
_CALLS_ON_A_PAGE = 50
_LONGEST_ID = 18
_SHOWN_DIGITS = 4
_MEDIA = {
    "pdf": "application/pdf",
    "factur-x": "application/pdf",
    "xml": "application/xml",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}
_MARKS = {"paid": "good", "settled": "good", "open": "warn", "overdue": "bad", "credited": ""}
_CSV_COLUMNS = (
    *("call", "started_at", "callee", "zone", "rate", "seconds", "included", "cost", "currency"),
)


@dataclass(frozen=True, slots=True)
class Told:
    """An invoice as the list has it; a credit note is less money there."""

    invoice: Invoice
    state: str
    mark: str
    gross: Decimal


@PAGES.get("/customers/{customer}/invoices", Right.SEE)
def listed(view: View, customer: str) -> Response:
    """All invoices of a customer, the newest first, and what is to be paid."""
    query = view.request.query_params
    with view.reading() as connection:
        found = invoices.every(connection, customer)[::-1]
    most = len(found) if "all" in query else _MOST_INVOICES
    return view.page(
        "invoices.html",
        customer=customer,
        told=[_told(view, one) for one in found[:most]],
        more=max(0, len(found) - most),
        unpaid=_sums(found),
        so_far=_so_far(view, customer) if "so_far" in query else None,
    )


@PAGES.get("/customers/{customer}/invoices/so-far", Right.SEE)
def so_far(view: View, customer: str) -> Response:
    """What this period has come to so far: a part of the page, made on demand."""
    return view.page("part/so_far.html", so_far=_so_far(view, customer))


@PAGES.get("/invoices/{number:path}/as/{paper}", Right.SEE)
def download(view: View, number: str, paper: str) -> Response:
    """An invoice as a file."""
    if paper not in bootstrap.PAPERS:
        raise NotFound(view.say("There is no such page."))
    with view.reading() as connection:
        _own(view, connection, number)
        document = invoices.document(connection, number)
    headers = {"Content-Disposition": f'attachment; filename="{document.file_name(paper)}"'}
    made = bootstrap.on_paper(document, paper)
    return Response(made, media_type=_MEDIA[paper], headers=headers)


@PAGES.get("/invoices/{number:path}/calls.csv", Right.SEE)
def calls_as_csv(view: View, number: str) -> Response:
    """The calls on an invoice, one by one."""
    with view.reading() as connection:
        one = _own(view, connection, number)
        document = invoices.document(connection, number)
    rows = itemised.every(view.house.engine, _charged(one, document))
    headers = {"Content-Disposition": f'attachment; filename="{document.file_name("calls.csv")}"'}
    lines = _csv(rows, document.currency)
    return StreamingResponse(lines, media_type=_MEDIA["csv"], headers=headers)


@PAGES.get("/invoices/{number:path}", Right.SEE)
def show(view: View, number: str) -> Response:
    """One invoice, or credit note: each line with how it came about, and what became of it."""
    after = _whole_number(view.request.query_params.get("after", ""))
    with view.reading() as connection:
        one = _own(view, connection, number)
        document = invoices.document(connection, number)
        notes = invoices.credit_notes_of(connection, one)
        paid = payments.of_invoice(connection, one)
        calls = (
            itemised.some(connection, _charged(one, document), after, _CALLS_ON_A_PAGE + 1)
            if one.period
            else []
        )
    return view.page(
        "invoice.html",
        told=_told(view, one),
        customer=one.customer,
        invoice=one,
        document=document,
        why=_why(view, one),
        last_day=_last_day,
        notes=[_told(view, each) for each in notes],
        payments=paid,
        payment_states=_payment_states(view),
        calls=calls[:_CALLS_ON_A_PAGE],
        more_calls=len(calls) > _CALLS_ON_A_PAGE,
        after=after,
        shown_cost=lambda cost: view.words.money(round(cost, _SHOWN_DIGITS), document.currency),
        papers=bootstrap.papers(),
        all_papers=bootstrap.PAPERS,
    )


def _own(view: View, connection: "Connection", number: str) -> Invoice:
    """An invoice that is for who asks; nobody can tell another's from none."""
    missing = NotFound(view.say("There is no invoice %(number)s.", number=number))
    try:
        found = invoices.get(connection, number)
    except NotFound:
        raise missing from None
    if not view.owns(found.customer):
        raise missing
    return found


def _charged(one: Invoice, document: InvoiceDocument) -> itemised.Charged:
    """The calls that are on an invoice: those of the period that was over with it."""
    return itemised.Charged(one.subscription_id, document.since)


def _told(view: View, one: Invoice) -> Told:
    state = one.state_on(view.house.today)
    sign = -1 if one.kind is InvoiceKind.CREDIT else 1
    return Told(one, _state(view, one, state), _MARKS[state], sign * one.totals.gross)


def _state(view: View, one: Invoice, state: str) -> str:
    if one.kind is InvoiceKind.CREDIT:
        if state == "open":
            return view.say("to be given back to you")
        return view.say("given back") if one.to_give_back else view.say("settled")
    return {
        "paid": view.say("paid"),
        "open": view.say("to be paid"),
        "overdue": view.say("overdue"),
        "credited": view.say("taken back"),
    }[state]


def _payment_states(view: View) -> dict[str, str]:
    return {
        "applied": view.say("counted"),
        "already": view.say("counted"),
        "unassigned": view.say("not counted, to be given back"),
        "returned": view.say("given back"),
    }


def _sums(found: list[Invoice]) -> dict[str, Decimal]:
    """What is to be paid, by currency."""
    sums: dict[str, Decimal] = {}
    for one in found:
        if one.unpaid:
            currency = one.totals.currency
            sums[currency] = sums.get(currency, Decimal(0)) + one.unpaid
    return sums


def _so_far(view: View, customer: str) -> list[estimate.SoFar]:
    """This period of each of the customer's subscriptions; many calls are left to the invoice."""
    office, today = bootstrap.business(view.house.settings), view.house.today
    with view.reading() as connection:
        own = subscriptions.of_customer(connection, customer, view.house.zone)
    going_on = [one for one in own if one.ends is None or today < one.ends]
    found: list[estimate.SoFar] = []
    for one in going_on:
        left = max(0, _MOST_CALLS - sum(each.calls or 0 for each in found))
        period = one.period_of(max(today, one.began))
        found.append(estimate.so_far(view.house.engine, office, one, period, left))
    return found


def _why(view: View, one: Invoice) -> str:
    """What the invoice is for, in a sentence."""
    if one.kind is InvoiceKind.CREDIT:
        return view.say("It gives back what invoice %(number)s charged.", number=one.credits)
    if one.order is not None:
        return view.say("It is for order %(order)s.", order=one.order)
    return view.say(
        "It is for the period that begins on %(day)s, in advance, and for what came in the period "
        "before: calls, and options and numbers that were added.",
        day=view.words.day(one.period),
    )


def _last_day(since: "date", until: "date") -> "date":
    """The last day of a span for people; a span of nothing has its first."""
    return max(since, last_day(until))


def _csv(rows: Iterator[itemised.ItemisedCall], currency: str) -> Iterator[str]:
    """The lines of a CSV file; nothing in them was written by a stranger."""
    yield _csv_line(_CSV_COLUMNS)
    for one in rows:
        cost = f"{round(one.cost, PRICE_DIGITS):f}"
        moment = one.started_at.isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
        kept = (one.callee, one.zone, one.rate, one.seconds, one.included)
        yield _csv_line((one.id, moment, *kept, cost, currency))


def _csv_line(cells: tuple[object, ...]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _whole_number(text: str) -> int:
    """A call's number in a query; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID else 0
