"""Customers."""

from typing import Annotated

from pydantic import Field

from asterisk_siptrunk.bootstrap import customers
from asterisk_siptrunk.web.api.caller import Reader
from asterisk_siptrunk.web.api.description import router
from asterisk_siptrunk.web.api.kinds import Name, Told
from asterisk_siptrunk.web.api.paging import Page, Paged

ROUTER = router("customers")


class Customer(Told):
    """Who holds trunks."""

    name: Name
    title: Annotated[str, Field(description="For people and bills.", examples=["Acme SA"])]
    email: Annotated[str, Field(description="Where notices go.")]
    address: Annotated[list[str], Field(description="Its lines, as on a letter.")]
    country: Annotated[str, Field(description='Of the address; "" for the provider\'s own.')]
    tax_id: str
    tax_percent: Annotated[str | None, Field(description="null: the provider's rate.")]


@ROUTER.get("/customers", summary="List customers")
def list_customers(caller: Reader, paged: Paged) -> Page[Customer]:
    """Customers by name; a customer's token sees that customer alone."""
    after = paged.after(str)
    with caller.reading() as connection:
        if caller.customer is None:
            found = customers.piece(connection, after, paged.one_more)
        else:
            own = customers.get(connection, caller.customer)
            found = [own] if after is None or own.name > after else []
    return paged.page(found, lambda one: (one.name,), _told)


@ROUTER.get("/customers/{customer}", summary="Show a customer")
def get_customer(caller: Reader, customer: Name) -> Customer:
    """What invoices and notices say of a customer."""
    caller.one_of(customer)
    with caller.reading() as connection:
        return _told(customers.get(connection, customer))


def _told(one: customers.Customer) -> Customer:
    percent = one.tax_percent
    return Customer(
        name=one.name,
        title=one.title,
        email=one.email,
        address=one.address.splitlines(),
        country=one.country,
        tax_id=one.tax_id,
        tax_percent=None if percent is None else f"{percent.normalize():f}",
    )
