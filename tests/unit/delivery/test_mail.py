"""Mails, to a server that speaks SMTP over a real socket."""

import email
import email.policy
from contextlib import suppress
from dataclasses import replace
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.delivery import mail
from asterisk_siptrunk.errors import DeliveryFailed
from asterisk_siptrunk.notice.model import Target, Way
from asterisk_siptrunk.settings import MailSettings
from tests.lab.processes import free_ports
from tests.unit.delivery.servers import mail_server
from tests.unit.notice.builders import INVOICE, NOON, issued

PLAIN = (b"AUTH PLAIN",)
STARTTLS = (b"STARTTLS", b"AUTH PLAIN")
PASSWORD = "s3cret"
OURS = MailSettings(host="127.0.0.1", security="none", sender="sip@us.example")
TO = "voice@acme.example"


def send(mails, security="none", password=PASSWORD, **settings):
    said = replace(OURS, port=mails.port, security=security, **settings)
    mail.send(said, password, mail.written(said, issued(), "Us", NOON), TO)


def parsed(text):
    return email.message_from_bytes(text, policy=email.policy.default)


def test_a_mail_arrives_as_it_was_written():
    with mail_server() as mails:
        send(mails)
    (taken,) = mails.taken
    message = parsed(taken)
    assert {
        name: message[name] for name in ("From", "To", "Subject", "Date", "Auto-Submitted")
    } == {
        "From": "Us <sip@us.example>",
        "To": TO,
        "Subject": "Invoice F2026-00017: 59.40 EUR",
        "Date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "Auto-Submitted": "auto-generated",
    }
    # 2026-11-23 12:00 UTC is 1795435200 s: the same at each try.
    assert message["Message-ID"] == "<siptrunk.17.1795435200@us.example>"
    assert message.get_content().startswith("Your invoice F2026-00017 is ready.\r\n")
    assert [line.partition("> ")[0].rstrip(">") for line in mails.commands if ":<" in line] == [
        "mail FROM:<sip@us.example",
        f"rcpt TO:<{TO}",
    ]
    assert mails.logins == []


def test_names_in_any_letters_arrive():
    facts = INVOICE | {"invoice": "№ 17 é"}
    message = mail.written(OURS, replace(issued(), facts=facts), "Télécom", NOON)
    again = parsed(message.as_bytes())
    assert again["From"] == "Télécom <sip@us.example>"
    assert again["Subject"] == "Invoice № 17 é: 59.40 EUR"
    assert "Your invoice № 17 é is ready." in again.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_password_goes_over_a_line_that_nobody_reads(trusted, security):
    offers = {"starttls": STARTTLS, "tls": (b"TLS", *PLAIN)}[security]
    with mail_server(offers=offers, certificate=trusted) as mails:
        send(mails, security, username="us")
    assert mails.logins == [b"\0us\0s3cret"]
    assert (len(mails.taken), mails.encrypted) == (1, [True])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_server_that_cannot_prove_who_it_is_gets_no_password(certificate, security):
    offers = {"starttls": STARTTLS, "tls": (b"TLS", *PLAIN)}[security]
    with (
        mail_server(offers=offers, certificate=certificate) as mails,
        pytest.raises(DeliveryFailed, match="certificate verify failed"),
    ):
        send(mails, security, username="us")
    assert (mails.logins, mails.taken) == ([], [])


def test_a_server_that_offers_no_encryption_gets_no_password():
    with mail_server(offers=PLAIN) as mails, pytest.raises(DeliveryFailed, match="STARTTLS"):
        send(mails, "starttls", username="us")
    assert (mails.logins, mails.taken) == ([], [])


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"": b"554 go away"}, "554 go away"),
        ({"EHLO": b"550 no", "HELO": b"550 not you"}, "550 not you"),
        ({"MAIL": b"451 try again later"}, "451 try again later"),
        ({"RCPT": b"550 no such user"}, "550 no such user"),
        ({"DATA": b"552 too much"}, "552 too much"),
        ({"RCPT": b"550 a\x1b[31mb\xff" + b"c" * 400}, "550 a [31mb"),
    ],
    ids=["greeting", "ehlo", "sender", "recipient", "data", "not-printable"],
)
def test_what_the_server_refuses_is_told_in_its_words(answers, said):
    with mail_server(answers=answers) as mails, pytest.raises(DeliveryFailed) as caught:
        send(mails)
    assert f"The mail server 127.0.0.1:{mails.port}: {said}" in str(caught.value)
    assert len(str(caught.value)) <= 200
    assert str(caught.value).isprintable()
    assert mails.taken == []


@pytest.mark.parametrize("password", ["s3cret", "s3crét"])
def test_a_login_that_is_refused_tells_no_password(trusted, password):
    """The server repeats what was tried; Python would name the letter that it cannot send."""
    refusal = {"AUTH": b"535 no user us with password s3cret"}
    with (
        mail_server(offers=STARTTLS, certificate=trusted, answers=refusal) as mails,
        pytest.raises(DeliveryFailed, match="refuses our login: see username") as caught,
    ):
        send(mails, "starttls", username="us", password=password)
    assert "s3cr" not in str(caught.value)
    assert "\xe9" not in str(caught.value)


def test_how_the_server_takes_leave_does_not_matter():
    with mail_server(answers={"QUIT": b"421 overloaded"}) as mails:
        send(mails)
    assert len(mails.taken) == 1


def test_nobody_listens():
    (port,) = free_ports(1, "tcp")
    message = mail.written(OURS, issued(), "Us", NOON)
    with pytest.raises(DeliveryFailed, match=f"127.0.0.1:{port}: Connection refused"):
        mail.send(replace(OURS, port=port), "", message, TO)


def test_a_server_s_name_that_can_be_none_is_told():
    message = mail.written(OURS, issued(), "Us", NOON)
    with pytest.raises(DeliveryFailed, match=r"a..b:587: .*label"):
        mail.send(replace(OURS, host="a..b"), "", message, TO)


def test_no_server_is_set():
    with pytest.raises(DeliveryFailed, match=r"set host of \[mail\]"):
        mail.written(MailSettings(), issued(), "Us", NOON)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\nBcc: c@d.example",
        "a@b.example\r\n\r\nhello",
        "a@b.example, c@d.example",
        "<a@b.example>",
        "@b.example",
        "a",
        "a@",
        "",
    ],
    ids=["header", "body", "two", "brackets", "no-user", "no-host", "half", "empty"],
)
def test_an_address_names_one_mailbox_and_no_header(address):
    notice = replace(issued(), target=Target(Way.MAIL, address))
    with pytest.raises(DeliveryFailed, match="is no address that a mail has") as caught:
        mail.written(OURS, notice, "Us", NOON)
    assert str(caught.value).isprintable()


def test_no_fact_adds_a_header():
    notice = replace(issued(), facts=INVOICE | {"invoice": "17\nBcc: c@d.example"})
    with pytest.raises(DeliveryFailed, match="cannot be written as a mail"):
        mail.written(OURS, notice, "Us", NOON)


@given(st.text(), st.text())
def test_whatever_the_facts_are_a_mail_has_its_headers_and_no_other(invoice, customer):
    notice = replace(issued(), facts=INVOICE | {"invoice": invoice, "customer": customer})
    with suppress(DeliveryFailed):
        message = parsed(mail.written(OURS, notice, "Us", NOON).as_bytes(policy=SMTP))
        assert message.get_all("To") == [TO]
        assert {name.lower() for name in message} == {
            *("from", "to", "subject", "date", "message-id", "auto-submitted"),
            *("content-type", "content-transfer-encoding", "mime-version"),
        }


def test_no_provider_s_name_adds_a_header():
    with pytest.raises(DeliveryFailed, match="is no address"):
        mail.written(OURS, issued(), "Us\nBcc: c@d.example", NOON)
