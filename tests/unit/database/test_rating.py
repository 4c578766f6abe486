"""The calls of a period rated and kept, on both databases."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count as counting
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, insert, select, update

from asterisk_siptrunk.billing.catalogue import Inclusion
from asterisk_siptrunk.billing.period import BillingPeriod
from asterisk_siptrunk.billing.rating import RateTable
from asterisk_siptrunk.billing.usage import Missing, RateUse, amount_of
from asterisk_siptrunk.call.month import month_at
from asterisk_siptrunk.database import exports, rating, trunks
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.rating import PeriodUsage
from asterisk_siptrunk.database.tables import call, rate, rated_call, subscription
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.database import shop
from tests.unit.database.builders import BY, provide, trunk
from tests.unit.database.shop import add_rate

PARIS = ZoneInfo("Europe/Paris")
FIRST = datetime(2026, 11, 11, 23, tzinfo=UTC)  # midnight in Paris
PERIOD = BillingPeriod(date(2026, 11, 12), date(2026, 12, 12), date(2026, 11, 12))
MONTH_BEFORE = BillingPeriod(date(2026, 10, 12), date(2026, 11, 12), date(2026, 10, 12))
RATES = {"fr:mobile": ("France, mobile", "0.06"), "+37129": ("Latvia, mobile", "0.12")}

_serial = counting(1)


@pytest.fixture
def provided(engine):
    """A trunk (1) with a subscription (1) and rates, and another trunk (2)."""
    provide(engine)
    with transaction(engine) as connection:
        trunks.add(connection, BY, trunk("acme-lyon"), None)
        connection.execute(
            insert(subscription).values(
                id=1,
                trunk_id=1,
                offer="packs",
                currency="EUR",
                period="anniversary",
                began=date(2026, 10, 12),
                turns_at=FIRST,
            )
        )
        for target, (name, price) in RATES.items():
            add_rate(connection, target, price, name=name)
    return engine


def add_call(engine, lasted: int | None = 60, at=FIRST, **changes) -> int:
    """The number of a new call, by default one of a minute to a French mobile."""
    return shop.add_call(engine, at, lasted, **changes)


def usage(engine, period=PERIOD, **changes) -> PeriodUsage:
    with reading(engine) as connection:
        rates = rating.load_deck(connection, "world", period)
    return PeriodUsage(1, 1, period, PARIS, RateTable(rates, "FR"), **changes)


def nothing(_: object) -> None:
    """A guard that lets all pass, and a progress that nobody sees."""


def store(engine, guard=nothing, **changes):
    return rating.store(engine, usage(engine, **changes), guard, nothing)


def compute(engine, **changes):
    return rating.compute(engine, usage(engine, **changes), nothing)


def kept(engine) -> list[tuple[object, ...]]:
    with reading(engine) as connection:
        return [tuple(row) for row in connection.execute(select(rated_call).order_by("call_id"))]


def test_a_deck_is_loaded_as_it_holds_in_the_period(engine):
    with transaction(engine) as connection:
        add_rate(connection, "fr", "0.01", valid_until=date(2026, 11, 12))
        add_rate(connection, "lv", "0.01", valid_until=date(2026, 11, 13), fee=Decimal("0.5"))
        add_rate(connection, "de", "0.01", valid_from=date(2026, 12, 11))
        add_rate(connection, "be", "0.01", valid_from=date(2026, 12, 12))
        add_rate(connection, "nl", "0.01", deck="other")
        found = rating.load_deck(connection, "world", PERIOD)
    assert sorted((each.target, each.fee) for each in found) == [("de", 0), ("lv", Decimal("0.5"))]


def test_calls_are_rated_and_kept(provided):
    mobile = add_call(provided, 90)
    latvia = add_call(provided, 61, callee="+37129123456", zone="lv:mobile")
    result = store(provided)
    # 90 s x 0.06 and 61 s x 0.12, in sixtieths of a millionth
    assert kept(provided) == [
        (mobile, 1, PERIOD.first, "France, mobile", 90, 0, 90 * 60_000),
        (latvia, 1, PERIOD.first, "Latvia, mobile", 61, 0, 61 * 120_000),
    ]
    assert amount_of(result.totals.rates["Latvia, mobile"].cost) == Decimal("0.122")
    assert (result.added, result.altered, result.removed, result.open) == (2, 0, 0, 0)


NOT_RATED = [
    {"direction": "inbound"},
    {"verdict": "refused", "reason": "channels-full"},
    {"reason": "emergency", "callee": "112", "zone": "fr:emergency"},
    {"reason": "away-admitted", "callee": "112", "zone": "fr:emergency"},
    {"answered_at": None},
    {"lasted": None},
    {"trunk_id": 2},
    {"trunk_id": None},
    {"at": FIRST - timedelta(microseconds=1)},
    {"at": datetime(2026, 12, 11, 23, tzinfo=UTC)},
]


@pytest.mark.parametrize("changes", NOT_RATED, ids=str)
def test_what_costs_nothing_is_left_out(provided, changes):
    add_call(provided, **changes)
    rated = add_call(provided, reason="away-admitted", at=datetime(2026, 12, 11, 22, tzinfo=UTC))
    result = store(provided)
    assert [row[0] for row in kept(provided)] == [rated]
    assert (result.totals.calls, result.totals.unrated) == (1, {})


OPEN = [
    ({}, 1),
    ({"answered_at": None}, 1),
    ({"direction": "inbound"}, 0),
    ({"trunk_id": 2}, 0),
    ({"at": datetime(2026, 12, 11, 23, tzinfo=UTC)}, 0),
]


@pytest.mark.parametrize(("changes", "told"), OPEN, ids=str)
def test_calls_that_go_on_are_told(provided, changes, told):
    add_call(provided, None, **changes)
    assert store(provided).open == told


def test_calls_without_a_rate_are_told_and_not_kept(provided):
    add_call(provided, callee="+33123456789", zone="fr:fixed")
    result = store(provided)
    assert (result.totals.unrated, kept(provided)) == ({"fr:fixed": Missing("+33123456789", 1)}, [])


def test_a_second_time_writes_nothing(provided):
    add_call(provided)
    store(provided)
    before = kept(provided)
    result = store(provided, guard=pytest.fail)
    assert (result.differs, kept(provided)) == (False, before)
    assert result.before == {"France, mobile": RateUse(1, 0, 60, 0, 60 * 60_000, 0)}


def test_a_difference_is_shown_before_it_is_written(provided):
    dearer = add_call(provided)
    add_call(provided, callee="+37129123456", zone="lv:mobile")
    store(provided)
    before = kept(provided)
    with transaction(provided) as connection:
        connection.execute(update(rate).values(price=Decimal("0.07"), name="Mobile"))
        connection.execute(delete(rate).where(rate.c.target == "+37129"))
    shown = compute(provided)
    assert kept(provided) == before
    assert (shown.added, shown.altered, shown.removed) == (0, 1, 1)
    assert {name: use.cost for name, use in shown.before.items()} == {
        "France, mobile": 60 * 60_000,
        "Latvia, mobile": 60 * 120_000,
    }
    assert {name: use.cost for name, use in shown.totals.rates.items()} == {"Mobile": 60 * 70_000}
    assert list(shown.totals.unrated) == ["lv:mobile"]
    assert store(provided) == shown
    assert kept(provided) == [(dearer, 1, PERIOD.first, "Mobile", 60, 0, 60 * 70_000)]


def test_a_call_that_proves_to_be_none_loses_its_cost(provided):
    number = add_call(provided)
    store(provided)
    with transaction(provided) as connection:
        connection.execute(update(call).where(call.c.id == number).values(answered_at=None))
    assert (store(provided).removed, kept(provided)) == (1, [])


def test_a_call_is_in_one_period(provided):
    number = add_call(provided, at=FIRST - timedelta(minutes=30))
    store(provided, period=MONTH_BEFORE)
    moved = PeriodUsage(1, 1, PERIOD, ZoneInfo("Europe/Athens"), usage(provided).table)
    result = rating.store(provided, moved, nothing, nothing)
    assert (result.elsewhere, result.totals.calls) == (1, 0)
    assert [row[:3] for row in kept(provided)] == [(number, 1, MONTH_BEFORE.first)]


def test_inclusions_are_used_up_over_all_pieces(provided, monkeypatch):
    monkeypatch.setattr(rating, "PIECE", 2)
    for minute in reversed(range(5)):  # written in another order than they began
        add_call(provided, 60, at=FIRST + timedelta(minutes=minute))
    four = Inclusion("France", ("fr",), 2)
    result = store(provided, inclusions=[four], channels=2)
    use = result.totals.rates["France, mobile"]
    assert (use.included, use.seconds) == (240, 60)
    assert [row[5] for row in kept(provided)] == [0, 60, 60, 60, 60]


class KilledError(Exception):
    """Stands for a kill: what was not committed is not there."""


@pytest.mark.parametrize("pieces", range(4))
def test_one_that_was_killed_is_begun_again(provided, monkeypatch, pieces):
    monkeypatch.setattr(rating, "PIECE", 2)
    # Several at one moment, too: none is read twice, and none left out between two pieces.
    for number in range(7):
        add_call(provided, 60 + number, at=FIRST + timedelta(seconds=number // 3))
    asked = counting()

    def guard(_connection):
        if next(asked) == pieces:
            raise KilledError

    inclusions = {"inclusions": [Inclusion("France", ("fr",), 3)], "channels": 1}
    with pytest.raises(KilledError):
        store(provided, guard=guard, **inclusions)
    assert len(kept(provided)) == 2 * pieces
    result = store(provided, **inclusions)
    assert (result.totals.calls, len(kept(provided))) == (7, 7)
    assert result.added == 7 - 2 * pieces
    # 60 + 61 + 59 of the third's 62 s are included
    assert [row[4:6] for row in kept(provided)[:4]] == [(0, 60), (0, 61), (3, 59), (63, 0)]


def test_progress_is_told_piece_by_piece(provided, monkeypatch):
    monkeypatch.setattr(rating, "PIECE", 2)
    for _ in range(3):
        add_call(provided)
    add_call(provided, direction="inbound")
    heard: list[int] = []
    rating.store(provided, usage(provided), nothing, heard.append)
    with reading(provided) as connection:
        assert rating.count(connection, usage(provided)) == sum(heard) == 3
    assert heard == [2, 1]


def test_a_period_whose_calls_were_pruned_is_not_rated_again(provided):
    add_call(provided)
    month = month_at(FIRST + timedelta(days=1), PARIS)
    with transaction(provided) as connection:
        exports.mark(connection, BY, month, exports.Written(1, 1, ""))
        exports.begin_prune(connection, month, 1)
    with pytest.raises(InvalidInput, match=r"2026-11 were pruned.*from 2026-11-12 cannot be"):
        compute(provided)
