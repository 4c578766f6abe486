"""Suspensions in the database: kept once, over in time, and with what they were for."""

from dataclasses import replace
from datetime import timedelta

import pytest

from asterisk_siptrunk.database import findings, suspensions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.findings import FindingFilter, FindingState
from asterisk_siptrunk.errors import AlreadyExists
from asterisk_siptrunk.trunk import Suspension, SuspensionScope, SuspensionSource
from tests.unit.database.builders import BY, provide
from tests.unit.database.watching import found

HOUR = timedelta(hours=1)
LATVIA = Suspension(SuspensionScope.DESTINATION, "fraud", target="lv", expires_at=BY.at + HOUR)


@pytest.fixture
def provided(engine):
    provide(engine)
    return engine


def suspended(engine, *, lifted=False):
    with reading(engine) as connection:
        return suspensions.listed(connection, "acme-paris", lifted=lifted)


def test_a_part_is_suspended_once_and_beside_others(provided):
    with transaction(provided) as connection:
        suspensions.suspend(connection, BY, "acme-paris", LATVIA)
        suspensions.suspend(connection, BY, "acme-paris", replace(LATVIA, target="lt"))
        suspensions.suspend(
            connection, BY, "acme-paris", replace(LATVIA, source=SuspensionSource.ANOMALY)
        )
        with pytest.raises(AlreadyExists, match="destination lv"):
            suspensions.suspend(connection, BY, "acme-paris", LATVIA)
        kept = trunks.get(connection, "acme-paris").suspensions
    assert [(one.target, one.source) for one in kept] == [
        ("lv", SuspensionSource.ADMIN),
        ("lt", SuspensionSource.ADMIN),
        ("lv", SuspensionSource.ANOMALY),
    ]
    assert kept[0].expires_at == LATVIA.expires_at


def test_what_is_over_is_closed_and_raises_the_version(provided):
    with transaction(provided) as connection:
        suspensions.suspend(connection, BY, "acme-paris", LATVIA)
        suspensions.suspend(connection, BY, "acme-paris", Suspension(SuspensionScope.ALL, "x"))
        before = trunks.get(connection, "acme-paris").version
        early = By("service", BY.at + HOUR - timedelta(seconds=1))
        assert suspensions.expire(connection, early) == []
        (over,) = suspensions.expire(connection, By("service", BY.at + HOUR))
        assert trunks.get(connection, "acme-paris").version == before + 1
    assert over.suspension == LATVIA
    assert [one.suspension.scope for one in suspended(provided)] == ["all"]
    assert len(suspended(provided, lifted=True)) == 2


def test_a_part_can_be_suspended_anew_before_the_old_one_is_closed(provided):
    later = By("alice", BY.at + HOUR)
    with transaction(provided) as connection:
        suspensions.suspend(connection, BY, "acme-paris", LATVIA)
        again = replace(LATVIA, expires_at=later.at + HOUR)
        suspensions.suspend(connection, later, "acme-paris", again)
    assert [one.suspension for one in suspended(provided)] == [again, LATVIA]


@pytest.mark.parametrize("way", ["resume", "lift"])
def test_what_the_watch_found_is_released_with_what_it_suspended(provided, way):
    with transaction(provided) as connection:
        number = findings.store(connection, BY.at, found())
        by_watch = replace(LATVIA, source=SuspensionSource.ANOMALY)
        stands = suspensions.suspend(connection, BY, "acme-paris", by_watch)
        findings.tie(connection, number, stands)
        if way == "resume":
            assert suspensions.resume(connection, BY, "acme-paris", reason="they rang") == 1
        else:
            (one,) = suspensions.listed(connection)
            suspensions.lift(connection, BY, one.id, "they rang")
        (kept,) = findings.released_since(connection, BY.at)
        assert findings.listed(connection, FindingFilter(), 9) == []
    assert (kept.id, kept.state, kept.remark) == (number, FindingState.RELEASED, "they rang")
