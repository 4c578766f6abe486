"""The watch with its shipped rules, as a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk_siptrunk.anomaly.calendar import Calendar, shipped_holidays
from asterisk_siptrunk.anomaly.login import Login, LoginKind
from asterisk_siptrunk.anomaly.rule import Action
from asterisk_siptrunk.anomaly.rule import Level as Found
from asterisk_siptrunk.anomaly.rule_file import shipped_rules
from asterisk_siptrunk.anomaly.state import Home
from asterisk_siptrunk.anomaly.watch import Watch
from tests.traffic.days import PARIS
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.zones import HOME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asterisk_siptrunk.anomaly.finding import Finding
    from asterisk_siptrunk.anomaly.sighting import Sighting
    from asterisk_siptrunk.call.security import SecurityEvent
    from tests.traffic.plan import Line

_PARTS = {
    Action.BLOCK_INTERNATIONAL: Part.INTERNATIONAL,
    Action.BLOCK_OUTBOUND: Part.OUTBOUND,
    Action.BLOCK_ALL: Part.ALL,
}


class TheWatch:
    """It is told nothing of the trunks but where they are: all are of the class "office"."""

    def __init__(self, _lines: Sequence[Line]) -> None:
        home = Home(HOME, Calendar(PARIS, shipped_holidays(HOME)))
        self._watch = Watch(shipped_rules(), lambda _trunk: home)

    def take(self, sighting: Sighting) -> Iterable[Verdict]:
        """See a moment of a call."""
        found = self._watch.take(sighting)
        return [_verdict(each) for each in found] if found else ()

    def tick(self, now: float) -> Iterable[Verdict]:
        """See that time has passed."""
        return [_verdict(each) for each in self._watch.tick(now)]

    def notice(self, event: SecurityEvent) -> Iterable[Verdict]:
        """See an attempt on the trunk's account."""
        kind = LoginKind.REGISTERED if event.kind == "SuccessfulAuth" else LoginKind.PASSWORD
        network = event.source.rpartition(".")[0]
        login = Login(kind, event.at.timestamp(), event.trunk, event.source, network)
        return [_verdict(each) for each in self._watch.login(login)]


def _verdict(finding: Finding) -> Verdict:
    action, rule = finding.action, finding.rule
    stops = action.stops and finding.level is Found.CRITICAL
    level = Level.CRITICAL if stops else Level.WARNING
    until = None if rule.expiry is None else finding.at + rule.expiry
    scope = _scope(finding)
    return Verdict(finding.at, finding.trunk, scope, level, rule.name, until, rule.end_calls)


def _scope(finding: Finding) -> Scope:
    if finding.action is Action.BLOCK_ZONE:
        return Scope(Part.ZONE, finding.zone)
    if finding.action is Action.BLOCK_CALLER:
        return Scope(Part.CALLER, finding.key)
    return Scope(_PARTS.get(finding.action, Part.ALL))
