"""Credentials of a trunk: made, shown once, and kept as digests."""

import hashlib
import secrets
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

# 24 of 62 characters, 142 bits: nothing to guess, short enough to be typed, and without a character
# that a PBX's form, a shell or a configuration file could take for something else.
_SECRET_LENGTH = 24
_SECRET_CHARACTERS = string.ascii_letters + string.digits
LONGEST_GRACE = timedelta(days=30)
"""For how long two secrets of a trunk may be good: whoever rotates has one less to guard then."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets a PBX register: never the secret, only what checks it.

    Attributes:
        username: the name in the Authorization header, `trunk-NAME`.
        realm: the protection domain that the digests are bound to.
        md5: H(username:realm:secret) of RFC 2617 section 3.2.2.2, in hexadecimal.
        sha256: the same with SHA-256, RFC 8760.
    """

    username: str
    realm: str
    md5: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Grace:
    """The credentials before, and until when a PBX may go on with them."""

    credentials: Credentials
    until: datetime


def new_secret() -> str:
    """Make a secret; whoever gets it shows it once and forgets it."""
    return "".join(secrets.choice(_SECRET_CHARACTERS) for _ in range(_SECRET_LENGTH))


def digest(username: str, realm: str, secret: str) -> Credentials:
    """Turn a secret into what may be stored."""
    userhash = f"{username}:{realm}:{secret}".encode()
    # MD5 is what nearly every PBX still answers a challenge with: RFC 3261 section 22.4.
    md5 = hashlib.md5(userhash, usedforsecurity=False).hexdigest()
    return Credentials(username, realm, md5, hashlib.sha256(userhash).hexdigest())
