"""Signatures of webhooks, ours and those that we take, in the manner of Stripe.

`Siptrunk-Signature: t=1764000000,v1=5257a8…`: the epoch second of signing, and HMAC-SHA256 over
that second, a point and the body. Who has no secret can make none, and who has overheard one can
use it for `TOLERANCE_SECONDS` and for the same body only.
"""

import hmac
import re

HEADER = "Siptrunk-Signature"
TOLERANCE_SECONDS = 300
"""By how much the clocks of both sides may differ, the way included."""
_SECOND = re.compile(r"[0-9]{1,12}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sign(secret: str, body: bytes, at: int) -> str:
    """The header's value for a body that is signed now; `at` is an epoch second.

    Raises:
        ValueError: the secret is empty: anybody could make that signature.
    """
    if not secret:
        raise ValueError("an empty secret signs nothing")
    return f"t={at},v1={_digest(secret, body, str(at))}"


def verify(secret: str, body: bytes, header: str, now: float) -> bool:
    """Whether a body was signed with the secret, and lately; `now` is in epoch seconds.

    Several `v1` may stand in one header, as while a secret is changed: one of them has to be right.
    An empty secret signs nothing.
    """
    parts = [part.strip().partition("=") for part in header.split(",")]
    seconds = [value for key, _, value in parts if key == "t"]
    digests = [value for key, _, value in parts if key == "v1" and _DIGEST.fullmatch(value)]
    if not secret or len(seconds) != 1 or not _SECOND.fullmatch(seconds[0]):
        return False
    right = _digest(secret, body, seconds[0])
    # Each is compared, in a time that does not tell how much of it was right.
    is_right = sum(hmac.compare_digest(right, given) for given in digests) > 0
    return is_right and abs(now - int(seconds[0])) <= TOLERANCE_SECONDS


def _digest(secret: str, body: bytes, at: str) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
