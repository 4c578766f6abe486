"""Mails, by the server that [mail] names.

What stands in a header is put there by `EmailMessage`, which takes no line break: no fact can add a
header or a recipient.
"""

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from asterisk_siptrunk.delivery.failure import failure
from asterisk_siptrunk.errors import DeliveryFailed
from asterisk_siptrunk.notice.model import Notice
from asterisk_siptrunk.notice.words import letter
from asterisk_siptrunk.settings import MailSettings

STEP_SECONDS = 10.0
"""For each answer of the server; there are a dozen steps, which a claim of five minutes covers."""


def written(settings: MailSettings, notice: Notice, provider: str, now: datetime) -> EmailMessage:
    """The mail of a notice; `provider` is the name of whom it comes from.

    Raises:
        DeliveryFailed: no mails are sent, or an address or a word cannot stand in one.
    """
    if not settings.host:
        raise DeliveryFailed("There is no server for mails: set host of [mail] in siptrunk.toml.")
    origin, to = _address(settings.sender, provider), _address(notice.target.address)
    words, message = letter(notice, provider), EmailMessage()
    message["From"], message["To"] = origin, to
    try:
        message["Subject"] = words.subject
        message["Date"] = format_datetime(now)
        # The same at each try: who gets one twice sees it once.
        made = f"siptrunk.{notice.id}.{notice.at.timestamp():.0f}"
        message["Message-ID"] = f"<{made}@{origin.domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        message.set_content(words.text)
    except ValueError as error:
        raise failure(f"This cannot be written as a mail: {error}") from None
    return message


def _address(text: str, name: str = "") -> Address:
    try:
        return Address(name, addr_spec=text)
    except (ValueError, MessageError, IndexError):  # whatever it stumbles over
        raise failure(f"{name} {text!r} is no address that a mail has.") from None


def send(settings: MailSettings, password: str, message: EmailMessage, to: str) -> None:
    """Hand a mail over to the server; blocks until that has taken it.

    Raises:
        DeliveryFailed: it has not, and why.
    """
    try:
        client = _connected(settings)
        try:
            _log_in(client, settings, password)
            client.send_message(message, settings.sender, [to])
        finally:
            _leave(client)
    except (OSError, UnicodeError) as error:  # smtplib's errors are OSErrors, too
        place = f"{settings.host}:{settings.port}"
        raise failure(f"The mail server {place}: {_said(error)}") from None


def _connected(settings: MailSettings) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, timeout=STEP_SECONDS, context=context)
    client = smtplib.SMTP(settings.host, settings.port, timeout=STEP_SECONDS)
    if settings.security == "starttls":
        try:
            client.starttls(context=context)
        except BaseException:
            client.close()
            raise
    return client


def _log_in(client: smtplib.SMTP, settings: MailSettings, password: str) -> None:
    if not settings.username:
        return
    try:
        client.login(settings.username, password)
    except (smtplib.SMTPAuthenticationError, UnicodeError):
        # Not in the server's words, nor in Python's: they may repeat what was tried.
        wrong = "it refuses our login: see username of [mail], and mail_password in secrets.toml"
        raise smtplib.SMTPException(wrong) from None


def _leave(client: smtplib.SMTP) -> None:
    # The mail is taken by now, or refused: how the server takes leave changes nothing of that.
    with suppress(OSError):
        client.quit()
    client.close()


def _said(error: Exception) -> str:
    match error:
        case smtplib.SMTPRecipientsRefused():
            return "; ".join(_answer(*said) for said in error.recipients.values())
        case smtplib.SMTPResponseException():
            return _answer(error.smtp_code, error.smtp_error)
        case OSError(strerror=str(words)):
            return words
        case _:
            return str(error) or type(error).__name__


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {text}"
