"""A deck of rates as a CSV file: read row by row, with the mistakes of all rows told, and written.

Spreadsheets write such files too, so a mark of the encoding is passed over, and semicolons may
stand between the cells, as where the comma belongs to numbers.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

from asterisk_siptrunk.billing.money import parse_price
from asterisk_siptrunk.billing.rate import Rate, parse_target
from asterisk_siptrunk.billing.reading import parse_title
from asterisk_siptrunk.errors import InvalidInput

COLUMNS = ("target", "name", "fee", "price", "increments", "valid_from", "valid_until")
MOST_SHOWN = 20
"""Mistakes that are told one by one; of others their number is."""
_MAY_BE_MISSING = frozenset({"valid_from", "valid_until"})
_INCREMENTS = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", re.ASCII)
_LONGEST_INCREMENT = 3600
_DAY = re.compile(r"(19[7-9][0-9]|2[0-9]{3})-[0-9]{2}-[0-9]{2}", re.ASCII)
_END = date.max
"""Stands for a validity without an end where two are compared."""

Span = tuple[date, date, int]
"""First day, the day after the last, and the line that says so."""


def read_rates(lines: Iterable[str], source: str, valid_from: date) -> Iterator[Rate]:
    """Read rates, one at a time.

    What is wrong is raised after the last one, so nothing may be kept of them before that.

    Args:
        lines: of the file, opened with `newline=""`.
        source: what messages call the file.
        valid_from: the first day of rates that name none.

    Raises:
        InvalidInput: with a line for each mistake: where it is, what is wrong, what to do.
    """
    rows = _rows(lines, source)
    _, columns = next(rows, (0, []))
    _check_columns(columns, source)
    mistakes = _Mistakes(source)
    spans: dict[str, list[Span]] = defaultdict(list)
    for line, cells in rows:
        try:
            rate = _rate(dict(_named(columns, cells)), valid_from)
            _check_overlap(rate, spans[rate.target], line)
        except InvalidInput as error:
            mistakes.note(line, str(error))
        else:
            yield rate
    mistakes.tell()


class _Mistakes:
    def __init__(self, source: str) -> None:
        self._source = source
        self._shown: list[str] = []
        self._others = 0

    def note(self, line: int, what: str) -> None:
        if len(self._shown) < MOST_SHOWN:
            self._shown.append(f"{self._source}: line {line}: {what}")
        else:
            self._others += 1

    def tell(self) -> None:
        """Raise what was noted, if anything was."""
        others = [f"{self._source}: {self._others} more mistakes."] if self._others else []
        if self._shown:
            raise InvalidInput("\n".join(self._shown + others))


def _rows(lines: Iterable[str], source: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that have something in them, each with its line's number."""
    lines = iter(lines)
    first = next(lines, "").removeprefix("\ufeff")
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(chain([first], lines), delimiter=separator, strict=True)
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InvalidInput(f"{source}: line {reader.line_num}: this is not CSV: {error}.") from None


def _check_columns(columns: list[str], source: str) -> None:
    unknown = [name for name in columns if name not in COLUMNS]
    missing = [name for name in COLUMNS if name not in {*columns, *_MAY_BE_MISSING}]
    if unknown or missing or len(set(columns)) < len(columns):
        raise InvalidInput(
            f"{source}: the first line must name the columns {','.join(COLUMNS)}, each once; the "
            f"last two may be missing. It is {','.join(columns)[:80]!r}."
        )


def _named(columns: list[str], cells: list[str]) -> Iterator[tuple[str, str]]:
    if len(cells) != len(columns):
        raise InvalidInput(
            f"it has {len(cells)} cells, and the first line names {len(columns)} columns; numbers "
            "have a point and no comma."
        )
    return zip(columns, cells, strict=True)


def _rate(cells: Mapping[str, str], valid_from: date) -> Rate:
    read = {key: _cell(key, text) for key, text in cells.items()}
    first, step = read.pop("increments")
    read["valid_from"] = read.get("valid_from") or valid_from
    rate = Rate(first=first, step=step, **read)
    if rate.valid_until is not None and rate.valid_until <= rate.valid_from:
        raise InvalidInput(
            f"valid_until: {rate.valid_until} is not after its first day, {rate.valid_from}."
        )
    return rate


# Prices, names and days come again and again in a deck.
@lru_cache(maxsize=10_000)
def _cell(key: str, text: str) -> Any:  # noqa: ANN401 - of any column
    try:
        return _READERS[key](text)
    except InvalidInput as error:
        raise InvalidInput(f"{key}: {error}") from None


def _increments(text: str) -> tuple[int, int]:
    found = _INCREMENTS.fullmatch(text)
    if found is None or max(int(found[1]), int(found[2])) > _LONGEST_INCREMENT:
        raise InvalidInput(
            f"{text!r} is no increments: give the seconds that are charged first, a slash and the "
            f"steps after them, 1 to {_LONGEST_INCREMENT} each, as in 60/60 or 30/6."
        )
    return int(found[1]), int(found[2])


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(f"{text!r} is no day: give one like 2027-01-31.")


_READERS: Mapping[str, Callable[[str], Any]] = {
    "target": parse_target,
    "name": parse_title,
    "fee": parse_price,
    "price": parse_price,
    "increments": _increments,
    "valid_from": _day,
    "valid_until": _day,
}


def _check_overlap(rate: Rate, spans: list[Span], line: int) -> None:
    since, until = rate.valid_from, rate.valid_until or _END
    for other_since, other_until, other_line in spans:
        if since < other_until and other_since < until:
            raise InvalidInput(
                f"target: {rate.target} has a rate for these days in line {other_line}; let that "
                "one end (valid_until) on the day that this one begins."
            )
    spans.append((since, until, line))


def write_rates(rates: Iterable[Rate]) -> Iterator[str]:
    """The lines of the file that these rates are read from."""
    row = _Row()
    writer = csv.writer(row, lineterminator="\n")
    for cells in chain([COLUMNS], map(_cells, rates)):
        writer.writerow(cells)
        yield row.text


class _Row:
    """What `csv` writes to: a row at a time."""

    text = ""

    def write(self, text: str) -> None:
        self.text = text


def _cells(rate: Rate) -> tuple[str, ...]:
    increments = f"{rate.first}/{rate.step}"
    since, until = rate.valid_from.isoformat(), rate.valid_until or ""
    return (rate.target, rate.name, *_prices(rate), increments, since, str(until))


def _prices(rate: Rate) -> Iterator[str]:
    return (f"{_short(price):f}" for price in (rate.fee, rate.price))


def _short(price: Decimal) -> Decimal:
    """A price without zeros at its end, which the database adds."""
    return price.normalize()
