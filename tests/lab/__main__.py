"""`python -m tests.lab prepare`: make or check the lab, and say what was found."""

from __future__ import annotations

import sys

from tests.lab import sandbox


def main(arguments: list[str]) -> int:
    """Prepare the lab; 0 when every part is there, 1 with the reason when not, 2 for misuse."""
    if arguments != ["prepare"]:
        print("usage: python -m tests.lab prepare", file=sys.stderr)
        return 2
    try:
        found = {
            "Asterisk": sandbox.asterisk(),
            "SIPp": sandbox.sipp(),
            "PostgreSQL": sandbox.postgres(),
            "nftables": sandbox.nft(),
            "Chromium": sandbox.chromium(),
        }
    except sandbox.LabUnavailableError as error:
        print(error, file=sys.stderr)
        return 1
    for name, program in found.items():
        where = f"{program.place.root}:{program.path}" if program.place.root else program.path
        print(f"{name} {program.version}: {where}")
    print(f"libfaketime: {_faketime()}")
    return 0


def _faketime() -> str:
    """Have it now: tests run in networks of their own, where nothing can be fetched."""
    try:
        return str(sandbox.faketime())
    except sandbox.BuildError as error:
        return f"none, and tests that set a clock will fail ({str(error).splitlines()[0]})"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
