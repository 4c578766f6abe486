"""Asks whether a version that we lock has a known weakness, and says so where nobody could tell.

python -m tests.audit PIP_AUDIT LOCKFILE: exits with 1 on a finding. An advisory service that is not
reachable, or that does not know the packages, fails no build; but it is said, since a silent
check would pass for a good one.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 30.0
ARGUMENTS = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")


def audit(program: Path, lock: Path) -> int:
    """Print what the advisory service says of the locked versions; 1 if it knows a weakness."""
    try:
        done = subprocess.run(
            [program, *ARGUMENTS, "--requirement", lock],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return _not_checked(f"no answer within {SECONDS:g} s")
    except ValueError:
        return _not_checked((done.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1])
    found = [one for one in packages if one.get("vulns")]
    unknown = sum("skip_reason" in one for one in packages)
    for one in found:
        weaknesses = ", ".join(each["id"] for each in one["vulns"])
        print(f"{lock}: {one['name']} {one['version']}: {weaknesses}")
    if found:
        return 1
    if unknown:
        return _not_checked(f"the advisory service knows {unknown} of {len(packages)} packages not")
    print(f"Dependencies: no known weakness in {len(packages)} packages")
    return 0


def _not_checked(why: str) -> int:
    print(f"Dependencies not checked: {why[:200]}")
    return 0


if __name__ == "__main__":
    sys.exit(audit(Path(sys.argv[1]), Path(sys.argv[2])))
