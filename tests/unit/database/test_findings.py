"""Findings in the database: kept as they were told, listed, and what becomes of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from asterisk_siptrunk.anomaly.rule import Action, Level
from asterisk_siptrunk.database import audit, findings, suspensions
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.database.findings import FindingFilter, FindingState
from asterisk_siptrunk.database.tables import ending
from asterisk_siptrunk.errors import InvalidInput, NotFound
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from tests.unit.database.builders import BY, provide
from tests.unit.database.watching import RULE, found

HOUR = timedelta(hours=1)


@pytest.fixture
def connection(engine):
    provide(engine)
    with transaction(engine) as connection:
        yield connection


def test_a_finding_is_kept_as_it_was_told(connection):
    number = findings.store(connection, BY.at, found(usual=1, basis="on Mondays"))
    kept = findings.get(connection, number)
    assert (kept.trunk, kept.rule, kept.version, kept.level) == (
        "acme-paris",
        "new-zone",
        3,
        "critical",
    )
    assert (kept.amount, kept.usual, kept.basis, kept.window) == (3, 1, "on Mondays", 3600)
    assert kept.sentence == found(usual=1, basis="on Mondays").sentence
    assert (kept.evidence, kept.action) == ((1, 2, 3), Action.BLOCK_ZONE)
    assert (kept.state, kept.dry_run, kept.at) == (FindingState.OPEN, False, BY.at)


def test_one_of_all_trunks_together_has_no_trunk(connection):
    number = findings.store(connection, BY.at, found(trunk="", rule=RULE.dry()))
    kept = findings.get(connection, number)
    assert (kept.trunk, kept.action, kept.dry_run) == (None, Action.NOTE, True)


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (FindingFilter(), [3, 2]),
        (FindingFilter(done=True), [3, 2, 1]),
        (FindingFilter(trunk="acme-paris"), [2]),
        (FindingFilter(level=Level.CRITICAL), [3]),
        (FindingFilter(since=BY.at + timedelta(hours=2)), [3]),
    ],
)
def test_findings_are_listed_newest_first(connection, wanted, numbers):
    findings.store(connection, BY.at, found())
    findings.store(connection, BY.at + timedelta(hours=1), found(level=Level.WARNING))
    findings.store(connection, BY.at + timedelta(hours=2), found(trunk=""))
    findings.acknowledge(connection, BY, 1, "")
    assert [each.id for each in findings.listed(connection, wanted, 9)] == numbers
    assert len(findings.listed(connection, wanted, 1)) == 1


def test_somebody_sees_to_it_once(connection):
    number = findings.store(connection, BY.at, found())
    findings.acknowledge(connection, BY, number, "a campaign")
    kept = findings.get(connection, number)
    assert (kept.state, kept.author, kept.remark) == ("acknowledged", BY.author, "a campaign")
    (entry,) = audit.history(connection, "anomaly", str(number))
    assert entry.change == "acknowledged: a campaign"
    with pytest.raises(InvalidInput, match=f"Finding {number} is acknowledged already, by"):
        findings.acknowledge(connection, BY, number, "")


def test_old_findings_are_forgotten_that_nobody_needs(connection):
    """Open; seen to; tied to what stands; to what is over; with calls to be ended; too new."""
    part = Suspension(SuspensionScope.ALL, "fraud", SuspensionSource.ANOMALY)
    stands = suspensions.suspend(connection, BY, "acme-paris", part)
    over = suspensions.suspend(
        connection, BY, "acme-paris", replace(part, source=SuspensionSource.ADMIN)
    )
    suspensions.lift(connection, BY, over)
    numbers = [findings.store(connection, BY.at, found()) for _ in range(5)]
    numbers.append(findings.store(connection, BY.at + HOUR, found()))
    findings.tie(connection, numbers[2], stands)
    findings.tie(connection, numbers[3], over)
    values = {"call_id": 1, "server": "lab", "uniqueid": "lab-1.1", "at": BY.at}
    connection.execute(insert(ending).values(finding_id=numbers[4], **values))
    for number in numbers[1:]:
        findings.acknowledge(connection, BY, number, "")
    assert findings.count_old(connection, BY.at + HOUR) == 2
    findings.forget_old(connection, BY.at + HOUR)
    kept = findings.listed(connection, FindingFilter(done=True), 9)
    assert [each.id for each in kept] == [6, 5, 3, 1]


def test_a_finding_that_is_not_there_says_where_to_look(connection):
    with pytest.raises(NotFound, match="'siptrunk anomaly list --all'"):
        findings.get(connection, 1)
