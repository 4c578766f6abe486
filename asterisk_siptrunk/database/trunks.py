"""Trunks with their numbers, suspensions and credentials."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.database import addresses, customers
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import (
    customer,
    held_number,
    number,
    subscription,
    suspension,
    trunk,
)
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.generation.inventory import TrunkFacts, shard_of
from asterisk_siptrunk.trunk import (
    LONGEST_GRACE,
    AwayPolicy,
    CallerPolicy,
    Credentials,
    Grace,
    Suspension,
    SuspensionScope,
    SuspensionSource,
    Transport,
    Trunk,
    TrunkKind,
    parse_trunk_name,
)
from asterisk_siptrunk.trunk.addresses import trunk_claim

# What follows from a trunk's subscription, where it has one.
_SUBSCRIBED = {"channels", "ended"}
# Columns of the table that carry the Trunk's attribute of the same name as it is.
_PLAIN = (
    "channels",
    "reserved_inbound",
    "calls_per_second",
    "country",
    "transport",
    "srtp",
    "caller_policy",
    "away_policy",
    "ended",
    "contact",
    "inbound_context",
)
_CREDENTIALS = (
    *(trunk.c.credentials_username, trunk.c.credentials_realm),
    *(trunk.c.credentials_md5, trunk.c.credentials_sha256),
    *(trunk.c.previous_md5, trunk.c.previous_sha256, trunk.c.previous_until),
)
_NO_GRACE = {"previous_md5": None, "previous_sha256": None, "previous_until": None}


def add(connection: Connection, by: By, new: Trunk, credentials: Credentials | None) -> Trunk:
    """Store a new trunk (its id and version are given here), without numbers yet.

    Raises:
        InvalidInput: the name cannot be one, or its addresses mean someone else already.
        NotFound: there is no such customer.
        AlreadyExists: the name is taken.
    """
    addresses.hold(connection)
    if any(one.ended for one in _load(connection, trunk.c.name == new.name)):
        raise AlreadyExists(
            f"Trunk {new.name} has ended, and its calls keep the name: choose another."
        )
    owner = customers.get(connection, new.customer)
    values = (
        _values(new)
        | _credential_values(credentials)
        | {
            "name": parse_trunk_name(new.name),
            "kind": new.kind,
            "customer_id": owner.id,
            "shard": shard_of(new.name),
            "version": 1,
            "created_at": by.at,
        }
    )
    try:
        connection.execute(insert(trunk).values(values))
    except IntegrityError:
        raise AlreadyExists(f"There is a trunk {new.name} already.") from None
    addresses.check(connection, trunk_claim(new))
    note(connection, by, "trunk", new.name, f"added for {new.customer}: {new.channels} channels")
    return get(connection, new.name)


def get(connection: Connection, name: str) -> Trunk:
    """Find a trunk.

    Raises:
        NotFound: there is none of that name.
    """
    found = find(connection, name)
    if found is None:
        raise NotFound(f"There is no trunk {name}; 'siptrunk trunk list' shows them all.")
    return found


def find(connection: Connection, name: str) -> Trunk | None:
    """The trunk of that name, ended ones too; None where there is none."""
    return next(iter(_load(connection, trunk.c.name == name)), None)


def in_force(connection: Connection, name: str) -> Trunk:
    """Find a trunk that has not ended.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: its contract is over, and nothing of it can be changed.
    """
    found = get(connection, name)
    if found.ended:
        raise InvalidInput(
            f"Trunk {name} has ended. Open another with 'siptrunk trunk add'; 'siptrunk number "
            "remove' frees its numbers."
        )
    return found


def every(connection: Connection) -> list[Trunk]:
    """All trunks, ended ones too, by name."""
    return _load(connection, true())


def of_customer(connection: Connection, name: str) -> list[Trunk]:
    """A customer's trunks, ended ones too, by name."""
    return _load(connection, trunk.c.id.in_(ids_of(name)))


@dataclass(frozen=True, slots=True)
class Limit:
    """How many channels a trunk has, and whose it is."""

    trunk: str
    customer: str
    channels: int


def limits(connection: Connection) -> list[Limit]:
    """Those of all trunks that have not ended, by name; far less to read than the trunks."""
    query = (
        select(trunk.c.name, customer.c.name, trunk.c.channels)
        .join(customer, customer.c.id == trunk.c.customer_id)
        .where(trunk.c.ended.is_(False))
        .order_by(trunk.c.name)
    )
    return [Limit(*row) for row in connection.execute(query)]


def ids_of(owner: str) -> Select[tuple[int]]:
    """The ids of a customer's trunks, for a condition."""
    of_owner = customer.c.name == owner
    return select(trunk.c.id).join(customer, customer.c.id == trunk.c.customer_id).where(of_owner)


def names_of(connection: Connection, owner: str) -> list[str]:
    """The names of a customer's trunks, ended ones too."""
    query = select(trunk.c.name).where(trunk.c.id.in_(ids_of(owner))).order_by(trunk.c.name)
    return list(connection.execute(query).scalars())


def piece(connection: Connection, of: str | None, after: str | None, limit: int) -> list[Trunk]:
    """So many trunks by name, from after one on; all of them, or those of a customer."""
    wanted = select(trunk.c.id).order_by(trunk.c.name).limit(limit)
    if after is not None:
        wanted = wanted.where(trunk.c.name > after)
    if of is not None:
        wanted = wanted.join(customer).where(customer.c.name == of)
    return _load(connection, trunk.c.id.in_(wanted))


def of_shard(connection: Connection, shard: int) -> list[TrunkFacts]:
    """The trunks of one configuration shard, by name, with what checks their credentials."""
    found = _load(connection, trunk.c.shard == shard)
    query = select(trunk.c.id, *_CREDENTIALS).where(trunk.c.shard == shard)
    rows = {row.id: row for row in connection.execute(query)}
    return [
        TrunkFacts(one, _current(row), grace.credentials if grace else None)
        for one in found
        for row in (rows[one.id],)
        for grace in (_grace(row),)
    ]


def credentials_of(connection: Connection, name: str) -> Credentials | None:
    """What checks a trunk's credentials, or None where it does not register."""
    row = connection.execute(select(*_CREDENTIALS).where(trunk.c.name == name)).one_or_none()
    return _current(row) if row else None


def grace_of(connection: Connection, name: str) -> Grace | None:
    """What a trunk's PBX may go on with for a while, or None where it has but one secret."""
    row = connection.execute(select(*_CREDENTIALS).where(trunk.c.name == name)).one_or_none()
    return _grace(row) if row else None


def _current(row: Row[*tuple[Any, ...]]) -> Credentials | None:
    if not row.credentials_md5:
        return None
    whose = row.credentials_username, row.credentials_realm
    return Credentials(*whose, row.credentials_md5, row.credentials_sha256)


def _grace(row: Row[*tuple[Any, ...]]) -> Grace | None:
    if row.previous_until is None:
        return None
    whose = row.credentials_username, row.credentials_realm
    before = Credentials(*whose, row.previous_md5, row.previous_sha256)
    return Grace(before, row.previous_until)


def change(connection: Connection, by: By, name: str, **values: Any) -> Trunk:  # noqa: ANN401
    """Change attributes of a trunk, named as those of `Trunk`.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: the trunk could not work like that, its addresses mean someone else, or what
            is to be changed follows from its subscription.
    """
    addresses.hold(connection)
    before = get(connection, name)
    if not before.ended and not _SUBSCRIBED.isdisjoint(values):
        _refuse_subscribed(connection, before)
    after = replace(before, **values)
    # What has overlapped since before this was refused may still be ended, or get channels.
    if trunk_claim(after) != trunk_claim(before):
        addresses.check(connection, trunk_claim(after))
    _update(connection, before.id, _values(after))
    changes = [
        f"{key}: {_said(getattr(before, key))} → {_said(value)}"
        for key, value in values.items()
        if getattr(before, key) != value
    ]
    note(connection, by, "trunk", name, ", ".join(changes) or "nothing changed")
    return get(connection, name)


def _refuse_subscribed(connection: Connection, one: Trunk) -> None:
    where = subscription.c.trunk_id == one.id
    if connection.execute(select(subscription.c.id).where(where)).first():
        raise InvalidInput(
            f"The channels of trunk {one.name} are those of its subscription: 'siptrunk order "
            f"place --trunk {one.name} --channels N' changes them, 'siptrunk subscription end "
            f"{one.name}' ends it."
        )


def set_channels(connection: Connection, by: By, name: str, channels: int) -> None:
    """Give a trunk the channels of its subscription; calls beyond them go on to their end."""
    before = get(connection, name)
    if before.channels == channels:
        return
    kept = min(before.reserved_inbound, channels)
    _update(connection, before.id, {"channels": channels, "reserved_inbound": kept})
    note(connection, by, "trunk", name, f"channels: {before.channels} → {channels}")


def end(connection: Connection, by: By, name: str) -> None:
    """End a trunk whose subscription is over."""
    _update(connection, get(connection, name).id, {"ended": True})
    note(connection, by, "trunk", name, "ended with its subscription")


def set_credentials(
    connection: Connection,
    by: By,
    name: str,
    credentials: Credentials,
    grace: timedelta = timedelta(0),
) -> None:
    """Replace a trunk's credentials; the ones before work on for the grace.

    Without one they stop working at the next apply. Those before them stop in any case: a trunk
    never has more than two.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: it has ended, the grace is too long, or nothing can go on in it.
    """
    found = in_force(connection, name)
    kept = _kept(name, credentials_of(connection, name), credentials, by.at, grace)
    _update(connection, found.id, _credential_values(credentials) | kept)
    until = f"; the one before works until {by.at + grace:%Y-%m-%d %H:%M %Z}" if grace else ""
    note(connection, by, "trunk", name, f"secret rotated{until}")


def _kept(
    name: str, before: Credentials | None, new: Credentials, at: datetime, grace: timedelta
) -> dict[str, Any]:
    """The columns of what a PBX may go on with."""
    if not grace:
        return _NO_GRACE
    if not timedelta(0) < grace <= LONGEST_GRACE:
        raise InvalidInput(f"A secret works on for {LONGEST_GRACE.days} days at most.")
    if before is None or (before.username, before.realm) != (new.username, new.realm):
        raise InvalidInput(
            f"Trunk {name}: the secret before is bound to another realm, or there was none: it "
            "cannot work on. Give no grace."
        )
    return {
        "previous_md5": before.md5,
        "previous_sha256": before.sha256,
        "previous_until": at + grace,
    }


def graces_over(connection: Connection, at: datetime) -> bool:
    """Whether a time of grace has ended that nobody has ended yet."""
    return connection.execute(select(trunk.c.id).where(_is_over(at)).limit(1)).first() is not None


def end_graces(connection: Connection, by: By) -> list[str]:
    """Forget the secrets whose time of grace is over; gives the names of the trunks.

    Asterisk forgets them at the next apply, which who calls this asks for.
    """
    query = select(trunk.c.id, trunk.c.name).where(_is_over(by.at)).order_by(trunk.c.id)
    over = connection.execute(query.with_for_update()).all()
    for trunk_id, name in over:
        _update(connection, trunk_id, _NO_GRACE)
        note(connection, by, "trunk", name, "the secret before works no more")
    return [name for _, name in over]


def _is_over(at: datetime) -> ColumnElement[bool]:
    return trunk.c.previous_until.is_not(None) & (trunk.c.previous_until <= at)


def add_number(connection: Connection, by: By, name: str, e164: str, *, main: bool) -> None:
    """Give a number to a trunk; its first one is its main number.

    Raises:
        NotFound: there is no such trunk.
        AlreadyExists: the number is another trunk's, or this one's already.
        InvalidInput: it has ended.
    """
    found = in_force(connection, name)
    if main:
        _unset_main(connection, found.id)
    new = insert(number).values(
        e164=e164, trunk_id=found.id, main=main or not found.numbers, created_at=by.at
    )
    try:
        # A failure ends PostgreSQL's transaction, and whose it is has to be asked yet.
        with connection.begin_nested():
            connection.execute(new)
    except IntegrityError:
        refuse_taken(connection, e164)
        raise
    connection.execute(insert(held_number).values(e164=e164, trunk_id=found.id, since=by.at))
    _update(connection, found.id, {})
    note(connection, by, "number", e164, f"given to trunk {name}")


def refuse_taken(connection: Connection, e164: str) -> None:
    """Refuse a number that a trunk has.

    Raises:
        AlreadyExists: which trunk, and what to do.
    """
    owner = connection.execute(
        select(trunk.c.name).join(number).where(number.c.e164 == e164)
    ).scalar_one_or_none()
    if owner is not None:
        raise AlreadyExists(
            f"Number {e164} belongs to trunk {owner} already; "
            f"'siptrunk number remove {e164}' takes it away there."
        )


def set_main_number(connection: Connection, by: By, e164: str) -> None:
    """Make a number the one that stands in for callers who are not the trunk's.

    Raises:
        NotFound: no trunk has this number.
    """
    trunk_id = _owner_of(connection, e164)
    _unset_main(connection, trunk_id)
    connection.execute(update(number).where(number.c.e164 == e164).values(main=True))
    _update(connection, trunk_id, {})
    note(connection, by, "number", e164, "made the main number")


def remove_number(connection: Connection, by: By, e164: str) -> str | None:
    """Take a number away from its trunk; gives the one that became the main number in its place.

    Raises:
        NotFound: no trunk has this number.
    """
    trunk_id = _owner_of(connection, e164)
    connection.execute(delete(number).where(number.c.e164 == e164))
    connection.execute(
        update(held_number)
        .where(held_number.c.e164 == e164, held_number.c.until.is_(None))
        .values(until=by.at)
    )
    left = connection.execute(
        select(number.c.e164, number.c.main)
        .where(number.c.trunk_id == trunk_id)
        .order_by(number.c.main.desc(), number.c.e164)
    ).all()
    successor = left[0].e164 if left and not left[0].main else None
    if successor:
        connection.execute(update(number).where(number.c.e164 == successor).values(main=True))
    _update(connection, trunk_id, {})
    note(connection, by, "number", e164, "taken away")
    return successor


def numbers(connection: Connection) -> list[tuple[str, str, bool]]:
    """All numbers in order, each with its trunk's name and whether it is the main one."""
    rows = connection.execute(
        select(number.c.e164, trunk.c.name, number.c.main)
        .join(trunk, trunk.c.id == number.c.trunk_id)
        .order_by(number.c.e164)
    )
    return [(row.e164, row.name, row.main) for row in rows]


def numbers_piece(
    connection: Connection,
    of: str | None,
    name: str | None,
    after: str | None,
    limit: int,
) -> list[tuple[str, str, bool]]:
    """As `numbers`: so many, from after one on, of a customer, of a trunk."""
    query = (
        select(number.c.e164, trunk.c.name, number.c.main)
        .join(trunk, trunk.c.id == number.c.trunk_id)
        .join(customer, customer.c.id == trunk.c.customer_id)
        .order_by(number.c.e164)
        .limit(limit)
    )
    if of is not None:
        query = query.where(customer.c.name == of)
    if name is not None:
        query = query.where(trunk.c.name == name)
    if after is not None:
        query = query.where(number.c.e164 > after)
    return [(row.e164, row.name, row.main) for row in connection.execute(query)]


def owner_of_number(connection: Connection, e164: str) -> tuple[str, bool] | None:
    """The trunk that has a number, and whether it is its main one; None where nobody has it."""
    query = select(trunk.c.name, number.c.main).join(number, number.c.trunk_id == trunk.c.id)
    row = connection.execute(query.where(number.c.e164 == e164)).one_or_none()
    return (row.name, row.main) if row else None


def touch(connection: Connection, trunk_id: int) -> None:
    """Say that something which belongs to a trunk changed."""
    _update(connection, trunk_id, {})


def _load(connection: Connection, where: ColumnElement[bool]) -> list[Trunk]:
    rows = connection.execute(
        select(trunk, customer.c.name.label("customer"))
        .join(customer, customer.c.id == trunk.c.customer_id)
        .where(where)
        .order_by(trunk.c.name)
    ).all()
    if not rows:
        return []
    all_numbers = _numbers_by_trunk(connection, where)
    suspensions = _suspensions_by_trunk(connection, where)
    return [
        trunk_from_row(row, all_numbers.get(row.id, ()), suspensions.get(row.id, ()))
        for row in rows
    ]


def trunk_from_row(
    row: Row[*tuple[Any, ...]], numbers: Iterable[str], suspensions: Iterable[Suspension]
) -> Trunk:
    """Make a Trunk of its row, its numbers (main first) and its standing suspensions."""
    return Trunk(
        id=row.id,
        name=row.name,
        customer=row.customer,
        kind=TrunkKind(row.kind),
        channels=row.channels,
        country=row.country,
        version=row.version,
        reserved_inbound=row.reserved_inbound,
        calls_per_second=row.calls_per_second,
        transport=Transport(row.transport),
        srtp=row.srtp,
        caller_policy=CallerPolicy(row.caller_policy),
        away_policy=AwayPolicy(row.away_policy),
        ended=row.ended,
        addresses=addresses.networks(row.addresses),
        contact=row.contact,
        inbound_context=row.inbound_context,
        numbers=tuple(numbers),
        suspensions=tuple(suspensions),
    )


def _numbers_by_trunk(
    connection: Connection, where: ColumnElement[bool]
) -> Mapping[int, list[str]]:
    rows = connection.execute(
        select(number.c.trunk_id, number.c.e164)
        .join(trunk, trunk.c.id == number.c.trunk_id)
        .where(where)
        .order_by(number.c.main.desc(), number.c.e164)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        found[row.trunk_id].append(row.e164)
    return found


def _suspensions_by_trunk(
    connection: Connection, where: ColumnElement[bool]
) -> Mapping[int, list[Suspension]]:
    rows = connection.execute(
        select(suspension)
        .join(trunk, trunk.c.id == suspension.c.trunk_id)
        .where(where, suspension.c.lifted_at.is_(None))
        .order_by(suspension.c.id)
    )
    found: dict[int, list[Suspension]] = defaultdict(list)
    for row in rows:
        found[row.trunk_id].append(suspension_from_row(row))
    return found


def suspension_from_row(row: Row[*tuple[Any, ...]]) -> Suspension:
    """Make a Suspension of its row."""
    return Suspension(
        SuspensionScope(row.scope),
        row.reason,
        SuspensionSource(row.source),
        row.target,
        row.expires_at,
    )


def _values(one: Trunk) -> dict[str, Any]:
    plain = {key: getattr(one, key) for key in _PLAIN}
    return plain | {"addresses": " ".join(map(str, one.addresses))}


def _credential_values(credentials: Credentials | None) -> dict[str, Any]:
    if credentials is None:
        return {}
    return {
        "credentials_username": credentials.username,
        "credentials_realm": credentials.realm,
        "credentials_md5": credentials.md5,
        "credentials_sha256": credentials.sha256,
    }


def _update(connection: Connection, trunk_id: int, values: Mapping[str, Any]) -> None:
    connection.execute(
        update(trunk)
        .where(trunk.c.id == trunk_id)
        .values({**values, "version": trunk.c.version + 1})
    )


def _unset_main(connection: Connection, trunk_id: int) -> None:
    connection.execute(update(number).where(number.c.trunk_id == trunk_id).values(main=False))


def _owner_of(connection: Connection, e164: str) -> int:
    found = connection.execute(
        select(number.c.trunk_id).where(number.c.e164 == e164)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(f"No trunk has the number {e164}; 'siptrunk number list' shows them all.")
    return int(found)


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)
