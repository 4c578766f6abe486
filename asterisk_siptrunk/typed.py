"""What people type, made into values, whether at a terminal or in a form.

Each function refuses what it cannot use in a sentence that says what to give instead.
"""

import re

import phonenumbers

from asterisk_siptrunk.account.login import is_email
from asterisk_siptrunk.billing.payment import LONGEST_REFERENCE
from asterisk_siptrunk.destination import caller_number, without_punctuation
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import parse_line

_CALLER = re.compile(r"\+?[0-9]{1,30}", re.ASCII)
_TAX_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .\-/]{0,38}[A-Za-z0-9]", re.ASCII)


def caller_text(text: str) -> str:
    """A caller's number without punctuation, in whatever form: digits, perhaps a plus in front.

    Raises:
        InvalidInput: it is none.
    """
    number = without_punctuation(text)
    if _CALLER.fullmatch(number):
        return number
    raise InvalidInput(f"{text[:80]!r} is no caller's number; give one like +33612345678 or 100.")


def email_address(text: str) -> str:
    """An address that notices can be sent to, or "" for none.

    Raises:
        InvalidInput: it does not look like one.
    """
    if not text or is_email(text):
        return text
    raise InvalidInput(f"{text[:80]!r} is no e-mail address; give one like voice@acme.example.")


def payment_reference(text: str) -> str:
    """What whoever took a payment calls it.

    Raises:
        InvalidInput: it is empty, too long, or holds what would steer a terminal.
    """
    if len(text) > LONGEST_REFERENCE:
        raise InvalidInput(f"this has {len(text)} characters; {LONGEST_REFERENCE} are the most.")
    return parse_line(text)


def tax_id_or_none(text: str) -> str:
    """A number as tax offices give them, or "" for none.

    Raises:
        InvalidInput: it does not look like one.
    """
    if not text or _TAX_ID.fullmatch(text):
        return text
    raise InvalidInput(f"{text[:80]!r} is no tax number; give one like FR32123456789.")


def phone_number(text: str, country: str) -> str:
    """A telephone number in E.164, however it was written in `country`.

    Raises:
        InvalidInput: it is none.
    """
    number = caller_number(without_punctuation(text), country)
    if number is None:
        raise InvalidInput(
            f"{text!r} is no telephone number in {country}; give it like {_example(country)}."
        )
    return str(number)


def _example(country: str) -> str:
    number = phonenumbers.example_number(country)
    if number is None:
        return "+33123456789"
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{e164} or {national}"
