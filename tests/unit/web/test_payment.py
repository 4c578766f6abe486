"""`POST /webhooks/payment`, over a real socket."""

import logging
import socket
from contextlib import closing
from decimal import Decimal

import pytest

from asterisk_siptrunk.billing.payment import Payment
from asterisk_siptrunk.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    InvalidInput,
    NotFound,
    SiptrunkError,
)
from asterisk_siptrunk.notice.signature import HEADER, TOLERANCE_SECONDS, sign
from asterisk_siptrunk.settings import WebSettings
from asterisk_siptrunk.web import payment as web_payment
from asterisk_siptrunk.web.app import make_app
from asterisk_siptrunk.web.payment import MOST_BYTES
from asterisk_siptrunk.web.server import WebServer
from tests.unit.web.conftest import NOW, SECONDS, SECRET, Client, a_house

PATH = "/webhooks/payment"
GIVEN = {"reference": "pi_1", "amount": "59.40", "currency": "EUR", "invoice": "F2026-00017"}
PAYMENT = Payment("pi_1", Decimal("59.40"), "EUR", None, "F2026-00017")


def test_a_payment_is_taken_and_told_of_again_it_changes_nothing(client, till):
    first, second = client.pay(GIVEN), client.pay(GIVEN)
    assert (first.status, first.data) == (
        200,
        {"state": "applied", "words": "Invoice F2026-00017 is paid."},
    )
    assert (second.status, second.data["state"]) == (200, "already")
    assert till.taken == [PAYMENT]


def test_what_was_done_is_in_the_log_and_no_secret_is(client, caplog):
    with caplog.at_level(logging.DEBUG):
        client.pay(GIVEN)
        client.pay(GIVEN, secret="other")
    assert "Payment pi_1: applied. Invoice F2026-00017 is paid." in caplog.text
    assert "without a signature that holds" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("secret", "at"),
    [
        ("other", NOW),
        (SECRET, NOW - TOLERANCE_SECONDS - 1),
        (SECRET, NOW + TOLERANCE_SECONDS + 1),
    ],
    ids=["wrong", "old", "early"],
)
def test_who_cannot_sign_is_told_nothing(client, till, secret, at):
    answer = client.pay(GIVEN, secret=secret, at=at)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == HEADER
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.data == {"type": "about:blank", "title": "Unauthorized", "status": 401}
    assert till.taken == []


@pytest.mark.parametrize("header", ["", "nonsense", "t=,v1=", "t=1,v1=\xe9"])
def test_a_header_that_is_none(client, header):
    assert client("POST", PATH, b"{}", Siptrunk_Signature=header).status == 401
    assert client("POST", PATH, b"not json").status == 401


def test_without_a_secret_nobody_is_believed(till, sqlite_url, clock):
    server = WebServer(make_app(a_house(sqlite_url, clock, secret=""), till), WebSettings())
    server.start()
    assert Client(server.port).pay(GIVEN, secret="x").status == 401
    server.stop(SECONDS)
    assert till.taken == []


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * MOST_BYTES, "no JSON"),
        (b"1" * 5000, "no JSON"),
        ([GIVEN], "A payment is an object"),
        (GIVEN | {"amount": 59.4}, "'amount' is missing, or is no text"),
    ],
    ids=["half", "no-text", "deep", "large-number", "list", "amount"],
)
def test_what_is_no_payment_is_told_in_a_sentence(client, till, document, said):
    answer = client.pay(document)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.data["detail"]
    assert till.taken == []


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (InvalidInput("Order O-1 is cancelled."), 422, "Order O-1 is cancelled."),
        (NotFound("There is no order O-1."), 422, "There is no order O-1."),
        (AlreadyExists("pi_1 is another one."), 409, "pi_1 is another one."),
        (DatabaseUnavailable("db.example is away"), 503, "This cannot be taken now: tell it again"),
        (SiptrunkError("not in this version"), 503, "This cannot be taken now: tell it again"),
        (RuntimeError("s3cret"), 500, None),
    ],
    ids=["invalid", "not-found", "other", "database", "ours", "defect"],
)
def test_what_cannot_be_applied_is_told(client, till, error, status, detail):
    till.error = error
    answer = client.pay(GIVEN)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    told = answer.data.get("detail")
    assert told == detail or told.startswith(detail)
    assert ("retry-after" in answer.headers) == (status == 503)
    till.error = None
    assert client.pay(GIVEN).data["state"] == "applied"


def test_a_body_has_its_bounds(client, till):
    most = b" " * MOST_BYTES
    assert client.pay(most).status == 422
    assert client.pay(most + b" ").status == 413
    assert till.taken == []


def test_who_sends_a_byte_now_and_then_is_not_waited_for(client, monkeypatch):
    monkeypatch.setattr(web_payment, "BODY_SECONDS", 0.1)
    head = f"POST {PATH} HTTP/1.1\r\nHost: us\r\nContent-Length: 10\r\n\r\n{{"
    with closing(socket.create_connection(("127.0.0.1", client.port), SECONDS)) as line:
        line.sendall(head.encode())
        assert line.makefile("rb").readline() == b"HTTP/1.1 408 Request Timeout\r\n"


def test_who_goes_away_is_no_defect(client, caplog):
    head = f"POST {PATH} HTTP/1.1\r\nHost: us\r\nContent-Length: 10\r\n\r\n{{"
    with closing(socket.create_connection(("127.0.0.1", client.port), SECONDS)) as line:
        line.sendall(head.encode())
    assert client.pay(GIVEN).status == 200
    assert "Traceback" not in caplog.text


def test_a_signature_is_for_the_body_as_it_was_sent(client):
    body = b'{"currency": "EUR", "amount": "59.40", "reference": "pi_1", "order": "O-1"}\n'
    header = {"Siptrunk_Signature": sign(SECRET, body, NOW)}
    assert client("POST", PATH, body, **header).status == 200
    assert client("POST", PATH, body.strip(), **header).status == 401
