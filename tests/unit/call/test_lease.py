"""Who is lost, and what one may do alone."""

import pytest

from asterisk_siptrunk.call.lease import BEAT_SECONDS, LEASE_SECONDS, Lease, LeaseWatch


def watched(*looks: tuple[float, dict[str, int]]) -> tuple[str, ...]:
    """What the last of these looks finds lost."""
    watch = LeaseWatch()
    found: tuple[str, ...] = ()
    for now, beats in looks:
        found = watch.lost(beats, now)
    return found


def every_beat(until: float, **beats: int) -> list[tuple[float, dict[str, int]]]:
    return [(at, beats) for at in range(0, int(until) + 1, int(BEAT_SECONDS))]


def test_a_sign_that_stands_still_for_a_lease_is_of_a_lost_server():
    assert watched(*every_beat(LEASE_SECONDS - BEAT_SECONDS, b=7)) == ()
    assert watched(*every_beat(LEASE_SECONDS, b=7)) == ("b",)


def test_a_sign_that_changes_is_of_one_that_lives():
    assert watched(*((at, {"b": int(at)}) for at in range(0, 60, 2))) == ()


def test_each_server_is_looked_at_by_itself():
    looks = [(at, {"b": 7, "c": int(at)}) for at in range(0, 12, 2)]
    assert watched(*looks) == ("b",)


def test_whoever_was_away_himself_begins_anew():
    """While we did not see the database, the others may not have reached it either."""
    assert watched((0, {"b": 7}), (60, {"b": 7})) == ()
    assert watched((0, {"b": 7}), *((60 + at, {"b": 7}) for at in range(0, 12, 2))) == ("b",)


def test_a_server_that_is_no_longer_asked_for_is_forgotten():
    looks = [*every_beat(8, b=7), (10, {}), (12, {"b": 7})]
    assert watched(*looks) == ()


@pytest.mark.parametrize(
    ("share", "now", "limit", "why"),
    [
        (100, 5, 10, "there is no other server"),
        (100, 500, 10, "there is none later either"),
        (0, 5, 3, "the others count the three that it held"),
        (0, 9.9, 3, "for as long as nobody can take it for lost"),
        (0, 10, 0, "its channels are given to the others"),
        (50, 5, 3, "its share is kept free by nobody yet"),
        (50, 10, 3, "nor now, for certain: the others may see its last sign later than it gave it"),
        (50, 14.9, 3, "and until all of them know"),
        (50, 15, 5, "now it is"),
        (20, 5, 3, "the others count three"),
        (20, 10, 2, "or keep two free: which of these it cannot tell"),
        (33, 15, 3, "rounded down, so that all shares together fit"),
    ],
)
def test_what_a_server_may_use_alone(share, now, limit, why):
    assert Lease(share, beat_at=0.0).limit(10, held=3, now=now) == limit, why


def test_a_lease_stands_from_the_last_sign_on():
    lease = Lease(0, beat_at=100.0)
    assert lease.stands(109.9)
    assert not lease.stands(110.0)
