"""`siptrunk notice`."""

import json
import tomllib

import pytest

from asterisk_siptrunk.database import notices
from asterisk_siptrunk.database.engine import open_engine, transaction
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.notice.signature import HEADER
from tests.unit.cli.doctoring import ill
from tests.unit.delivery.servers import mail_server, web_server
from tests.unit.notice.builders import INVOICE, MAIL, NOON, WEBHOOK


@pytest.fixture
def database(sqlite_url):
    engine = open_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def told(siptrunk, database):
    """A mail that fails, a webhook that was not tried, and a mail that has arrived."""
    with transaction(database) as connection:
        kind = NoticeKind.INVOICE_ISSUED
        notices.tell(connection, NOON, kind, INVOICE, [MAIL, WEBHOOK, MAIL])
        notices.failed(connection, 1, "550 no such user", NOON)
        notices.delivered(connection, 3, NOON)
    return siptrunk


@pytest.mark.parametrize(
    ("options", "found"),
    [((), [2, 1]), (("--all",), [3, 2, 1]), (("--all", "--limit", "1"), [3])],
    ids=["waiting", "all", "limit"],
)
def test_what_is_listed(told, options, found):
    assert [row["id"] for row in told.json("notice", "list", *options)] == found


def test_a_row_for_programs_and_for_people(told):
    assert told.json("notice", "list")[1] == {
        "id": 1,
        "at": "2026-11-23T12:00:00.000000Z",
        "kind": "invoice-issued",
        "way": "mail",
        "target": MAIL.address,
        "tries": 0,
        "next_at": "2026-11-23T12:00:00.000000Z",
        "said_at": None,
        "error": "550 no such user",
    }
    assert "550 no such user" in told("notice", "list").stdout
    assert "said at" not in told("notice", "list").stdout
    assert "said at" in told("notice", "list", "--all").stdout


def test_it_is_tried_again_and_elsewhere(told):
    told("notice", "retry", "1", "--to", "bills@acme.example")
    told("notice", "retry", "2")
    two, one = told.json("notice", "list")
    assert one["target"] == "bills@acme.example"
    assert min(one["next_at"], two["next_at"]) > "2026-11-23T12:00:00.000000Z"


def test_what_cannot_be_tried_again_is_told(told):
    assert "no notice 9" in told("notice", "retry", "9", fails=1).stderr
    assert "has arrived" in told("notice", "retry", "3", fails=1).stderr
    told("notice", "retry", "0", fails=2)
    assert "'x': give a whole number" in told("notice", "retry", "x", fails=2).stderr
    told("notice", "retry", "1", "--to", "nobody", fails=2)


def test_a_test_mail(siptrunk):
    with mail_server() as mails:
        siptrunk.environment |= {
            "SIPTRUNK_MAIL_HOST": "127.0.0.1",
            "SIPTRUNK_MAIL_PORT": str(mails.port),
            "SIPTRUNK_MAIL_SECURITY": "none",
            "SIPTRUNK_MAIL_SENDER": "sip@us.example",
        }
        done = siptrunk("notice", "test", "--to", "me@us.example")
    assert "The server took a mail to me@us.example." in done.stderr
    assert b"a test that alice asked for" in mails.taken[0]
    assert siptrunk.json("notice", "list", "--all") == []


def test_a_test_webhook(siptrunk):
    with web_server() as told:
        siptrunk.environment |= {
            "SIPTRUNK_WEBHOOK_URL": told.url,
            "SIPTRUNK_SECRETS_WEBHOOK_SECRET": "s3cret",
        }
        done = siptrunk("notice", "test", "--webhook")
    assert "The webhook was taken." in done.stderr
    ((_, headers, body),) = told.requests
    assert HEADER in headers
    assert json.loads(body)["facts"] == {"author": "alice"}


def test_a_test_that_fails_says_why(siptrunk):
    assert "set host of [mail]" in siptrunk("notice", "test", "--to", "a@b.example", fails=1).stderr
    assert "set url of [webhook]" in siptrunk("notice", "test", "--webhook", fails=1).stderr
    assert "Nothing to test" in siptrunk("notice", "test", fails=2).stderr


def test_doctor_tells_of_what_waits_for_long(well, database):
    with transaction(database) as connection:
        for target in (MAIL, WEBHOOK):
            notices.tell(connection, NOON, NoticeKind.INVOICE_ISSUED, INVOICE, [target])
    said = "Notices that wait for more than an hour: 2. None was tried yet."
    assert ill(well)["notices"] == ("warn", said)
    with transaction(database) as connection:
        notices.failed(connection, 1, "550 no such user", NOON)
    assert ill(well)["notices"][1].endswith("hour: 2. The last error: 550 no such user")


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        ({"SIPTRUNK_WEBHOOK_URL": "https://erp.example/"}, "webhook_secret"),
        ({"SIPTRUNK_WEB_PORT": "8080"}, "payment_secret"),
        ({"SIPTRUNK_MAIL_USERNAME": "us"}, "mail_password"),
    ],
    ids=["webhook", "web", "mail"],
)
def test_doctor_tells_of_a_secret_that_is_needed(well, tmp_path, settings, missing):
    well.environment |= settings
    assert ill(well, fails=1)["secrets"] == (
        "fail",
        f"{missing} is empty, and the settings need it.",
    )
    well.environment[f"SIPTRUNK_SECRETS_{missing.upper()}"] = "s3cret"
    assert ill(well).keys() <= {"people"}  # with [web] port somebody should be let in, too
    assert missing not in tomllib.loads((tmp_path / "secrets.toml").read_text())
