"""How selling stands on a day: what is due, unpaid, waited for, and to be given back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from asterisk_siptrunk.billing.invoicing import DueInvoice
from asterisk_siptrunk.billing.order import Order
from asterisk_siptrunk.database import invoices, orders, payments, renewals
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.invoices import Invoice
from asterisk_siptrunk.database.payments import UnassignedPayment


@dataclass(frozen=True, slots=True)
class Status:
    """It on one day.

    Attributes:
        due: invoices that are to be written.
        payments, notes: money to be given back, and credit notes of which it is.
    """

    day: date
    due: Sequence[DueInvoice]
    unpaid: Sequence[Invoice]
    waiting: Sequence[Order]
    payments: Sequence[UnassignedPayment]
    notes: Sequence[Invoice]

    @property
    def overdue(self) -> list[Invoice]:
        """Those that are not paid in time."""
        return [one for one in self.unpaid if one.due < self.day]


def status(connection: Connection, business: Business, now: datetime) -> Status:
    """How it stands now."""
    day = now.astimezone(business.office.zone).date()
    return Status(
        day=day,
        due=renewals.due(connection, business, day),
        unpaid=invoices.unsettled(connection),
        waiting=orders.waiting(connection, None, now),
        payments=payments.unassigned(connection),
        notes=invoices.to_give_back(connection),
    )
