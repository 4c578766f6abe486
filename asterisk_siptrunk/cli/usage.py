"""`siptrunk usage`."""

import csv
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from asterisk_siptrunk.bootstrap import calls
from asterisk_siptrunk.call import CallRecord, State
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.output import Form, Row, csv_cells, for_programs, say, stdout, warn
from asterisk_siptrunk.cli.progress import counted
from asterisk_siptrunk.cli.records import USAGE_COLUMNS, whole
from asterisk_siptrunk.cli.values import MOMENT
from asterisk_siptrunk.errors import InvalidInput

_STDOUT = Path("-")
_PROGRAM_FORMS = (Form.CSV, Form.JSON)


@click.group()
def command() -> None:
    """Usage for billing."""


@command.command()
@click.option("--from", "since", type=MOMENT, required=True, help="Calls begun then or later.")
@click.option("--to", "until", type=MOMENT, required=True, help="Calls begun before.")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in _PROGRAM_FORMS]),
    default=Form.CSV.value,
    show_default=True,
    help="How to write them.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="The file to write, whole or not at all; '-' is stdout.  [default: stdout]",
)
@pass_desk
def export(desk: Desk, since: datetime, until: datetime, form: str, output: Path | None) -> None:
    """Write every call of a period, refused ones too.

    The period is half-open, and dates are midnights in the provider's time zone: November is
    --from 2026-11-01 --to 2026-12-01. Times are written in UTC, durations in seconds. A call
    that still lasts has no end: export its period again once it has.

    Example: siptrunk usage export --from 2026-11-01 --to 2026-12-01 --output november.csv
    """
    if since >= until:
        raise InvalidInput("--from must be before --to: the period is half-open.")
    if output == _STDOUT:
        output = None
    live: list[int] = []
    with desk.reading() as connection, _destination(output) as file:
        records = calls.every(connection, calls.CallFilter(since=since, until=until))
        _WRITERS[Form(form)](counted(_noting_live(records, live), "calls"), file)
    if live:
        warn(f"{len(live)} of these calls still last.")
    if output:
        say(f"{output} written.")


def _noting_live(records: Iterable[CallRecord], live: list[int]) -> Iterator[Row]:
    for record in records:
        if record.state is not State.ENDED:
            live.append(record.id)
        yield whole(record)


def _write_csv(rows: Iterable[Row], file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(USAGE_COLUMNS)
    writer.writerows(csv_cells(row, USAGE_COLUMNS) for row in rows)


def _write_json(rows: Iterable[Row], file: TextIO) -> None:
    """One list, a call a line: a month of it is never whole in memory."""
    separator = "[\n"
    for row in rows:
        file.write(separator + json.dumps(for_programs(row), ensure_ascii=False))
        separator = ",\n"
    file.write("[]\n" if separator == "[\n" else "\n]\n")


_WRITERS: dict[Form, Callable[[Iterable[Row], TextIO], None]] = {
    Form.CSV: _write_csv,
    Form.JSON: _write_json,
}


@contextmanager
def _destination(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        file = stdout()
        yield file
        file.flush()  # a reader that has gone is heard of here, not at the program's end
        return
    try:
        with _whole_file(output) as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from None


@contextmanager
def _whole_file(output: Path) -> Iterator[TextIO]:
    """A file that takes its name only when it is complete; it tells who called whom: 0600."""
    descriptor, temporary = tempfile.mkstemp(dir=output.parent, prefix=f".{output.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
        Path(temporary).replace(output)
    except BaseException:
        Path(temporary).unlink()
        raise
