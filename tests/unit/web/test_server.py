"""Serving beside calls, and alone."""

import signal
import socket
import urllib.request
from contextlib import closing, suppress

import pytest

from asterisk_siptrunk.errors import SiptrunkError
from asterisk_siptrunk.settings import WebSettings
from asterisk_siptrunk.web import server as web_server
from asterisk_siptrunk.web.server import WebServer
from tests.lab.processes import Child, free_ports, has_ipv6
from tests.lab.provider import SIPTRUNK
from tests.lab.service import Service
from tests.unit.web.conftest import SECONDS, Client


@pytest.fixture
def made(app):
    return lambda **settings: WebServer(app, WebSettings(**settings))


def test_a_port_that_is_taken_is_told(made):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SiptrunkError, match=f"on 127.0.0.1:{port}: .*See .web. in"):
            made(port=port)


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_over_ipv6(made):
    server = made(host="::1")
    server.start()
    with urllib.request.urlopen(f"http://[::1]:{server.port}/healthz", timeout=SECONDS) as answer:
        assert answer.status == 200
    server.stop(SECONDS)


async def tell_address(scope, _receive, send):
    """Answer with where a request comes from."""
    text = f"{scope['scheme']} {scope['client'][0]}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


FORWARDED = {"X_Forwarded_For": "203.0.113.9, 198.51.100.7", "X_Forwarded_Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "told"),
    [
        ((), b"http 127.0.0.1"),
        (("192.0.2.1",), b"http 127.0.0.1"),
        (("127.0.0.1",), b"https 198.51.100.7"),  # what the proxy itself has seen
        (("127.0.0.1", "198.51.100.7"), b"https 203.0.113.9"),
    ],
    ids=["none", "another", "one", "two"],
)
def test_only_proxies_that_are_named_are_believed(monkeypatch, proxies, told):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    settings = WebSettings(proxies=proxies)
    server = WebServer(tell_address, settings)  # type: ignore[arg-type] # ASGI is all it takes
    server.start()
    assert Client(server.port)("GET", "/", b"", **FORWARDED).body == told
    server.stop(SECONDS)


def test_no_answer_waits_for_an_acknowledgement(made):
    server = made()
    with (
        closing(server._listening),
        closing(socket.create_connection(("127.0.0.1", server.port), SECONDS)),
    ):
        accepted, _ = server._listening.accept()
        with closing(accepted):
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_more_than_the_bound_are_told_to_come_again(made, monkeypatch):
    monkeypatch.setattr(web_server, "MOST_CONNECTIONS", 2)
    server = made()
    server.start()
    idle = [socket.create_connection(("127.0.0.1", server.port), SECONDS) for _ in range(3)]
    assert Client(server.port)("GET", "/healthz").status == 503
    for each in idle:
        each.close()
    server.stop(SECONDS)


def test_a_server_that_ends_by_itself_is_told(made, monkeypatch, caplog):
    server = made()
    monkeypatch.setattr(server._server, "run", lambda **_: 1 // 0)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # pytest's own stay
    server.start()
    with pytest.raises(SiptrunkError, match="Nothing is served"):
        server.until_stopped()
    assert "ZeroDivisionError" in caplog.text


class Webbed(Service):
    """A service with a port for the web."""

    def __init__(self, folder, url, **environment):
        (self.web_port,) = free_ports(1, "tcp")
        settings = f"[web]\nport = {self.web_port}\n"
        secret = {"SIPTRUNK_SECRETS_PAYMENT_SECRET": "s3cret"}
        super().__init__(folder, url, settings=settings, environment=secret | environment)


def test_beside_calls(sqlite_url, tmp_path):
    with Webbed(tmp_path, sqlite_url) as service:
        client = Client(service.web_port)
        assert client("GET", "/healthz").status == 200
        assert client("POST", "/webhooks/payment", b"{}").status == 401
        with closing(socket.create_connection(("127.0.0.1", service.web_port))):
            assert "SIPTRUNK_NEXT" in service.ask("lab-1.1")
            assert service.process is not None
            service.process.signal(signal.SIGTERM)
            assert service.process.wait(SECONDS) == 0
    assert "s3cret" not in service.log


def test_beside_calls_a_port_that_is_taken_is_told_first(sqlite_url, tmp_path):
    with Webbed(tmp_path, sqlite_url) as service:
        second = service.run("serve")
    assert second.returncode == 1
    assert f"Cannot serve the web on 127.0.0.1:{service.web_port}" in second.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_alone_until_it_is_told_to_stop(sqlite_url, tmp_path, number):
    service = Webbed(tmp_path, sqlite_url)
    log = tmp_path / "web.log"
    alone = Child([str(SIPTRUNK), "web", "serve"], output=log, env=service.environment)
    with alone:
        service.until(lambda: answers(service.web_port))
        assert log.read_text() == f"Serving the web at 127.0.0.1:{service.web_port}.\n"
        alone.signal(number)
        assert alone.wait(SECONDS) == 0


def answers(port):
    with suppress(OSError):
        return Client(port)("GET", "/healthz").status == 200
    return False
