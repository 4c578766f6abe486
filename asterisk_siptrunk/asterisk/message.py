"""What Asterisk's manager interface says, as values: the rest of us never sees panoramisk."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """An event, as Asterisk sent it; its values come from the network and are not to be trusted.

    Attributes:
        fields: by Asterisk's own keys; of a key that stands twice, the last.
        received_at: when it was read, UTC.
        ambiguous: a key stands twice: Asterisk never does that by itself.
        clock_ahead: seconds by which the clock, then, was ahead of one that nobody sets.
    """

    name: str
    fields: Mapping[str, str]
    received_at: datetime
    ambiguous: bool = False
    clock_ahead: float = 0.0


@dataclass(frozen=True, slots=True)
class AmiReply:
    """An answer that was not an error.

    Attributes:
        output: lines of a CLI command's output.
    """

    fields: Mapping[str, str]
    output: tuple[str, ...] = ()
