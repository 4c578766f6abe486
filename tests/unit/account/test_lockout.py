"""How long a login is closed after wrong passwords."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.account.lockout import FREE, Strangers, pause_after

NOW = datetime(2026, 11, 24, tzinfo=UTC)
MOST = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 2), (6, 4), (7, 8), (13, 512), (14, 900), (15, 900), (10_000, 900)],
)
def test_pauses(failures, seconds):
    assert pause_after(failures) == timedelta(seconds=seconds)


@given(st.integers(0, 10**9))
def test_a_pause_never_shrinks_and_never_is_for_good(failures):
    assert pause_after(failures) <= pause_after(failures + 1) <= MOST


@given(st.lists(st.integers(0, 3600), max_size=60))
def test_a_stranger_is_closed_as_somebody_is(waits):
    """As `accounts.try_login` counts: a try while it is closed changes nothing."""
    strangers, now = Strangers(9), NOW
    failures, until = 0, NOW
    for wait in waits:
        now += timedelta(seconds=wait)
        told = strangers.try_login("x@y.example", now)
        if now < until:
            assert told == until
        else:
            assert told is None
            failures += 1
            until = now + pause_after(failures)


def test_the_first_tries_are_free_and_each_stranger_is_counted_by_itself():
    strangers = Strangers(9)
    for _ in range(FREE + 1):
        assert strangers.try_login("a@b.example", NOW) is None
    assert strangers.try_login("a@b.example", NOW) == NOW + timedelta(seconds=2)
    assert strangers.try_login("c@d.example", NOW) is None


@given(st.lists(st.text(max_size=9), max_size=40), st.integers(1, 5))
def test_memory_is_bounded(logins, most):
    strangers = Strangers(most)
    for login in logins:
        strangers.try_login(login, NOW)
        assert len(strangers) <= most


def test_a_login_of_any_length_takes_the_room_of_an_address():
    strangers = Strangers(9)
    for end in range(FREE + 2):
        told = strangers.try_login("x" * 254 + str(end), NOW)
    assert told is not None
