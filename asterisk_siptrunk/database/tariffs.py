"""The prices that a trunk's calls have, by zone: worked out once for each deck as it is loaded."""

from datetime import date
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, func, select

from asterisk_siptrunk.billing.subscription import Ground
from asterisk_siptrunk.billing.tariff import Tariff
from asterisk_siptrunk.database import rates, subscriptions
from asterisk_siptrunk.database.tables import audit
from asterisk_siptrunk.errors import NotFound
from asterisk_siptrunk.trunk import Trunk

Stamp = tuple[date, int | None]
"""The day, and the last change of a deck."""

_known: WeakKeyDictionary[Engine, dict[tuple[str, str], tuple[Stamp, Tariff]]] = WeakKeyDictionary()


def of_trunk(connection: Connection, trunk: Trunk, on: Ground, day: date, deck: str) -> Tariff:
    """The prices of a trunk on a day of the provider's; `deck` is for one without a subscription.

    None are known where there is no such deck.
    """
    agreed = subscriptions.standing(connection, trunk.id, on.zone)
    name = on.terms_of(agreed, max(day, agreed.began)).deck if agreed else deck
    stamp = day, _changed(connection, name)
    kept = _known.setdefault(connection.engine, {})
    known = kept.get((name, trunk.country))
    if known is None or known[0] != stamp:
        known = kept[name, trunk.country] = stamp, _read(connection, name, trunk.country, day)
    return known[1]


def _changed(connection: Connection, deck: str) -> int | None:
    """Each loading of a deck is noted, in the same transaction."""
    query = select(func.max(audit.c.id)).where(audit.c.noun == "rate", audit.c.name == deck)
    return connection.execute(query).scalar_one()


def _read(connection: Connection, deck: str, home: str, day: date) -> Tariff:
    try:
        return Tariff(rates.every(connection, deck, day), home)
    except NotFound:
        return Tariff((), home)
