"""Credentials of a trunk: made, shown once, and kept as digests."""

import hashlib
import secrets
from dataclasses import dataclass

# 24 characters of 64 kinds, 144 bits: nothing to guess, and short enough to be typed into a PBX.
_SECRET_BYTES = 18


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


def new_secret() -> str:
    """Make a secret; whoever gets it shows it once and forgets it."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest(username: str, realm: str, secret: str) -> Credentials:
    """Turn a secret into what may be stored."""
    userhash = f"{username}:{realm}:{secret}".encode()
    # MD5 is what nearly every PBX still answers a challenge with: RFC 3261 section 22.4.
    md5 = hashlib.md5(userhash, usedforsecurity=False).hexdigest()
    return Credentials(username, realm, md5, hashlib.sha256(userhash).hexdigest())
