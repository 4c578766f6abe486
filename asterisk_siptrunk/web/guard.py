"""What keeps others out of a browser's session: headers, and where a change may come from."""

import asyncio
import re
from http import HTTPStatus
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "__Host-siptrunk"
"""Holds a session. The prefix has browsers refuse one that another host, or plain HTTP, has set;
`localhost` counts as safe: draft-ietf-httpbis-rfc6265bis section 4.1.3."""
FORM_FIELD = "form_word"
FORM_HEADER = "X-Form-Word"
LARGEST_FORM = 256 * 1024
"""Bytes of a form, which is read before it is known whose it is."""
_BODY_SECONDS = 10.0
"""For all of a body: who sends a byte now and then is not waited for."""

_HEADERS = {
    # Nothing comes from elsewhere, nothing stands in a page itself, and nobody may frame it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
# A path of ours: "//host" and "/\\host" would be another site's.
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9/_.~%?=&@+:-]*", re.ASCII)


_ONE_PLACE = 64
"""Bits of an IPv6 address that are the same for all of one household or one office."""


class SecurityHeaders:
    """Adds them to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that another site made this request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and origin.partition("://")[2] != request.headers.get("host", "")


def page_before(request: Request) -> str:
    """The path of the page that a form stands on; "/" where a browser does not say."""
    try:
        return own_path(urlsplit(request.headers.get("referer", "/")).path)
    except ValueError:
        return "/"


def own_path(text: str) -> str:
    """A place of ours to go on to; "/" in the place of anything else."""
    return text if _OWN_PATH.fullmatch(text) else "/"


def address_of(request: Request) -> str:
    """Where a request comes from; "" where that is no IP address, as of what a proxy made up."""
    try:
        return str(ip_address(request.client.host if request.client else ""))
    except ValueError:
        return ""


def place_of(address: str) -> str:
    """What an address counts as: itself, or its network of IPv6, which is one place's."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/{_ONE_PLACE}", strict=False))


def bounded(receive: Receive, most_bytes: int) -> Receive:
    """Take so much of a body, and wait for it so long, and no more."""
    size, deadline = 0, 0.0

    async def within_bounds() -> Message:
        nonlocal size, deadline
        deadline = deadline or asyncio.get_running_loop().time() + _BODY_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(HTTPStatus.REQUEST_TIMEOUT) from None
        size += len(message.get("body", b""))
        if size > most_bytes:
            detail = f"{most_bytes} bytes are the most."
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
        return message

    return within_bounds


async def form_of(request: Request, fields: int, largest: int) -> FormData:
    """The form that a request carries: at most so many fields, none of more bytes, and no file."""
    body = Request(request.scope, bounded(request.receive, LARGEST_FORM))
    return await body.form(max_files=0, max_fields=fields, max_part_size=largest)
