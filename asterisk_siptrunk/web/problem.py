"""Errors over HTTP, as RFC 9457 has them: `application/problem+json`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"


class ProblemResponse(JSONResponse):
    """An error, with a sentence where that helps whoever asked."""

    media_type = MEDIA_TYPE


def problem(
    status: HTTPStatus,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
) -> ProblemResponse:
    """The answer for an error; "" tells no more than the status.

    `errors` says which fields are wrong, where several may be: each has `field` and `message`.
    """
    told: dict[str, object] = {"type": "about:blank", "title": status.phrase, "status": status}
    if detail:
        told["detail"] = detail
    if errors:
        told["errors"] = list(errors)
    return ProblemResponse(told, status, headers)


def of_exception(request: Request, error: Exception) -> ProblemResponse:
    """The answer for what Starlette raises by itself, and for a defect, whose words stay here."""
    del request
    if isinstance(error, HTTPException):
        return problem(HTTPStatus(error.status_code), headers=error.headers)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR)
