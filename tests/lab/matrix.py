"""`python -m tests.lab.matrix`: the README's fault matrix, from what the last tests wrote down."""

from __future__ import annotations

import json

from tests.lab.promises import RESULTS

HEAD = ("fault", "what callers see", "what admins see", "right again after", "test")


def main() -> None:
    """Print it as Markdown."""
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    for file in sorted(RESULTS.glob("*.json")):
        kept = json.loads(file.read_text())
        path, _, name = kept["test"].partition("::")
        seconds = f"{kept['recovered_after']:.1f} s"
        test = f"`{path.rpartition('/')[2]}`: {name.removeprefix('test_')}"
        print(f"| {kept['name']} | {kept['callers']} | {kept['admins']} | {seconds} | {test} |")


if __name__ == "__main__":
    main()
