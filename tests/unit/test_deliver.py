"""Delivery beside the calls: what becomes of a notice that arrives, and of one that does not."""

import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from asterisk_siptrunk.daemon import END_SECONDS
from asterisk_siptrunk.database import notices
from asterisk_siptrunk.database.engine import open_engine, reading, transaction
from asterisk_siptrunk.deliver import Deliverer, Delivery
from asterisk_siptrunk.errors import DatabaseUnavailable, DeliveryFailed
from asterisk_siptrunk.notice.kind import NoticeKind
from asterisk_siptrunk.notice.model import Way
from asterisk_siptrunk.settings import DatabaseSettings, Secrets, Settings, WebhookSettings
from tests.lab.service import Service
from tests.unit.delivery.servers import web_server
from tests.unit.notice.builders import INVOICE, MAIL, NOON, WEBHOOK


class Carrier:
    """Carries what it is given, or fails with `error`."""

    def __init__(self):
        self.carried = []
        self.error: Exception | None = None

    def __call__(self, notice):
        if self.error is not None:
            raise self.error
        self.carried.append(notice.id)


@pytest.fixture
def carrier():
    return Carrier()


@pytest.fixture
def deliverer(engine, carrier):
    return Deliverer(Way.MAIL, engine, carrier, lambda: NOON, lambda: 0.5)


def tell(engine, *targets):
    with transaction(engine) as connection:
        notices.tell(connection, NOON, NoticeKind.INVOICE_ISSUED, INVOICE, targets)


def record(engine, number=1):
    with reading(engine) as connection:
        rows = notices.listed(connection, 9, arrived=True)
    return next(row for row in rows if row.id == number)


def test_each_arrives_once_by_its_own_way(engine, deliverer, carrier):
    tell(engine, MAIL, WEBHOOK, MAIL)
    assert [deliverer.deliver_next() for _ in range(3)] == [True, True, False]
    assert carrier.carried == [1, 3]
    assert (record(engine, 1).said_at, record(engine, 2).said_at) == (NOON, None)


def test_what_fails_is_tried_again_after_its_pause(engine, deliverer, carrier, caplog):
    tell(engine, MAIL)
    carrier.error = DeliveryFailed("550 no such user")
    assert deliverer.deliver_next()
    # A minute, less a tenth of it: half of the jitter's fifth.
    assert record(engine).next_at == NOON + timedelta(seconds=54)
    assert (record(engine).error, record(engine).tries) == ("550 no such user", 1)
    assert not deliverer.deliver_next()
    assert "tried again in 54 s: 550 no such user" in caplog.text


def test_a_defect_is_kept_without_its_words(engine, deliverer, carrier, caplog):
    tell(engine, MAIL)
    carrier.error = ValueError("s3cret")
    with caplog.at_level(logging.ERROR):
        assert deliverer.deliver_next()
    assert record(engine).error == "ValueError: a defect; see the log of siptrunk."
    assert "Traceback" in caplog.text


def test_without_its_database_it_delivers_nothing(sqlite_url, tmp_path, carrier):
    engine = open_engine(sqlite_url)
    tell(engine, MAIL)
    engine.dispose()
    (tmp_path / "siptrunk.db").rename(tmp_path / "elsewhere.db")
    with pytest.raises(DatabaseUnavailable):
        Deliverer(Way.MAIL, engine, carrier, lambda: NOON, lambda: 0.0).deliver_next()
    assert carrier.carried == []


def test_it_lives_on_whatever_happens_and_ends_when_told(engine, carrier, monkeypatch):
    monkeypatch.setattr("asterisk_siptrunk.deliver.LOOK_SECONDS", 0.01)
    failures = iter([DatabaseUnavailable("away"), RuntimeError("a defect")])
    claim = notices.claim

    def failing(*arguments):
        if error := next(failures, None):
            raise error
        return claim(*arguments)

    monkeypatch.setattr(notices, "claim", failing)
    tell(engine, MAIL)
    deliverer = Deliverer(Way.MAIL, engine, carrier, lambda: NOON, lambda: 0.0)
    deliverer.start()
    try:
        while record(engine).said_at is None:
            pass
    finally:
        deliverer.stop()
        deliverer.join(10)
    assert not deliverer._thread.is_alive()


# --- in the daemon ---


class Telling(Service):
    """A service that tells its provider's systems at `url`, and sends its mails to `mail_port`."""

    def __init__(self, folder, database_url, url, mail_port):
        settings = f'[webhook]\nurl = "{url}"\n[mail]\nhost = "127.0.0.1"\nport = {mail_port}\n'
        settings += 'sender = "sip@us.example"\nsecurity = "none"\n'
        environment = {"SIPTRUNK_SECRETS_WEBHOOK_SECRET": "s3cret"}
        super().__init__(folder, database_url, settings=settings, environment=environment)


def test_a_way_that_is_not_set_up_here_is_left_to_other_servers(sqlite_url, tmp_path):
    engine = open_engine(sqlite_url)
    tell(engine, MAIL, WEBHOOK)
    with web_server() as told:
        settings = Settings(
            tmp_path,
            database=DatabaseSettings(sqlite_url),
            webhook=WebhookSettings(told.url),
            kept=Secrets(webhook_secret="s3cret"),
        )
        delivery = Delivery(settings)
        delivery.start()
        while record(engine, 2).said_at is None:
            pass
        delivery.stop(10)
    assert record(engine, 1).tries == 0
    engine.dispose()


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_mail_server_that_says_nothing_holds_up_no_webhook_no_call_and_no_end(
    sqlite_url, tmp_path, silent
):
    engine = open_engine(sqlite_url)
    tell(engine, MAIL, WEBHOOK)
    with (
        web_server() as told,
        Telling(tmp_path, sqlite_url, told.url, silent.getsockname()[1]) as service,
    ):
        silent.settimeout(10)
        waiting, _ = silent.accept()
        with closing(waiting):
            assert told.heard.wait(10)
            service.until(lambda: record(engine, 2).said_at is not None)
            assert "SIPTRUNK_NEXT" in service.ask("lab-1.1")
            assert service.process is not None
            service.process.signal(signal.SIGTERM)
            assert service.process.wait(2 * END_SECONDS + 3) == 0
    assert record(engine, 1).said_at is None
    assert record(engine, 1).tries == 1
    assert "s3cret" not in service.log
    engine.dispose()
