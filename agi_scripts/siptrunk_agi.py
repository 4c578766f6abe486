#!/usr/bin/env python3
"""Admission as an AGI process, for an Asterisk that can reach no FastAGI service.

Not for every day: each call starts a Python (see the README's figures). Set `process = true` in
[agi] of siptrunk.toml, and `siptrunk config apply` makes the dialplan call this file.
"""

import sys
from pathlib import Path

from asterisk_siptrunk.bootstrap import agi_process

if __name__ == "__main__":
    sys.exit(agi_process(Path(sys.argv[1])))
