"""Passwords: what one must be, and how it is kept (argon2id, RFC 9106)."""

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from asterisk_siptrunk.errors import InvalidInput

SHORTEST = 12
LONGEST = 256
"""More is no password, and hashing it would cost us whatever was sent."""
_SHORTEST_NAME = 4
"""A shorter one stands in many a good password by chance."""
_CHARACTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another one
_GROUPS, _GROUP = 4, 5

# RFC 9106's second recommendation, for machines that do other things too: 64 MiB would let some
# logins at once take the memory that calls need. 19 MiB and two rounds are OWASP's equal of it.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_NOBODY = _HASHER.hash("nobody has this password")


def check_password(password: str, login: str) -> None:
    """See that a new password can be one.

    Raises:
        InvalidInput: it cannot, and why; the password is not repeated.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"A password has {SHORTEST} to {LONGEST} characters.")
    plain, name = password.casefold(), login.partition("@")[0].casefold()
    if len(set(plain)) < SHORTEST // 2 or (len(name) >= _SHORTEST_NAME and name in plain):
        raise InvalidInput(
            "This password is easily guessed: use several words, and not your own name."
        )


def new_password() -> str:
    """One to begin with, nearly 100 bits; whoever gets it is shown it once."""
    groups = ("".join(secrets.choice(_CHARACTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def hash_password(password: str) -> str:
    """What is kept of a password; takes some tens of milliseconds, so never in a transaction."""
    return _HASHER.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Whether this is the password; None, for nobody, takes as long to say no."""
    try:
        right = _HASHER.verify(kept or _NOBODY, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return right and kept is not None
