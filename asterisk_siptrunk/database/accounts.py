"""Accounts of people: who they are, and what lets them in."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.account.lockout import pause_after
from asterisk_siptrunk.account.model import Account
from asterisk_siptrunk.account.people import roles_at
from asterisk_siptrunk.account.role import Role
from asterisk_siptrunk.database import customers
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import account, customer, session
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Keys:
    """What lets an account in; for whoever checks it, and nobody else.

    Attributes:
        second_used: the step of the last code that was taken.
    """

    account: Account
    password: str = field(repr=False)
    second_secret: str | None = field(repr=False)
    second_used: int


@dataclass(frozen=True, slots=True)
class Closed:
    """After wrong passwords nothing is tried before then."""

    until: datetime


ACCOUNT_COLUMNS = (
    *(account.c.id, account.c.login, account.c.name, account.c.role),
    *(customer.c.name.label("customer"), account.c.language, account.c.timezone),
    *(account.c.second_secret, account.c.disabled),
)


_RUNNING = (account.c.role == Role.PROVIDER_ADMIN, account.c.disabled.is_(False))


def account_from_row(row: Row[Any]) -> Account:
    """An account of a row with `ACCOUNT_COLUMNS`."""
    return Account(
        id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        customer=row.customer or "",
        language=row.language,
        timezone=row.timezone,
        second=row.second_secret is not None,
        disabled=row.disabled,
    )


def _query(*more: ColumnElement[Any]) -> Select[Any]:
    return select(*ACCOUNT_COLUMNS, *more).select_from(account.outerjoin(customer))


def add(  # noqa: PLR0913 - what a person is
    connection: Connection,
    by: By,
    *,
    login: str,
    name: str,
    role: Role,
    customer: str,
    password_hash: str,
) -> Account:
    """Let somebody in.

    Raises:
        InvalidInput: the role asks for a customer, or for none.
        NotFound: there is no such customer.
        AlreadyExists: the address has an account.
    """
    login = login.casefold()
    _refuse_mixture(role, customer)
    owner = customers.get(connection, customer).id if customer else None
    values = {"login": login, "name": name, "role": role, "customer_id": owner}
    try:
        with connection.begin_nested():
            connection.execute(
                insert(account).values(**values, password=password_hash, created_at=by.at)
            )
    except IntegrityError:
        raise AlreadyExists(f"{login} has an account already.") from None
    note(connection, by, "account", login, f"added as {role}{f' of {customer}' * bool(customer)}")
    return get(connection, login)


def _refuse_mixture(role: Role, customer: str) -> None:
    if role not in roles_at(customer):
        wrong = "belongs to no customer" if customer else "belongs to a customer: name it"
        raise InvalidInput(f"An account of the role {role} {wrong}.")


def get(connection: Connection, login: str) -> Account:
    """Find an account.

    Raises:
        NotFound: nobody logs in so.
    """
    row = connection.execute(_query().where(account.c.login == login.casefold())).one_or_none()
    if row is None:
        raise NotFound(f"Nobody logs in as {login}; 'siptrunk web users' shows who does.")
    return account_from_row(row)


def listed(connection: Connection, of: str | None = None) -> list[Account]:
    """All accounts by login, or those of one customer; "" for those of the provider."""
    query = _query().order_by(account.c.login)
    if of is not None:
        query = query.where(customer.c.name == of if of else account.c.customer_id.is_(None))
    return [account_from_row(row) for row in connection.execute(query)]


def one_of(connection: Connection, of: str, number: int) -> Account:
    """An account by its number, among those of a customer, or of the provider ("").

    Raises:
        NotFound: there is none of that number among them.
    """
    found = {one.id: one for one in listed(connection, of)}.get(number)
    if found is None:
        raise NotFound(f"There is no account {number}.")
    return found


def has_admin(connection: Connection) -> bool:
    """Whether anybody may log in to run the service."""
    return connection.execute(select(account.c.id).where(*_RUNNING).limit(1)).first() is not None


def try_login(connection: Connection, login: str, now: datetime) -> Keys | Closed | None:
    """What would let this login in; None where nobody has it.

    The try is counted before anything is looked at, so guesses that come at once are counted one by
    one; `succeeded` takes it back. Hashing takes long: do it after this transaction.
    """
    query = _query(account.c.password, account.c.second_used, account.c.closed_until)
    query = query.add_columns(account.c.failures).where(account.c.login == login.casefold())
    row = connection.execute(query.with_for_update(of=account)).one_or_none()
    if row is None:
        return None
    if row.closed_until is not None and now < row.closed_until:
        return Closed(row.closed_until)
    found, failures = account_from_row(row), row.failures + 1
    _set(connection, found, failures=failures, closed_until=now + pause_after(failures))
    return Keys(found, row.password, row.second_secret, row.second_used)


def failed(connection: Connection, by: By, login: str, why: str) -> None:
    """Keep that somebody could not log in; the try itself is counted already."""
    note(connection, by, "account", login, f"login failed: {why}")


def succeeded(connection: Connection, found: Account, second_used: int | None) -> bool:
    """Forget the failures; `second_used` is the step of the code that was given, if one was.

    Returns:
        Whether it counts: of two logins at once with the same code only one does.
    """
    query = update(account).where(account.c.id == found.id)
    values: dict[str, Any] = {"failures": 0, "closed_until": None}
    if second_used is not None:
        query = query.where(account.c.second_used < second_used)
        values["second_used"] = second_used
    return connection.execute(query.values(values)).rowcount == 1


def set_password(connection: Connection, by: By, login: str, password_hash: str) -> None:
    """Give an account another password: whoever is logged in with it is out.

    Raises:
        NotFound: nobody logs in so.
    """
    found = get(connection, login)
    fresh = {"password": password_hash, "failures": 0, "closed_until": None}
    _set(connection, found, **fresh)
    connection.execute(delete(session).where(session.c.account_id == found.id))
    note(connection, by, "account", found.login, "password changed")


def set_second(connection: Connection, by: By, login: str, secret: str | None, used: int) -> None:
    """Ask for a second factor from now on, or no more (None); `used` is the step it was tried by.

    Raises:
        NotFound: nobody logs in so.
    """
    found = get(connection, login)
    _set(connection, found, second_secret=secret, second_used=used)
    note(connection, by, "account", found.login, f"second factor {'on' if secret else 'off'}")


def change(connection: Connection, by: By, login: str, **values: str | bool) -> None:
    """Change what an account is called, its role, language, time zone, or whether it is disabled.

    Whoever is disabled is out at once.

    Raises:
        NotFound: nobody logs in so.
        InvalidInput: the role does not suit it, or nobody would be left to run the service.
    """
    found = get(connection, login)
    role = Role(str(values.get("role", found.role)))
    _refuse_mixture(role, found.customer)
    if found.role is Role.PROVIDER_ADMIN and (role is not found.role or values.get("disabled")):
        _refuse_last(connection, found)
    _set(connection, found, **values)
    if values.get("disabled"):
        connection.execute(delete(session).where(session.c.account_id == found.id))
    changes = ", ".join(f"{key}: {_said(value)}" for key, value in values.items())
    note(connection, by, "account", found.login, changes)


def _refuse_last(connection: Connection, found: Account) -> None:
    """Keep one who may let others in; of two who put each other out at once, one stays."""
    query = select(account.c.id).where(*_RUNNING).order_by(account.c.id).with_for_update()
    if connection.execute(query).scalars().all() == [found.id]:
        raise InvalidInput(
            f"{found.login} is the last administrator of the provider: let in another one first."
        )


def _said(value: str | bool) -> str:  # noqa: FBT001 - what a column holds
    return str(value) if isinstance(value, str) else ("yes" if value else "no")


def _set(connection: Connection, found: Account, **values: Any) -> None:  # noqa: ANN401 - columns
    connection.execute(update(account).where(account.c.id == found.id).values(values))
