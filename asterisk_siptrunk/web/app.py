"""What is served over HTTP."""

from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from asterisk_siptrunk.web.api.app import PATH as API_PATH
from asterisk_siptrunk.web.api.app import make_api
from asterisk_siptrunk.web.guard import SecurityHeaders
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.live import Hub
from asterisk_siptrunk.web.pages import Page, Site
from asterisk_siptrunk.web.payment import Pay, PaymentHook
from asterisk_siptrunk.web.problem import of_exception
from asterisk_siptrunk.web.render import Renderer
from asterisk_siptrunk.web.site import (
    account,
    anomalies,
    calls,
    channels,
    connect,
    destination_change,
    destinations,
    entry,
    home,
    invoices,
    live,
    occupancy,
    people,
)
from asterisk_siptrunk.web.site.provider import (
    audit,
    carriers,
    customers,
    pbx,
    selling,
    servers,
    wallboard,
    watch,
)

_STATIC = Path(__file__).with_name("static")
_FOR_PROGRAMS = ("/api/", "/webhooks/", "/healthz")
_FOR_CUSTOMERS = (
    *(home, occupancy, calls, channels, destinations, destination_change),
    *(invoices, connect, anomalies),
)
_FOR_ALL = (entry, account, people, live)
_FOR_PROVIDER = (wallboard, customers, carriers, watch, selling, pbx, audit, servers)
PAGES: list[Page] = [
    page for module in (*_FOR_ALL, *_FOR_CUSTOMERS, *_FOR_PROVIDER) for page in module.PAGES.all
]
"""Every page for somebody who is logged in."""


def make_app(house: House, pay: Pay) -> Starlette:
    """The application: pages, the API, and what we are told by webhook."""
    site = Site(house, Renderer(house.settings))
    hook = PaymentHook(pay, house.settings.secrets.payment_secret, lambda: house.now().timestamp())
    app = Starlette(
        routes=[
            Route("/webhooks/payment", hook.answer, methods=["POST"]),
            Route("/healthz", _healthz, methods=["GET"]),
            Mount(API_PATH, make_api(house), name="api"),
            Mount("/static", StaticFiles(directory=_STATIC), name="static"),
            *entry.routes(site),
            *(site.route(page) for page in PAGES),
        ],
        middleware=[Middleware(SecurityHeaders)],
    )

    def refuse(request: Request, error: Exception) -> Response:
        if request.url.path.startswith(_FOR_PROGRAMS):
            return of_exception(request, error)
        status = (
            error.status_code
            if isinstance(error, HTTPException)
            else HTTPStatus.INTERNAL_SERVER_ERROR
        )
        return site.problem(request, None, HTTPStatus(status))

    app.state.live = Hub(house)
    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(Exception, refuse)
    return app


async def _healthz(_request: Request) -> JSONResponse:
    """Whether requests are answered; what they need besides is told by 'siptrunk doctor'."""
    return JSONResponse({"status": "ok"})
