"""Random words that are shown once, and kept as digests: of sessions and of tokens."""

import hashlib
import secrets

_BYTES = 32
TOKEN_PREFIX = "siptrunk_"  # noqa: S105  # nosec B105 - lets a leaked one be known for what it is


def new_session() -> str:
    """What a browser's cookie holds."""
    return secrets.token_urlsafe(_BYTES)


def new_token() -> str:
    """What a program sends as `Authorization: Bearer`."""
    return TOKEN_PREFIX + secrets.token_urlsafe(_BYTES)


def digest(word: str) -> str:
    """What is kept of one. They are random: nothing slow is needed against guessing."""
    return hashlib.sha256(word.encode()).hexdigest()


def form_word(session: str) -> str:
    """What the forms of a session carry, which no other site can know; follows from its cookie."""
    return hashlib.blake2b(session.encode(), digest_size=24, person=b"siptrunk form").hexdigest()
