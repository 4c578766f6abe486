"""The prices that a trunk's calls have, by zone: worked out once for each deck as it is loaded."""

from datetime import date
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, func, select

from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.billing.subscription import Ground
from asterisk_siptrunk.billing.tariff import Tariff
from asterisk_siptrunk.database import rates, subscriptions
from asterisk_siptrunk.database.tables import audit
from asterisk_siptrunk.destination import Destination
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Trunk

Stamp = tuple[date, int | None]
"""The day, and the last change of a deck."""

_known: WeakKeyDictionary[Engine, dict[tuple[str, str], tuple[Stamp, Tariff]]] = WeakKeyDictionary()


def of_trunk(connection: Connection, trunk: Trunk, on: Ground, day: date, deck: str) -> Tariff:
    """The prices of a trunk on a day of the provider's; `deck` is for one without a subscription.

    None are known where there is no such deck.
    """
    name = _deck_of(connection, trunk, on, day) or deck
    stamp = day, _changed(connection, name)
    kept = _known.setdefault(connection.engine, {})
    known = kept.get((name, trunk.country))
    if known is None or known[0] != stamp:
        known = kept[name, trunk.country] = stamp, _read(connection, name, trunk.country, day)
    return known[1]


def price_of(  # noqa: PLR0913, PLR0917 - whose price, when, and where
    connection: Connection, trunk: Trunk, on: Ground, day: date, deck: str, callee: Destination
) -> Rate | None:
    """The rate of a trunk's calls to one number on a day; None where there is none."""
    name = _deck_of(connection, trunk, on, day) or deck
    names = RateTable((), trunk.country).names(callee.number, callee.zone)
    try:
        found = rates.every(connection, name, day, names)
    except NotFound:
        return None
    return RateTable(found, trunk.country).find(callee.number, callee.zone, day)


def currency_of(connection: Connection, trunk: Trunk, on: Ground, day: date) -> str:
    """What a trunk's prices are in: its subscription's currency, or the catalogue's; "" unknown."""
    agreed = subscriptions.standing(connection, trunk.id, on.zone)
    if agreed is not None:
        return agreed.currency
    try:
        return on.catalogue_on(day).currency
    except NotFound:
        return ""


def _deck_of(connection: Connection, trunk: Trunk, on: Ground, day: date) -> str:
    """The deck of a trunk's subscription, "" where it has none."""
    agreed = subscriptions.standing(connection, trunk.id, on.zone)
    return on.terms_of(agreed, max(day, agreed.began)).deck if agreed else ""


def _changed(connection: Connection, deck: str) -> int | None:
    """Each loading of a deck is noted, in the same transaction."""
    query = select(func.max(audit.c.id)).where(audit.c.noun == "rate", audit.c.name == deck)
    newest: int | None = connection.execute(query).scalar_one()
    return newest


def _read(connection: Connection, deck: str, home: str, day: date) -> Tariff:
    try:
        return Tariff(rates.every(connection, deck, day), home)
    except NotFound:
        return Tariff((), home)
