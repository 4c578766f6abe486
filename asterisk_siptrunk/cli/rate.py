"""`siptrunk rate`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asterisk_siptrunk.billing.catalogue import in_force
from asterisk_siptrunk.billing.example import example_rates
from asterisk_siptrunk.billing.money import PRICE_DIGITS
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.billing.rate_file import read_rates, write_rates
from asterisk_siptrunk.billing.rating import MINUTE, RateTable, charged_seconds
from asterisk_siptrunk.bootstrap import catalogues, rates, signature
from asterisk_siptrunk.cli.catalogue import example_option
from asterisk_siptrunk.cli.complete import deck_names
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import form_option, history_command
from asterisk_siptrunk.cli.output import Form, Row, say, show_row, show_rows, stdout, warn
from asterisk_siptrunk.cli.progress import counted
from asterisk_siptrunk.cli.values import DAY
from asterisk_siptrunk.destination import Destination, normalise, without_punctuation
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import parse_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COLUMNS = ("target", "name", "fee", "price", "increments", "valid_from", "valid_until")
_MINUTES = (1, 3, 10)

deck_option = click.option("--deck", required=True, shell_complete=deck_names, help="Which deck.")
at_option = click.option("--at", "day", type=DAY, help="As it is on this day.")


@click.group()
def command() -> None:
    """What calls cost: decks of rates, which offers and plans name."""


@command.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--deck", required=True, shell_complete=deck_names, help="Which; a new one is made.")
@click.option("--from", "since", type=DAY, help="From which day on.  [default: today]")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@form_option
@pass_desk
def load(  # noqa: PLR0913 - one argument an option
    desk: Desk, file: Path, deck: str, since: date | None, form: Form, *, dry_run: bool
) -> None:
    """Have a deck be what a CSV file says, from a day on; shows what changes.

    The file holds the whole deck: rates that are not in it end on that day. The days before stay as
    they are, whatever the file says of them. Its columns are target, name, fee, price, increments
    (seconds charged first, and the steps after them: 60/60), valid_from and valid_until (the day
    after the last); the last two may be empty or missing. Prices are without tax, the price is of a
    minute.

    \b
    A target is:
      +3361          numbers that begin so, the longest prefix before all others
      fr:mobile      a country's numbers of one kind
      *:premium      numbers of one kind, everywhere
      fr             a country
      international  all beyond the provider's own country
      all            everything

    \b
    Examples:
      siptrunk rate export --example > rates.csv
      siptrunk rate load rates.csv --deck world --from 2027-01-01 --dry-run
      siptrunk rate load rates.csv --deck world --from 2027-01-01
    """  # noqa: D301 - \b is click's mark for a block that keeps its lines
    parse_name(deck)
    day = since or desk.today
    with _lines_of(file) as lines:
        earlier = _Earlier(day)
        found = counted(earlier.watched(read_rates(lines, str(file), day)), "rates")
        if dry_run:
            change = rates.compare(desk.engine, deck, day, found)
        else:
            change = rates.load(desk.engine, signature(), deck, day, found)
    show_rows(
        [_changed(one) for one in change.shown], ("change", *_COLUMNS, "was"), form, desk.zone
    )
    _tell(change, deck, day, dry_run=dry_run)
    if earlier.seen and (change.counts[rates.Kind.ADDED] or change.counts[rates.Kind.CHANGED]):
        say(
            f"The file has rates begin earlier: what is new in it counts from {day} on (--from), "
            "and the days before stay as they are."
        )
    if not _is_named(desk, deck):
        warn(f"No offer and no plan names deck {deck}: no call is charged by it.")
    if day < desk.today and _alters(change):
        warn(f"{day} is over: calls since then that are rated keep their cost, until rated anew.")


@contextmanager
def _lines_of(file: Path) -> Iterator[Iterator[str]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            yield lines
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(
            f"{file} is no text in UTF-8: in Excel save it as 'CSV UTF-8'."
        ) from None


class _Earlier:
    """Sees whether rates of a file are to begin before the day of the loading."""

    def __init__(self, day: date) -> None:
        self._day = day
        self.seen = False

    def watched(self, found: Iterable[Rate]) -> Iterator[Rate]:
        """Pass them on."""
        for rate in found:
            self.seen |= rate.valid_from < self._day
            yield rate


def _changed(change: rates.RateChange) -> Row:
    now = _row(change.rate)
    was = _row(change.before) if change.before else now
    differs = [key for key in now if was[key] != now[key] and key != "valid_from"]
    said = ", ".join(f"{key} {was[key] or 'open'}" for key in differs)
    return {"change": str(change.kind), **now, "was": said}


def _alters(change: rates.DeckChange) -> bool:
    """Whether calls that had a rate have another one now."""
    return any(count for kind, count in change.counts.items() if kind is not rates.Kind.ADDED)


def _tell(change: rates.DeckChange, deck: str, day: date, *, dry_run: bool) -> None:
    left_out = sum(change.counts.values()) - len(change.shown)
    if left_out:
        say(f"Not shown: {left_out} more, of each kind all but the first {rates.MOST_SHOWN}.")
    would = " would be" if dry_run else ""
    say(f"Deck {deck} from {day} on{would}: {change}.")


def _is_named(desk: Desk, deck: str) -> bool:
    """Whether an offer or a plan goes by the deck; before the first catalogue nobody can know."""
    with desk.reading() as connection:
        known = catalogues.every(connection)
    return not known or any(deck in each.decks for each in known)


@command.command()
@click.option("--deck", shell_complete=deck_names, help="Which deck.")
@example_option
@pass_desk
def export(desk: Desk, deck: str | None, *, example: bool) -> None:
    """Write a deck as the file that it is loaded from, with all that held and that will.

    \b
    Examples:
      siptrunk rate export --deck world > rates.csv
      siptrunk rate export --example > rates.csv
    """  # noqa: D301
    if example:
        click.echo(example_rates(), stdout(), nl=False)
        return
    if deck is None:
        raise click.UsageError("Say which by --deck, or give --example.")
    with desk.reading() as connection:
        for line in counted(write_rates(rates.every(connection, deck)), "rates"):
            click.echo(line, stdout(), nl=False)


@command.command("list")
@click.option("--deck", shell_complete=deck_names, help="Which.  [default: all, with their counts]")
@at_option
@click.option("--number", help="Only those that a call to it could have, the narrowest first.")
@form_option
@pass_desk
def list_(desk: Desk, deck: str | None, day: date | None, number: str | None, form: Form) -> None:
    """List the decks, or the rates of one: those of other days too unless one is given.

    \b
    Examples:
      siptrunk rate list
      siptrunk rate list --deck world --at today
      siptrunk rate list --deck world --number 0612345678
    """  # noqa: D301
    if deck is None:
        _list_decks(desk, form, narrowed=day is not None or number is not None)
        return
    names = None if number is None else _names(_destination(desk, number), desk)
    with desk.reading() as connection:
        found = list(rates.every(connection, deck, day, names))
    if names is not None:
        found.sort(key=lambda rate: names.index(rate.target))
    show_rows([_row(rate) for rate in found], _COLUMNS, form, desk.zone)


def _list_decks(desk: Desk, form: Form, *, narrowed: bool) -> None:
    if narrowed:
        raise click.UsageError("Say which deck by --deck: --at and --number narrow its rates.")
    with desk.reading() as connection:
        found = rates.counts(connection)
    rows: list[Row] = [{"deck": deck, "rates": count} for deck, count in found.items()]
    show_rows(rows, ("deck", "rates"), form, desk.zone)


@command.command()
@click.argument("number")
@deck_option
@at_option
@form_option
@pass_desk
def show(desk: Desk, number: str, deck: str, day: date | None, form: Form) -> None:
    """Show which rate a call has, and what it costs, without what a plan may include.

    Give the number as it is dialled in the provider's country, or as E.164.

    \b
    Examples:
      siptrunk rate show 0612345678 --deck world
      siptrunk rate show +37120000000 --deck world --at 2027-01-01
    """  # noqa: D301
    on = day or desk.today
    callee = _destination(desk, number)
    with desk.reading() as connection:
        found = rates.every(connection, deck, on, _names(callee, desk))
        rate = _table(found, desk).find(callee.number, callee.zone, on)
        currency = _currency(connection, on)
    if rate is None:
        raise NotFound(
            f"Deck {deck} has no rate for {callee.number} ({callee.zone}) on {on}: a rate for "
            f"{callee.country.lower()}, international or all would do."
        )
    known: Row = {"number": callee.number, "zone": callee.zone, "day": str(on), "deck": deck}
    costs = {f"cost_of_{minutes}_min": _cost(rate, minutes) for minutes in _MINUTES}
    show_row({**known, **_row(rate), **costs, "currency": currency}, form, desk.zone)


def _destination(desk: Desk, number: str) -> Destination:
    country = desk.settings.provider.country
    found = normalise(without_punctuation(number), country)
    if found is None:
        raise InvalidInput(f"{number[:60]!r} leads nowhere from {country}: no call has it.")
    if found.is_emergency:
        raise InvalidInput(f"{found.number} is an emergency number: such calls are free.")
    return found


def _table(found: Iterable[Rate], desk: Desk) -> RateTable:
    return RateTable(found, desk.settings.provider.country)


def _names(callee: Destination, desk: Desk) -> list[str]:
    return list(_table([], desk).names(callee.number, callee.zone))


def _currency(connection: "Connection", day: date) -> str | None:
    """The currency of the catalogue that holds; without one a rate has none."""
    try:
        return in_force(catalogues.every(connection), day).currency
    except NotFound:
        return None


def _cost(rate: Rate, minutes: int) -> str:
    seconds = charged_seconds(timedelta(minutes=minutes), rate)
    cost = rate.fee + rate.price * seconds / MINUTE
    return f"{round(cost, PRICE_DIGITS).normalize():f}"


def _row(rate: Rate) -> Row:
    until = rate.valid_until
    return {
        "target": rate.target,
        "name": rate.name,
        "fee": f"{rate.fee.normalize():f}",
        "price": f"{rate.price.normalize():f}",
        "increments": f"{rate.first}/{rate.step}",
        "valid_from": str(rate.valid_from),
        "valid_until": None if until is None else str(until),
    }


command.add_command(history_command("rate", deck_names, "world", whose="NAME is a deck."))
