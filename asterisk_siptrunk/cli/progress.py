"""Progress on stderr, for people who wait at a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

T = TypeVar("T")

# Redrawing for each of a million rows would cost more than the rows.
_ROWS_PER_STEP = 500


def counted(things: Iterable[T], noun: str) -> Iterator[T]:
    """Hand things through, and show how many went by."""
    if not sys.stderr.isatty():
        yield from things
        return
    columns = (SpinnerColumn(), TextColumn("{task.completed} " + noun), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(noun, total=None)
        for count, thing in enumerate(things, start=1):
            if count % _ROWS_PER_STEP == 0:
                progress.update(task, completed=count)
            yield thing


def counted_off(steps: Iterable[int], what: str, total: int) -> int:
    """Take steps that each tell how many things they did, and show how many of all are done.

    Returns:
        How many were done.
    """
    if not sys.stderr.isatty():
        return sum(steps)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = 0
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for step in steps:
            done += step
            progress.update(task, completed=done)
    return done


@contextmanager
def measured(what: str, size: int) -> Iterator[Callable[[int], None]]:
    """Show how much of so many bytes is done with; gives what is to be told that."""
    if not sys.stderr.isatty():
        yield lambda _done: None
        return
    columns = (TextColumn(what), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=size)
        yield lambda done: progress.update(task, completed=done)


@contextmanager
def gone_through(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many calls were gone through; gives what is to be told of each piece."""
    if not sys.stderr.isatty():
        yield lambda _more: None
        return
    columns = (TextColumn(what), SpinnerColumn(), TextColumn("{task.completed} calls"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)
        yield lambda more: progress.advance(task, more)


def size_of(file: Path) -> int:
    """The bytes of a file; 0 where there is none, which whoever reads it tells."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def working(on: str) -> AbstractContextManager[object]:
    """Show that something takes its time."""
    if not sys.stderr.isatty():
        return nullcontext()
    return Console(stderr=True).status(on)
