"""Rules tried on stored calls: what would have been found, stopped and saved; and thresholds."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from asterisk_siptrunk.anomaly.rule import Count, Measure, Per
from asterisk_siptrunk.anomaly.trait import Trait
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.database import backtest, rates, sightings
from asterisk_siptrunk.database.backtest import Span
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import call
from asterisk_siptrunk.database.watch_rules import RuleBook
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import BY, NOON, admission, ask, outbound, provide
from tests.unit.database.shop import BUSINESS
from tests.unit.database.watching import RULE

MINUTE = timedelta(minutes=1)
GERMANY, POLAND = "004930123456", "0048221234567"
MONTH = Span(NOON - timedelta(days=1), NOON + timedelta(days=29))


@pytest.fixture
def provided(engine):
    provide(engine, channels=99)
    abroad = Rate("international", "Abroad", Decimal("0.5"), Decimal(1), 1, 1, NOON.date())
    rates.load(engine, BY, "world", NOON.date(), [abroad])
    return engine


def call_for(engine, dialled, begins, minutes=10):
    """A call that is answered at once, in minutes after noon, and lasts so many."""
    at = NOON + begins * MINUTE
    attempt = outbound(dialled, at=at)
    ask(engine, admission(), attempt)
    times = {"answered_at": at, "ended_at": at + minutes * MINUTE}
    with transaction(engine) as connection:
        connection.execute(update(call).where(call.c.uniqueid == attempt.uniqueid).values(times))


def tried(engine, rule=RULE, span=MONTH):
    with reading(engine) as connection:
        book = sightings.read_book(connection, BUSINESS.office.zone, NOON, "world")
        return backtest.backtest(connection, book, RuleBook((rule,)), "FR", span)


def proposed(engine, rule, wanted):
    span = replace(MONTH, trunk="acme-paris")
    with reading(engine) as connection:
        book = sightings.read_book(connection, BUSINESS.office.zone, NOON, "world")
        return backtest.propose(connection, book, rule, "FR", span, wanted)


def test_what_would_have_been_stopped_and_saved(provided):
    for begins in range(5):
        call_for(provided, GERMANY, begins)
    call_for(provided, POLAND, 5)
    (trial,) = tried(provided)
    # The third begins in minute 2 and is ended in it; so are the first two, in their third minute
    # and in their second. Two are refused that begin then.
    assert (trial.at, trial.part.part) == (NOON + 2 * MINUTE, "destination de:fixed")
    assert [seen.id for seen in trial.ended] == [1, 2, 3]
    assert [seen.id for seen in trial.refused] == [4, 5]
    # Left of them: 8, 9 and 10 minutes, and the third's fee; two of 10 minutes with their fees.
    assert trial.saved == 8 + 9 + 10 + Decimal("0.5") + 2 * Decimal("10.5")


def test_a_rule_that_ends_no_calls_leaves_running_ones(provided):
    for begins in range(4):
        call_for(provided, GERMANY, begins)
    (trial,) = tried(provided, replace(RULE, end_calls=False))
    assert ([seen.id for seen in trial.ended], [seen.id for seen in trial.refused]) == ([], [4])


@pytest.mark.parametrize(
    ("expiry", "begins", "refused"),
    [(3600.0, 60, 1), (3600.0, 70, 0), (None, 24 * 60, 1), (None, 24 * 60 + 10, 0)],
)
def test_what_is_blocked_is_open_again_after_its_time(provided, expiry, begins, refused):
    for each in (0, 1, 2, begins):
        call_for(provided, GERMANY, each, minutes=1)
    (trial,) = tried(provided, replace(RULE, expiry=expiry))
    assert len(trial.refused) == refused


def test_a_running_call_that_only_goes_on_is_found(provided):
    """One hour at 1 a minute comes to 30 after half of it."""
    cost = Count(Measure.COST, Trait.OUTBOUND, Per.ZONE, 86_400.0)
    call_for(provided, GERMANY, 0, minutes=60)
    call_for(provided, "0612345678", 90)
    (trial,) = tried(provided, replace(RULE, count=cost, critical=30_000_000))
    assert timedelta(minutes=29) < trial.at - NOON <= timedelta(minutes=30)
    assert 29 < trial.saved < 31


def test_nothing_is_found_before_the_period_nor_of_other_trunks(provided):
    for begins in range(3):
        call_for(provided, GERMANY, begins)
    later = Span(NOON + timedelta(hours=2), NOON + timedelta(days=1))
    assert tried(provided, span=later) == []
    assert len(tried(provided, span=replace(MONTH, trunk="acme-paris"))) == 1
    with pytest.raises(NotFound):
        tried(provided, span=replace(MONTH, trunk="no"))
    with pytest.raises(InvalidInput, match="The period is empty"):
        tried(provided, span=Span(NOON, NOON))


# Days with 3, 5 and 4 calls to one zone: within a month three alarms at 3, two at 4, one at 5.
@pytest.mark.parametrize(("wanted", "threshold"), [(3, 1), (2, 4), (1, 5), (0, 6)])
def test_the_lowest_threshold_that_is_quiet_enough_is_proposed(provided, wanted, threshold):
    for day, count in enumerate((3, 5, 4)):
        for number in range(count):
            call_for(provided, GERMANY, day * 24 * 60 + number, minutes=1)
    assert proposed(provided, RULE, wanted) == threshold


def test_where_no_threshold_is_quiet_enough_none_is_proposed(provided):
    whole = replace(RULE.count, per=Per.TRUNK)
    share = replace(RULE, count=whole, among=whole, least=1)
    call_for(provided, GERMANY, 0)
    assert proposed(provided, share, 0.0) is None
