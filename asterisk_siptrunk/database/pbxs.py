"""The list of PBXs, and who is told when one that is in use leaves it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.database import customers
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.tables import pbx, registration, trunk
from asterisk_siptrunk.errors import AlreadyExists, NotFound
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.trunk.pbx import Pbx, PbxState, pbx_of, shipped_pbxs

_NO_REASON = "The provider has given no reason."
_COLUMNS = (pbx.c.name, pbx.c.agent, pbx.c.state, pbx.c.note, pbx.c.settings, pbx.c.changed_on)


@dataclass(frozen=True, slots=True)
class Used:
    """A PBX that is registered now, as it calls itself."""

    trunk: str
    customer_id: int
    user_agent: str


def store_shipped(connection: Connection) -> None:
    """Store the list that ships, where there is none yet."""
    if connection.execute(select(pbx.c.id).limit(1)).first() is None:
        connection.execute(insert(pbx), [_values(one) for one in shipped_pbxs()])


def listed(connection: Connection) -> list[Pbx]:
    """All of them, those that were removed too, by name."""
    rows = connection.execute(select(*_COLUMNS).order_by(pbx.c.name))
    return [_pbx(row) for row in rows]


def get(connection: Connection, name: str) -> Pbx:
    """Find one.

    Raises:
        NotFound: there is none of that name.
    """
    row = connection.execute(select(*_COLUMNS).where(pbx.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no PBX {name!r} on the list; 'siptrunk pbx list' shows it.")
    return _pbx(row)


def add(connection: Connection, by: By, business: Business, new: Pbx) -> None:
    """Put a PBX on the list.

    Raises:
        AlreadyExists: there is one of that name, though it may be removed.
    """
    before = listed(connection)
    try:
        with connection.begin_nested():
            connection.execute(insert(pbx).values(_values(new)))
    except IntegrityError:
        raise AlreadyExists(
            f"There is a PBX {new.name!r} on the list already; 'siptrunk pbx set' changes it."
        ) from None
    note(connection, by, "pbx", new.name, f"added as {new.state}")
    _tell(connection, by, business, before)


def change(
    connection: Connection,
    by: By,
    business: Business,
    name: str,
    today: date,
    **values: Any,  # noqa: ANN401 - the attributes of a Pbx
) -> Pbx:
    """Change what the list says of a PBX, named as in `Pbx`; gives it as it stands then.

    It stands so from `today` on where its state changes.
    Customers whose registered PBX is no longer recommended by that are told, each once.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: it could not be shown so.
    """
    before = listed(connection)
    old = get(connection, name)
    new = replace(old, **values)
    if new.state is not old.state:
        new = replace(new, changed_on=today)
    connection.execute(update(pbx).where(pbx.c.name == name).values(_values(new)))
    changes = [
        f"{key}: {getattr(old, key) or 'none'} → {value or 'none'}"
        for key, value in values.items()
        if getattr(old, key) != value
    ]
    note(connection, by, "pbx", name, ", ".join(changes) or "nothing changed")
    _tell(connection, by, business, before)
    return new


def in_use(connection: Connection) -> list[Used]:
    """The PBXs that are registered now, by trunk; one that says nothing of itself is left out."""
    query = (
        select(trunk.c.name, trunk.c.customer_id, registration.c.user_agent)
        .join(trunk, trunk.c.id == registration.c.trunk_id)
        .where(registration.c.registered, registration.c.user_agent != "")
        .distinct()
        .order_by(trunk.c.name, registration.c.user_agent)
    )
    return [Used(*row) for row in connection.execute(query)]


def _tell(connection: Connection, by: By, business: Business, before: Iterable[Pbx]) -> None:
    """Tell whose PBX was recommended, or was not on the list, and is not recommended now."""
    known, now = list(before), listed(connection)
    for one in in_use(connection):
        old, new = pbx_of(known, one.user_agent), pbx_of(now, one.user_agent)
        stays = old is not None and new is not None and old.state == new.state
        if new is None or new.state.is_recommended or stays:
            continue
        business.tell(
            connection,
            by,
            customers.by_id(connection, one.customer_id),
            NoticeKind.PBX_UNSUPPORTED,
            trunk=one.trunk,
            pbx=new.name,
            agent=one.user_agent,
            state=new.state,
            since=new.changed_on,
            reason=new.note or _NO_REASON,
        )


def _values(one: Pbx) -> dict[str, Any]:
    return {column.name: getattr(one, column.name) for column in _COLUMNS}


def _pbx(row: Row[*tuple[Any, ...]]) -> Pbx:
    return Pbx(row.name, row.agent, PbxState(row.state), row.note, row.settings, row.changed_on)
