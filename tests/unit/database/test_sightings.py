"""Calls as the watch sees them: the past in its order, and of the present what is new."""

from datetime import timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, update

from asterisk_siptrunk.anomaly import Moment
from asterisk_siptrunk.billing.rate import Rate
from asterisk_siptrunk.database import rates, sightings
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.sightings import CallFeed
from asterisk_siptrunk.database.tables import call, trunk
from tests.unit.database.builders import BY, NOON, admission, ask, inbound, outbound, provide

PARIS = ZoneInfo("Europe/Paris")
SECOND = timedelta(seconds=1)
BEGUN, ANSWERED, ENDED = Moment.BEGUN, Moment.ANSWERED, Moment.ENDED
LATVIA = "0037121234567"


@pytest.fixture
def provided(engine):
    provide(engine)
    day = NOON.date()
    latvia = Rate("lv", "Latvia", Decimal("0.1"), Decimal("0.3"), 1, 1, day)
    rates.load(engine, BY, "world", day, [latvia])
    return engine


def place(engine, one, dialled="0612345678", seconds=0):
    """A call, so many seconds after noon; gives how it is told of later."""
    attempt = outbound(dialled, at=NOON + seconds * SECOND)
    ask(engine, one, attempt)
    return attempt


def note(engine, attempt, **seconds):
    values = {key: NOON + value * SECOND for key, value in seconds.items()}
    with transaction(engine) as connection:
        where = call.c.uniqueid == attempt.uniqueid
        connection.execute(update(call).where(where).values(values))


def begun(engine):
    """A feed that has seen what there is, and what it saw."""
    with reading(engine) as connection:
        book = sightings.read_book(connection, PARIS, NOON, "world")
        feed = CallFeed(book)
        past = list(
            feed.begin(connection, sightings.history(connection, book, NOON - timedelta(days=1)))
        )
    return feed, moments(past)


def look(engine, feed, seconds=100):
    with reading(engine) as connection:
        return feed.look(connection, NOON.timestamp() + seconds)


def moments(found):
    return [(each.seen.id, each.moment, each.at - NOON.timestamp()) for each in found]


def test_the_past_is_seen_in_the_order_of_its_moments(provided):
    one = admission()
    first, second = place(provided, one), place(provided, one, seconds=10)
    note(provided, first, answered_at=5, ended_at=20)
    note(provided, second, answered_at=15)
    _, past = begun(provided)
    assert past == [
        (1, BEGUN, 0),
        (1, ANSWERED, 5),
        (2, BEGUN, 10),
        (2, ANSWERED, 15),
        (1, ENDED, 20),
    ]


def test_what_is_new_is_seen_once(provided):
    one = admission()
    first = place(provided, one)
    feed, past = begun(provided)
    assert past == [(1, BEGUN, 0)]
    second = place(provided, one, seconds=10)
    assert moments(look(provided, feed)) == [(2, BEGUN, 10)]
    note(provided, first, answered_at=12)
    note(provided, second, answered_at=11, ended_at=13)
    assert moments(look(provided, feed)) == [(2, ANSWERED, 11), (1, ANSWERED, 12), (2, ENDED, 13)]
    note(provided, first, ended_at=14)
    assert moments(look(provided, feed)) == [(1, ENDED, 14)]
    assert look(provided, feed) == []


def test_a_refused_call_is_seen_at_once_and_one_of_no_trunk_never(provided):
    feed, _ = begun(provided)
    one = admission()
    place(provided, one, "0899123456")  # blocked from the first day
    ask(provided, one, outbound(entry="nobody"))
    found = look(provided, feed)
    assert moments(found) == [(1, BEGUN, 0), (1, ENDED, 0)]
    assert (found[0].seen.admitted, found[0].seen.caller) == (False, "+33123456789")


def test_what_is_stored_between_two_questions_of_a_start_is_seen_once(provided):
    one = admission()

    def history(book):
        """What PostgreSQL tells, where each question has a view of its own."""
        place(provided, one)
        with reading(provided) as connection:
            yield from sightings.history(connection, book, NOON - timedelta(days=1))

    with reading(provided) as connection:
        book = sightings.read_book(connection, PARIS, NOON, "world")
        feed = CallFeed(book)
        assert moments(feed.begin(connection, history(book))) == [(1, BEGUN, 0)]
    assert look(provided, feed) == []


def test_time_never_goes_back(provided):
    feed, _ = begun(provided)
    one = admission()
    place(provided, one, seconds=50)
    look(provided, feed)
    late = place(provided, one, seconds=10)
    assert moments(look(provided, feed)) == [(2, BEGUN, 50)]
    note(provided, late, ended_at=20)
    assert moments(look(provided, feed)) == [(2, ENDED, 50)]


def test_a_call_that_is_gone_is_over(provided):
    attempt = place(provided, admission())
    feed, _ = begun(provided)
    with transaction(provided) as connection:
        connection.execute(delete(call).where(call.c.uniqueid == attempt.uniqueid))
    assert moments(look(provided, feed, 60)) == [(1, ENDED, 60)]


def test_a_call_costs_what_its_deck_says_and_an_inbound_one_nothing(provided):
    feed, _ = begun(provided)
    one = admission()
    for attempt in (outbound(LATVIA), outbound(), inbound()):
        ask(provided, one, attempt)
    seen = {each.seen.id: each.seen for each in look(provided, feed)}
    prices = [(each.fee, each.price) for each in seen.values()]
    assert prices == [(100_000, 300_000), (0, 0), (0, 0)]
    assert (seen[1].zone, seen[1].trunk, seen[3].direction) == (
        "lv:mobile",
        "acme-paris",
        "inbound",
    )


def test_an_open_call_of_long_ago_is_seen_first(provided):
    old = outbound(at=NOON - timedelta(days=3))
    ask(provided, admission(), old)
    place(provided, admission())
    _, past = begun(provided)
    assert [each[:2] for each in past] == [(1, BEGUN), (2, BEGUN)]


def test_what_a_standing_changes_with(provided):
    numbers = count()
    kept = {}
    for change in (None, lambda c: c.execute(update(trunk).values(version=9))):
        with transaction(provided) as connection:
            if change:
                change(connection)
            kept[next(numbers)] = sightings.standing(connection, NOON)
    assert kept[0] != kept[1]
