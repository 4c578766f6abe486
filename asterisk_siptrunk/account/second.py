"""The second factor: codes of six digits that change each half minute (TOTP, RFC 6238)."""

import re

import pyotp

STEP_SECONDS = 30
_SECRET = re.compile(r"[A-Z2-7]{32}", re.ASCII)


def new_secret() -> str:
    """A secret for an authenticator, 160 bits in base 32, as RFC 4226 section 4 recommends."""
    return pyotp.random_base32()


def is_secret(text: str) -> bool:
    """Whether this can be one that `new_secret` has made."""
    return _SECRET.fullmatch(text) is not None


def address(secret: str, login: str, issuer: str) -> str:
    """What a QR code says to an authenticator: an otpauth:// URI."""
    return pyotp.TOTP(secret, interval=STEP_SECONDS).provisioning_uri(
        name=login, issuer_name=issuer
    )


def step_of(secret: str, code: str, now: float, used: int) -> int | None:
    """The step that a code is of, or None for a wrong one; `now` is in epoch seconds.

    A code of the step before or after is taken, for clocks that differ. One of a step that is not
    later than `used` is not: each code counts once, RFC 6238 section 5.2.
    """
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    digits = code.replace(" ", "")
    here = int(now) // STEP_SECONDS
    for step in (here, here - 1, here + 1):
        if step > used and pyotp.utils.strings_equal(digits, totp.generate_otp(step)):
            return step
    return None
