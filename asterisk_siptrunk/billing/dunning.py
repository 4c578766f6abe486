"""What becomes of an invoice that nobody pays: a reminder, then less and less service."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum


class Step(IntEnum):
    """How far it has come; each step is taken once, and payment takes them all back."""

    NONE = 0
    REMINDER = 1
    OUTBOUND = 2
    """Outbound calls are suspended; emergency calls pass, as ever."""
    ALL = 3
    """All calls are suspended; emergency calls pass, as ever."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many days after the due day are still borne before each step is taken."""

    reminder: int
    outbound: int
    all: int


def step_due(due: date, today: date, patience: Patience) -> Step:
    """The step that an unpaid invoice has come to. The due day itself is still in time."""
    late = today - due
    reached = {
        Step.ALL: patience.all,
        Step.OUTBOUND: patience.outbound,
        Step.REMINDER: patience.reminder,
    }
    return next((step for step, days in reached.items() if late > timedelta(days)), Step.NONE)
