"""A rule: what it counts, of which calls, for whom, over which time, and what follows."""

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from asterisk_siptrunk.anomaly.trait import Trait


class Level(IntEnum):
    """How bad it is."""

    WARNING = 1
    CRITICAL = 2


class Measure(StrEnum):
    """What is counted of the calls that a rule looks at."""

    ATTEMPTS = "attempts"
    """All that ask to pass, refused ones too."""
    ENDS = "ends"
    """Calls that were let through and are over: what is known of them only then."""
    CALLERS = "callers"
    """Different numbers that the PBX showed."""
    CALLEES = "callees"
    """Different numbers that were dialled."""
    PLACES = "places"
    """Different countries, and kinds of dear numbers."""
    SIMULTANEOUS = "simultaneous"
    """Calls that are there at once."""
    TALK = "talk"
    """Seconds since the answer, of running calls up to now."""
    COST = "cost"
    """Millionths of the currency: connection fees, and each second of running calls up to now."""
    COMMITTED = "committed"
    """The same, and what the running calls will cost in the next `AHEAD` minutes, those that still
    ring among them."""
    STOPS = "stops"
    """Findings that stopped calls."""
    LOGINS = "logins"
    """Registrations and authentications, of the kinds that the traits say."""


COSTS = frozenset({Measure.COST, Measure.COMMITTED})
LEARNED = COSTS | {Measure.ATTEMPTS}
"""Measures of which it is learned what is usual."""


class Per(StrEnum):
    """For whom it is counted."""

    TRUNK = "trunk"
    ZONE = "zone"
    CALLER = "caller"
    CALLEE = "callee"
    SOURCE = "source"
    """The address that a registration came from."""
    PROVIDER = "provider"
    """All trunks together."""


class Action(StrEnum):
    """What follows a finding, from the least to the most."""

    NOTE = "note"
    NOTIFY = "notify"
    BLOCK_ZONE = "block-zone"
    BLOCK_CALLER = "block-caller"
    BLOCK_INTERNATIONAL = "block-international"
    BLOCK_OUTBOUND = "block-outbound"
    BLOCK_ALL = "block-all"

    @property
    def stops(self) -> bool:
        """Whether calls are stopped by it."""
        return self not in {Action.NOTE, Action.NOTIFY}


AHEAD = 2
"""Minutes of running calls that `COMMITTED` counts in advance."""
_TOLD_AGAIN = 3600.0


@dataclass(frozen=True, slots=True)
class Count:
    """What is counted; rules that count the same share it.

    Attributes:
        of: traits, all of which a call must have.
        window: seconds.
        but_dearest: whether the number that costs most is left out: a guest's long call, a partner
            overseas, a phone that is forwarded abroad; an attack has more than one.
    """

    measure: Measure
    of: Trait
    per: Per
    window: float
    but_dearest: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, for all trunks or as it is for one.

    Attributes:
        version: goes up when what the rule says changes.
        among: a share is judged, of what `count` finds among what this finds.
        least: of fewer calls than that nothing is said.
        warning, critical: the amounts from which on it warns and stops, in the measure's unit; a
            share's are in hundredths; None: it does not.
        usual_times: so many times what is usual are taken off what is found before it is judged.
        on_warning, on_critical: what follows.
        end_calls: whether the running calls that match are ended.
        expiry: seconds until what is blocked opens again; None until somebody releases it.
        dry_run: whether it is only noted what would have followed.
    """

    name: str
    version: int
    count: Count
    critical: int | None = None
    warning: int | None = None
    among: Count | None = None
    least: int = 1
    usual_times: float = 0
    on_warning: Action = Action.NOTE
    on_critical: Action = Action.NOTIFY
    end_calls: bool = False
    expiry: float | None = None
    dry_run: bool = False

    @property
    def lowest(self) -> int:
        """The count below which there is nothing to judge."""
        if self.among is not None:
            return 1
        bounds = [bound for bound in (self.warning, self.critical) if bound is not None]
        return min(bounds)

    @property
    def calls(self) -> Count | None:
        """Where an amount is judged of so many calls at least: how they are counted."""
        if self.among is not None or self.least == 1:
            return None
        return replace(self.count, measure=Measure.ATTEMPTS, but_dearest=False)

    def bound(self, level: Level) -> int | None:
        """The amount from which on it speaks at that level."""
        return self.critical if level is Level.CRITICAL else self.warning

    def action(self, level: Level) -> Action:
        """What follows a finding of that level; nothing but a note while the rule runs dry."""
        if self.dry_run:
            return Action.NOTE
        return self.on_critical if level is Level.CRITICAL else self.on_warning

    def quiet(self, level: Level) -> float:
        """Seconds for which it says nothing more of the same trunk and key, up to that level.

        What it has seen then is out of its window, and what it blocked is open. Where it blocks
        nothing, what goes on all day is told once an hour at most, however short the window is.
        """
        seconds = max(self.count.window, self.expiry or 0.0)
        return seconds if self.action(level).stops else max(seconds, _TOLD_AGAIN)

    def level_of(self, amount: int, usual: int) -> Level | None:
        """How bad an amount is where so much is usual."""
        amount -= int(self.usual_times * usual)
        if self.critical is not None and amount >= self.critical:
            return Level.CRITICAL
        if self.warning is not None and amount >= self.warning:
            return Level.WARNING
        return None

    def dry(self) -> "Rule":
        """The same, only to see what it would do."""
        return replace(self, dry_run=True)
