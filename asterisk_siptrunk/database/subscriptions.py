"""Subscriptions, and the channels of their trunks, which follow from them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Row, insert, select, true, update

from asterisk_siptrunk.billing.catalogue import in_force
from asterisk_siptrunk.billing.order import OrderState
from asterisk_siptrunk.billing.period import PeriodRule, first_moment, local_day
from asterisk_siptrunk.billing.subscription import (
    Change,
    Ground,
    HeldNumber,
    HeldOption,
    Holding,
    OrderKind,
    Subscription,
    charged_from,
    holding,
)
from asterisk_siptrunk.database import catalogues, customers, trunks
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.tables import (
    channel_order,
    customer,
    held_number,
    held_option,
    subscription,
    trunk,
)
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.notice.kind import NoticeKind

# When nothing more of a subscription begins.
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_AGREED = (OrderState.PAID.value, OrderState.ACCEPTED.value)


def ground(connection: Connection, zone: ZoneInfo) -> Ground:
    """What calculation stands on: all catalogues, and the provider's time zone."""
    known = catalogues.every(connection)
    return Ground(lambda day: in_force(known, day), zone)


def begin(connection: Connection, by: By, new: Subscription, turns_at: datetime) -> int:
    """Store a new subscription (its id is given here), and the options it begins with."""
    found = trunks.get(connection, new.trunk)
    values = {
        "trunk_id": found.id,
        "offer": new.offer,
        "plan": new.plan,
        "currency": new.currency,
        "period": new.period,
        "began": new.began,
        "turns_at": turns_at,
    }
    begun = insert(subscription).values(values).returning(subscription.c.id)
    subscription_id = int(connection.execute(begun).scalar_one())
    for option in new.options:
        connection.execute(
            insert(held_option).values(
                subscription_id=subscription_id, name=option.name, since=option.since
            )
        )
    of_what = f"the plan {new.plan}" if new.plan else f"the offer {new.offer}"
    note(connection, by, "trunk", new.trunk, f"subscribed to {of_what}")
    return subscription_id


def get(connection: Connection, name: str, zone: ZoneInfo) -> Subscription:
    """The subscription of a trunk.

    Raises:
        NotFound: there is no such trunk, or it has none.
    """
    found = trunks.get(connection, name)
    loaded = _load(connection, subscription.c.trunk_id == found.id, zone)
    if not loaded:
        raise NotFound(
            f"Trunk {name} has no subscription: 'siptrunk order place --trunk {name}' begins one."
        )
    return loaded[0]


def locked(connection: Connection, by: By, name: str, zone: ZoneInfo) -> Subscription:
    """As `get`, kept from changes by others until the transaction ends.

    Raises:
        InvalidInput: as `refuse_the_past` does.
    """
    found = by_id(connection, get(connection, name, zone).id, zone)
    refuse_the_past(connection, by, found, zone)
    return found


def refuse_the_past(connection: Connection, by: By, found: Subscription, zone: ZoneInfo) -> None:
    """Refuse a change whose moment is before the period that has begun.

    Whoever waits for a lock over a period's border, or whose clock is behind, comes too late: what
    the period began with is in force, and invoiced perhaps.

    Raises:
        InvalidInput: it is.
    """
    query = select(subscription.c.turns_at).where(subscription.c.id == found.id)
    turns_at = connection.execute(query).scalar_one()
    if turns_at == _NEVER:
        begun = found.ends
    else:
        last_day = local_day(turns_at, zone) - timedelta(days=1)
        begun = found.period_of(max(last_day, found.began)).first
    if begun is not None and local_day(by.at, zone) < begun:
        raise InvalidInput(
            f"A new period of trunk {found.trunk} has begun in this moment, on {begun}: see what "
            "it has now, and ask again."
        )


def by_id(connection: Connection, subscription_id: int, zone: ZoneInfo) -> Subscription:
    """The subscription of that id, locked against other changes of it until the end."""
    hold(connection, subscription_id)
    return _load(connection, subscription.c.id == subscription_id, zone)[0]


def hold(connection: Connection, subscription_id: int) -> None:
    """Have others who would change a subscription, or what was billed of it, wait."""
    where = subscription.c.id == subscription_id
    connection.execute(select(subscription.c.id).where(where).with_for_update())


def every(connection: Connection, zone: ZoneInfo) -> list[Subscription]:
    """All of them, those that are over too, by trunk."""
    return _load(connection, true(), zone)


def of_customer(connection: Connection, name: str, zone: ZoneInfo) -> list[Subscription]:
    """As `every`, of one customer's trunks."""
    own = select(trunk.c.id).join(customer, customer.c.id == trunk.c.customer_id)
    return _load(connection, subscription.c.trunk_id.in_(own.where(customer.c.name == name)), zone)


def standing(connection: Connection, trunk_id: int, zone: ZoneInfo) -> Subscription | None:
    """The subscription of a trunk that is in force, if it has one."""
    if not is_subscribed(connection, trunk_id):
        return None
    return _load(connection, subscription.c.trunk_id == trunk_id, zone)[0]


def is_subscribed(connection: Connection, trunk_id: int) -> bool:
    """Whether a trunk's channels are those of a subscription that is not over."""
    query = (
        select(subscription.c.id)
        .join(trunk, trunk.c.id == subscription.c.trunk_id)
        .where(subscription.c.trunk_id == trunk_id, trunk.c.ended.is_(False))
    )
    return connection.execute(query).first() is not None


def end(connection: Connection, by: By, name: str, on: Ground) -> date:
    """End a subscription with its period; gives the first day without it.

    Raises:
        NotFound: there is no such trunk, or it has none.
        InvalidInput: it ends already.
    """
    found = locked(connection, by, name, on.zone)
    if found.ends is not None:
        raise InvalidInput(f"The subscription of trunk {name} ends on {found.ends} already.")
    ends = holding(found, by.at, on).period.next
    connection.execute(update(subscription).where(subscription.c.id == found.id).values(ends=ends))
    note(connection, by, "trunk", name, f"subscription ends on {ends}")
    return ends


def withdraw_end(connection: Connection, by: By, name: str, zone: ZoneInfo) -> None:
    """Have a subscription go on that was to end.

    Raises:
        NotFound: there is no such trunk, or it has none.
        InvalidInput: it does not end, or has ended, or a catalogue to come, which could do without
            it, has not what it has.
    """
    found = locked(connection, by, name, zone)
    if found.ends is None:
        raise InvalidInput(f"The subscription of trunk {name} does not end.")
    _require_going_on(found, local_day(by.at, zone))
    connection.execute(update(subscription).where(subscription.c.id == found.id).values(ends=None))
    for one in catalogues.every(connection):
        if one.valid_from >= found.ends:
            catalogues.check_subscribed(connection, one)
    note(connection, by, "trunk", name, "subscription goes on")


def add_option(connection: Connection, by: By, name: str, option: str, on: Ground) -> None:
    """Give a subscription an option from today on; the next invoice charges the days left.

    Raises:
        NotFound: there is no such trunk, or it has no subscription.
        InvalidInput: it has the option, its offer does not, or its channels are too few.
    """
    found = locked(connection, by, name, on.zone)
    today = on.day_of(by.at)
    _require_going_on(found, today)
    known = {one.name: one for one in on.terms_of(found, today).options}
    if option not in known:
        raise InvalidInput(f"There is no option {option}; there are {', '.join(known) or 'none'}.")
    if option in _standing_options(found):
        raise InvalidInput(f"The subscription of trunk {name} has the option {option}.")
    has = holding(found, by.at, on)
    if has.next_wanted < known[option].channels or has.usable < known[option].channels:
        raise InvalidInput(
            f"The option {option} needs {known[option].channels} channels: raise the trunk first."
        )
    since = charged_from(by.at, found.changes[0].at, on.zone)
    connection.execute(
        insert(held_option).values(subscription_id=found.id, name=option, since=since)
    )
    note(connection, by, "trunk", name, f"option {option} added")


def require_room(connection: Connection, by: By, name: str, more: int, on: Ground) -> None:
    """Refuse numbers that a trunk's channels do not carry, now or as the next period begins.

    Raises:
        NotFound: there is no such trunk.
        InvalidInput: so many more are too many.
    """
    found = trunks.get(connection, name)
    if not is_subscribed(connection, found.id):
        return
    agreed = locked(connection, by, name, on.zone)
    each = on.terms_of(agreed, on.day_of(by.at)).numbers_per_channel
    has = holding(agreed, by.at, on)
    channels = min(has.usable, has.next_wanted)
    if each is not None and len(found.numbers) + more > each * channels:
        raise InvalidInput(
            f"Trunk {name} would have {len(found.numbers) + more} numbers, and its channels, "
            f"{channels} now or from the next period on, carry {each} each: raise it first."
        )


def remove_option(connection: Connection, by: By, name: str, option: str, on: Ground) -> date:
    """Take an option away with the period; gives the first day without it.

    Raises:
        NotFound: there is no such trunk, or it has no subscription.
        InvalidInput: it does not have the option.
    """
    found = locked(connection, by, name, on.zone)
    _require_going_on(found, on.day_of(by.at))
    if option not in _standing_options(found):
        raise InvalidInput(f"The subscription of trunk {name} does not have the option {option}.")
    until = holding(found, by.at, on).period.next
    connection.execute(
        update(held_option)
        .where(
            held_option.c.subscription_id == found.id,
            held_option.c.name == option,
            held_option.c.until.is_(None),
        )
        .values(until=until)
    )
    note(connection, by, "trunk", name, f"option {option} ends on {until}")
    return until


def _require_going_on(found: Subscription, today: date) -> None:
    if found.ends is not None and today >= found.ends:
        raise InvalidInput(
            f"The subscription of trunk {found.trunk} ended on {found.ends}: order it anew for "
            "another trunk."
        )


def bring_channels(connection: Connection, by: By, found: Subscription, on: Ground) -> Holding:
    """Have a trunk use the channels that its subscription comes to now.

    What is paid counts, also what was paid after this began to wait, or by a clock that is ahead.
    """
    has = holding(found, max([by.at, *(one.at for one in found.changes)]), on)
    trunks.set_channels(connection, by, found.trunk, has.usable)
    return has


def to_turn(connection: Connection, now: datetime) -> list[int]:
    """The ids of subscriptions whose next period has begun."""
    query = select(subscription.c.id).where(subscription.c.turns_at <= now)
    return list(connection.execute(query.order_by(subscription.c.id)).scalars())


def turn(connection: Connection, by: By, business: Business, subscription_id: int) -> str | None:
    """Begin a period that is due: cuts take effect, and a subscription that was ended ends.

    Gives the trunk whose period has begun; None where another run was faster.

    Whoever runs it, and however often: what a period begins with follows from what was agreed.
    """
    zone = business.office.zone
    found = by_id(connection, subscription_id, zone)
    due = select(subscription.c.id).where(
        subscription.c.id == subscription_id, subscription.c.turns_at <= by.at
    )
    if connection.execute(due).first() is None:
        return None
    _turn(connection, by, business, found, ground(connection, zone))
    return found.trunk


def _turn(
    connection: Connection, by: By, business: Business, found: Subscription, on: Ground
) -> None:
    today, before = on.day_of(by.at), trunks.get(connection, found.trunk).channels
    if found.ends is not None and today >= found.ends:
        trunks.end(connection, by, found.trunk)
        turns_at = _NEVER
    else:
        has = bring_channels(connection, by, found, on)
        if has.usable != before:
            business.tell(
                connection,
                by,
                customers.get(connection, found.customer),
                NoticeKind.CHANNELS_CHANGED,
                trunk=found.trunk,
                before=before,
                after=has.usable,
                since=has.period.first,
                reason="A new period begins.",
            )
        turns_at = first_moment(has.period.next, on.zone)
    connection.execute(
        update(subscription).where(subscription.c.id == found.id).values(turns_at=turns_at)
    )


def _standing_options(found: Subscription) -> set[str]:
    """The options that were not taken away; those of today, too."""
    return {one.name for one in found.options if one.until is None}


def _load(connection: Connection, where: ColumnElement[bool], zone: ZoneInfo) -> list[Subscription]:
    rows = connection.execute(
        select(subscription, trunk.c.name.label("trunk"), customer.c.name.label("customer"))
        .join(trunk, trunk.c.id == subscription.c.trunk_id)
        .join(customer, customer.c.id == trunk.c.customer_id)
        .where(where)
        .order_by(trunk.c.name)
    ).all()
    changes = _changes(connection, where)
    options = _options(connection, where)
    numbers = _numbers(connection, where, changes, zone)
    return [_made(row, changes[row.id], options[row.id], numbers[row.id]) for row in rows]


def _changes(connection: Connection, where: ColumnElement[bool]) -> Mapping[int, list[Change]]:
    """The changes of each subscription, the first order's first."""
    query = (
        select(channel_order)
        .join(subscription, subscription.c.id == channel_order.c.subscription_id)
        .where(where, channel_order.c.state.in_(_AGREED))
    )
    found: dict[int, list[Change]] = defaultdict(list)
    for row in connection.execute(query):
        kind = OrderKind(row.kind)
        at = row.placed_at if kind is OrderKind.CUT else row.closed_at
        found[row.subscription_id].append(Change(kind, at, row.asked, row.granted))
    for each in found.values():
        each.sort(key=lambda one: one.at)
    return found


def _options(connection: Connection, where: ColumnElement[bool]) -> Mapping[int, list[HeldOption]]:
    query = (
        select(held_option)
        .join(subscription, subscription.c.id == held_option.c.subscription_id)
        .where(where)
        .order_by(held_option.c.id)
    )
    found: dict[int, list[HeldOption]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.subscription_id].append(HeldOption(row.name, row.since, row.until))
    return found


def _numbers(
    connection: Connection,
    where: ColumnElement[bool],
    changes: Mapping[int, list[Change]],
    zone: ZoneInfo,
) -> Mapping[int, list[HeldNumber]]:
    """The numbers of each subscription's trunk; one that was given back was there that day."""
    query = (
        select(held_number, subscription.c.id.label("subscription_id"))
        .join(subscription, subscription.c.trunk_id == held_number.c.trunk_id)
        .where(where)
        .order_by(held_number.c.id)
    )
    found: dict[int, list[HeldNumber]] = defaultdict(list)
    for row in connection.execute(query):
        since = charged_from(row.since, changes[row.subscription_id][0].at, zone)
        until = local_day(row.until, zone) + timedelta(days=1) if row.until else None
        found[row.subscription_id].append(HeldNumber(row.e164, since, until))
    return found


def _made(
    row: Row[*tuple[Any, ...]],
    changes: Iterable[Change],
    options: Iterable[HeldOption],
    numbers: Iterable[HeldNumber],
) -> Subscription:
    return Subscription(
        id=row.id,
        trunk=row.trunk,
        customer=row.customer,
        offer=row.offer,
        plan=row.plan,
        currency=row.currency,
        period=PeriodRule(row.period),
        began=row.began,
        ends=row.ends,
        changes=tuple(changes),
        options=tuple(options),
        numbers=tuple(numbers),
    )
