"""Webhooks: one POST of signed JSON to [webhook] url, and any 2xx says that it has arrived.

No redirect is followed: what is told is for the place that the provider named.
"""

import socket
import ssl
import threading
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from asterisk_siptrunk.delivery.failure import MOST_LETTERS, failure
from asterisk_siptrunk.errors import DeliveryFailed
from asterisk_siptrunk.notice.signature import HEADER, sign

STEP_SECONDS = 10.0
"""For the connection, and for whatever the other side is to say next."""
WHOLE_SECONDS = 20.0
"""For all of an exchange: who says a letter now and then is cut off."""


def post(url: str, secret: str, body: bytes, at: int) -> None:
    """Tell the place of a URL; blocks until that has answered. `at` is the epoch second.

    Raises:
        DeliveryFailed: it did not take it, and why.
    """
    if not url:
        raise DeliveryFailed("There is nobody to tell: set url of [webhook] in siptrunk.toml.")
    if not secret:
        raise DeliveryFailed(
            "What is told cannot be signed: set webhook_secret in secrets.toml, to 24 letters and "
            "digits at random, here and where they are checked."
        )
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "siptrunk",
        HEADER: sign(secret, body, at),
    }
    try:
        status, said = _exchange(urlsplit(url), body, headers)
    except (HTTPException, OSError, UnicodeError) as error:
        said = str(error) or type(error).__name__
        raise failure(f"The webhook was not taken: {said}") from None
    if status not in range(200, 300):
        raise failure(f"The webhook was answered with {said}")


def _exchange(url: SplitResult, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    """Ask, and give the answer's status, and the beginning of its words."""
    connection = _connection(url)
    try:
        connection.connect()
        ending = threading.Timer(WHOLE_SECONDS, _cut, (connection.sock,))
        ending.start()
        try:
            connection.request("POST", _path(url), body, headers)
            answer = connection.getresponse()
            words = answer.read(MOST_LETTERS).decode(errors="replace")
            return answer.status, f"{answer.status} {answer.reason} {words}"
        finally:
            ending.cancel()
    finally:
        connection.close()


def _connection(url: SplitResult) -> HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, url.port, timeout=STEP_SECONDS, context=context)
    return HTTPConnection(host, url.port, timeout=STEP_SECONDS)


def _path(url: SplitResult) -> str:
    path = url.path or "/"
    return f"{path}?{url.query}" if url.query else path


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)
