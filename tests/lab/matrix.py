"""`python -m tests.lab.matrix`: the README's fault matrix, from what the last tests wrote down."""

from __future__ import annotations

import json

from tests.lab.promises import RESULTS

HEAD = ("fault", "what callers see", "what admins see", "right again after", "test")


def main() -> None:
    """Print it as Markdown."""
    print(f"| {' | '.join(HEAD)} |\n|{' --- |' * len(HEAD)}")
    every = [json.loads(file.read_text()) for file in RESULTS.glob("*.json")]
    for kept in sorted(
        every, key=lambda one: (one["test"].partition("::")[0], one["name"].lower())
    ):
        path, _, name = kept["test"].partition("::")
        seconds = f"{kept['recovered_after']:.1f} s"
        test = f"`{path.rpartition('/')[2]}`: {name.removeprefix('test_')}"
        print(f"| {kept['name']} | {kept['callers']} | {kept['admins']} | {seconds} | {test} |")


if __name__ == "__main__":
    main()
