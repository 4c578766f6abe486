"""Names that the shell completes, read from the database.

Completion is a courtesy: whatever goes wrong in it, the shell just offers nothing.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import click

from asterisk_siptrunk.bootstrap import (
    accounts,
    carriers,
    catalogues,
    customers,
    invoices,
    orders,
    pbxs,
    rates,
    rules,
    servers,
    tokens,
    trunks,
)
from asterisk_siptrunk.cli.desk import desk_of
from asterisk_siptrunk.destination import Kind
from asterisk_siptrunk.trunk import PROVIDER
from asterisk_siptrunk.trunk.profiles import profiles

if TYPE_CHECKING:
    from sqlalchemy import Connection

Names = Callable[["Connection", click.Context], Iterable[str]]
Completer = Callable[[click.Context, click.Parameter, str], list[str]]


def _completer(names: Names) -> Completer:
    def complete(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        try:
            with desk_of(context).reading() as connection:
                return [name for name in names(connection, context) if name.startswith(begun)]
        except Exception:  # noqa: BLE001 - see the module's description
            return []

    return complete


customer_names = _completer(lambda connection, _: (c.name for c in customers.every(connection)))
trunk_names = _completer(lambda connection, _: (t.name for t in trunks.every(connection)))
rule_owners = _completer(
    lambda connection, _: (PROVIDER, *(t.name for t in trunks.every(connection)))
)
carrier_names = _completer(lambda connection, _: (c.name for c in carriers.every(connection)))
server_names = _completer(lambda connection, _: (s.name for s in servers.every(connection)))
order_references = _completer(lambda connection, _: (o.reference for o in orders.every(connection)))
invoice_numbers = _completer(lambda connection, _: (i.number for i in invoices.every(connection)))
logins = _completer(lambda connection, _: (one.login for one in accounts.listed(connection)))
token_names = _completer(lambda connection, _: {t.name for t in tokens.listed(connection)})
number_names = _completer(lambda connection, _: (e164 for e164, *_ in trunks.numbers(connection)))

pbx_names = _completer(lambda connection, _: (p.name for p in pbxs.listed(connection)))

offer_names = _completer(
    lambda connection, _: sorted({n for each in catalogues.every(connection) for n in each.offers})
)
plan_names = _completer(
    lambda connection, _: sorted({n for each in catalogues.every(connection) for n in each.plans})
)
deck_names = _completer(lambda connection, _: rates.decks(connection))


def profile_names(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Carrier profiles that we ship."""
    return [name for name in profiles() if name.startswith(begun)]


def _ruled(connection: "Connection", context: click.Context) -> Iterable[str]:
    stored = rules.every(connection, context.params.get("trunk"))
    return sorted({str(each.rule.target) for each in stored})


def _targets(connection: "Connection", context: click.Context) -> Iterable[str]:
    kinds = (f"*:{kind}" for kind in Kind if kind is not Kind.EMERGENCY)
    return [*_ruled(connection, context), "all", "international", "risk:high", *kinds]


ruled_targets = _completer(_ruled)
targets = _completer(lambda *asked: sorted(set(_targets(*asked))))
