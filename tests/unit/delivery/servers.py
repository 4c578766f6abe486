"""A mail server and a web server, as much of each as a delivery meets."""

import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


@dataclass
class Mails:
    """What a mail server was told, and what it is to answer to a command instead of 250."""

    port: int = 0
    answers: Mapping[str, bytes] = field(default_factory=dict)
    offers: tuple[bytes, ...] = ()
    certificate: Path | None = None
    commands: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def context(self) -> ssl.SSLContext:
        """What this server proves itself with."""
        assert self.certificate is not None
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.certificate)
        return made


class _MailSession(socketserver.StreamRequestHandler):
    """RFC 5321, the few commands that smtplib says."""

    def handle(self):
        self.mails: Mails = self.server.mails  # type: ignore[attr-defined]
        self.say(self.mails.answers.get("", b"220 ready"))
        while line := self.rfile.readline():  # of TLS, once that has begun
            word = line.split()[0].decode().upper()
            self.mails.commands.append(line.decode().strip())
            answer = self.mails.answers.get(word)
            if answer is None:
                self.obey(word, line)
            else:
                self.say(answer)
            if word == "QUIT":
                return

    def obey(self, word: str, line: bytes):
        if word == "EHLO":
            self.say(
                b"\r\n".join([b"250-lab", *(b"250-" + o for o in self.mails.offers), b"250 ."])
            )
        elif word == "STARTTLS":
            self.say(b"220 go ahead")
            self.finish()
            self.request = self.mails.context().wrap_socket(self.request, server_side=True)
            self.setup()
        elif word == "AUTH":
            self.mails.logins.append(b64decode(line.split()[2]))
            self.say(b"235 welcome")
        elif word == "DATA":
            self.say(b"354 go on")
            text = b"".join(iter(self.rfile.readline, b".\r\n"))
            self.mails.taken.append(text)
            self.mails.encrypted.append(isinstance(self.request, ssl.SSLSocket))
            self.say(b"250 taken")
        else:
            self.say(b"221 bye" if word == "QUIT" else b"250 fine")

    def finish(self):
        super().finish()
        if isinstance(self.request, ssl.SSLSocket):
            self.request.close()

    def say(self, line: bytes):
        self.wfile.write(line + b"\r\n")


class _MailServer(socketserver.TCPServer):
    mails: Mails

    def get_request(self):
        request, address = super().get_request()
        if b"TLS" in self.mails.offers:  # from the first byte on
            return self.mails.context().wrap_socket(request, server_side=True), address
        return request, address

    def handle_error(self, request, client_address):
        """A client that found no trust in us has gone."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """A server that serves in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def mail_server(**settings) -> Iterator[Mails]:
    """A mail server on loopback."""
    mails = Mails(**settings)
    server = _MailServer(("127.0.0.1", 0), _MailSession)
    server.mails = mails
    mails.port = server.server_address[1]
    with serving(server):
        yield mails


@dataclass
class Told:
    """What a web server was told."""

    url: str = ""
    requests: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    heard: threading.Event = field(default_factory=threading.Event)


@contextmanager
def web_server(
    status: int = 200,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[Told]:
    """A web server on loopback that answers each request so."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            text = self.rfile.read(int(self.headers["Content-Length"]))
            told.requests.append((self.path, dict(self.headers), text))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            told.heard.set()

        def log_message(self, *_):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    told.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    with serving(server):
        yield told
