"""The API as an application: its operations, its door, and how it tells of errors."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from asterisk_siptrunk.account.bucket import Pace
from asterisk_siptrunk.errors import (
    AlreadyExists,
    DatabaseUnavailable,
    InvalidInput,
    NotFound,
    SiptrunkError,
)
from asterisk_siptrunk.web.api import (
    calls,
    customers,
    destinations,
    findings,
    invoices,
    numbers,
    provider,
    selling,
    trunks,
    webhooks,
)
from asterisk_siptrunk.web.api.description import TAGS, TEXT, TITLE, VERSION, FieldProblem, Problem
from asterisk_siptrunk.web.api.door import DESCRIPTION_PATH, FAILURES, REQUESTS, Door, unavailable
from asterisk_siptrunk.web.house import House
from asterisk_siptrunk.web.problem import problem

PATH = "/api/v1"
_MOST_ERRORS = 20
ROUTERS: Sequence[APIRouter] = (
    *(trunks.ROUTER, numbers.ROUTER, destinations.ROUTER, calls.ROUTER, findings.ROUTER),
    *(findings.SUSPENSIONS, selling.ROUTER, invoices.ROUTER, customers.ROUTER, provider.ROUTER),
)
_STATUSES = (
    (NotFound, HTTPStatus.NOT_FOUND),
    (AlreadyExists, HTTPStatus.CONFLICT),
    (InvalidInput, HTTPStatus.UNPROCESSABLE_ENTITY),
)

log = logging.getLogger(__name__)


class Api(FastAPI):
    """FastAPI, whose description has the problems that are answered."""

    def openapi(self) -> dict[str, Any]:
        """The description, OpenAPI 3.1."""
        if self.openapi_schema is None:
            described = super().openapi()
            for model in (Problem, FieldProblem):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schema.pop("$defs", None)
                described["components"]["schemas"][model.__name__] = schema
        return self.openapi_schema or {}


def make_api(house: House, requests: Pace = REQUESTS, failures: Pace = FAILURES) -> FastAPI:
    """The API; `requests` are of one token, `failures` of one address."""
    api = Api(
        title=TITLE,
        version=VERSION,
        description=TEXT,
        openapi_tags=TAGS,
        openapi_url=DESCRIPTION_PATH,
        docs_url=None,  # its pages would load from other hosts
        redoc_url=None,
        servers=[{"url": PATH}],
        root_path_in_servers=False,
        redirect_slashes=False,
        webhooks=webhooks.WEBHOOKS,
        middleware=[Middleware(Door, house=house, requests=requests, failures=failures)],
        exception_handlers={
            HTTPException: _of_http,
            RequestValidationError: _of_fields,
            SiptrunkError: _of_ours,
            Exception: _of_a_defect,
        },
    )
    for router in ROUTERS:
        api.include_router(router)
    return api


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 # nosec B101 - tells mypy
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    if status is HTTPStatus.BAD_REQUEST:  # FastAPI's word for what it cannot even decode
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The body is no JSON in UTF-8.")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
    return problem(status, _detail_of(error), headers)


def _detail_of(error: HTTPException) -> str:
    detail = error.detail if isinstance(error.detail, str) else ""
    return "" if detail == HTTPStatus(error.status_code).phrase else detail


def _methods_at(request: Request) -> list[str]:
    """All methods of a path; Starlette names those of one route alone."""
    routes: list[BaseRoute] = [route for router in ROUTERS for route in router.routes]
    here = (each for each in routes if each.matches(request.scope)[0] is not Match.NONE)
    return sorted({m for each in here if isinstance(each, Route) for m in each.methods or ()})


async def _of_fields(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 # nosec B101 - tells mypy
    wrong = [_field(each) for each in error.errors()[:_MOST_ERRORS]]
    detail = "Some values cannot be used."
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=wrong)


def _field(one: Mapping[str, Any]) -> dict[str, str]:
    """Where it stands, and what is wrong; never the value itself."""
    return {"field": ".".join(map(str, one["loc"])), "message": str(one["msg"])}


async def _of_ours(request: Request, error: Exception) -> Response:
    if isinstance(error, DatabaseUnavailable):
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return unavailable()
    status = next((status for kind, status in _STATUSES if isinstance(error, kind)), None)
    if status is None:
        log.warning("%s %s: %s", request.method, request.url.path, error)
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return problem(status, str(error))


async def _of_a_defect(_request: Request, _error: Exception) -> Response:
    """Its words stay in the log."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR)
