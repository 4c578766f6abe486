"""A finding, as most cases want it."""

from dataclasses import replace

from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.rule import Action, Count, Level, Measure, Per, Rule
from asterisk_siptrunk.anomaly.trait import Trait
from tests.unit.database.builders import BY

RULE = Rule(
    name="new-zone",
    version=3,
    count=Count(Measure.ATTEMPTS, Trait.OUTBOUND, Per.ZONE, 3600.0),
    critical=3,
    on_critical=Action.BLOCK_ZONE,
    end_calls=True,
)


def found(**changed) -> Finding:
    """Three calls to Latvia's premium numbers within an hour."""
    finding = Finding(
        rule=RULE,
        level=Level.CRITICAL,
        trunk="acme-paris",
        key="lv:premium",
        zone="lv:premium",
        at=BY.at.timestamp(),
        amount=3,
        usual=None,
        basis="",
        evidence=(1, 2, 3),
    )
    return replace(finding, **changed)
