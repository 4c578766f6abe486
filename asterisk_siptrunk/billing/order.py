"""Orders: placed, then paid, cancelled or expired; nothing unpaid takes effect."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from asterisk_siptrunk.billing.line import Line
from asterisk_siptrunk.billing.subscription import OrderKind


class OrderState(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    """It waits for its payment."""
    PAID = "paid"
    """It has taken effect."""
    ACCEPTED = "accepted"
    """A cut, which costs nothing: it takes effect with the next period, or has."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """It was not paid in time: its price was that of days that are gone."""


@dataclass(frozen=True, slots=True)
class NewTrunk:
    """The trunk that a first order is for, made when it is paid, where it is not there yet.

    Attributes:
        numbers: in E.164, the main number first.
    """

    country: str
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One order, as it was quoted.

    Attributes:
        reference: what payments name it by.
        asked: channels more, or, negative, less; `granted`: channels that it gives at once.
        offer, plan, options: of a first order, else "", None and none.
        new_trunk: None where the trunk is there.
        expires_at: None for what needs no payment.
        closed_at: when it was paid, cancelled or expired.
    """

    id: int
    reference: str
    customer: str
    kind: OrderKind
    state: OrderState
    trunk: str
    asked: int
    granted: int
    lines: tuple[Line, ...]
    currency: str
    percent: Decimal
    net: Decimal
    gross: Decimal
    author: str
    placed_at: datetime
    expires_at: datetime | None
    closed_at: datetime | None
    takes_effect: date | None = None
    subscription_id: int | None = None
    offer: str = ""
    plan: str | None = None
    options: tuple[str, ...] = ()
    new_trunk: NewTrunk | None = None

    def is_open_at(self, moment: datetime) -> bool:
        """Whether it can be paid at that moment."""
        in_time = self.expires_at is None or moment < self.expires_at
        return self.state is OrderState.PLACED and in_time
