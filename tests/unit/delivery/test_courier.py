"""Takes a notice by its way, by the settings."""

import json

import pytest

from asterisk_siptrunk.delivery.courier import Courier
from asterisk_siptrunk.delivery.ways import ways_of
from asterisk_siptrunk.errors import SettingsError
from asterisk_siptrunk.notice.model import Ways
from asterisk_siptrunk.notice.signature import HEADER, verify
from asterisk_siptrunk.settings import (
    MailSettings,
    ProviderSettings,
    Secrets,
    Settings,
    WebhookSettings,
)
from tests.unit.delivery.servers import mail_server, web_server
from tests.unit.notice.builders import INVOICE, MAIL, NOON, WEBHOOK, issued


def courier(tmp_path, port=1, url="", kept=None):
    sender = "sip@us.example"
    settings = Settings(
        tmp_path,
        provider=ProviderSettings(name="Us"),
        mail=MailSettings("127.0.0.1", port, "none", sender),
        webhook=WebhookSettings(url),
        kept=kept or Secrets(webhook_secret="s3cret"),
    )
    return Courier(settings, lambda: NOON)


def test_a_mail_goes_to_its_target(tmp_path):
    with mail_server() as mails:
        courier(tmp_path, mails.port).carry(issued(MAIL))
    assert f"rcpt TO:<{MAIL.address}>" in mails.commands
    assert b"\nFrom: Us <sip@us.example>\r\n" in b"\n" + mails.taken[0]


def test_a_webhook_goes_to_the_url_of_the_settings_signed_now(tmp_path):
    with web_server() as told:
        courier(tmp_path, url=told.url).carry(issued(WEBHOOK))
    ((_, headers, body),) = told.requests
    assert json.loads(body)["facts"] == INVOICE
    assert verify("s3cret", body, headers[HEADER], NOON.timestamp())


@pytest.mark.parametrize(
    ("settings", "ways"),
    [
        ({}, Ways(mail=False, webhook=False)),
        ({"mail": MailSettings("mx.example")}, Ways(mail=True, webhook=False)),
        ({"webhook": WebhookSettings("http://x")}, Ways(mail=False, webhook=True)),
    ],
    ids=["none", "mail", "webhook"],
)
def test_the_settings_say_which_ways_there_are(tmp_path, settings, ways):
    assert ways_of(Settings(tmp_path, **settings)) == ways


@pytest.mark.parametrize("target", [MAIL, WEBHOOK], ids=["mail", "webhook"])
def test_secrets_that_cannot_be_read_are_named(tmp_path, target):
    with pytest.raises(SettingsError, match="cannot be read by this account"):
        courier(tmp_path, kept="It cannot be read by this account.").carry(issued(target))
