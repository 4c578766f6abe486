"""Invoices and credit notes, their documents, and what is told of payments."""

from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from asterisk_siptrunk.billing.invoice import InvoiceKind
from asterisk_siptrunk.billing.payment import Outcome, PaymentState, parse_payment
from asterisk_siptrunk.bootstrap import By, cashier, invoices, issue_credentials, on_paper
from asterisk_siptrunk.bootstrap import Invoice as KeptInvoice
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Credentials
from asterisk_siptrunk.web.api.caller import Biller, Caller, Payer
from asterisk_siptrunk.web.api.description import CHANGES, errors, router
from asterisk_siptrunk.web.api.kinds import (
    Amount,
    Asked,
    Currency,
    Day,
    Flag,
    InvoiceNumber,
    Moment,
    Money,
    Name,
    OrderReference,
    Reference,
    Told,
    money,
)
from asterisk_siptrunk.web.api.once import Key, once
from asterisk_siptrunk.web.api.paging import Page, Paged
from asterisk_siptrunk.web.api.selling import Line, Sum, line, total

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROUTER = router("invoices")


class Paper(StrEnum):
    """What a document is written as; factur-x is the PDF with the XML of EN 16931 in it."""

    PDF = "pdf"
    FACTUR_X = "factur-x"
    XML = "xml"
    CSV = "csv"
    JSON = "json"


_MEDIA = {
    Paper.PDF: "application/pdf",
    Paper.FACTUR_X: "application/pdf",
    Paper.XML: "application/xml",
    Paper.CSV: "text/csv",
    Paper.JSON: "application/json",
}
_BY_MEDIA = {media: paper for paper, media in reversed(_MEDIA.items())}
_ANYTHING = {"*/*", "application/*", ""}
_State = Annotated[
    str, Field(description="open, overdue, paid, credited or settled.", examples=["open"])
]


class Invoice(Told):
    """An invoice or a credit note; what a credit note takes back is negative."""

    number: InvoiceNumber
    kind: InvoiceKind
    state: _State
    customer: Name
    trunk: Name
    issued: Day
    due: Annotated[Day | None, Field(description="The last day in time; null: nothing is to pay.")]
    total: Sum
    unpaid: Money
    settled_at: Moment | None


class InvoiceSheet(Invoice):
    """All of an invoice."""

    lines: list[Line]
    credits: Annotated[str | None, Field(description="The invoice that a credit note takes back.")]
    reason: Annotated[str, Field(description="Why it does.")]
    credit_notes: Annotated[list[InvoiceNumber], Field(description="Those that take this back.")]


class NewPayment(Asked):
    """Money that was received, for one order or for one invoice."""

    reference: Reference
    amount: Amount
    currency: Currency
    order: OrderReference | None = None
    invoice: InvoiceNumber | None = None


class Payment(Told):
    """What became of a payment."""

    reference: Reference
    state: PaymentState
    words: Annotated[str, Field(description="The same in a sentence.")]


@ROUTER.get("/invoices", summary="List invoices")
def list_invoices(
    *,
    caller: Biller,
    paged: Paged,
    customer: Annotated[Name | None, Query()] = None,
    unpaid: Annotated[Flag, Query(description="Only what is left to pay.")] = False,
) -> Page[Invoice]:
    """Invoices and credit notes, the newest first."""
    of, before = caller.one_of(customer), paged.after(int)
    with caller.reading() as connection:
        found = invoices.piece(connection, of, before, paged.one_more, unpaid=unpaid)
    return paged.page(found, lambda one: (one.id,), lambda one: Invoice(**_row(caller, one)))


@ROUTER.get(
    "/invoices/{invoice:path}/document",
    summary="Get an invoice as a file",
    response_class=Response,
    responses={
        200: {
            "description": "The file.",
            "content": {media: {} for media in _BY_MEDIA},
        },
        **errors(HTTPStatus.NOT_ACCEPTABLE),
    },
)
def get_document(
    caller: Biller,
    invoice: InvoiceNumber,
    paper: Annotated[Paper | None, Query(alias="format")] = None,
) -> Response:
    """An invoice as PDF, Factur-X, XML, CSV or JSON: as `format` says, else as Accept does."""
    wanted = paper or _accepted(caller.request.headers.get("accept", ""))
    with caller.reading() as connection:
        _own(caller, connection, invoice)
        document = invoices.document(connection, invoice)
    name = invoice.replace("/", "-")
    ending = "-factur-x.pdf" if wanted is Paper.FACTUR_X else f".{wanted}"
    headers = {"Content-Disposition": f'attachment; filename="{name}{ending}"'}
    return Response(on_paper(document, wanted), headers=headers, media_type=_MEDIA[wanted])


@ROUTER.get("/invoices/{invoice:path}", summary="Show an invoice")
def get_invoice(caller: Biller, invoice: InvoiceNumber) -> InvoiceSheet:
    """An invoice with its lines."""
    with caller.reading() as connection:
        one = _own(caller, connection, invoice)
        lines = invoices.lines_of(connection, one)
        notes = invoices.credit_notes_of(connection, one)
    return InvoiceSheet(
        **_row(caller, one),
        lines=[line(each, one.totals.currency, _sign(one)) for each in lines],
        credits=one.credits,
        reason=one.reason,
        credit_notes=[each.number for each in notes],
    )


@ROUTER.post("/payments", summary="Tell of a payment", response_model=Payment, responses=CHANGES)
def pay(caller: Payer, payment: NewPayment, key: Key = None) -> Response:
    """Tell of money that has come: what it is for takes effect at once.

    By its reference a payment counts once, however often it is told. One that pays for nothing is
    kept as `unassigned`, to be given back. Whoever gets a new trunk makes credentials for it:
    `POST /trunks/{trunk}/credentials`.
    """
    given = parse_payment(payment.model_dump(exclude_none=True))

    def take(connection: "Connection", by: By) -> Payment:
        till = cashier(caller.house.settings, connection, by)
        return _paid(payment, till.pay(given, lambda trunk: _unseen(caller, trunk)))

    return once(caller, key, payment, take)


def _unseen(caller: Caller, trunk: str) -> Credentials:
    """Credentials whose secret nobody is told: an answer that is kept must not hold one."""
    return issue_credentials(caller.house.settings, trunk)[0]


def _paid(payment: NewPayment, outcome: Outcome) -> Payment:
    return Payment(reference=payment.reference, state=outcome.state, words=outcome.words)


def _own(caller: Caller, connection: "Connection", number: str) -> KeptInvoice:
    found = invoices.find(connection, number)
    if found is None or not caller.owns(found.customer):
        raise NotFound(f"There is no invoice {number}.")
    return found


def _accepted(header: str) -> Paper:
    """The kind of file that an Accept header asks for, the first one that we write."""
    for part in header.split(","):
        media = part.partition(";")[0].strip().lower()
        if media in _ANYTHING:
            return Paper.PDF
        if media in _BY_MEDIA:
            return _BY_MEDIA[media]
    detail = f"It can be had as {', '.join(_BY_MEDIA)}."
    raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, detail)


def _sign(one: KeptInvoice) -> int:
    """Beside invoices a credit note is less money; on paper its amounts are positive."""
    return -1 if one.kind is InvoiceKind.CREDIT else 1


def _row(caller: Caller, one: KeptInvoice) -> dict[str, Any]:
    is_credit = one.kind is InvoiceKind.CREDIT
    return {
        "number": one.number,
        "kind": one.kind,
        "state": one.state_on(caller.house.today),
        "customer": one.customer,
        "trunk": one.trunk,
        "issued": one.issued,
        "due": None if is_credit else one.due,
        "total": total(one.totals, _sign(one)),
        "unpaid": money(one.unpaid, one.totals.currency),
        "settled_at": one.settled_at,
    }
