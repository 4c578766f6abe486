"""Results as tables for people, JSON and CSV for programs.

Keys are the same in all three, and stay. Times are in the provider's zone in tables, and in UTC
(RFC 3339) for programs; durations are seconds there.
"""

import csv
import errno
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TextIO, TypeAlias
from zoneinfo import ZoneInfo

import click
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from asterisk_siptrunk.spreadsheet import cell, in_utc


@dataclass(frozen=True, slots=True)
class TwoWays:
    """A value that people and programs read differently.

    Attributes:
        people: None keeps the whole column from tables: what another one tells people as well.
    """

    people: str | None
    programs: str | int | bool | None

    def __str__(self) -> str:
        """As people read it."""
        return self.people or ""


Value: TypeAlias = (
    str | int | float | bool | datetime | timedelta | tuple[str, ...] | TwoWays | None
)
Row: TypeAlias = Mapping[str, Value]

# Rich cuts what is wider than its console; what goes to a file or to grep must stay whole.
_WIDTH_OF_A_PIPE = 10_000
# Sentences and lists of words: these columns fold where others would break a name or a number.
_PROSE = frozenset(
    {
        *("advice", "change", "email", "found", "note", "notes", "reason", "source", "status"),
        *("title", "user_agent", "what", "error", "outcome", "packs", "sentence"),
    }
)
_NARROWEST_PROSE = 20
_GAP = 2
"""Spaces between two columns."""
# What goes first from a table that is wider than its terminal: what another column tells as well,
# or what 'show' is for.
_LEAST_IMPORTANT_FIRST = (
    *(
        "program",
        "share",
        "generation",
        "journal_behind",
        "link_since",
        "source",
        "as_of",
        "user_agent",
        "country",
        "zone",
        "direction",
        "verdict",
    ),
    *("weight", "priority", "layer", "author", "mode", "profile", "registered"),
    *("tax", "net", "currency", "valid_from", "valid_until", "minimum", "deck", "to", "part"),
    *("calls_before", "numbers", "email", "billable", "customer", "contact", "issued"),
    *("placed_at", "began", "plan", "offer", "from", "due", "kind", "state"),
)
_FEW = 4
_OF_LINES = frozenset({"notes"})
"""Texts of ours with lines of their own."""


class _Pipe(Console):
    """A console whose reader may go: that is for the command to end on."""

    def on_broken_pipe(self) -> None:
        """Leave the error as it is; rich would end the program."""
        raise BrokenPipeError


class Form(StrEnum):
    """How results are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def stdout() -> TextIO:
    """Where results go.

    Raises:
        OSError: it was closed before we began; click would pass that over in silence.
    """
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return sys.stdout


def show_rows(
    rows: Sequence[Row],
    columns: Sequence[str],
    form: Form,
    zone: ZoneInfo,
    in_table: Sequence[str] | None = None,
) -> None:
    """Write a listing; `in_table` are the columns that matter to people, all by default."""
    if form is Form.JSON:
        _write_json([for_programs(row) for row in rows])
    elif form is Form.CSV:
        _write_csv(rows, columns)
    else:
        _draw_listing(rows, in_table or columns, zone)


def show_row(row: Row, form: Form, zone: ZoneInfo, **parts: Sequence[Row]) -> None:
    """Write one thing; `parts` are listings that belong to it, left out of CSV."""
    if form is Form.JSON:
        _write_json(_whole(row, parts))
    elif form is Form.CSV:
        _write_csv([row], list(row))
        _say_left_out(parts)
    else:
        _draw_whole(row, zone, parts)


def show_each(
    things: Sequence[tuple[Row, Mapping[str, Sequence[Row]]]],
    columns: Sequence[str],
    form: Form,
    zone: ZoneInfo,
) -> None:
    """Write several things, each with its parts; in CSV a line for each thing alone."""
    if form is Form.JSON:
        _write_json([_whole(row, parts) for row, parts in things])
    elif form is Form.CSV:
        _write_csv([row for row, _ in things], columns)
        _say_left_out({name: rows for _, parts in things for name, rows in parts.items() if rows})
    else:
        for row, parts in things:
            _draw_whole(row, zone, parts)


def _whole(row: Row, parts: Mapping[str, Sequence[Row]]) -> dict[str, object]:
    listings = {name: [for_programs(each) for each in rows] for name, rows in parts.items()}
    return for_programs(row) | listings


def _draw_whole(row: Row, zone: ZoneInfo, parts: Mapping[str, Sequence[Row]]) -> None:
    _draw(_sheet(row, zone))
    for name, rows in parts.items():
        if rows:
            _draw_listing(rows, list(rows[0]), zone, title=name)


def _say_left_out(parts: Mapping[str, Sequence[Row]]) -> None:
    names = [_words(name) for name, rows in parts.items() if rows]
    if names:
        say(f"Left out of CSV: {', '.join(names)}. '--format json' has all.")


def for_programs(row: Row) -> dict[str, object]:
    """A row as JSON takes it."""
    return {key: _json_value(value) for key, value in row.items()}


def csv_cells(row: Row, columns: Iterable[str]) -> list[str]:
    """A row as CSV takes it."""
    return [cell(key, _for_programs(row[key])) for key in columns]


def _for_programs(value: Value) -> Value:
    return value.programs if isinstance(value, TwoWays) else value


def for_people(value: Value, zone: ZoneInfo) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
        case timedelta():
            return _clock(value)
        case tuple():
            return ", ".join(value)
        case _:
            return str(value)


def _clock(duration: timedelta) -> str:
    whole = round(duration.total_seconds())
    minutes, seconds = divmod(abs(whole), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if whole < 0 else ''}{hours}:{minutes:02}:{seconds:02}"


def _json_value(value: Value) -> object:
    match value:
        case TwoWays():
            return value.programs
        case datetime():
            return in_utc(value)
        case timedelta():
            return value.total_seconds()
        case _:
            return value


def _write_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False), stdout())


def _write_csv(rows: Iterable[Row], columns: Sequence[str]) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(csv_cells(row, columns) for row in rows)
    click.echo(text.getvalue(), stdout(), nl=False)


def _draw_listing(
    rows: Sequence[Row], columns: Sequence[str], zone: ZoneInfo, title: str | None = None
) -> None:
    """Draw a table, without what the terminal has no room for; that is said."""
    width = _width()
    columns = [key for key in columns if not all(_is_hidden(row[key]) for row in rows) or not rows]
    needed = {key: _needed(rows, key, zone) for key in columns}
    shown = _fitting(needed, width)
    whole_words = sum(needed[key] + _GAP for key in shown) < width
    _draw(_listing(rows, shown, zone, title, whole_words=whole_words))
    left_out = [_words(key) for key in columns if key not in shown]
    if left_out:
        say(f"Not shown, for want of room: {', '.join(left_out)}. '--format json' has all.")


def _fitting(needed: Mapping[str, int], width: int) -> list[str]:
    """The columns that stay: the least important ones go until the others fit."""
    shown = list(needed)
    if len(shown) <= _FEW:  # each of them matters
        return shown
    for key in _LEAST_IMPORTANT_FIRST:
        if sum(needed[each] + _GAP for each in shown) < width:
            break
        if key in shown:
            shown.remove(key)
    return shown


def _needed(rows: Sequence[Row], key: str, zone: ZoneInfo) -> int:
    """The width that a column cannot do without: prose may be folded, all else is kept whole."""
    cells = max((_cell(row[key], zone).cell_len for row in rows), default=0)
    longest = min(cells, _NARROWEST_PROSE) if key in _PROSE else cells
    return max(len(_words(key)), longest)


def _listing(
    rows: Iterable[Row],
    columns: Sequence[str],
    zone: ZoneInfo,
    title: str | None,
    *,
    whole_words: bool,
) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        title=_words(title or "") or None,
        title_justify="left",
        padding=(0, 1, 0, 0),
    )
    for key in columns:
        table.add_column(_words(key), overflow="fold", no_wrap=whole_words and key not in _PROSE)
    for row in rows:
        table.add_row(*(_cell(row[key], zone, aligned=True) for key in columns))
    return table


def _sheet(row: Row, zone: ZoneInfo) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for key, value in row.items():
        if not _is_hidden(value):
            table.add_row(_words(key), _cell(value, zone, lines=key in _OF_LINES))
    return table


def _is_hidden(value: Value) -> bool:
    return isinstance(value, TwoWays) and value.people is None


def _words(key: str) -> str:
    return key.replace("_", " ")


def _cell(value: Value, zone: ZoneInfo, *, aligned: bool = False, lines: bool = False) -> Text:
    # Text, since strings would be read as rich's markup. A caller chooses its number and its
    # PBX's name: what would steer the terminal is shown instead of obeyed.
    shown = for_people(value, zone)
    kept = "\n" if lines else ""
    safe = "".join(c if c.isprintable() or c in kept else repr(c)[1:-1] for c in shown)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Text(safe, justify="right" if aligned and is_number else "left")


def _width() -> int:
    return shutil.get_terminal_size().columns if stdout().isatty() else _WIDTH_OF_A_PIPE


def _draw(what: RenderableType) -> None:
    file = stdout()
    _Pipe(file=file, width=_width(), no_color=not file.isatty()).print(what)


def say(sentence: str) -> None:
    """Tell a person what was done; stdout stays free for results."""
    click.echo(sentence, err=True)


def warn(sentence: str) -> None:
    """Tell a person what to mind."""
    click.secho(f"Warning: {sentence}", err=True, fg="yellow")
