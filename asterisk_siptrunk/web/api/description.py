"""What the API's description says besides what stands with each operation."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from asterisk_siptrunk.web.api.kinds import Told
from asterisk_siptrunk.web.problem import MEDIA_TYPE

TITLE = "siptrunk"
VERSION = "1"
TEXT = """\
Trunks, their calls and what they cost, for programs.

**Tokens.** Each request shows one: `Authorization: Bearer siptrunk_…`. A customer's token reaches
that customer's things alone; whatever is another's is answered as if it were not there. A
provider's token reaches everything. Each operation names the scope that it asks for.

**Lists** come a piece at a time: `limit` says how many, and `next` of the answer is the `cursor` of
the next piece; the header `Link` has its address.

**Orders and payments** may be sent again and again with the same `Idempotency-Key`: what is asked
is done once. An answer that was given before has the header `Idempotency-Replayed: true`.

**Amounts** are strings beside their currency, **moments** are RFC 3339 in UTC, **telephone
numbers** are E.164.

**Errors** are RFC 9457 problems (`application/problem+json`). `detail` says in a sentence what is
wrong; where fields are, `errors` says which. An emergency call always passes, whatever is
suspended or blocked here.

**How often**: the headers `RateLimit-Policy` and `RateLimit` tell how many requests are left, and
429 comes with `Retry-After`.
"""
TAGS = [
    {"name": "trunks", "description": "What a customer has: channels, terms, credentials."},
    {"name": "numbers", "description": "Telephone numbers, each on one trunk."},
    {"name": "destinations", "description": "Where calls may go, and what becomes of a number."},
    {"name": "calls", "description": "Calls, those going on and those of the past."},
    {"name": "findings", "description": "What the watch over abnormal use has found."},
    {"name": "suspensions", "description": "What is stopped, and released."},
    {"name": "orders", "description": "Channels: quoted, ordered, cancelled; and what is offered."},
    {"name": "invoices", "description": "Invoices, credit notes and their payments."},
    {"name": "customers", "description": "Who holds trunks."},
    {"name": "provider", "description": "Carriers, servers and the history: the provider's own."},
]


class FieldProblem(Told):
    """What is wrong with one field."""

    field: Annotated[str, Field(examples=["body.channels"])]
    message: Annotated[str, Field(examples=["Input should be less than or equal to 10000"])]


class Problem(Told):
    """An error, RFC 9457."""

    type: Annotated[str, Field(examples=["about:blank"])]
    title: Annotated[str, Field(examples=["Not Found"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[404])]
    detail: Annotated[str | None, Field(examples=["There is no trunk acme-rome."])] = None
    errors: list[FieldProblem] | None = None


_SAID = {
    HTTPStatus.UNAUTHORIZED: "No token, or none that is good.",
    HTTPStatus.FORBIDDEN: "The token is not for this.",
    HTTPStatus.NOT_FOUND: "It is not there, or is another's.",
    HTTPStatus.NOT_ACCEPTABLE: "It is not to be had as that.",
    HTTPStatus.CONFLICT: "The name is taken, or the same request is under way.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A value cannot be used, or what is asked cannot be done now.",
    HTTPStatus.TOO_MANY_REQUESTS: "Asked too often; Retry-After says when to ask again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database is away; ask again later.",
}
_ALWAYS = {
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
}
_HEADERS: dict[HTTPStatus, dict[str, Any]] = {
    HTTPStatus.UNAUTHORIZED: {
        "WWW-Authenticate": {"schema": {"type": "string"}, "description": "RFC 6750."}
    },
    HTTPStatus.TOO_MANY_REQUESTS: {
        "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}
    },
}
_OF_A_BODY = {
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}


def errors(*more: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The answers of errors, for `responses` of routes."""
    return {
        int(status): {
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            "headers": _HEADERS.get(status, {}),
        }
        for status in sorted({*_ALWAYS, *more})
    }


def router(tag: str) -> APIRouter:
    """Where operations of one kind are written down."""
    return APIRouter(tags=[tag], responses=errors())


CHANGES = errors(*_OF_A_BODY)
"""The answers of errors, for an operation that changes something."""
