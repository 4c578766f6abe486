"""What becomes of invoices that nobody pays, and what payment takes back."""

from datetime import date, timedelta

from sqlalchemy import Connection

from asterisk_siptrunk.billing.dunning import Step, step_due
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.database import customers, invoices, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.invoices import Invoice
from asterisk_siptrunk.database.provider import hold
from asterisk_siptrunk.errors import AlreadyExists
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource

_SCOPES = {Step.OUTBOUND: SuspensionScope.OUTBOUND, Step.ALL: SuspensionScope.ALL}


def due(connection: Connection, business: Business, today: date) -> list[tuple[str, Step]]:
    """The steps that unpaid invoices have come to, and that are not taken; by the invoice's number.

    An invoice whose steps were missed, as while nothing ran, takes the last of them alone.
    """
    come_to = [(one, _step(business, one, today)) for one in invoices.unsettled(connection)]
    return [(one.number, step) for one, step in come_to if step > one.reminded]


def remind(connection: Connection, by: By, business: Business, number: str, today: date) -> Step:
    """Take the step that an invoice has come to; NONE where it was paid, or that is taken."""
    hold(connection)  # whoever pays at this moment, or writes a credit note, is not suspended
    one = invoices.get(connection, number)
    step = _step(business, one, today)
    if one.settled_at is not None or step <= one.reminded:
        return Step.NONE
    invoices.remind(connection, one, step)
    _take(connection, by, business, one, step)
    return step


def _step(business: Business, one: Invoice, today: date) -> Step:
    return step_due(one.due, today, business.office.patience)


def _take(connection: Connection, by: By, business: Business, one: Invoice, step: Step) -> None:
    if step is Step.REMINDER:
        _say_late(connection, by, business, one)
    elif not trunks.get(connection, one.trunk).ended:
        _suspend(connection, by, business, one, _SCOPES[step])


def _say_late(connection: Connection, by: By, business: Business, one: Invoice) -> None:
    stops = one.due + timedelta(business.office.patience.outbound + 1)
    business.tell(
        connection,
        by,
        customers.get(connection, one.customer),
        NoticeKind.INVOICE_REMINDER,
        invoice=one.number,
        amount=one.unpaid,
        currency=one.totals.currency,
        due=one.due,
        consequence=f"Outbound calls are suspended from {stops} on if it is still not paid then.",
    )


def _suspend(
    connection: Connection, by: By, business: Business, one: Invoice, scope: SuspensionScope
) -> None:
    reason = f"invoice {one.number} of {shown(one.unpaid, one.totals.currency)} is not paid"
    try:
        suspensions.suspend(
            connection, by, one.trunk, Suspension(scope, reason, SuspensionSource.BILLING)
        )
    except AlreadyExists:  # for another invoice of the same trunk
        return
    business.tell(
        connection,
        by,
        customers.get(connection, one.customer),
        NoticeKind.TRUNK_SUSPENDED,
        trunk=one.trunk,
        scope=scope,
        reason=f"{reason}.",
    )


def lift(connection: Connection, by: By, business: Business, paid: Invoice) -> None:
    """Lift the suspensions that no unpaid invoice of the trunk asks for any more."""
    if trunks.get(connection, paid.trunk).ended:
        return
    unsettled = invoices.unsettled_of(connection, paid.trunk)
    furthest = max((one.reminded for one in unsettled), default=Step.NONE)
    lifted = [
        scope
        for step, scope in _SCOPES.items()
        if step > furthest
        and suspensions.resume(connection, by, paid.trunk, scope, SuspensionSource.BILLING)
    ]
    left = trunks.get(connection, paid.trunk)
    for scope in lifted:
        if left.suspension_of(scope) is None:  # else its calls are refused as before
            _say_resumed(connection, by, business, paid, scope)


def _say_resumed(
    connection: Connection, by: By, business: Business, paid: Invoice, scope: SuspensionScope
) -> None:
    business.tell(
        connection,
        by,
        customers.get(connection, paid.customer),
        NoticeKind.TRUNK_RESUMED,
        trunk=paid.trunk,
        scope=scope,
        reason=f"Invoice {paid.number} is settled.",
    )
