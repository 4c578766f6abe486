"""Webhooks, to a web server over a real socket."""

import socket
import ssl
import threading
from contextlib import closing, contextmanager, suppress

import pytest

from asterisk_siptrunk.delivery import webhook
from asterisk_siptrunk.errors import DeliveryFailed
from asterisk_siptrunk.notice.signature import HEADER, verify
from tests.lab.processes import free_ports
from tests.unit.delivery.servers import web_server

SECRET = "s3cret"
BODY = b'{"id": 17}'
AT = 1_764_000_000


def test_what_is_told_is_signed_and_any_2xx_is_enough():
    with web_server(204) as told:
        webhook.post(f"{told.url}/hook?of=us", SECRET, BODY, AT)
    ((path, headers, body),) = told.requests
    assert (path, body, headers["Content-Type"]) == ("/hook?of=us", BODY, "application/json")
    assert verify(SECRET, body, headers[HEADER], AT)


def test_a_place_without_a_path():
    with web_server() as told:
        webhook.post(told.url, SECRET, BODY, AT)
    assert [path for path, _, _ in told.requests] == ["/"]


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_over_tls(tls, trusted):
    del trusted
    with web_server(tls=tls) as told:
        webhook.post(told.url, SECRET, BODY, AT)
    assert len(told.requests) == 1


def test_a_server_that_cannot_prove_who_it_is_is_told_nothing(tls):
    with (
        web_server(tls=tls) as told,
        pytest.raises(DeliveryFailed, match="certificate verify failed"),
    ):
        webhook.post(told.url, SECRET, BODY, AT)
    assert told.requests == []


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, b"out of order", "500 Internal Server Error out of order"),
        (404, b"", "404 Not Found"),
        (199, b"", "199"),
        (302, b"", "302 Found"),
        (503, b"a\r\n\x1b[31mb\xff", "503 Service Unavailable a [31mb"),
    ],
    ids=["500", "404", "199", "302", "not-printable"],
)
def test_any_other_answer_is_none(status, body, said):
    with (
        web_server(status, body) as told,
        pytest.raises(DeliveryFailed, match="The webhook was answered with") as caught,
    ):
        webhook.post(told.url, SECRET, BODY, AT)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_no_redirect_is_followed():
    with (
        web_server() as other,
        web_server(307, headers={"Location": other.url}) as told,
        pytest.raises(DeliveryFailed, match="307 Temporary Redirect"),
    ):
        webhook.post(told.url, SECRET, BODY, AT)
    assert (len(told.requests), other.requests) == (1, [])


def test_of_a_long_answer_the_beginning_is_kept():
    with web_server(500, b"x" * 10_000_000) as told, pytest.raises(DeliveryFailed) as caught:
        webhook.post(told.url, SECRET, BODY, AT)
    assert len(str(caught.value)) == 200


def test_nobody_listens():
    (port,) = free_ports(1, "tcp")
    with pytest.raises(DeliveryFailed, match=r"was not taken: .*Connection refused"):
        webhook.post(f"http://127.0.0.1:{port}", SECRET, BODY, AT)


def test_a_server_s_name_that_can_be_none_is_told():
    with pytest.raises(DeliveryFailed, match=r"was not taken: .*label"):
        webhook.post("http://a..b/", SECRET, BODY, AT)


@contextmanager
def answering(chunk, every=0.0):
    """A server that says this, again and again, to whoever comes; its URL."""
    stop = threading.Event()

    def talk(server):
        peer, _ = server.accept()
        with closing(peer), suppress(OSError):
            while not stop.wait(every):
                peer.sendall(chunk)

    with socket.create_server(("127.0.0.1", 0)) as server:
        talking = threading.Thread(target=talk, args=(server,))
        talking.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            talking.join()


def test_who_says_a_letter_now_and_then_is_cut_off(monkeypatch):
    monkeypatch.setattr(webhook, "WHOLE_SECONDS", 0.3)
    with answering(b"H", every=0.05) as url, pytest.raises(DeliveryFailed, match="was not taken"):
        webhook.post(url, SECRET, BODY, AT)


def test_who_says_nothing_is_left(monkeypatch):
    monkeypatch.setattr(webhook, "STEP_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(DeliveryFailed, match="timed out"):
            webhook.post(url, SECRET, BODY, AT)


def test_what_is_no_http_is_told():
    with (
        answering(b"220 ready for mails\r\n", every=0.01) as url,
        pytest.raises(DeliveryFailed, match="was not taken: 220 ready"),
    ):
        webhook.post(url, SECRET, BODY, AT)


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [("", SECRET, r"set url of \[webhook\]"), ("http://127.0.0.1", "", "set webhook_secret in")],
    ids=["nowhere", "unsigned"],
)
def test_what_is_not_set_is_named(url, secret, said):
    with pytest.raises(DeliveryFailed, match=said):
        webhook.post(url, secret, BODY, AT)
