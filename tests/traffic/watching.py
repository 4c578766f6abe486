"""The watch with its shipped rules, as a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asterisk_siptrunk.anomaly import (
    Action,
    Calendar,
    Home,
    Login,
    LoginKind,
    Watch,
    shipped_holidays,
    shipped_rules,
)
from asterisk_siptrunk.anomaly import Level as Found
from tests.traffic.days import PARIS
from tests.traffic.detector import Level, Part, Scope, Verdict
from tests.traffic.zones import HOME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from asterisk_siptrunk.anomaly import Finding, Sighting
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
        return _verdicts(self._watch.take(sighting))

    def tick(self, now: float) -> Iterable[Verdict]:
        """See that time has passed."""
        return _verdicts(self._watch.tick(now))

    def notice(self, event: SecurityEvent) -> Iterable[Verdict]:
        """See an attempt on the trunk's account."""
        kind = LoginKind.REGISTERED if event.kind == "SuccessfulAuth" else LoginKind.PASSWORD
        network = event.source.rpartition(".")[0]
        login = Login(kind, event.at.timestamp(), event.trunk, event.source, network)
        return _verdicts(self._watch.login(login))


def _verdicts(found: Sequence[Finding]) -> Sequence[Verdict]:
    """Those that somebody is told of; a note is for whoever looks."""
    return [verdict(each) for each in found if each.action is not Action.NOTE] if found else ()


def verdict(finding: Finding) -> Verdict:
    """What a finding is to the simulation."""
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
