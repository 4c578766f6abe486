"""Catalogues: each as a whole, from a day on; what was sold by one that has begun stays as it was.

The document is kept and not its parts: nothing asks for a pack without its catalogue.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Connection, delete, insert, or_, select

from asterisk_siptrunk.billing.catalogue import Catalogue
from asterisk_siptrunk.billing.catalogue_file import read_catalogue, write_catalogue
from asterisk_siptrunk.billing.terms import Terms, terms
from asterisk_siptrunk.database.audit import By, note
from asterisk_siptrunk.database.tables import catalogue, held_option, subscription, trunk
from asterisk_siptrunk.errors import InvalidInput, NotFound


class Loading(StrEnum):
    """What comes of a catalogue that is loaded."""

    NEW = "loaded"
    REPLACES = "replaced"
    """It takes the place of another one for the same day, which has not begun."""
    SAME = "unchanged"


def every(connection: Connection) -> list[Catalogue]:
    """All catalogues, the oldest first."""
    query = select(catalogue.c.valid_from, catalogue.c.document).order_by(catalogue.c.valid_from)
    return [_read(*row) for row in connection.execute(query)]


@lru_cache(maxsize=64)
def _read(valid_from: date, document: str) -> Catalogue:
    """A billing run asks for them with each of thousands of invoices."""
    return read_catalogue(document, f"the catalogue of {valid_from}")


def load(connection: Connection, by: By, new: Catalogue, today: date) -> Loading:
    """Take a catalogue in; `today` is the provider's. The same again changes nothing.

    Raises:
        InvalidInput: as `judge` does.
    """
    loading = judge(connection, new, today)
    if loading is Loading.SAME:
        return loading
    connection.execute(delete(catalogue).where(catalogue.c.valid_from == new.valid_from))
    connection.execute(
        insert(catalogue).values(
            valid_from=new.valid_from,
            document=write_catalogue(new),
            author=by.author,
            at=by.at,
        )
    )
    note(connection, by, "offer", new.valid_from.isoformat(), f"catalogue {loading}")
    return loading


def judge(connection: Connection, new: Catalogue, today: date) -> Loading:
    """What would come of a catalogue that is loaded.

    Raises:
        InvalidInput: it would change what holds already, or is in another currency than the
            others, or lacks what somebody has subscribed to.
    """
    known = {each.valid_from: each for each in every(connection)}
    standing = known.pop(new.valid_from, None)
    if standing == new:
        return Loading.SAME
    if standing is not None and new.valid_from <= today:
        raise InvalidInput(
            f"There is another catalogue of {new.valid_from}, and what was sold since stays as it "
            "is: give this one a day after today (valid_from)."
        )
    _check_past(new, today, known)
    _check_currency(new, known.values())
    check_subscribed(connection, new)
    return Loading.NEW if standing is None else Loading.REPLACES


def _check_past(new: Catalogue, today: date, known: Iterable[date]) -> None:
    """A day that has begun may get its first catalogue, and no other one.

    Today's prices were asked for, paid and invoiced perhaps, and periods that began today rest on
    its packs.
    """
    held = [day for day in known if day <= new.valid_from]
    if held and new.valid_from <= today:
        raise InvalidInput(
            f"The catalogue of {max(held)} holds on {new.valid_from}, and what was sold by it "
            "stays as it is: give this one a day after today (valid_from)."
        )


def _check_currency(new: Catalogue, others: Iterable[Catalogue]) -> None:
    for other in others:
        if other.currency != new.currency:
            raise InvalidInput(
                f"The catalogue of {other.valid_from} is in {other.currency}, this one in "
                f"{new.currency}: subscriptions go on, and their invoices have one currency."
            )


def check_subscribed(connection: Connection, new: Catalogue) -> None:
    """Refuse what would leave the next invoice of somebody without a price.

    Raises:
        InvalidInput: somebody has subscribed to what it has not.
    """
    for name, offer, plan, options in _subscribed(connection, new.valid_from):
        try:
            held = terms(new, offer, plan)
        except (NotFound, InvalidInput) as error:
            raise InvalidInput(f"Trunk {name} has subscribed to it: {error}") from None
        if missing := sorted(options - _names_of_options(held)):
            raise InvalidInput(
                f"Trunk {name} has the option {missing[0]} of the offer {offer}, which this "
                "catalogue has not."
            )


def _subscribed(
    connection: Connection, day: date
) -> Iterator[tuple[str, str, str | None, set[str]]]:
    """Trunk, offer, plan and options of subscriptions that are not over on a day."""
    going_on = or_(subscription.c.ends.is_(None), subscription.c.ends > day)
    held = or_(held_option.c.until.is_(None), held_option.c.until > day)
    query = select(subscription.c.id, held_option.c.name).join(
        held_option, held_option.c.subscription_id == subscription.c.id
    )
    options: dict[int, set[str]] = {}
    for subscription_id, option in connection.execute(query.where(held)):
        options.setdefault(subscription_id, set()).add(option)
    of = subscription.c
    parties = (
        select(of.id, trunk.c.name, of.offer, of.plan)
        .join(trunk, trunk.c.id == of.trunk_id)
        .where(going_on)
        .order_by(trunk.c.name)
    )
    for subscription_id, name, offer, plan in connection.execute(parties):
        yield name, offer, plan, options.get(subscription_id, set())


def _names_of_options(held: Terms) -> set[str]:
    return {option.name for option in held.options}
