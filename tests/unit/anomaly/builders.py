"""Sightings for tests: calls of a trunk in France, each from its first moment to its last."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from asterisk_siptrunk.anomaly.calendar import Calendar, shipped_holidays
from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.profile import TrunkClass
from asterisk_siptrunk.anomaly.rule import Rule
from asterisk_siptrunk.anomaly.rule_file import read_rule
from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.anomaly.state import Home
from asterisk_siptrunk.anomaly.watch import Watch
from asterisk_siptrunk.call import Direction, Reason

OWN = "+33123456789"
TUESDAY = datetime(2026, 3, 3, 10, tzinfo=UTC).timestamp()
"""Ten in the morning."""
NIGHT = datetime(2026, 3, 3, 2, tzinfo=UTC).timestamp()
DAY = 86_400.0
HOME = Home("FR", Calendar(UTC, shipped_holidays("FR")), TrunkClass())


def rule(**values) -> Rule:
    """A rule; keys are a rule file's, with underscores."""
    given = {"name": "a-rule", "version": 1, "measure": "attempts", "per": "trunk"}
    return read_rule(given | {key.replace("_", "-"): value for key, value in values.items()})


def call(number: int, at: float, **values) -> Seen:
    """A call out that was let through, to a mobile in the Maldives for 0.30 a minute."""
    given: dict[str, Any] = {
        "trunk": "acme",
        "direction": Direction.OUTBOUND,
        "caller": OWN,
        "presented": OWN,
        "callee": "+9607123456",
        "zone": "mv:mobile",
        "admitted": True,
        "reason": Reason.ADMITTED,
        "price": 300_000,
    }
    return Seen(**{"id": number, "started_at": at} | given | values)


def inbound(number: int, at: float, caller: str, **values) -> Seen:
    """A call in."""
    where: dict[str, Any] = {"direction": Direction.INBOUND, "caller": caller, "presented": caller}
    return call(number, at, **where, callee=OWN, zone="fr:fixed", price=0, **values)


@dataclass
class Watched:
    """A watch with some rules, and all that it has found."""

    rules: tuple[Rule, ...]
    found: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = Watch(self.rules, lambda _: HOME)
        self._number = 0

    def begin(self, at: float, **values) -> Seen:
        """A call begins."""
        self._number += 1
        seen = call(self._number, at, **values)
        self.take(Moment.BEGUN, at, seen)
        if not seen.admitted:
            self.take(Moment.ENDED, at, replace(seen, ended_at=at))
        return seen

    def ring(
        self, at: float, caller: str, *, lasts: float = 1.0, answered: float | None = None
    ) -> None:
        """A call comes in, and may be answered."""
        self._number += 1
        seen = inbound(self._number, at, caller)
        self.take(Moment.BEGUN, at, seen)
        self.end(replace(seen, answered_at=answered), at + lasts)

    def answer(self, seen: Seen, at: float) -> Seen:
        """It is answered."""
        answered = replace(seen, answered_at=at)
        self.take(Moment.ANSWERED, at, answered)
        return answered

    def end(self, seen: Seen, at: float) -> None:
        """It ends."""
        self.take(Moment.ENDED, at, replace(seen, ended_at=at))

    def whole(self, at: float, *, talk: float | None = 60.0, ring: float = 5.0, **values) -> None:
        """A call from its beginning to its end; `talk` is None where nobody answers."""
        seen = self.begin(at, **values)
        if talk is not None:
            seen = self.answer(seen, at + ring)
        self.end(seen, at + ring + (talk or 0.0))

    def take(self, moment: Moment, at: float, seen: Seen) -> None:
        """Whatever it is."""
        self.found += self.watch.take(Sighting(moment, at, seen))

    def tick(self, at: float) -> None:
        """Time passes."""
        self.found += self.watch.tick(at)

    @property
    def told(self) -> list[tuple[str, int]]:
        """Rules and levels of what was found."""
        return [(each.rule.name, int(each.level)) for each in self.found]


def watched(*rules: Rule) -> Watched:
    """A watch with these rules."""
    return Watched(rules)
