"""Sessions and tokens, and when they are over."""

from datetime import UTC, datetime, timedelta

import pytest

from asterisk_siptrunk.account import ApiToken, Scope, Session
from asterisk_siptrunk.account.secret import (
    TOKEN_PREFIX,
    digest,
    form_word,
    new_session,
    new_token,
)
from tests.unit.account.builders import somebody

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def session(opened=0.0, seen=0.0, confirmed=0.0) -> Session:
    """Opened, seen and confirmed so many hours ago."""
    ago = [NOW - timedelta(hours=each) for each in (opened, seen, confirmed)]
    return Session(1, somebody(), *ago)


@pytest.mark.parametrize(
    ("opened", "seen", "over"),
    [(0, 0, False), (8, 8, False), (8.01, 8.01, True), (168, 1, False), (168.01, 0, True)],
)
def test_a_session_ends_when_left_alone_and_after_a_week(opened, seen, over):
    assert session(opened, seen).is_over(NOW) is over


@pytest.mark.parametrize(("minutes", "stands"), [(0, True), (10, True), (10.1, False)])
def test_a_password_stands_for_ten_minutes(minutes, stands):
    assert session(confirmed=minutes / 60).is_confirmed(NOW) is stands


@pytest.mark.parametrize(
    ("left", "revoked", "good"), [(1, False, True), (0, False, False), (1, True, False)]
)
def test_a_token_is_good_until_it_ends_or_is_revoked(left, revoked, good):
    token = ApiToken(
        id=1,
        name="crm",
        customer="acme",
        scopes=frozenset({Scope.READ}),
        created_at=NOW,
        expires_at=NOW + timedelta(seconds=left),
        revoked_at=NOW if revoked else None,
        used_at=None,
        author="alice",
    )
    assert token.is_good(NOW) is good


def test_words_that_are_shown_once():
    assert new_session() != new_session()
    token = new_token()
    assert token.startswith(TOKEN_PREFIX)
    assert token != new_token()
    assert len(token) >= 50
    # printf siptrunk | sha256sum
    assert digest("siptrunk") == "feeb07edf721b6a0f56b4a8010a734d8ddfcc759b5a95173c8330e1105b54fdc"
    assert digest(token) != digest(new_token())


def test_the_word_of_forms_follows_from_the_session_and_does_not_tell_it():
    cookie = new_session()
    assert form_word(cookie) == form_word(cookie)
    assert len({form_word(cookie), form_word(new_session()), digest(cookie), cookie}) == 4
