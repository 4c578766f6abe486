"""`make bench`: real Asterisk, variants interleaved in rounds, a table and a JSON file.

Each figure is the median of the rounds; the baseline of the same run stands beside it, and what
counts is the ratio. Traffic stays on the loopback, and everything is bounded in count and time.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import many
from tests.bench.rig import (
    CARRIER_HOST,
    DIAL_HOST,
    FULL_HOST,
    GROUP_HOST,
    MOBILE,
    PBX_HOST,
    PREMIUM,
    REFUSE_HOST,
    Cost,
    Held,
    Variant,
    check,
    describe,
    hold_rate,
    measure,
    plain_server,
    with_children,
)
from tests.lab.asterisk import AsteriskServer
from tests.lab.processes import cpu_seconds
from tests.lab.provider import Provider
from tests.lab.sipp import SippAnswerer

HOLD_MS = 300
CALLS_A_SECOND = 40
# Each costs about half a second of processor time: more of them at once than there are cores, and
# calls go the dialplan's own way.
PROCESSES_A_SECOND = 1
REFUSALS_A_SECOND = 600
# With [asterisk] dedicated, and without: events for nobody are most of the difference.
OURS, SHARED = "this project, dedicated", "this project, beside others"
console = Console(highlight=False, width=None if os.isatty(1) else 110)


def nothing() -> float:
    """Processor time of a part that a variant does not have."""
    return 0.0


class Bench:
    """All that runs while calls are measured."""

    def __init__(self, stack: ExitStack) -> None:
        self.carrier = stack.enter_context(SippAnswerer(host=CARRIER_HOST, trace=False))
        self.plain = stack.enter_context(plain_server(self.carrier.address))
        self.dedicated = stack.enter_context(Provider(dedicated=True))
        self.shared = stack.enter_context(Provider())
        self.process = stack.enter_context(Provider(by_process=True))
        providers = (self.dedicated, self.shared, self.process)
        for provider in providers:
            describe(provider, self.carrier.address)
        for server in (self.plain, *(provider.asterisk for provider in providers)):
            # A line in the log for each step of a dialplan is the lab's wish, not an operator's.
            server.cli("core set verbose 0")

    def bridged(self) -> list[Variant]:
        """Calls that are put through."""
        return [
            self._plain("bare Dial", DIAL_HOST, 200),
            self._plain("GROUP_COUNT, Dial", GROUP_HOST, 200),
            self._ours(OURS, self.dedicated, MOBILE, 200),
            self._ours(SHARED, self.shared, MOBILE, 200),
            self._by_process("AGI process (pyst2)", MOBILE, 200),
        ]

    def refused(self) -> list[Variant]:
        """Calls that are not."""
        return [
            self._plain("bare Hangup", REFUSE_HOST, 503, rate=100),
            self._plain("GROUP_COUNT, Hangup", FULL_HOST, 503, rate=100),
            self._ours(OURS, self.dedicated, PREMIUM, 403, rate=100),
            self._ours(SHARED, self.shared, PREMIUM, 403, rate=100),
            self._by_process("AGI process (pyst2)", PREMIUM, 403),
        ]

    def _plain(self, name: str, host: str, status: int, rate: int = CALLS_A_SECOND) -> Variant:
        cpu = self.plain.cpu_seconds
        address = self.plain.sip_address
        return Variant(name, address, host, MOBILE, cpu, nothing, rate, status)

    def _ours(
        self,
        name: str,
        provider: Provider,
        callee: str,
        status: int,
        rate: int = CALLS_A_SECOND,
    ) -> Variant:
        asterisk, daemon = provider.asterisk, _daemon(provider)
        ours = partial(cpu_seconds, daemon)
        address = asterisk.sip_address
        return Variant(name, address, PBX_HOST, callee, asterisk.cpu_seconds, ours, rate, status)

    def _by_process(self, name: str, callee: str, status: int) -> Variant:
        asterisk, daemon = self.process.asterisk, _daemon(self.process)
        return Variant(
            name,
            asterisk.sip_address,
            PBX_HOST,
            callee,
            asterisk.cpu_seconds,
            lambda: cpu_seconds(daemon) + with_children(asterisk.pid),
            PROCESSES_A_SECOND,
            status,
        )


def _daemon(provider: Provider) -> int:
    assert provider.daemon is not None
    return provider.daemon.pid


def rounds(variants: list[Variant], count: int, seconds: float) -> dict[str, list[Cost]]:
    """Measure all variants in turn, `count` times over."""
    for variant in variants:
        check(variant)
    costs: dict[str, list[Cost]] = {variant.name: [] for variant in variants}
    for number in range(count):
        for variant in variants:
            console.print(f"  round {number + 1} of {count}: {variant.name}", style="dim")
            costs[variant.name].append(measure(variant, seconds, HOLD_MS))
    return costs


def median(costs: list[Cost]) -> Cost:
    """The round in the middle, by each figure."""
    return Cost(
        statistics.median(cost.asterisk for cost in costs),
        statistics.median(cost.ours for cost in costs),
    )


def table(title: str, costs: dict[str, list[Cost]]) -> Table:
    """One line a variant, the first one the baseline."""
    shown = Table(title=title, title_justify="left")
    for column in ("variant", "Asterisk, ms", "ours, ms", "total, ms", "spread", "to baseline"):
        shown.add_column(column, justify="left" if column == "variant" else "right")
    base = median(next(iter(costs.values()))).total
    for name, each in costs.items():
        middle = median(each)
        totals = [cost.total for cost in each]
        shown.add_row(
            name,
            f"{middle.asterisk:.2f}",
            f"{middle.ours:.2f}",
            f"{middle.total:.2f}",
            f"{min(totals):.2f} to {max(totals):.2f}",
            f"{middle.total / base:.2f}",
        )
    return shown


def targets(
    bridged: dict[str, list[Cost]], refused: dict[str, list[Cost]], held: Held, trunks: many.Many
) -> Table:
    """What was aimed at, and what came out."""
    ratio = median(bridged[OURS]).total / median(bridged["bare Dial"]).total
    ours = median(refused[OURS]).ours
    lines = [
        ("a bridged call, in total CPU of bare Dial's", f"{ratio:.2f}", "1.15", ratio <= 1.15),
        ("a refusal, our CPU", f"{ours:.2f} ms", "0.5 ms", ours <= 0.5),
        (
            f"{REFUSALS_A_SECOND} refusals/s: answered, p99",
            f"{held.answered} of {held.asked}, {held.p99:.1f} ms",
            "all, 20 ms",
            held.answered == held.asked and held.p99 < 20,
        ),
        ("rendering 10,000 trunks", f"{trunks.render:.2f} s", "5 s", trunks.render < 5),
        ("one changed trunk among them: plan", f"{trunks.plan:.2f} s", "0.5 s", trunks.plan < 0.5),
        (
            f"the same: the whole `config apply`, {trunks.files} files",
            f"{trunks.apply:.2f} s",
            "3 s",
            trunks.apply < 3,
        ),
        ("the daemon's memory with them", f"{trunks.memory:.0f} MB", "150 MB", trunks.memory < 150),
    ]
    shown = Table(title="Targets", title_justify="left")
    for column in ("what", "measured", "target", ""):
        shown.add_column(column)
    for what, measured, target, met in lines:
        shown.add_row(what, measured, target, "[green]met[/]" if met else "[red]missed[/]")
    return shown


def circumstances() -> dict[str, Any]:
    """What a figure depends on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "load_at_start": os.getloadavg()[0],
        "asterisk": AsteriskServer().program.version,
        "python": platform.python_version(),
        "uvloop": find_spec("uvloop") is not None,
    }


def main() -> None:
    """Run it all, print the tables, write the JSON."""
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    options.add_argument("--quick", action="store_true", help="one short round: is it alive?")
    options.add_argument("--output", type=Path, default=Path("build/bench/latest.json"))
    chosen = options.parse_args()
    count, seconds = (1, 3.0) if chosen.quick else (3, 10.0)
    facts = circumstances()
    console.print(", ".join(f"{key} {value}" for key, value in facts.items()))
    if facts["load_at_start"] > (facts["cores"] or 1) / 2:
        console.print("This machine is busy: the figures will be higher than they need to be.")
    with ExitStack() as stack:
        bench = Bench(stack)
        bridged = rounds(bench.bridged(), count, seconds)
        refused = rounds(bench.refused(), count, seconds)
        held = hold_rate(bench.refused()[2], REFUSALS_A_SECOND, seconds)
    trunks = many.run()
    console.print(table(f"A bridged call, {CALLS_A_SECOND}/s, CPU time of each", bridged))
    console.print(table("A refused call", refused))
    console.print(
        f"{REFUSALS_A_SECOND} refusals/s for {seconds:.0f} s: {held.answered} of {held.asked} "
        f"answered in {held.seconds:.1f} s, p50 {held.p50:.1f} ms, p99 {held.p99:.1f} ms"
    )
    console.print(targets(bridged, refused, held, trunks))
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    written = {
        "circumstances": facts,
        "bridged": {name: [asdict(cost) for cost in costs] for name, costs in bridged.items()},
        "refused": {name: [asdict(cost) for cost in costs] for name, costs in refused.items()},
        "held": asdict(held),
        "ten_thousand_trunks": asdict(trunks),
    }
    chosen.output.write_text(json.dumps(written, indent=2) + "\n")
    console.print(f"Written to {chosen.output}")


if __name__ == "__main__":
    main()
