"""What is served over HTTP."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from asterisk_siptrunk.web.payment import Pay, PaymentHook
from asterisk_siptrunk.web.problem import of_exception


def make_app(pay: Pay, payment_secret: str, clock: Callable[[], float]) -> Starlette:
    """The application; `clock` gives epoch seconds."""
    hook = PaymentHook(pay, payment_secret, clock)
    return Starlette(
        routes=[
            Route("/webhooks/payment", hook.answer, methods=["POST"]),
            Route("/healthz", _healthz, methods=["GET"]),
        ],
        exception_handlers={HTTPException: of_exception, Exception: of_exception},
    )


async def _healthz(_request: Request) -> JSONResponse:
    """Whether requests are answered; what they need besides is told by 'siptrunk doctor'."""
    return JSONResponse({"status": "ok"})
