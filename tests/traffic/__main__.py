"""`python -m tests.traffic --set tuning --detector opensips`: a detector judged on a set.

The set `held_out` is for `make bench ONLY=fraud` alone: whoever tunes a rule does not look at it.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from tests.traffic.measure import DETECTORS, run, show, write

SETS = ("tuning", "held_out")


def judge(name: str, detectors: list[str], ordinary: int | None) -> None:
    """Play a set before detectors, print the tables, write the JSON."""
    # By its name: what is held out is imported by nothing, and read by nobody by accident.
    chosen = import_module(f"tests.traffic.{name}")
    worlds = chosen.worlds() if ordinary is None else chosen.worlds(ordinary)
    results = run(worlds, detectors)
    show(f"Fraud, set {name}", results)
    write(results, Path(f"build/bench/fraud-{name.replace('_', '-')}.json"))


def main() -> None:
    """Read the options, and judge."""
    options = argparse.ArgumentParser(prog="python -m tests.traffic", description=__doc__)
    options.add_argument("--set", choices=SETS, default="tuning", dest="name")
    options.add_argument(
        "--detector",
        choices=DETECTORS,
        action="append",
        help="several may be given, each by its own --detector; all, if none is",
    )
    options.add_argument(
        "--ordinary", type=int, help="trunks of each world that nobody attacks: fewer is faster"
    )
    chosen = options.parse_args()
    judge(chosen.name, chosen.detector or list(DETECTORS), chosen.ordinary)


if __name__ == "__main__":
    main()
