"""`siptrunk offer`."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import click

from asterisk_siptrunk.billing.catalogue import Catalogue, Offer
from asterisk_siptrunk.billing.catalogue_file import read_catalogue, write_catalogue
from asterisk_siptrunk.billing.example import example_catalogue
from asterisk_siptrunk.billing.money import shown
from asterisk_siptrunk.billing.packs import Mix, best_mix
from asterisk_siptrunk.bootstrap import audit, catalogues, rates
from asterisk_siptrunk.cli.catalogue import (
    at_option,
    catalogue_on,
    example_option,
    in_words,
    priced_rows,
    row_of,
    say_what_follows,
    text_of,
)
from asterisk_siptrunk.cli.complete import offer_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option, name_argument
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, stdout, warn
from asterisk_siptrunk.cli.values import WholeNumber
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import MOST_CHANNELS

_COLUMNS = (
    "name",
    "title",
    "minimum",
    "maximum",
    "packs",
    "deck",
    "period",
    "number_price",
    "currency",
    "valid_from",
)
_LOADED = {
    catalogues.Loading.NEW: "is loaded",
    catalogues.Loading.REPLACES: "is loaded in the place of the one before",
    catalogues.Loading.SAME: "is there already: nothing is changed",
}
_WOULD_BE = {
    catalogues.Loading.NEW: "would be loaded",
    catalogues.Loading.REPLACES: "would take the place of the one before",
    catalogues.Loading.SAME: "is there already: nothing would be changed",
}


@click.group()
def command() -> None:
    """What can be ordered: a catalogue of offers and plans, each from a day on."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check the file, and change nothing.")
@pass_desk
def load(desk: Desk, file: Path, *, dry_run: bool) -> None:
    """Take a catalogue in, from the day that it names on (valid_from).

    It holds until the next one begins. One that has begun is never changed, since orders and
    invoices rest on it: give a new one a later day. 'offer export --example' is one to begin from.

    \b
    Examples:
      siptrunk offer export --example > catalogue.toml
      siptrunk offer load catalogue.toml --dry-run
      siptrunk offer load catalogue.toml
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    new = read_catalogue(text_of(file), str(file))
    if dry_run:
        with desk.reading() as connection:
            done = _WOULD_BE[catalogues.judge(connection, new, desk.today)]
    else:
        with desk.changing() as (connection, by):
            done = _LOADED[catalogues.load(connection, by, new, desk.today)]
    offers, plans = ", ".join(new.offers), ", ".join(new.plans) or "none"
    say(f"The catalogue of {new.valid_from} {done}. Offers: {offers}. Plans: {plans}.")
    _warn_of_empty_decks(desk, new)


def _warn_of_empty_decks(desk: Desk, new: Catalogue) -> None:
    with desk.reading() as connection:
        missing = sorted(new.decks.difference(rates.decks(connection)))
    for deck in missing:
        warn(f"Deck {deck} has no rates yet: siptrunk rate load FILE --deck {deck}")


@command.command()
@at_option
@example_option
@pass_desk
def export(desk: Desk, day: date | None, *, example: bool) -> None:
    """Write the catalogue as the file that it is loaded from.

    \b
    Examples:
      siptrunk offer export > catalogue.toml
      siptrunk offer export --example > catalogue.toml
    """  # noqa: D301
    text = example_catalogue() if example else write_catalogue(catalogue_on(desk, day))
    click.echo(text, stdout(), nl=False)


@command.command("list")
@at_option
@form_option
@pass_desk
def list_(desk: Desk, day: date | None, form: Form) -> None:
    """List the offers.

    Example: siptrunk offer list --at 2027-01-01
    """
    catalogue = catalogue_on(desk, day)
    rows = [row_of(catalogue, offer, _COLUMNS) for offer in catalogue.offers.values()]
    show_rows(rows, _COLUMNS, form, desk.zone)
    say_what_follows(desk, catalogue)


@command.command()
@name_argument(offer_names)
@at_option
@form_option
@pass_desk
def show(desk: Desk, name: str, day: date | None, form: Form) -> None:
    """Show an offer: its terms, packs, options, and the plans on top of it.

    Example: siptrunk offer show trunk
    """
    catalogue = catalogue_on(desk, day)
    offer = catalogue.offer(name)
    terms = {"numbers_per_channel": offer.numbers_per_channel}
    plans = tuple(plan.name for plan in catalogue.plans.values() if plan.offer == name)
    row = {
        key: value for key, value in row_of(catalogue, offer, _COLUMNS).items() if key != "packs"
    }
    show_row(
        {**row, **terms, "plans": plans},
        form,
        desk.zone,
        packs=priced_rows(offer.packs, "name", "channels", "price"),
        options=[
            {
                **{key: in_words(getattr(one, key)) for key in ("name", "title", "price")},
                "needs_channels": one.channels,
            }
            for one in offer.options
        ],
    )
    say_what_follows(desk, catalogue)


@command.command()
@click.argument("channels", type=WholeNumber(1, MOST_CHANNELS))
@click.option("--offer", "name", shell_complete=offer_names, help="Of which.  [default: the only]")
@at_option
@form_option
@pass_desk
def mix(desk: Desk, channels: int, name: str | None, day: date | None, form: Form) -> None:
    """Show the cheapest packs for a number of channels, beside its smallest pack alone.

    A larger number may be cheaper: then it is the one that the customer gets.

    Example: siptrunk offer mix 9
    """
    catalogue = catalogue_on(desk, day)
    offer = catalogue.offer(name or _only(catalogue))
    if not offer.minimum <= channels <= offer.maximum:
        raise InvalidInput(
            f"{channels} channels: a trunk of offer {offer.name} has between {offer.minimum} and "
            f"{offer.maximum}."
        )
    best = best_mix(offer.packs, channels)
    usable = min(best.channels, offer.maximum)
    plain = _of_smallest(offer, channels)
    row: Row = {
        "offer": offer.name,
        "asked": channels,
        "channels": usable,
        "price": f"{best.price:f}",
        "smallest_pack_alone": f"{plain:f}",
        "saved": f"{plain - best.price:f}",
        "currency": catalogue.currency,
    }
    show_row(row, form, desk.zone, packs=_packs(best))
    if usable > channels:
        price = shown(best.price, catalogue.currency)
        say(f"{usable} channels for {price} are the cheapest that cover {channels}.")


def _only(catalogue: Catalogue) -> str:
    if len(catalogue.offers) > 1:
        raise InvalidInput(
            f"There are several offers: say which by --offer, of {', '.join(catalogue.offers)}."
        )
    return next(iter(catalogue.offers))


def _of_smallest(offer: Offer, channels: int) -> Decimal:
    smallest = min(offer.packs, key=lambda pack: (pack.channels, pack.price))
    return best_mix([smallest], channels).price


def _packs(best: Mix) -> list[Row]:
    return [
        {
            "name": pack.name,
            "channels": pack.channels,
            "times": times,
            "price": f"{pack.price:f}",
            "amount": f"{pack.price * times:f}",
        }
        for pack, times in best.packs
    ]


@command.command()
@form_option
@pass_desk
def history(desk: Desk, form: Form) -> None:
    """Show every change of the catalogues, newest first, and who made it.

    Example: siptrunk offer history
    """
    with desk.reading() as connection:
        entries = audit.history(connection, "offer")
    rows: list[Row] = [
        {"at": one.at, "author": one.author, "catalogue": one.name, "change": one.change}
        for one in entries
    ]
    show_rows(rows, ("at", "author", "catalogue", "change"), form, desk.zone)
