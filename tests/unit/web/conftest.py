"""The web service over a real socket, with payments that go nowhere."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import pytest

from asterisk_siptrunk.billing.payment import Outcome, Payment, PaymentState
from asterisk_siptrunk.notice.signature import HEADER, sign
from asterisk_siptrunk.settings import WebSettings
from asterisk_siptrunk.web.app import make_app
from asterisk_siptrunk.web.server import WebServer

SECRET = "s3cret"
NOW = 1_764_000_000
SECONDS = 10.0


@dataclass
class Till:
    """Takes payments, each reference once; or fails with `error`."""

    taken: list[Payment] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, payment: Payment) -> Outcome:
        if self.error is not None:
            raise self.error
        if payment in self.taken:
            return Outcome(PaymentState.ALREADY, "It was told of before.")
        self.taken.append(payment)
        return Outcome(PaymentState.APPLIED, f"Invoice {payment.invoice} is paid.")


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Client:
    """One request after the other, each over a connection of its own."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.headers.items()},
                answer.read(),
            )
        finally:
            connection.close()

    def pay(self, document: object, *, secret: str = SECRET, at: int = NOW) -> Answer:
        """Tell of a payment, signed; bytes are told as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        signature = {HEADER.replace("-", "_"): sign(secret, body, at)}
        return self("POST", "/webhooks/payment", body, **signature)


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def client(till: Till) -> Iterator[Client]:
    server = WebServer(make_app(till, SECRET, lambda: float(NOW)), WebSettings())
    server.start()
    yield Client(server.port)
    server.stop(SECONDS)
    assert not server._thread.is_alive()
