"""What a password must be, and how it is kept."""

import pytest

from asterisk_siptrunk.account.password import (
    check_password,
    hash_password,
    is_right,
    new_password,
)
from asterisk_siptrunk.errors import InvalidInput

GOOD = "seven wet bicycles"


@pytest.mark.parametrize(
    ("password", "login", "said"),
    [
        ("eleven char", "x@y", "12 to 256"),
        ("ab" * 129, "x@y", "12 to 256"),
        ("aaaaaabbbbbb", "x@y", "easily guessed"),  # two characters, six are the least
        ("ababcdcdeeee", "x@y", "easily guessed"),  # five
        ("i am Alice of acme", "ALICE@acme", "not your own name"),
    ],
)
def test_passwords_that_are_none(password, login, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        check_password(password, login)
    assert password not in str(caught.value)


@pytest.mark.parametrize(
    ("password", "login"),
    [(GOOD, "alice@acme"), ("ababcdcdefef", "x@y"), (GOOD, "we@acme"), ("ab" * 6 + "cdef", "x@y")],
    ids=["words", "six", "short-name", "sixteen"],
)
def test_passwords_that_are(password, login):
    check_password(password, login)


def test_new_ones_differ_and_are_fit():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        check_password(password, "alice@acme.example")
        assert [len(group) for group in password.split("-")] == [5, 5, 5, 5]


def test_it_is_kept_as_argon2id_and_known_again():
    kept = hash_password(GOOD)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert GOOD not in kept
    assert is_right(GOOD, kept)
    assert not is_right(f"{GOOD}!", kept)
    assert not is_right(GOOD, None)
    assert not is_right("nobody has this password", None)
    assert not is_right(GOOD, "no hash")
    assert not is_right("x" * 100_000, kept)
