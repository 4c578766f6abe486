"""Carriers."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.database import addresses
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.provider import touch
from asterisk_siptrunk.database.tables import carrier
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.trunk import Carrier, parse_name
from asterisk_siptrunk.trunk.addresses import carrier_claim
from asterisk_siptrunk.trunk.profiles import load_profile

_PLAIN = (
    "server",
    "country",
    "priority",
    "weight",
    "channels",
    "enabled",
    "username",
    "secret",
    "qualify",
)


def add(connection: Connection, by: By, new: Carrier) -> Carrier:
    """Store a new carrier (its id and version are given here).

    Raises:
        InvalidInput: the name cannot be one, or its addresses mean someone else already.
        AlreadyExists: it is taken.
    """
    addresses.hold(connection)
    values = _values(new) | {
        "name": parse_name(new.name),
        "profile": new.profile.name,
        "version": 1,
        "created_at": by.at,
    }
    try:
        connection.execute(insert(carrier).values(values))
    except IntegrityError:
        raise AlreadyExists(f"There is a carrier {new.name} already.") from None
    addresses.check(connection, carrier_claim(new))
    touch(connection)
    note(connection, by, "carrier", new.name, f"added with profile {new.profile.name}")
    return get(connection, new.name)


def check_new(connection: Connection, name: str) -> None:
    """Find out whether a carrier can be called so, before its secret is asked for.

    Raises:
        InvalidInput: the name cannot be one.
        AlreadyExists: it is taken.
    """
    parse_name(name)
    if connection.execute(select(carrier.c.id).where(carrier.c.name == name)).first():
        raise AlreadyExists(f"There is a carrier {name} already.")


def get(connection: Connection, name: str) -> Carrier:
    """Find a carrier.

    Raises:
        NotFound: there is none of that name.
    """
    row = connection.execute(select(carrier).where(carrier.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no carrier {name}; 'siptrunk carrier list' shows them all.")
    return _from_row(row)


def every(connection: Connection) -> list[Carrier]:
    """All carriers, those out of service too, in the order of their priority."""
    query = select(carrier).order_by(carrier.c.priority, carrier.c.name)
    return [_from_row(row) for row in connection.execute(query)]


def change(connection: Connection, by: By, name: str, **values: Any) -> Carrier:  # noqa: ANN401
    """Change attributes of a carrier, named as those of `Carrier`.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: the carrier could not work like that, or its addresses mean someone else.
    """
    addresses.hold(connection)
    before = get(connection, name)
    after = replace(before, **values)
    # What has overlapped since before this was refused may still be taken out of service.
    if carrier_claim(after) != carrier_claim(before):
        addresses.check(connection, carrier_claim(after))
    connection.execute(
        update(carrier)
        .where(carrier.c.id == before.id)
        .values(**_values(after), version=carrier.c.version + 1)
    )
    touch(connection)
    said = (key if key == "secret" else f"{key}: {value}" for key, value in values.items())
    note(connection, by, "carrier", name, "set " + ", ".join(said))
    return get(connection, name)


def remove(connection: Connection, by: By, name: str) -> None:
    """Forget a carrier that never had a call.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: it carried calls.
    """
    addresses.hold(connection)  # first, as all others: two that wait for each other never end
    found = get(connection, name)
    try:
        connection.execute(delete(carrier).where(carrier.c.id == found.id))
    except IntegrityError:
        raise InvalidInput(
            f"Carrier {name} carried calls, so its record stays; take it out of service with "
            f"'siptrunk carrier set {name} --disabled'."
        ) from None
    touch(connection)
    note(connection, by, "carrier", name, "removed")


def _from_row(row: Row[*tuple[Any, ...]]) -> Carrier:
    return Carrier(
        id=row.id,
        name=row.name,
        profile=load_profile(row.profile),
        version=row.version,
        match=addresses.networks(row.match),
        **{key: getattr(row, key) for key in _PLAIN},
    )


def _values(one: Carrier) -> dict[str, Any]:
    plain = {key: getattr(one, key) for key in _PLAIN}
    return plain | {"match": " ".join(map(str, one.match))}
