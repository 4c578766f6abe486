"""Tries millions of inputs, led by the code that they reach; needs the dependency group `fuzz`.

python -m tests.fuzz TARGET --inputs N: an input that breaks the promise is kept in the corpus, and
the run ends. What reached new code is kept in build/fuzz/TARGET, for the next run.
"""

import argparse
import logging
import sys
from pathlib import Path

import atheris

from tests.fuzz.corpus import FOLDER, TARGETS, check_of

GROWN = Path("build/fuzz")
LONGEST_INPUT = {"numbers": 32}
USUAL_INPUT = 1500
SECONDS, MEGABYTES = 5, 512
"""For one input, and for the process: more is a fault."""
_UNDER_TEST = ["asterisk_siptrunk", "panoramisk.ami_protocol", "panoramisk.message"]


def main() -> None:
    arguments = _arguments()
    logging.disable()
    with atheris.instrument_imports(include=_UNDER_TEST, enable_loader_override=False):
        check = check_of(arguments.target)
    kept, grown = FOLDER / arguments.target, GROWN / arguments.target
    for folder in (kept, grown):
        folder.mkdir(parents=True, exist_ok=True)
    longest = LONGEST_INPUT.get(arguments.target, USUAL_INPUT)
    options = (
        *(f"-runs={arguments.inputs}", f"-max_len={longest}", f"-timeout={SECONDS}"),
        *(f"-rss_limit_mb={MEGABYTES}", f"-artifact_prefix={kept}/", "-print_final_stats=1"),
    )
    atheris.Setup([sys.argv[0], *options, str(grown), str(kept)], check)
    atheris.Fuzz()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
