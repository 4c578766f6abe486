"""`POST /webhooks/payment`: whoever takes the money tells us that it has come.

The body is JSON, see `billing.payment.parse_payment`, and signed as our own webhooks are. It may be
told of again and again: by its reference it counts once. An answer of 2xx says that it is kept, and
need not be told again; 503 that it has to be.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from asterisk_siptrunk.billing.payment import Outcome, Payment, parse_payment
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound, SiptrunkError
from asterisk_siptrunk.notice.signature import HEADER, verify
from asterisk_siptrunk.web.problem import problem

MOST_BYTES = 16_384
"""A payment has some two hundred."""
BODY_SECONDS = 10.0
"""For all of the body: who sends a byte now and then is not waited for."""
_AGAIN_SECONDS = "30"

Pay = Callable[[Payment], Outcome]
"""Applies a payment, once for each reference; it blocks, and is called in a thread.

Raises InvalidInput or NotFound for one that cannot be (422), AlreadyExists for a reference that is
another payment's (409), and any other error of ours for one that has to be told again (503).
"""

log = logging.getLogger(__name__)


class PaymentHook:
    """The endpoint; `clock` gives epoch seconds. Without a secret nobody is believed."""

    def __init__(self, pay: Pay, secret: str, clock: Callable[[], float]) -> None:
        self._pay = pay
        self._secret = secret
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Take one."""
        try:
            body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return problem(HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{MOST_BYTES} bytes are the most.")
        if not verify(self._secret, body, request.headers.get(HEADER, ""), self._clock()):
            log.info("A payment was told of without a signature that holds.")
            return problem(HTTPStatus.UNAUTHORIZED, headers={"WWW-Authenticate": HEADER})
        try:
            payment = parse_payment(json.loads(body))
        except InvalidInput as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except (ValueError, RecursionError):
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The body is no JSON.")
        return await self._take(payment)

    async def _take(self, payment: Payment) -> Response:
        try:
            outcome = await asyncio.to_thread(self._pay, payment)
        except (InvalidInput, NotFound) as error:
            return _refused(payment, HTTPStatus.UNPROCESSABLE_ENTITY, error)
        except AlreadyExists as error:
            return _refused(payment, HTTPStatus.CONFLICT, error)
        except SiptrunkError as error:
            log.warning("Payment %s cannot be taken now: %s", payment.reference, error)
            again = {"Retry-After": _AGAIN_SECONDS}
            later = "This cannot be taken now: tell it again later."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, later, again)
        log.info("Payment %s: %s. %s", payment.reference, outcome.state, outcome.words)
        return JSONResponse({"state": outcome.state, "words": outcome.words})


def _refused(payment: Payment, status: HTTPStatus, error: SiptrunkError) -> Response:
    log.warning("Payment %s was refused: %s", payment.reference, error)
    return problem(status, str(error))


async def _body(request: Request) -> bytes | None:
    """All of the body; None where there is too much of it.

    Raises:
        TimeoutError: it did not come in time.
        ClientDisconnect: nobody is there any more.
    """
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return None
    return bytes(body)
