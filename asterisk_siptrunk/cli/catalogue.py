"""What the commands about offers and plans share: the catalogue of a day, and words for terms."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from asterisk_siptrunk.billing.catalogue import Catalogue, Offer, Pack, Plan, in_force
from asterisk_siptrunk.bootstrap import catalogues
from asterisk_siptrunk.cli.desk import Desk
from asterisk_siptrunk.cli.output import Row, Value, say
from asterisk_siptrunk.cli.values import DAY
from asterisk_siptrunk.errors import InvalidInput

at_option = click.option("--at", "day", type=DAY, help="As it is on this day.  [default: today]")
example_option = click.option("--example", is_flag=True, help="The example that ships instead.")


def catalogue_on(desk: Desk, day: date | None) -> Catalogue:
    """The catalogue of a day, by default of today.

    Raises:
        NotFound: there is none for it.
    """
    with desk.reading() as connection:
        return in_force(catalogues.every(connection), day or desk.today)


def say_what_follows(desk: Desk, shown: Catalogue) -> None:
    """Tell of a later catalogue, where there is one."""
    with desk.reading() as connection:
        later = [each.valid_from for each in catalogues.every(connection)]
    following = [day for day in later if day > shown.valid_from]
    if following:
        say(f"Another catalogue follows on {min(following)}: see --at {min(following)}.")


def text_of(file: Path) -> str:
    """What a file holds.

    Raises:
        InvalidInput: it cannot be read, or is no text.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is no text in UTF-8: save it as such.") from None


def priced_rows(things: Iterable[Pack], *columns: str) -> list[Row]:
    """Packs as rows."""
    return [{key: in_words(getattr(each, key)) for key in columns} for each in things]


def row_of(catalogue: Catalogue, one: Offer | Plan, columns: Iterable[str]) -> Row:
    """An offer or a plan, with the catalogue that it stands in."""
    known = {"currency": catalogue.currency, "valid_from": str(catalogue.valid_from)}
    return {key: known[key] if key in known else in_words(getattr(one, key)) for key in columns}


def in_words(value: Any) -> Value:  # noqa: ANN401 - any term of an offer or a plan
    """A term as a cell holds it: a price with its digits, of things their names."""
    match value:
        case Decimal():
            return f"{value:f}"
        case tuple():
            return tuple(each if isinstance(each, str) else each.name for each in value)
        case int() | None:
            return value
        case _:
            return str(value)
