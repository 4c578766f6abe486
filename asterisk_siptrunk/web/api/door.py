"""The door of the API: who has no good token does not come in, and nobody comes in too often.

It is asked before anything else of a request is read. Tokens are looked up by their digests, so
that no time that it takes tells anything of one; and who guesses is soon told to wait.
"""

import logging
from collections import OrderedDict
from contextlib import suppress
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network

from starlette._utils import get_route_path
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asterisk_siptrunk.account import ApiToken
from asterisk_siptrunk.account.bucket import Buckets, Pace, Taken
from asterisk_siptrunk.account.secret import TOKEN_PREFIX, digest
from asterisk_siptrunk.bootstrap import tokens
from asterisk_siptrunk.errors import DatabaseUnavailable, SiptrunkError
from asterisk_siptrunk.web.guard import bounded
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.problem import problem

DESCRIPTION_PATH = "/openapi.json"
REQUESTS = Pace(burst=120, seconds=60)
"""Of one token."""
FAILURES = Pace(burst=20, seconds=300)
"""Of one address: a program that was given a wrong token soon stands still."""
MOST_BYTES = 64 * 1024
"""Of a body; the longest that makes sense has some 5 kB."""
_MOST_KEPT = 10_000
_LONGEST_TOKEN = 200
_JSON = "application/json"
_CHALLENGE = 'Bearer realm="siptrunk"'
_AGAIN_SECONDS = "30"

log = logging.getLogger(__name__)


class Door:
    """Lets requests in; an application of ASGI round another one."""

    def __init__(
        self, app: ASGIApp, house: House, requests: Pace = REQUESTS, failures: Pace = FAILURES
    ) -> None:
        self._app = app
        self._house = house
        self._requests = Buckets[int](requests, _MOST_KEPT)
        self._failures = Buckets[str](failures, _MOST_KEPT)
        self._good = OrderedDict[str, None]()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if get_route_path(scope) == DESCRIPTION_PATH:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        token = await self._let_in(request)
        if isinstance(token, Response):
            await token(scope, receive, send)
            return
        taken = self._requests.take(token.id, self._house.now().timestamp())
        send = _with_rate(send, self._requests.pace, taken)
        answer = None if taken.given else _too_many(taken, "This token asks too often.")
        if answer or (answer := _wrong_media_type(request)):
            await answer(scope, receive, send)
            return
        request.state.house, request.state.token = self._house, token
        await self._app(scope, bounded(receive, MOST_BYTES), send)

    async def _let_in(self, request: Request) -> ApiToken | Response:
        now, address = self._house.now().timestamp(), _source_of(request)
        word = _word_of(request)
        mark = digest(word) if word else ""
        left = self._failures.look(address, now)
        # Many may come from one address, as through a proxy: whoever was let in is not shut out.
        if not left.given and mark not in self._good:
            return _too_many(left, "Too many requests from here had no good token.")
        try:
            token = await run_in_threadpool(self._known, mark) if mark else None
        except SiptrunkError as error:
            log.warning("Nobody can use the API: %s", error)
            return unavailable()
        if token is None:
            self._failures.take(address, now)
            self._good.pop(mark, None)
            wrong = ', error="invalid_token"' if word else ""  # RFC 6750 section 3.1
            headers = {"WWW-Authenticate": f"{_CHALLENGE}{wrong}"}
            detail = "Give a token that has not expired: 'Authorization: Bearer siptrunk_…'."
            return problem(HTTPStatus.UNAUTHORIZED, detail, headers)
        self._remember(mark)
        return token

    def _remember(self, mark: str) -> None:
        self._good[mark] = None
        self._good.move_to_end(mark)
        if len(self._good) > _MOST_KEPT:
            self._good.popitem(last=False)

    def _known(self, mark: str) -> ApiToken | None:
        now = self._house.now()
        with self._house.reading() as connection:
            token = tokens.find(connection, mark)
        if token is None or not token.is_good(now):
            return None
        if tokens.needs_note(token, now):
            # Who only reads does without the note while nothing can be written.
            with suppress(DatabaseUnavailable), self._house.changing("") as (connection, _):
                tokens.used(connection, token, now)
        return token


def unavailable() -> Response:
    """What is said while the database is away."""
    later = "The database is away: ask again later. Calls go on."
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, later, {"Retry-After": _AGAIN_SECONDS})


def _word_of(request: Request) -> str:
    """The token that a request shows; "" where it shows none that could be one."""
    scheme, _, word = request.headers.get("authorization", "").partition(" ")
    word = word.strip()
    is_one = scheme.lower() == "bearer" and word.startswith(TOKEN_PREFIX)
    return word if is_one and len(word) <= _LONGEST_TOKEN else ""


def _source_of(request: Request) -> str:
    """Where a request comes from: of IPv6 the network, since who has one has all its addresses."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(ip_network((address, 64), strict=False)) if _is_ipv6(address) else host


def _is_ipv6(address: object) -> bool:
    return isinstance(address, IPv6Address) and address.ipv4_mapped is None


def _too_many(left: Taken, detail: str) -> Response:
    return problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(left.wait)})


def _wrong_media_type(request: Request) -> Response | None:
    """What is said to a body that is not JSON."""
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return None
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == _JSON:
        return None
    accepted = {"Accept-Post": _JSON} if request.method == "POST" else {}
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Give {_JSON}.", accepted)


def _with_rate(send: Send, pace: Pace, taken: Taken) -> Send:
    """Tell with each answer how often the token may ask, draft-ietf-httpapi-ratelimit-headers."""

    async def told(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["RateLimit-Policy"] = f'"token";q={pace.burst};w={pace.seconds}'
            headers["RateLimit"] = f'"token";r={taken.left};t={taken.full_in}'
        await send(message)

    return told
