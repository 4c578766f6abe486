"""Orders: written as they were quoted, and carried out when they are paid."""

import json
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, insert, select, true, update

from asterisk_siptrunk.billing.order import NewTrunk, Order, OrderState
from asterisk_siptrunk.billing.quote import Quote
from asterisk_siptrunk.billing.subscription import Ground, OrderKind, Subscription
from asterisk_siptrunk.database import customers, lines, subscriptions
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import channel_order, customer
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound

_REFERENCE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What is ordered, as quoted.

    Attributes:
        subscription: as it is; of a first order as it is to be.
        new_trunk: the trunk to make, None where it is there.
        expires_at: until when it may be paid.
    """

    subscription: Subscription
    quote: Quote
    expires_at: datetime
    new_trunk: NewTrunk | None = None


def place(connection: Connection, by: By, wish: Wish) -> Order:
    """Write an order down, in the transaction that it was quoted in; a cut is accepted at once.

    Raises:
        AlreadyExists: another order of the trunk waits for its payment, or holds its name.
    """
    agreed, quote = wish.subscription, wish.quote
    change, totals = quote.change, quote.totals
    is_cut = change.kind is OrderKind.CUT
    if not is_cut:
        _refuse_second(connection, by, agreed.trunk)
    owner = customers.get(connection, agreed.customer)
    reference = _new_reference(connection)
    values = {
        "reference": reference,
        "customer_id": owner.id,
        "subscription_id": agreed.id or None,
        "kind": change.kind,
        "state": OrderState.ACCEPTED if is_cut else OrderState.PLACED,
        "trunk": agreed.trunk,
        "asked": change.asked,
        "granted": change.granted,
        "terms": json.dumps(_terms(wish)),
        "currency": totals.currency,
        "percent": totals.percent,
        "net": totals.net,
        "gross": totals.gross,
        "author": by.author,
        "placed_at": by.at,
        "expires_at": None if is_cut else wish.expires_at,
        "closed_at": None,
    }
    connection.execute(insert(channel_order).values(values))
    note(connection, by, "trunk", agreed.trunk, _placed_in_words(wish, reference))
    return get(connection, reference)


def _new_reference(connection: Connection) -> str:
    """A short one, since people copy it into transfers: so another order may have it."""
    while True:
        reference = f"O-{secrets.token_hex(_REFERENCE_BYTES).upper()}"
        if not _load(connection, channel_order.c.reference == reference):
            return reference


def _placed_in_words(wish: Wish, reference: str) -> str:
    change = wish.quote.change
    return f"order {reference}: {change.kind}, {change.asked:+d} channels"


def _terms(wish: Wish) -> dict[str, Any]:
    agreed, new = wish.subscription, wish.new_trunk
    effect = wish.quote.takes_effect
    return {
        "lines": lines.to_json(wish.quote.lines),
        "takes_effect": effect.isoformat() if effect else None,
        "offer": agreed.offer,
        "plan": agreed.plan,
        "options": [option.name for option in agreed.options],
        "new_trunk": {"country": new.country, "numbers": list(new.numbers)} if new else None,
    }


def _refuse_second(connection: Connection, by: By, name: str) -> None:
    waiting = channel_order.c.state == OrderState.PLACED.value
    for one in _load(connection, (channel_order.c.trunk == name) & waiting):
        if one.is_open_at(by.at):
            raise AlreadyExists(
                f"Order {one.reference} of trunk {name} waits for its payment: pay it, or cancel "
                f"it ('siptrunk order cancel {one.reference}'), before another is placed."
            )


def get(connection: Connection, reference: str) -> Order:
    """Find an order.

    Raises:
        NotFound: there is none of that reference.
    """
    found = find(connection, reference)
    if found is None:
        raise NotFound(f"There is no order {reference}; 'siptrunk order list' shows them all.")
    return found


def find(connection: Connection, reference: str) -> Order | None:
    """The order of that reference; None where there is none."""
    return next(iter(_load(connection, channel_order.c.reference == reference)), None)


def locked(connection: Connection, reference: str) -> Order:
    """As `get`, kept from changes by others until the transaction ends."""
    where = channel_order.c.reference == reference
    connection.execute(select(channel_order.c.id).where(where).with_for_update())
    return get(connection, reference)


def every(connection: Connection, name: str | None = None) -> list[Order]:
    """All orders, or those of one trunk, oldest first."""
    return _load(connection, true() if name is None else channel_order.c.trunk == name)


def waiting(connection: Connection, of_customer: str | None, at: datetime) -> list[Order]:
    """The orders that can be paid at that moment, of all customers or of one, oldest first."""
    where: ColumnElement[bool] = channel_order.c.state == OrderState.PLACED.value
    if of_customer is not None:
        where &= customer.c.name == of_customer
    found = _load(connection, where)
    return [one for one in found if one.is_open_at(at)]


def piece(  # noqa: PLR0913 - each narrows it
    connection: Connection,
    of: str | None,
    name: str | None,
    before: int | None,
    limit: int,
    *,
    state: OrderState | None,
) -> list[Order]:
    """So many orders, the newest first, from before an id on: of a customer, of a trunk."""
    wanted = select(channel_order.c.id).order_by(channel_order.c.id.desc()).limit(limit)
    if of is not None:
        wanted = wanted.join(customer).where(customer.c.name == of)
    if name is not None:
        wanted = wanted.where(channel_order.c.trunk == name)
    if state is not None:
        wanted = wanted.where(channel_order.c.state == state.value)
    if before is not None:
        wanted = wanted.where(channel_order.c.id < before)
    return _load(connection, channel_order.c.id.in_(wanted))[::-1]


def cancel(connection: Connection, by: By, reference: str, on: Ground) -> Order:
    """Take an order back: one that waits for its payment, or a cut that has not taken effect.

    Raises:
        NotFound: there is no such order.
        InvalidInput: it has taken effect, or is closed.
    """
    found = locked(connection, reference)
    if found.kind is OrderKind.CUT and found.state is OrderState.ACCEPTED:
        _require_ahead(connection, by, found, on)
    elif found.state is not OrderState.PLACED:
        raise InvalidInput(f"Order {reference} is {found.state}: nothing of it can be taken back.")
    close(connection, by, found, OrderState.CANCELLED)
    note(connection, by, "trunk", found.trunk, f"order {reference} cancelled")
    return get(connection, reference)


def _require_ahead(connection: Connection, by: By, found: Order, on: Ground) -> None:
    if found.takes_effect is None or on.day_of(by.at) >= found.takes_effect:
        raise InvalidInput(
            f"The cut {found.reference} took effect on {found.takes_effect}: raise the trunk to "
            "have more channels again."
        )
    if found.subscription_id is not None:
        agreed = subscriptions.by_id(connection, found.subscription_id, on.zone)
        subscriptions.refuse_the_past(connection, by, agreed, on.zone)


def expire(connection: Connection, by: By) -> list[str]:
    """Close the orders whose time to be paid is over; gives their references."""
    late = (channel_order.c.state == OrderState.PLACED.value) & (
        channel_order.c.expires_at <= by.at
    )
    # One that is locked is being paid, or closed by another.
    claimed = select(channel_order.c.id).where(late).with_for_update(skip_locked=True)
    ids = connection.execute(claimed).scalars().all()
    found = _load(connection, channel_order.c.id.in_(ids)) if ids else []
    for one in found:
        close(connection, by, one, OrderState.EXPIRED)
    return [one.reference for one in found]


def close(connection: Connection, by: By, one: Order, state: OrderState) -> None:
    """Write how an order ended."""
    connection.execute(
        update(channel_order)
        .where(channel_order.c.id == one.id)
        .values(state=state, closed_at=by.at)
    )


def assign(connection: Connection, one: Order, subscription_id: int) -> None:
    """Say which subscription a first order began."""
    connection.execute(
        update(channel_order)
        .where(channel_order.c.id == one.id)
        .values(subscription_id=subscription_id)
    )


def _load(connection: Connection, where: ColumnElement[bool]) -> list[Order]:
    query = (
        select(channel_order, customer.c.name.label("customer"))
        .join(customer, customer.c.id == channel_order.c.customer_id)
        .where(where)
        .order_by(channel_order.c.id)
    )
    return [_made(row) for row in connection.execute(query)]


def _made(row: Row[*tuple[Any, ...]]) -> Order:
    terms = json.loads(row.terms)
    new, effect = terms["new_trunk"], terms["takes_effect"]
    return Order(
        id=row.id,
        reference=row.reference,
        customer=row.customer,
        kind=OrderKind(row.kind),
        state=OrderState(row.state),
        trunk=row.trunk,
        asked=row.asked,
        granted=row.granted,
        lines=lines.from_json(terms["lines"]),
        currency=row.currency,
        percent=row.percent,
        net=row.net,
        gross=row.gross,
        author=row.author,
        placed_at=row.placed_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
        takes_effect=date.fromisoformat(effect) if effect else None,
        subscription_id=row.subscription_id,
        offer=terms["offer"],
        plan=terms["plan"],
        options=tuple(terms["options"]),
        new_trunk=NewTrunk(new["country"], tuple(new["numbers"])) if new else None,
    )
