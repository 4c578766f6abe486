"""What the checks of `siptrunk doctor` give."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from asterisk_siptrunk.cli.desk import Desk


class Health(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    """The service works, less well or less safely."""
    FAIL = "fail"
    SKIPPED = "skipped"
    """What it needs has failed, and was told there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it."""

    check: str
    state: Health
    found: str
    advice: str = ""


Check = Callable[[Desk], Iterator[Finding]]
