"""Codes of six digits, RFC 6238."""

from urllib.parse import unquote

import pytest

from asterisk_siptrunk.account.second import address, is_secret, new_secret, step_of

# RFC 6238 appendix B: the secret "12345678901234567890", SHA-1; the last six digits of its codes.
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
VECTORS = [
    (59, "287082", 1),
    (1111111109, "081804", 37037036),
    (1111111111, "050471", 37037037),
    (1234567890, "005924", 41152263),
    (2000000000, "279037", 66666666),
]


@pytest.mark.parametrize(("now", "code", "step"), VECTORS)
def test_the_vectors_of_the_standard(now, code, step):
    assert step_of(SECRET, code, now, used=0) == step
    assert step_of(SECRET, f"{code[:3]} {code[3:]}", now, used=0) == step


@pytest.mark.parametrize(
    ("late", "taken"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_a_step_off(late, taken):
    now, code, step = VECTORS[3]
    assert step_of(SECRET, code, now + late, used=0) == (step if taken else None)


def test_a_code_counts_once_and_none_before_it_any_more():
    now, code, step = VECTORS[3]
    assert step_of(SECRET, code, now, used=step) is None
    assert step_of(SECRET, code, now, used=step + 1) is None
    assert step_of(SECRET, code, now, used=step - 1) == step


@pytest.mark.parametrize("code", ["", "005923", "5924", "x" * 4000])
def test_codes_that_are_wrong(code):
    now, _, _ = VECTORS[3]
    assert step_of(SECRET, code, now, used=0) is None


def test_secrets():
    made = new_secret()
    assert is_secret(made)
    assert made != new_secret()
    assert not any(map(is_secret, ("", made.lower(), made[1:], made + "A", made[:-1] + "1")))


def test_what_a_qr_code_says():
    said = unquote(address(SECRET, "alice@acme.example", "Provider SA"))
    assert said.startswith("otpauth://totp/Provider SA:alice@acme.example?")
    assert f"secret={SECRET}" in said
    assert "issuer=Provider SA" in said
