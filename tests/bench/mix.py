"""`python -m tests.bench.mix`: how long the best price takes, beside the textbook's search.

Both look for the cheapest packs that cover 10,000 channels, in turn. The textbook's tells the
price alone; ours also settles ties, and names the packs. In the hard catalogue no pack can be left
out beforehand: a larger one is always cheaper a channel, and the largest has almost all of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from asterisk_siptrunk.billing.catalogue import Pack
from asterisk_siptrunk.billing.packs import best_mix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CHANNELS = 10_000
PACKS = 50
ROUNDS = 15
MOST_MS = 50

console = Console(highlight=False)


@dataclass(frozen=True)
class Figure:
    """Milliseconds of processor time, the median of all rounds."""

    catalogue: str
    ours: float
    slowest: float
    textbook: float

    @property
    def ratio(self) -> float:
        """Ours in times of the textbook's."""
        return self.ours / self.textbook


def _priced(sizes: Iterable[int], power: float) -> tuple[Pack, ...]:
    """Packs whose price grows with a power of their channels, to the cent."""
    return tuple(Pack(f"p{s}", s, Decimal(f"{4 * s**power:.2f}")) for s in sizes)


CATALOGUES = {
    "1 to 50 channels, cheaper a channel by size": _priced(range(1, PACKS + 1), 0.9),
    "1 to 50 channels, all at one price a channel": _priced(range(1, PACKS + 1), 1),
    "hard: 1 to 9,997 channels, none left out": _priced(range(1, CHANNELS, 204), 0.98),
}


def textbook(packs: Sequence[Pack], channels: int) -> Decimal:
    """The lowest price, from one channel to all of them, in cents."""
    priced = [(pack.channels, int(pack.price * 100)) for pack in packs]
    least = [0]
    for covered in range(1, channels + 1):
        least.append(min(least[max(0, covered - size)] + price for size, price in priced))
    return Decimal(least[-1]) / 100


def _milliseconds(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return (process_time() - began) * 1000


def measure(name: str, packs: Sequence[Pack]) -> Figure:
    """Take both in turn, after seeing that they agree."""
    assert len(packs) == PACKS
    assert best_mix(packs, CHANNELS).price == textbook(packs, CHANNELS)
    pairs = [
        (
            _milliseconds(lambda: best_mix(packs, CHANNELS)),
            _milliseconds(lambda: textbook(packs, CHANNELS)),
        )
        for _ in range(ROUNDS)
    ]
    ours, theirs = zip(*pairs, strict=True)
    return Figure(name, statistics.median(ours), max(ours), statistics.median(theirs))


def table(figures: Iterable[Figure]) -> Table:
    """One line a catalogue."""
    shown = Table(title=f"{CHANNELS:,} channels, {PACKS} packs", title_justify="left")
    for column in ("catalogue", "ours, ms", "slowest", "textbook, ms", "to textbook", "target"):
        shown.add_column(column, justify="left" if column == "catalogue" else "right")
    for each in figures:
        met = "[green]met[/]" if each.slowest < MOST_MS else "[red]missed[/]"
        numbers = (each.ours, each.slowest, each.textbook, each.ratio)
        shown.add_row(each.catalogue, *(f"{one:.2f}" for one in numbers), f"{MOST_MS} ms, {met}")
    return shown


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench.mix", description=__doc__)
    options.add_argument("--output", type=Path, default=Path("build/bench/mix.json"))
    chosen = options.parse_args()
    figures = [measure(name, packs) for name, packs in CATALOGUES.items()]
    console.print(table(figures))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps([asdict(one) for one in figures], indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


if __name__ == "__main__":
    main()
