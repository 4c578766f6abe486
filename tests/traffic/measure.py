"""Detectors side by side: what attacks cost, and whom they stopped for nothing."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.traffic.baselines import Nothing, OpenSips, SpendCap
from tests.traffic.days import DAY, midnight
from tests.traffic.scenes import DAYS
from tests.traffic.simulation import Simulation
from tests.traffic.watching import TheWatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from tests.traffic.detector import Maker
    from tests.traffic.scenes import World
    from tests.traffic.simulation import Damage

_MONTH = 30 * DAY

# A log file is as wide as the tables need.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 130)


def _cap(amount: float) -> Maker:
    return lambda lines: SpendCap(lines, amount)


DETECTORS: Mapping[str, Maker] = {
    "none": Nothing,
    "opensips": OpenSips,
    "cap50": _cap(50),
    "cap100": _cap(100),
    "cap150": _cap(150),
    "watch": TheWatch,
}


@dataclass
class Result:
    """What came of one detector, in all worlds.

    Attributes:
        suspended: by rule, how often a trunk that nobody attacked, or had attacked yet, was
            suspended.
        refused: ordinary calls on such trunks that were refused or cut.
        warned: days on which such a trunk was warned of.
        trunk_months: of such trunks.
        seconds: of processor time, the making of sightings included.
    """

    detector: str
    damages: list[Damage] = field(default_factory=list)
    suspended: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    refused: int = 0
    warned: int = 0
    trunk_months: float = 0.0
    sightings: int = 0
    seconds: float = 0.0

    def add(self, world: World, simulation: Simulation) -> None:
        """One world more."""
        self.damages += simulation.damages
        for stops in simulation.stops.values():
            for stop in stops:
                self.suspended[stop.rule] += 1
        self.refused += simulation.refused
        self.warned += len(simulation.warned)
        self.trunk_months += _months_without_attack(world)
        self.sightings += simulation.sightings

    def per_thousand(self, count: float) -> float:
        """In 1,000 trunk-months."""
        return 1000 * count / self.trunk_months

    def by_shape(self) -> Mapping[str, Summary]:
        """In the order in which shapes first came."""
        shapes: dict[str, list[Damage]] = defaultdict(list)
        for damage in self.damages:
            shapes[damage.attack.shape].append(damage)
        return {shape: Summary(damages) for shape, damages in shapes.items()}


def _months_without_attack(world: World) -> float:
    began = midnight(world.first)
    before = sum(attack.begins - began for attack in world.attacks())
    return (world.ordinary * DAYS * DAY + before) / _MONTH


@dataclass(frozen=True)
class Summary:
    """Of some attacks."""

    damages: Sequence[Damage]

    @property
    def found(self) -> int:
        """Those with any finding."""
        return sum(each.warned_at is not None for each in self.damages)

    @property
    def stopped(self) -> int:
        """Those of which a call was refused or cut by a stop."""
        return sum(each.stopped_at is not None for each in self.damages)

    @property
    def seconds(self) -> float | None:
        """From the first call to the first that was refused or cut; the median of those stopped."""
        after = [
            each.stopped_at - each.attack.begins
            for each in self.damages
            if each.stopped_at is not None
        ]
        return median(after) if after else None

    @property
    def spent(self) -> float:
        """The median of all, those not stopped included."""
        return median(each.spent for each in self.damages)

    @property
    def most(self) -> float:
        """The dearest."""
        return max(each.spent for each in self.damages)


def run(worlds: Iterable[World], names: Sequence[str]) -> list[Result]:
    """Play each world once, before all detectors."""
    results = [Result(name) for name in names]
    for world in worlds:
        began = midnight(world.first)
        plays = [Simulation(DETECTORS[n](world.lines), world.attacks(), began) for n in names]
        for day in world.days():
            _play_day(world, day, plays, results)
        for result, play in zip(results, plays, strict=True):
            result.add(world, play)
    return results


def _play_day(
    world: World, day: date, plays: Sequence[Simulation], results: Sequence[Result]
) -> None:
    calls = world.calls(day)
    until = midnight(day + timedelta(days=1))
    for result, play in zip(results, plays, strict=True):
        began = process_time()
        play.play(calls, until)
        result.seconds += process_time() - began


def show(title: str, results: Sequence[Result]) -> None:
    """A table of all, and one of attacks by their shape."""
    console.print(_overview(title, results))
    for result in results:
        console.print(_shapes(result))


def _overview(title: str, results: Sequence[Result]) -> Table:
    shown = _table(title, "detector")
    heads = ("found", "stopped", "median spent", "most spent", "bystanders")
    for head in (*heads, "false stops", "calls refused", "days warned", "µs a sighting"):
        shown.add_column(head, justify="right")
    for each in results:
        summary = Summary(each.damages)
        false = (sum(each.suspended.values()), each.refused, each.warned)
        shown.add_row(
            each.detector,
            *_shares(summary),
            f"{summary.spent:.2f}",
            f"{summary.most:,.0f}",
            f"{sum(damage.bystanders for damage in each.damages):,}",
            *(f"{each.per_thousand(count):,.1f}" for count in false),
            f"{each.seconds / each.sightings * 1e6:.1f}",
        )
    months, attacked = results[0].trunk_months, len(results[0].damages)
    shown.caption = (
        "False stops, calls refused and days warned are for 1,000 trunk-months, measured on "
        f"{months:,.0f} without attack. Bystanders are ordinary calls of the {attacked} trunks "
        "attacked that were refused or cut. The simulation's own time is in that of a sighting."
    )
    return shown


def _shapes(result: Result) -> Table:
    shown = _table(f"{result.detector}: by shape", "attack")
    heads = ("found", "stopped", "median time until stopped", "median spent", "most spent")
    for head in heads:
        shown.add_column(head, justify="right")
    for shape, summary in result.by_shape().items():
        shown.add_row(
            shape,
            *_shares(summary),
            _duration(summary.seconds),
            f"{summary.spent:.2f}",
            f"{summary.most:,.2f}",
        )
    return shown


def _table(title: str, first: str) -> Table:
    shown = Table(title=title, title_justify="left", caption_justify="left")
    shown.add_column(first)
    return shown


def _shares(summary: Summary) -> tuple[str, str]:
    count = len(summary.damages)
    return f"{summary.found}/{count}", f"{summary.stopped}/{count}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    return str(timedelta(seconds=round(seconds)))


def write(results: Sequence[Result], output: Path) -> None:
    """Every attack and every sum, as JSON."""
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps([_written(each) for each in results], indent=2) + "\n")
    console.print(f"Written to {output}")


def _written(result: Result) -> dict[str, object]:
    return {
        "detector": result.detector,
        "trunk_months": result.trunk_months,
        "false_suspensions": dict(result.suspended),
        "false_suspensions_per_1000_trunk_months": result.per_thousand(
            sum(result.suspended.values())
        ),
        "ordinary_calls_refused": result.refused,
        "days_warned": result.warned,
        "sightings": result.sightings,
        "seconds": result.seconds,
        "attacks": [_attack(damage) for damage in result.damages],
    }


def _attack(damage: Damage) -> dict[str, object]:
    attack = damage.attack

    def after(at: float | None) -> float | None:
        return None if at is None else at - attack.begins

    return {
        "shape": attack.shape,
        "trunk": attack.line.name,
        "begins": attack.begins,
        "found_after": after(damage.warned_at),
        "stopped_after": after(damage.stopped_at),
        "spent": round(damage.spent, 4),
        "tried": damage.tried,
        "refused": damage.refused,
        "bystanders": damage.bystanders,
        "rules": sorted(damage.rules),
    }
