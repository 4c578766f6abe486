"""Decks of rates: loaded as whole files, from a day on."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.database import audit, rates
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.database.rates import MOST_SHOWN, Kind, RateChange
from asterisk_siptrunk.errors import InvalidInput, NotFound
from tests.unit.database.builders import BY, NOON

FIRST = date(2026, 1, 1)


def day(number):
    return FIRST + timedelta(number)


def rate(target="fr", price="0.01", since=0, until=None, name="France"):
    ends = None if until is None else day(until)
    return Rate(target, name, Decimal(0), Decimal(price), 60, 60, day(since), ends)


def load(engine, since, *new, deck="world"):
    return rates.load(engine, BY, deck, day(since), new)


def every(engine, deck="world", **where):
    with reading(engine) as connection:
        return list(rates.every(connection, deck, **where))


def kinds(change):
    return tuple(change.counts[kind] for kind in Kind)


# Rates are (price, since, until) of one target, days counted from the first; what is loaded from
# day 10 on, and what stands then; how many were added, changed, ended, and stay.
CASES = {
    "same": ([("1", 0, None)], [("1", 0, None)], [("1", 0, None)], (0, 0, 0), 1),
    "same-from-now": ([("1", 0, None)], [("1", 10, None)], [("1", 0, None)], (0, 0, 0), 1),
    "dearer": ([("1", 0, None)], [("2", 10, None)], [("1", 0, 10), ("2", 10, None)], (0, 1, 0), 0),
    "dearer-since-ever": (
        [("1", 0, None)],
        [("2", 0, None)],
        [("1", 0, 10), ("2", 10, None)],
        (0, 1, 0),
        0,
    ),
    "dearer-later": (
        [("1", 0, None)],
        [("1", 0, 20), ("2", 20, None)],
        [("1", 0, 20), ("2", 20, None)],
        (1, 1, 0),
        0,
    ),
    "gap": (
        [("1", 0, None)],
        [("2", 20, None)],
        [("1", 0, 10), ("2", 20, None)],
        (1, 0, 1),
        0,
    ),
    "gone": ([("1", 0, None)], [], [("1", 0, 10)], (0, 0, 1), 0),
    "gone-ends-later": ([("1", 0, 20)], [], [("1", 0, 10)], (0, 0, 1), 0),
    "over": ([("1", 0, 10)], [], [("1", 0, 10)], (0, 0, 0), 0),
    "over-and-new": (
        [("1", 0, 5)],
        [("2", 10, None)],
        [("1", 0, 5), ("2", 10, None)],
        (1, 0, 0),
        0,
    ),
    "goes-on": ([("1", 0, 20)], [("1", 0, None)], [("1", 0, None)], (0, 1, 0), 0),
    "ends-sooner": ([("1", 0, None)], [("1", 10, 15)], [("1", 0, 15)], (0, 1, 0), 0),
    "not-begun-stays": ([("1", 20, None)], [("1", 20, None)], [("1", 20, None)], (0, 0, 0), 1),
    "not-begun-gone": (
        [("1", 0, 20), ("2", 20, None)],
        [("1", 0, 20)],
        [("1", 0, 20)],
        (0, 0, 1),
        1,
    ),
    "not-begun-dearer": ([("1", 20, None)], [("2", 20, None)], [("2", 20, None)], (0, 1, 0), 0),
    "not-begun-sooner": ([("1", 20, None)], [("1", 10, None)], [("1", 10, None)], (1, 0, 1), 0),
    "begins-that-day": ([("1", 10, None)], [("2", 10, None)], [("2", 10, None)], (0, 1, 0), 0),
    "past-rows": (
        [("1", 0, 5), ("2", 5, None)],
        [("9", 0, 5), ("2", 5, None)],
        [("1", 0, 5), ("2", 5, None)],
        (0, 0, 0),
        1,
    ),
    "first": ([], [("1", 0, None)], [("1", 10, None)], (1, 0, 0), 0),
    "first-later": ([], [("1", 20, 30)], [("1", 20, 30)], (1, 0, 0), 0),
}


def of_target(rows):
    return [rate("fr", *row) for row in rows]


@pytest.mark.parametrize("case", CASES)
def test_a_deck_is_what_the_file_says_from_a_day_on(engine, case):
    before, new, after, counts, unchanged = CASES[case]
    other = rate("de")
    load(engine, 0, other, *of_target(before))
    seen = rates.compare(engine, "world", day(10), [other, *of_target(new)])
    assert every(engine) == [other, *of_target(before)]
    change = load(engine, 10, other, *of_target(new))
    assert every(engine) == [other, *of_target(after)]
    assert (kinds(change), change.unchanged) == (counts, unchanged + 1)
    assert seen == change


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Frankreich"},
        {"fee": Decimal("0.05")},
        {"price": Decimal("0.010001")},
        {"first": 30},
        {"step": 1},
    ],
    ids=str,
)
def test_whatever_differs_is_a_change(engine, change):
    load(engine, 0, rate())
    after = replace(rate(), **change)
    (told,) = load(engine, 10, after).shown
    assert told == RateChange(Kind.CHANGED, replace(after, valid_from=day(10)), rate())


def test_decks_know_nothing_of_each_other(engine):
    load(engine, 0, rate("fr"), rate("de"))
    load(engine, 0, rate("fr", "2"), deck="desk")
    assert kinds(load(engine, 5, deck="desk")) == (0, 0, 1)
    assert every(engine) == [rate("de"), rate("fr")]
    assert every(engine, deck="desk") == [rate("fr", "2", until=5)]
    with reading(engine) as connection:
        assert rates.decks(connection) == ["desk", "world"]


def test_changes_are_told_by_kind_each_up_to_twenty(engine):
    load(engine, 0, rate("de"), *(rate(f"+33{number}") for number in range(10, 35)))
    change = load(engine, 9, rate("be"), rate("de", "2"))
    assert kinds(change) == (1, 1, 25)
    assert str(change) == "1 added, 1 changed, 25 ended, 0 unchanged"
    assert change.shown[:3] == (
        RateChange(Kind.ADDED, rate("be", since=9)),
        RateChange(Kind.CHANGED, rate("de", "2", since=9), rate("de")),
        RateChange(Kind.ENDED, rate("+3310")),
    )
    assert len(change.shown) == 2 + MOST_SHOWN


def test_nothing_is_changed_by_a_file_with_mistakes(engine):
    def wrong():
        yield rate("de")
        raise InvalidInput("line 3")

    load(engine, 0, rate())
    with pytest.raises(InvalidInput, match="line 3"):
        rates.load(engine, BY, "world", day(5), wrong())
    assert every(engine) == [rate()]
    load(engine, 5, rate("de"))
    assert len(every(engine)) == 2


def test_calls_do_not_wait_while_a_file_is_read(engine, database_url):
    other = open_engine(database_url)

    def slow():
        for number in range(10, 20):
            with transaction(other) as connection:
                audit.note(connection, BY, "rate", "meanwhile", str(number))
            yield rate(f"+33{number}")

    assert kinds(rates.load(engine, BY, "world", day(0), slow())) == (10, 0, 0)
    with reading(other) as connection:
        assert len(audit.history(connection, "rate", "meanwhile")) == 10
    other.dispose()


def test_who_loaded_it_is_noted_where_something_changed(engine):
    load(engine, 0, rate())
    load(engine, 5, rate())
    with reading(engine) as connection:
        (entry,) = audit.history(connection, "rate", "world")
    assert (entry.author, entry.at) == ("alice", NOON)
    assert entry.change == "loaded from 2026-01-01 on: 1 added, 0 changed, 0 ended, 0 unchanged"


def test_rates_of_a_day_or_of_some_targets(engine):
    load(engine, 0, rate("fr", until=5), rate("fr", "2", since=5), rate("de"))
    assert every(engine, on=day(4)) == [rate("de"), rate("fr", until=5)]
    assert every(engine, on=day(5), targets=["fr", "all"]) == [rate("fr", "2", since=5)]
    with pytest.raises(NotFound, match="There is no deck no; there is world"):
        every(engine, deck="no")


def test_no_deck_at_all(engine):
    with pytest.raises(NotFound, match="There is no deck world; there is none"):
        every(engine)


spans = st.lists(st.integers(0, 12), min_size=2, max_size=5, unique=True).map(sorted)


@st.composite
def files(draw):
    """Rates of two targets, one after the other, with gaps or without."""
    found = []
    for target in draw(st.sets(st.sampled_from(["fr", "de"]))):
        ends = draw(spans)
        pairs = list(zip(ends, [*ends[1:], None], strict=True))
        found += [
            rate(target, str(draw(st.integers(1, 2))), *pair)
            for pair in draw(st.lists(st.sampled_from(pairs), unique=True))
        ]
    return found


def in_force(some, at):
    return {
        each.target: each.price
        for each in some
        if each.valid_from <= day(at) and (each.valid_until is None or day(at) < each.valid_until)
    }


numbers = count()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files(), files(), st.integers(0, 12))
def test_days_before_stay_and_days_after_are_the_file_s(engine, before, new, since):
    deck = f"d{next(numbers)}"
    load(engine, 0, rate("all"), *before, deck=deck)
    load(engine, since, rate("all"), *new, deck=deck)
    held = every(engine, deck=deck)
    for at in range(14):
        says = before if at < since else new
        assert in_force(held, at) == in_force([rate("all"), *says], at)
    again = load(engine, since, rate("all"), *new, deck=deck)
    assert kinds(again) == (0, 0, 0)
