"""`python -m tests.bench.fraud`: each detector on the held-out set of frauds and customers.

Two providers of 556 trunks for 60 days: 2,040 trunk-months of ordinary traffic in which every
suspension is a false one, and 92 attacks on other trunks (see `tests.traffic`).
"""

from __future__ import annotations

import os
from time import perf_counter

from tests.traffic.__main__ import judge
from tests.traffic.measure import DETECTORS, console


def main() -> None:
    """Play the set, and say how long it took."""
    began = perf_counter()
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; one core is used")
    judge("held_out", list(DETECTORS), None)
    console.print(f"In {(perf_counter() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
