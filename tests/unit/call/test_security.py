"""Attempts are counted by hour, and a flood from everywhere takes no more room."""

from datetime import UTC, datetime, timedelta

from asterisk_siptrunk.call.security import MOST_WAITING, OTHERS, SecurityEvent, SecurityTally

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def attempt(source="192.0.2.7", seconds=0.0, **changes):
    values = {"account": "trunk-acme", "trunk": "acme", "kind": "ChallengeResponseFailed"} | changes
    return SecurityEvent(source=source, at=NOON + timedelta(seconds=seconds), **values)


def tallied(*attempts):
    tally = SecurityTally()
    for one in attempts:
        tally.note(one)
    return tally


def test_one_source_within_an_hour_is_one_count():
    (count,) = tallied(attempt(seconds=20), attempt(seconds=3), attempt(seconds=3599)).take(10)
    assert (count.count, count.hour) == (3, NOON)
    assert count.first_at == NOON + timedelta(seconds=3)
    assert count.last_at == NOON + timedelta(seconds=3599)


def test_hours_sources_accounts_and_kinds_are_counted_apart():
    others = (
        *(attempt(seconds=3600), attempt("192.0.2.8"), attempt(account="trunk-b")),
        attempt(kind="FailedACL"),
    )
    assert [count.count for count in tallied(attempt(), *others).take(10)] == [1] * 5


def test_what_was_given_back_is_counted_on():
    tally = tallied(attempt())
    taken = tally.take(10)
    tally.note(attempt(seconds=5))
    tally.give_back(taken)
    (count,) = tally.take(10)
    assert (count.count, count.first_at) == (2, NOON)


def test_a_flood_from_everywhere_is_counted_together():
    tally = tallied(*(attempt(f"10.0.{n // 256}.{n % 256}") for n in range(3 * MOST_WAITING)))
    assert len(tally) == MOST_WAITING + 1
    counts = tally.take(len(tally))
    assert sum(count.count for count in counts) == 3 * MOST_WAITING
    last = counts[-1]
    assert (last.source, last.account, last.trunk) == (OTHERS, OTHERS, "")
    assert not len(tally)
