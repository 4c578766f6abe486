"""Somebody, as most cases want it."""

from dataclasses import replace

from asterisk_siptrunk.account import Account, Role


def somebody(role=Role.CUSTOMER_ADMIN, customer="acme", **changes) -> Account:
    one = Account(
        id=1,
        login="alice@acme.example",
        name="Alice",
        role=role,
        customer="" if role.of_provider else customer,
        language="",
        timezone="",
        second=False,
        disabled=False,
    )
    return replace(one, **changes)
