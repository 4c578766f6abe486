"""`siptrunk usage`."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO, TypeVar

import click

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import calls, exports, prune
from asterisk_siptrunk.call import CallRecord, State
from asterisk_siptrunk.call.month import LocalMonth, whole_month
from asterisk_siptrunk.call.verify import Kind, Period, Verification
from asterisk_siptrunk.cli.desk import Desk, pass_desk
from asterisk_siptrunk.cli.options import confirm, form_option, ordinary_file, yes_option
from asterisk_siptrunk.cli.output import (
    Form,
    Row,
    csv_cells,
    for_people,
    for_programs,
    say,
    show_row,
    show_rows,
    stdout,
    warn,
)
from asterisk_siptrunk.cli.progress import counted, counted_off
from asterisk_siptrunk.cli.proof import prover
from asterisk_siptrunk.cli.records import USAGE_COLUMNS, whole
from asterisk_siptrunk.cli.values import MOMENT, MONTH
from asterisk_siptrunk.errors import DatabaseUnavailable, InvalidInput
from asterisk_siptrunk.whole_file import whole_file

_STDOUT = Path("-")
C = TypeVar("C", bound=Callable[..., Any])

_ONE_SCREEN = 20
_DIFFERENCE_COLUMNS = ("started_at", "uniqueid", "kind", "words")
_PRUNE_COLUMNS = ("month", "calls", "exported_at", "author", "digest")
_PROGRAM_FORMS = (Form.CSV, Form.JSON)


@click.group()
def command() -> None:
    """Usage for billing."""


def _period_options(function: C) -> C:
    since = click.option(
        "--from", "since", type=MOMENT, required=True, help="Calls begun then or later."
    )
    until = click.option("--to", "until", type=MOMENT, required=True, help="Calls begun before.")
    return since(until(function))


def _period(since: datetime, until: datetime) -> Period:
    if since >= until:
        raise InvalidInput("--from must be before --to: the period is half-open.")
    return Period(since, until)


@command.command()
@_period_options
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
    callback=ordinary_file,
    help="The file to write, whole or not at all; '-' is stdout.  [default: stdout]",
)
@pass_desk
def export(desk: Desk, since: datetime, until: datetime, form: str, output: Path | None) -> None:
    """Write every call of a period, refused ones too.

    The period is half-open, and dates are midnights in the provider's time zone: November is
    --from 2026-11-01 --to 2026-12-01. Times are written in UTC, durations in seconds. A call
    that still lasts has no end: export its period again once it has.

    A month that is over, exported whole and without a call that still lasts, is marked so: only
    then 'siptrunk usage prune' drops it. What is exported after that has the calls that came since.

    Example: siptrunk usage export --from 2026-11-01 --to 2026-12-01 --output november.csv
    """
    period = _period(since, until)
    if output == _STDOUT:
        output = None
    tally = _Tally()
    _tell_pruned(desk, period, output)
    with desk.reading() as connection, _destination(output) as file:
        records = calls.every(connection, calls.CallFilter(since=since, until=until))
        _WRITERS[Form(form)](counted(tally.of(records), "calls"), _Digested(file, tally))
    if tally.live:
        warn(f"{tally.live} of these calls still last.")
    if output:
        say(f"{output} written.")
    _mark(desk, period, tally)


def _tell_pruned(desk: Desk, period: Period, output: Path | None) -> None:
    """Say that there were more calls: the file of then may be all that is left of them."""
    with desk.reading() as connection:
        pruned = exports.pruned(connection, period)
    if not pruned:
        return
    said = f"{', '.join(pruned)} was pruned: its calls are in what was exported before alone."
    if output is not None and output.exists():
        raise InvalidInput(f"{said} {output} is there, and stays: give another file.")
    warn(said)


class _Tally:
    """What is known of an export once it is written."""

    def __init__(self) -> None:
        self.rows = self.live = self.newest = 0
        self.digest = sha256()

    def of(self, records: Iterable[CallRecord]) -> Iterator[Row]:
        """Hand the rows of records through, and count them."""
        for record in records:
            self.rows += 1
            self.live += record.state is not State.ENDED
            self.newest = max(self.newest, record.id)
            yield whole(record)


class _Digested:
    """A file that takes the digest of what is written to it along."""

    def __init__(self, file: TextIO, tally: _Tally) -> None:
        self._file = file
        self._tally = tally

    def write(self, text: str) -> int:
        """Write."""
        self._tally.digest.update(text.encode())
        return self._file.write(text)


def _mark(desk: Desk, period: Period, tally: _Tally) -> None:
    """Note that a month was exported whole, where it can change no more."""
    month = whole_month(period, desk.zone)
    if month is None or tally.live or period.until > datetime.now(UTC):
        return
    digest = tally.digest.hexdigest()
    try:
        with desk.changing() as (connection, by):
            written = exports.Written(tally.rows, tally.newest, digest)
            exports.mark(connection, by, month, written)
    except DatabaseUnavailable as error:  # it can be read: the export is whole
        warn(f"{month.name} is not marked as exported, and 'usage prune' refuses it. {error}")
    else:
        say(f"{month.name} is marked as exported: {tally.rows} calls, SHA-256 {digest}.")


def _write_csv(rows: Iterable[Row], file: _Digested) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(USAGE_COLUMNS)
    writer.writerows(csv_cells(row, USAGE_COLUMNS) for row in rows)


def _write_json(rows: Iterable[Row], file: _Digested) -> None:
    """One list, a call a line: a month of it is never whole in memory."""
    separator = "[\n"
    for row in rows:
        file.write(separator + json.dumps(for_programs(row), ensure_ascii=False))
        separator = ",\n"
    file.write("[]\n" if separator == "[\n" else "\n]\n")


_WRITERS: dict[Form, Callable[[Iterable[Row], _Digested], None]] = {
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
        # On the disk before a month counts as exported: then its calls may be dropped.
        with whole_file(output) as fresh, fresh.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}.") from None


@command.command("verify")
@_period_options
@click.option("--all", "whole_list", is_flag=True, help="List every difference.")
@form_option
@click.pass_context
@pass_desk
def verify_(  # noqa: PLR0913 - one argument an option
    desk: Desk,
    context: click.Context,
    /,
    *,
    since: datetime,
    until: datetime,
    whole_list: bool,
    form: Form,
) -> None:
    """Prove that the usage of a period is complete; the exit status is 1 if it is not.

    Compares the calls of this server with the journal that its Asterisk writes by itself, rotated
    and compressed files too (gzip, bzip2, xz): each call must be on both sides, and be answered
    and end at the same time, to a second. The period is that of 'usage export'.

    A call that still lasts leaves a period that is over incomplete, since it would never be
    billed: verify again once it has ended. A call that a killed Asterisk took with it has an
    estimated end and no line in the journal: it is counted apart and contradicts nothing. So is
    one during which the clock was set: its times in the journal are of two clocks. A line
    of the journal that cannot be read may hide a call, and leaves the period incomplete.

    What is proven is kept: 'siptrunk billing run' bills only periods that are proven on every
    server.

    A million calls take about 350 MB of memory: verify parts of the period where that is much.

    Example: siptrunk usage verify --from 2026-11-01 --to 2026-12-01
    """
    period = _period(since, until)
    _tell_pruned(desk, period, None)
    others = _other_servers(desk, period)
    found = prover(desk).prove(period)
    listed = found.differences if whole_list else found.differences[:_ONE_SCREEN]
    show_row(
        _summary(desk, found, period),
        form,
        desk.zone,
        differences=[{key: getattr(one, key) for key in _DIFFERENCE_COLUMNS} for one in listed],
        other_servers=[{"server": name, "calls": count} for name, count in others.items()],
    )
    if len(listed) < len(found.differences):
        say(f"{len(listed)} of {len(found.differences)} differences are listed; --all lists all.")
    if found.counts.keys() & {Kind.NO_ROW, Kind.NOT_ENDED}:
        say("What 'siptrunk serve' has not read of the journal yet, it records: is it running?")
    if others:
        named = ", ".join(f"{name} ({count})" for name, count in others.items())
        warn(f"Other servers have calls in this period, too: {named}. Run this there as well.")
    context.exit(not found.is_complete)


def _other_servers(desk: Desk, period: Period) -> dict[str, int]:
    """How many calls of the period other servers have; asked first, since it fails soonest."""
    with desk.reading() as connection:
        counts = calls.servers(connection, period)
    return {name: n for name, n in counts.items() if name != desk.settings.asterisk.server}


def _summary(desk: Desk, found: Verification, period: Period) -> Row:
    counts = found.counts
    return {
        "server": desk.settings.asterisk.server,
        "from": period.since,
        "to": period.until,
        "rows": found.rows,
        "journal_calls": found.journal_calls,
        "agreed": found.agreed,
        "billable": found.billable,
        "journal_billable": found.journal_billable,
        "billable_difference": found.billable - found.journal_billable,
        "estimated": counts[Kind.ESTIMATED],
        "estimated_billable": found.estimated_billable,
        "clock_set": counts[Kind.CLOCK_SET],
        "open": counts[Kind.OPEN],
        "bad_lines": sum(found.bad_lines.values()),
        "complete": found.is_complete,
        "verdict": _verdict(desk, found, period),
    }


def _verdict(desk: Desk, found: Verification, period: Period) -> str:
    since, until = (for_people(at, desk.zone) for at in (period.since, period.until))
    usage = f"Usage of {desk.settings.asterisk.server} from {since} to {until} is"
    if found.is_complete:
        return f"{usage} complete." if found.over else f"{usage} complete so far."
    return f"{usage} NOT complete: {', '.join(found.objections)}."


@command.command("prune")
@click.option(
    "--before", type=MONTH, required=True, help="The first month that stays, as in 2026-11."
)
@yes_option
@pass_desk
def prune_(desk: Desk, before: LocalMonth, *, yes: bool) -> None:
    """Drop the calls of months that were exported; it cannot be taken back.

    Months are the provider's, in its time zone. Every month before that one goes, if each was
    exported whole, has been over for three days, has no call without an end, and has as many calls
    as when it was exported. Nothing is dropped where one of them is not so.

    With them go the findings of that time that were acknowledged or released; not those that
    nobody has seen to, nor those for which something is suspended.

    PostgreSQL gives the room back at once; SQLite's file does not shrink, new calls fill it.

    Example: siptrunk usage prune --before 2026-01
    """
    with desk.reading() as connection:
        plan = prune.make_plan(connection, before, desk.zone, datetime.now(UTC))
    if not plan.rows:
        say(f"There are no calls before {before.name}.")
        return
    show_rows([_to_prune(one) for one in plan.months], _PRUNE_COLUMNS, Form.TABLE, desk.zone)
    say(f"{plan.rows} calls go for good; what is left of them is what was exported.")
    if plan.findings:
        say(f"Findings of the watch that go with them: {plan.findings}.")
    confirm(f"Drop all calls before {for_people(plan.before, desk.zone)}?", yes=yes)
    steps = prune.carry_out(desk.engine, plan, bootstrap.signature())
    say(f"{counted_off(steps, 'Dropping calls', plan.rows)} calls dropped.")


def _to_prune(one: prune.Closed) -> Row:
    export = one.export
    return {
        "month": one.month.name,
        "calls": one.rows,
        "exported_at": export.at,
        "author": export.author,
        "digest": export.digest,
    }
