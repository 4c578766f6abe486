"""Customers."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import customer
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.trunk import parse_name


@dataclass(frozen=True, slots=True)
class Customer:
    """Who holds trunks.

    Attributes:
        title: the name for people and bills.
        address: its lines, as on a letter.
        country: of the address, as in ISO 3166; "" for the provider's own.
        tax_percent: the tax rate of its invoices; None for the provider's.
    """

    id: int
    name: str
    title: str
    email: str
    address: str
    country: str
    tax_id: str
    tax_percent: Decimal | None


_COLUMNS = (
    customer.c.id,
    customer.c.name,
    customer.c.title,
    customer.c.email,
    customer.c.address,
    customer.c.country,
    customer.c.tax_id,
    customer.c.tax_percent,
)


def add(connection: Connection, by: By, name: str, **details: str | Decimal | None) -> None:
    """Take a customer in, with details named as in `Customer`.

    Raises:
        InvalidInput: the name cannot be one.
        AlreadyExists: it is taken.
    """
    unsaid = {"title": "", "email": ""}
    values = {"name": parse_name(name), "created_at": by.at, **unsaid, **details}
    try:
        connection.execute(insert(customer).values(values))
    except IntegrityError:
        raise AlreadyExists(f"There is a customer {name} already.") from None
    note(connection, by, "customer", name, "added")


def get(connection: Connection, name: str) -> Customer:
    """Find a customer.

    Raises:
        NotFound: there is none of that name.
    """
    row = connection.execute(select(*_COLUMNS).where(customer.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no customer {name}; 'siptrunk customer list' shows them all.")
    return Customer(*row)


def every(connection: Connection) -> list[Customer]:
    """All customers, by name."""
    rows = connection.execute(select(*_COLUMNS).order_by(customer.c.name))
    return [Customer(*row) for row in rows]


def piece(connection: Connection, after: str | None, limit: int) -> list[Customer]:
    """So many customers by name, from after one on."""
    query = select(*_COLUMNS).order_by(customer.c.name).limit(limit)
    if after is not None:
        query = query.where(customer.c.name > after)
    return [Customer(*row) for row in connection.execute(query)]


def by_id(connection: Connection, customer_id: int) -> Customer:
    """The customer of that id."""
    return Customer(
        *connection.execute(select(*_COLUMNS).where(customer.c.id == customer_id)).one()
    )


def change(connection: Connection, by: By, name: str, **values: str | Decimal | None) -> None:
    """Give a customer another title, address or tax rate, named as in `Customer`.

    Raises:
        NotFound: there is none of that name.
    """
    found = get(connection, name)
    connection.execute(update(customer).where(customer.c.id == found.id).values(values))
    changes = ", ".join(f"{key}: {_said(value)}" for key, value in values.items())
    note(connection, by, "customer", name, changes)


def remove(connection: Connection, by: By, name: str) -> None:
    """Forget a customer who never had a trunk, nor ordered one, and for whom nobody logs in.

    Raises:
        NotFound: there is none of that name.
        InvalidInput: it has trunks, ended ones too: their calls are its usage.
    """
    found = get(connection, name)
    try:
        connection.execute(delete(customer).where(customer.c.id == found.id))
    except IntegrityError:
        raise InvalidInput(
            f"Customer {name} has or had trunks, orders, people or tokens: its record stays."
        ) from None
    note(connection, by, "customer", name, "removed")


def _said(value: str | Decimal | None) -> str:
    return "default" if value is None else str(value).replace("\n", " / ")
