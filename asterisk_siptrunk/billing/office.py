"""How the provider sells: who it is on paper, its tax, and its patience."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from asterisk_siptrunk.billing.dunning import Patience
from asterisk_siptrunk.billing.invoice import Party


@dataclass(frozen=True, slots=True)
class Office:
    """What invoices say of the provider, and by which days it counts.

    Attributes:
        percent: the tax rate of customers who have none of their own.
        prefix: begins each invoice's number.
        payment: how to pay, in words.
        order_time: how long an order may be paid at its price; never beyond its period.
        due_time: from an invoice's day to the last day on which it is paid in time.
        reverse_charge: what an invoice without tax says of it.
    """

    seller: Party
    zone: ZoneInfo
    percent: Decimal
    prefix: str
    payment: str
    order_time: timedelta
    due_time: timedelta
    patience: Patience
    reverse_charge: str
